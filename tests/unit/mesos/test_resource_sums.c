/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of packed resources are those of the resources once normalised. */
#include "mesos/resource_sums.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "mesos/pb.h"
#include "mesos/slaveinfo.h"
#include "tests/support/cmocka.h"

#define SCALAR(name, value, more) "{\"name\":\"" name "\",\"type\":\"SCALAR\",\"scalar\":{\"value\":" value "}" more "}"
#define STATIC(role)              ",\"reservations\":[{\"type\":\"STATIC\",\"role\":\"" role "\"}]"

static const char *const lists[] = {
	"[]",
	"[" SCALAR("cpus", "4.5", "") "," SCALAR("mem", "1024", ",\"role\":\"*\"") "]",
	"[" SCALAR("cpus", "0.1", "") "," SCALAR("cpus", "0.2", "") "]",
	"[" SCALAR("cpus", "0", "") "," SCALAR("mem", "0.0004", "") "]",
	"[" SCALAR("mem", "100", "") "," SCALAR("mem", "50", STATIC("web")) "," SCALAR("mem", "7", STATIC("web")) "]",
	"[" SCALAR("mem", "50", ",\"role\":\"web\"") "," SCALAR("mem", "1", ",\"role\":\"-bad\"") "]",
	"[" SCALAR("mem", "50", ",\"role\":\"web\",\"reservation\":{}" STATIC("web")) "]",
	"[" SCALAR("mem", "50", ",\"role\":\"web\",\"reservation\":{\"principal\":\"p\"}") "]",
	"[" SCALAR("mem", "50", ",\"reservation\":{}") "]",
	"[" SCALAR("mem", "50",
		   ",\"reservations\":[{\"type\":\"STATIC\",\"role\":\"a\"},{\"type\":\"DYNAMIC\",\"role\":"
		   "\"a/b\"}]") "]",
	"[" SCALAR("mem", "50", ",\"reservations\":[{\"type\":\"STATIC\",\"role\":\"*\"}]") "," SCALAR("mem", "1",
												       "") "]",
	"[" SCALAR("mem", "50", ",\"reservations\":[{\"type\":\"STATIC\"}]") "," SCALAR("mem", "1", "") "]",
	"[" SCALAR("mem", "-1", "") "," SCALAR("mem", "5", "") "]",
	"[" SCALAR("mem", "1e300", "") "]",
	"[" SCALAR("disk", "10", ",\"disk\":{\"source\":{\"type\":\"MOUNT\",\"mount\":{\"root\":\"/d\"}}}") "," SCALAR(
		"disk", "10", ",\"disk\":{\"source\":{\"type\":\"MOUNT\",\"mount\":{\"root\":\"/d\"}}}") "]",
	"[" SCALAR("disk", "9", ",\"shared\":{},\"disk\":{\"persistence\":{\"id\":\"v\"}}" STATIC("web")) "," SCALAR(
		"disk", "9", ",\"shared\":{},\"disk\":{\"persistence\":{\"id\":\"v\"}}" STATIC("web")) "]",
	"[" SCALAR("cpus", "2", ",\"revocable\":{}") "," SCALAR("cpus", "3", ",\"provider_id\":{\"value\":\"p\"}") "]",
	"[" SCALAR("cpus", "2", ",\"ranges\":{\"range\":[]}") "," SCALAR("cpus", "3", "") "]",
	"[{\"name\":\"cpus\",\"type\":\"SCALAR\"}," SCALAR("cpus", "3", "") "]",
	"[{\"name\":\"ports\",\"type\":\"RANGES\",\"ranges\":{\"range\":[{\"begin\":1,\"end\":9}]}},{\"name\":\"gpus\",\"type\":"
	"\"SET\",\"set\":{\"item\":[\"a\"]}}," SCALAR("gpus", "3", "") "]",
	"[" SCALAR("", "2", "") "," SCALAR("cpu", "3", "") "," SCALAR("cpuss", "4", "") "]",
};

static double expected(const struct resources *resources, const char *name, const char *role)
{
	double sum = 0;

	for (size_t i = 0; i < resources->count; i++) {
		const Mesos__Resource *resource = resources->items[i];
		const char *own = resource->n_reservations > 0
					  ? resource->reservations[resource->n_reservations - 1]->role
					  : "*";

		if (resource->type == MESOS__VALUE__TYPE__SCALAR && strcmp(resource->name, name) == 0 &&
		    (role == NULL || strcmp(role, own) == 0))
			sum += resource->scalar->value;
	}
	return sum;
}

static void check_list(const char *text)
{
	static const char *const names[] = {"cpus", "mem", "disk", "gpus", "ports"};
	static const char *const roles[] = {NULL, "*", "web", "a", "a/b"};
	Mesos__SlaveInfo holder = MESOS__SLAVE_INFO__INIT;
	struct buffer packed = BUFFER_INIT(1u << 16);
	struct resources list = {NULL, 0};
	json_t *array = json_loads(text, 0, NULL);

	assert_non_null(array);
	assert_int_equal(resources_from_json(array, &list, NULL), 0);
	json_decref(array);
	holder.hostname = (char *)(uintptr_t) "";
	holder.resources = list.items;
	holder.n_resources = list.count;
	slaveinfo_pack(&holder, &packed);
	resources_normalise(&list);
	for (size_t i = 0; i < 5; i++)
		for (size_t j = 0; j < 5; j++) {
			struct resource_sum sums[] = {{.name = "x", .sum = 7}, {names[i], roles[j], 7}};
			double wanted = expected(&list, names[i], roles[j]);

			resource_sums(packed.data, packed.len, sums, 2);
			if (sums[1].sum < wanted - 0.0001 || sums[1].sum > wanted + 0.0001 || sums[0].sum > 0)
				fail_msg("%s: %s for %s: %f, not %f", text, names[i], roles[j] ? roles[j] : "all",
					 sums[1].sum, wanted);
		}
	resources_clear(&list);
	buffer_clear(&packed);
}

static void test_sums(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		check_list(lists[i]);
}

static void test_exact_thousandths(void **state)
{
	static const char message[] = "\x0a\x00\x1a\x13\x0a\x04"
				      "cpus\x10\x00\x1a\x09\x09\x9a\x99\x99\x99\x99\x99\xb9\x3f" /* 0.1 */
				      "\x1a\x13\x0a\x04"
				      "cpus\x10\x00\x1a\x09\x09\x9a\x99\x99\x99\x99\x99\xc9\x3f"; /* 0.2 */
	struct resource_sum sum = {.name = "cpus"};

	(void)state;
	resource_sums(message, sizeof(message) - 1, &sum, 1);
	assert_true(sum.sum >= 0.3 && sum.sum <= 0.3);
}

/* A row that was damaged has no resources, and harms nobody. */
static void test_damaged(void **state)
{
	static const char message[] = "\x0a\x00\x1a\x13\x0a\x04"
				      "cpus\x10\x00\x1a\x09\x09\x9a\x99\x99\x99\x99\x99\xb9\x3f";

	(void)state;
	for (size_t len = 0; len < sizeof(message) - 1; len++) {
		char *copy = xmemdup(message, len);
		struct resource_sum sum = {.name = "cpus", .sum = 7};

		resource_sums(copy, len, &sum, 1);
		assert_true(sum.sum >= 0 && sum.sum <= 0);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_exact_thousandths),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
