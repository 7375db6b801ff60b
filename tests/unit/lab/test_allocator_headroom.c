/* SPDX-License-Identifier: Apache-2.0 */
/* What of an agent can be given: never negative, and never more than the machine has, whatever its tasks use. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "lab/master/allocator.h"
#include "tests/support/cmocka.h"

#define TEXT_MAX 4096

static void parse(const char *text, struct resources *out)
{
	struct error err = ERROR_INIT;
	if (text[0] != '[') {
		assert_ok(resources_parse(text, NULL, &mesos_version_newest, out, &err), &err);
		return;
	}
	json_t *list = json_loads(text, 0, NULL); /* no flag may name a volume */
	assert_ok(resources_from_json(list, out, &err), &err);
	resources_normalise(out);
	json_decref(list);
}

static void same(const struct resources *found, const char *text)
{
	struct resources wanted = {.items = NULL};
	struct buffer shown = BUFFER_INIT(TEXT_MAX);
	parse(text, &wanted);
	if (!resources_equal(found, &wanted)) {
		resources_to_text(found, &shown);
		fail_msg("%s instead of %s", buffer_text(&shown), text);
	}
	buffer_clear(&shown);
	resources_clear(&wanted);
}

static void headroom(const char *total_text, const char *used_text, const char *wanted)
{
	struct resources total = {.items = NULL}, used = {.items = NULL}, found = {.items = NULL};
	parse(total_text, &total);
	parse(used_text, &used);
	allocator_headroom(&total, &used, &found);
	same(&found, wanted);
	resources_clear(&total);
	resources_clear(&used);
	resources_clear(&found);
}

static void headroom_is_the_difference(void **state)
{
	(void)state;
	headroom("cpus:8;mem:4096;ports:[31000-32000]", "cpus:0.5;mem:1024;ports:[31000-31009]",
		 "cpus:7.5;mem:3072;ports:[31010-32000]");
	headroom("cpus:8;mem(web):100;mem:50", "mem(web):40", "cpus:8;mem(web):60;mem:50");
}

static void headroom_is_never_negative(void **state)
{
	(void)state;
	headroom("cpus:2;mem:512", "cpus:3;mem:1024", "");
	headroom("cpus:2;mem:512;ports:[1-5]", "cpus:0.1;mem:1024;ports:[4-9]", "cpus:1.9;ports:[1-3]");
	headroom("cpus:8", "cpus:1;gpus:2", "cpus:7");
	headroom("", "cpus:1", "");
}

/* What is used and reserved for another role by now is missing from the sum of its name. */
static void headroom_knows_what_has_moved(void **state)
{
	(void)state;
	headroom("cpus:4;mem(db):1000", "mem(web):600", "cpus:4;mem(db):400");
	headroom("cpus:4;mem(db):1000;mem:500", "mem(web):600", "cpus:4;mem(db):900");
	headroom("mem(db):1000;ports(db):[1-10]", "ports(web):[3-4]", "mem(db):1000;ports(db):[1-2,5-10]");
	headroom("mem(web):100;mem(db):1000;mem:10", "mem(web):300", "mem(db):810");
}

static const char volume[] =
	"{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":%d},\"reservations\":[{\"type\":\"DYNAMIC\",\"role\":\"%s\"}],\"disk\":{\"persistence\":{\"id\":\"v\"},\"volume\":{\"container_path\":\"v\",\"mode\":\"RW\"}}}";

/* A volume is given whole or not at all. */
static void volumes_are_not_cut(void **state)
{
	char kept[512], list[1024], used[1024];
	(void)state;
	snprintf(kept, sizeof(kept), volume, 100, "web");
	snprintf(list, sizeof(list), "[%s,{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":50}}]", kept);
	snprintf(used, sizeof(used), "[%s]", kept);
	headroom(list, used, "disk:50");
	headroom(list, "disk:50", used);
	headroom(list, "disk:60", ""); /* 10 more than there are: the volume bears it, and is not cut */
	/* What can be cut bears it before a volume does, also what is reserved for others. */
	snprintf(list, sizeof(list),
		 "[{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":50},\"role\":\"db\"},%s]", kept);
	snprintf(used, sizeof(used),
		 "[{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":20},\"role\":\"db\"},%s]", kept);
	headroom(list, "disk(ads):30", used);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headroom_is_the_difference),
		cmocka_unit_test(headroom_is_never_negative),
		cmocka_unit_test(headroom_knows_what_has_moved),
		cmocka_unit_test(volumes_are_not_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
