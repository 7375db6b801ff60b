/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Splicing a new SlaveInfo into an old slave.info: what comes out is what was wanted, and nothing that was not to change
 * lost a byte, known to us or not.
 */
#include "base/alloc.h"
#include "base/digest.h"
#include "base/json.h"
#include "mesos/attributes.h"
#include "mesos/checkpoint.h"
#include "mesos/pb.h"
#include "mesos/resources.h"
#include "mesos/wire.h"
#include "tests/support/cmocka.h"
#include "tests/support/scratch.h"
#include "tests/support/splice_fixture.h"

static bool has(const struct buffer *bytes, const void *piece, size_t len)
{
	return memmem(bytes->data, bytes->len, piece, len) != NULL;
}

/* ---- what real agents had */

static void splice_pair(const json_t *pair, const Mesos__SlaveInfo *target)
{
	const char *text = json_string_value(json_object_get(pair, "slave_info_base64"));
	struct buffer old = BUFFER_INIT(CHECKPOINT_MAX), out = BUFFER_INIT(CHECKPOINT_MAX), again;
	struct error err = ERROR_INIT;
	Mesos__SlaveInfo *before, *after;
	unsigned char *bytes;
	size_t len;

	assert_int_equal(0, base64_decode(text, &bytes, &len, &err));
	buffer_append(&old, bytes, len);
	free(bytes);
	before = splice_parsed(&old);
	if (strcmp(before->hostname, target->hostname) != 0) {
		assert_int_equal(-1, checkpoint_splice(old.data, old.len, target, &out, &err));
		assert_int_equal(ERROR_REFUSED, err.kind);
		assert_int_equal(0, out.len);
	} else {
		out = splice_do(&old, target);
		after = splice_parsed(&out);
		assert_int_equal(0, slaveinfo_diff(after, target));
		assert_string_equal(slaveinfo_id(before), slaveinfo_id(after));
		/* Once more changes nothing, and so does writing back what was there. */
		again = splice_do(&out, target);
		splice_assert_same(&out, &again);
		buffer_clear(&again);
		again = splice_do(&old, before);
		splice_assert_same(&old, &again);
		buffer_clear(&again);
		slaveinfo_free(after);
	}
	slaveinfo_free(before);
	buffer_clear(&old);
	buffer_clear(&out);
}

/* Returns how many of the pairs have new flags an agent starts with. */
static size_t splice_pairs(const char *file)
{
	char *path = test_data(file);
	struct error err = ERROR_INIT;
	json_t *verdicts = json_read_file(path, 8u << 20, &err);
	const json_t *pair;
	size_t i, done = 0;

	json_array_foreach(json_object_get(verdicts, "pairs"), i, pair)
	{
		struct flags flags = FLAGS_INIT;
		struct error cause = ERROR_INIT;
		Mesos__SlaveInfo *target;

		assert_int_equal(0, flags_from_json(json_object_get(pair, "new"), "new", &flags, &err));
		target = slaveinfo_from_flags(&flags, NULL, &mesos_version_newest, &cause);
		if (target != NULL) {
			splice_pair(pair, target);
			done++;
		}
		slaveinfo_free(target);
		flags_clear(&flags);
	}
	json_decref(verdicts);
	free(path);
	return done;
}

static void every_pair_can_be_spliced(void **state)
{
	(void)state;
	assert_true(splice_pairs("mesos/verdicts.json") >= 39);
	assert_true(splice_pairs("mesos/verdicts-more.json") >= 500);
}

/* ---- unknown fields */

static size_t count_of(const struct buffer *bytes, const char *text)
{
	size_t count = 0, len = strlen(text);

	for (size_t i = 0; i + len <= bytes->len; i++)
		count += memcmp(bytes->data + i, text, len) == 0;
	return count;
}

static void unknown_fields_survive(void **state)
{
	static const char *const domain =
		"{\"fault_domain\":{\"region\":{\"name\":\"eu\"},\"zone\":{\"name\":\"%c\"}}}";
	char *zone_a = xasprintf("%.*s%c%s", (int)(strchr(domain, '%') - domain), domain, 'a', strchr(domain, '%') + 2);
	char *zone_b = xasprintf("%.*s%c%s", (int)(strchr(domain, '%') - domain), domain, 'b', strchr(domain, '%') + 2);
	Mesos__SlaveInfo *info = splice_make("rack:r1;tier:web;level:4", SPLICE_RESOURCES ";mem(web):100", zone_a,
					     "5051");
	Mesos__SlaveInfo *target = splice_make("level:5;tier:web;new:x",
					       "cpus:8;mem:4096;disk:1;ports:[1-2];mem(web):100;y:{a}", zone_b, "5052");
	struct buffer old = splice_with_unknown(info), out;

	(void)state;
	out = splice_do(&old, target);
	splice_assert_unknown_kept(&old, &out);
	assert_true(has(&out, "first", 5));
	assert_true(has(&out, "last", 4));
	/* rack is gone; the others keep theirs, changed or not: 5 resources and 2 attributes. */
	assert_int_equal(8, count_of(&old, "inner"));
	assert_int_equal(7, count_of(&out, "inner"));
	buffer_clear(&out);
	/* Only one attribute differs: everything else is the same to the byte. */
	slaveinfo_free(target);
	target = splice_make("rack:r2;tier:web;level:4", SPLICE_RESOURCES ";mem(web):100", zone_a, "5051");
	out = splice_do(&old, target);
	assert_int_equal(old.len, out.len);
	for (size_t i = 0, differing = 0; i < old.len; i++) {
		differing += old.data[i] != out.data[i];
		assert_true(differing <= 1);
	}
	buffer_clear(&out);
	buffer_clear(&old);
	slaveinfo_free(info);
	slaveinfo_free(target);
	free(zone_a);
	free(zone_b);
}

static void unknown_fields_inside_a_domain_survive(void **state)
{
	static const char zone[] = "\x0a\x01"
				   "a"
				   "\xc2\x3e\x01"
				   "z"; /* name, and an unknown field 1000 */
	Mesos__SlaveInfo *info = splice_make("a:b", SPLICE_RESOURCES, NULL, "5051"), *target;
	struct buffer plain = splice_built(info), message = BUFFER_INIT(4096), region = BUFFER_INIT(64),
		      fault = BUFFER_INIT(64);
	struct buffer domain = BUFFER_INIT(64), old, out;

	(void)state;
	wire_put_bytes(&region, 1, "eu", 2);
	wire_put_bytes(&fault, 1, region.data, region.len);
	wire_put_bytes(&fault, 2, zone, sizeof(zone) - 1);
	wire_put_bytes(&domain, 1, fault.data, fault.len);
	buffer_append(&message, plain.data + 4, plain.len - 4);
	wire_put_bytes(&message, 10, domain.data, domain.len);
	old = splice_framed(&message);
	target = splice_make("a:b", SPLICE_RESOURCES,
			     "{\"fault_domain\":{\"region\":{\"name\":\"eu\"},\"zone\":{\"name\":\"b\"}}}", "5051");
	out = splice_do(&old, target);
	assert_true(has(&out, "b\xc2\x3e\x01z", 5));
	assert_int_equal(old.len, out.len);
	buffer_clear(&out);
	buffer_clear(&old);
	buffer_clear(&plain);
	buffer_clear(&message);
	buffer_clear(&region);
	buffer_clear(&fault);
	buffer_clear(&domain);
	slaveinfo_free(info);
	slaveinfo_free(target);
}

/* ---- order, and what is new or gone */

static void attributes_come_in_the_order_of_the_flag(void **state)
{
	Mesos__SlaveInfo *info = splice_make("rack:r1;rack:r2", SPLICE_RESOURCES, NULL, "5051");
	Mesos__SlaveInfo *target = splice_make("rack:r2;rack:r1", SPLICE_RESOURCES, NULL, "5051"), *after;
	struct buffer old = splice_built(info), out = splice_do(&old, target);

	(void)state;
	after = splice_parsed(&out);
	assert_string_equal("r2", after->attributes[0]->text->value);
	assert_string_equal("r1", after->attributes[1]->text->value);
	slaveinfo_free(after);
	slaveinfo_free(info);
	slaveinfo_free(target);
	buffer_clear(&old);
	buffer_clear(&out);
}

static void parts_can_appear_and_vanish(void **state)
{
	static const char *const domain = "{\"fault_domain\":{\"region\":{\"name\":\"eu\"},\"zone\":{\"name\":\"a\"}}}";
	Mesos__SlaveInfo *bare = splice_make("", "cpus:0;mem:0;disk:0;ports:[]", NULL, "5051");
	Mesos__SlaveInfo *full = splice_make("a:1;b:[1-2];c:x", SPLICE_RESOURCES, domain, "5052");
	struct buffer small = splice_built(bare), big = splice_built(full), out;

	(void)state;
	out = splice_do(&small, full);
	splice_assert_same(&big, &out);
	buffer_clear(&out);
	out = splice_do(&big, bare);
	splice_assert_same(&small, &out);
	buffer_clear(&out);
	buffer_clear(&small);
	buffer_clear(&big);
	slaveinfo_free(bare);
	slaveinfo_free(full);
}

static void the_id_is_never_taken_from_the_target(void **state)
{
	Mesos__SlaveInfo *info = splice_make("a:1", SPLICE_RESOURCES, NULL, "5051"),
			 *target = splice_make("a:2", SPLICE_RESOURCES, NULL, "5051"), *after;
	struct buffer old = splice_built(info), out;

	(void)state;
	slaveinfo_set_id(target, "S2");
	out = splice_do(&old, target);
	after = splice_parsed(&out);
	assert_string_equal("S1", slaveinfo_id(after));
	slaveinfo_free(after);
	slaveinfo_free(info);
	slaveinfo_free(target);
	buffer_clear(&old);
	buffer_clear(&out);
}

static void a_failed_splice_leaves_out_alone(void **state)
{
	Mesos__SlaveInfo *info = splice_make("a:1", SPLICE_RESOURCES, NULL, "5051"),
			 *target = splice_make("a:2", SPLICE_RESOURCES, NULL, "5051");
	struct buffer old = splice_built(info), out = BUFFER_INIT(CHECKPOINT_MAX), tiny = BUFFER_INIT(10);
	struct error err = ERROR_INIT;

	(void)state;
	buffer_puts(&out, "before");
	assert_int_equal(-1, checkpoint_splice(old.data, old.len - 1, target, &out, &err));
	assert_int_equal(ERROR_CORRUPT, err.kind);
	assert_string_equal("before", buffer_text(&out));
	error_clear(&err);
	assert_int_equal(-1, checkpoint_splice(old.data, old.len, target, &tiny, &err));
	assert_int_equal(0, tiny.len);
	slaveinfo_free(info);
	slaveinfo_free(target);
	buffer_clear(&old);
	buffer_clear(&out);
	buffer_clear(&tiny);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_pair_can_be_spliced),
		cmocka_unit_test(unknown_fields_survive),
		cmocka_unit_test(unknown_fields_inside_a_domain_survive),
		cmocka_unit_test(attributes_come_in_the_order_of_the_flag),
		cmocka_unit_test(parts_can_appear_and_vanish),
		cmocka_unit_test(the_id_is_never_taken_from_the_target),
		cmocka_unit_test(a_failed_splice_leaves_out_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
