/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Splicing a new SlaveInfo into an old slave.info: what comes out is what was wanted, and nothing that was not to change
 * lost a byte, known to us or not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/json.h"
#include "mesos/attributes.h"
#include "mesos/checkpoint.h"
#include "mesos/pb.h"
#include "mesos/resources.h"
#include "mesos/wire.h"

#define BASE "cpus:4;mem:4096;disk:10000;ports:[31000-32000]"

static Mesos__SlaveInfo *make(const char *attributes, const char *resources, const char *domain, const char *port)
{
	struct flags flags = FLAGS_INIT;
	struct error err = ERROR_INIT;
	Mesos__SlaveInfo *info;

	flags_set(&flags, "hostname", "n1");
	flags_set(&flags, "attributes", attributes);
	flags_set(&flags, "resources", resources);
	flags_set(&flags, "port", port);
	if (domain != NULL)
		flags_set(&flags, "domain", domain);
	info = slaveinfo_from_flags(&flags, NULL, &mesos_version_newest, &err);
	assert_string_equal("", err.text);
	slaveinfo_set_id(info, "S1");
	flags_clear(&flags);
	return info;
}

static struct buffer built(const Mesos__SlaveInfo *info)
{
	struct buffer out = BUFFER_INIT(CHECKPOINT_MAX);

	checkpoint_build(info, &out);
	return out;
}

/* A checkpoint's bytes from those of its message. */
static struct buffer framed(const struct buffer *message)
{
	struct buffer out = BUFFER_INIT(CHECKPOINT_MAX);
	uint32_t size = (uint32_t)message->len;

	buffer_append(&out, &size, sizeof(size));
	buffer_append(&out, buffer_text(message), message->len);
	return out;
}

static Mesos__SlaveInfo *parsed(const struct buffer *bytes)
{
	struct error err = ERROR_INIT;
	Mesos__SlaveInfo *info = checkpoint_parse("test", buffer_text(bytes), bytes->len, &err);

	assert_string_equal("", err.text);
	return info;
}

static struct buffer spliced(const struct buffer *old, const Mesos__SlaveInfo *target)
{
	struct buffer out = BUFFER_INIT(CHECKPOINT_MAX);
	struct error err = ERROR_INIT;

	assert_int_equal(0, checkpoint_splice(buffer_text(old), old->len, target, &out, &err));
	assert_string_equal("", err.text);
	return out;
}

static void assert_same_bytes(const struct buffer *a, const struct buffer *b)
{
	assert_int_equal(a->len, b->len);
	assert_memory_equal(buffer_text(a), buffer_text(b), a->len);
}

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
	before = parsed(&old);
	if (strcmp(before->hostname, target->hostname) != 0) {
		assert_int_equal(-1, checkpoint_splice(old.data, old.len, target, &out, &err));
		assert_int_equal(ERROR_REFUSED, err.kind);
		assert_int_equal(0, out.len);
	} else {
		out = spliced(&old, target);
		after = parsed(&out);
		assert_int_equal(0, slaveinfo_diff(after, target));
		assert_string_equal(slaveinfo_id(before), slaveinfo_id(after));
		/* Once more changes nothing, and so does writing back what was there. */
		again = spliced(&out, target);
		assert_same_bytes(&out, &again);
		buffer_clear(&again);
		again = spliced(&old, before);
		assert_same_bytes(&old, &again);
		buffer_clear(&again);
		slaveinfo_free(after);
	}
	slaveinfo_free(before);
	buffer_clear(&old);
	buffer_clear(&out);
}

static void every_pair_can_be_spliced(void **state)
{
	const char *data = getenv("TEST_DATA");
	char *path = xasprintf("%s/mesos/verdicts.json", data != NULL ? data : "tests/data");
	struct error err = ERROR_INIT;
	json_t *verdicts = json_read_file(path, 8u << 20, &err);
	const json_t *pairs = json_object_get(verdicts, "pairs");
	size_t done = 0;

	(void)state;
	assert_true(json_array_size(pairs) >= 40);
	for (size_t i = 0; i < json_array_size(pairs); i++) {
		const json_t *pair = json_array_get(pairs, i);
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
	assert_true(done >= 39);
	json_decref(verdicts);
	free(path);
}

/* ---- unknown fields */

static void put_unknown(struct buffer *out, const char *text)
{
	wire_put_bytes(out, 1000, text, strlen(text));
}

/* The message with an unknown field before, between and behind all records, and one inside each resource and attribute
 * (the name of the entry tells them apart). */
static struct buffer with_unknown(const Mesos__SlaveInfo *info)
{
	struct buffer plain = built(info), message = BUFFER_INIT(CHECKPOINT_MAX), file;
	struct wire_records records = {NULL, 0};

	assert_int_equal(0, wire_scan(plain.data + 4, plain.len - 4, &records));
	put_unknown(&message, "first");
	for (size_t i = 0; i < records.count; i++) {
		const struct wire_record *record = &records.items[i];
		struct buffer inner = BUFFER_INIT(CHECKPOINT_MAX);

		if (record->number == 3 || record->number == 5) {
			buffer_append(&inner, record->payload, record->payload_len);
			put_unknown(&inner, "inner");
			wire_put_bytes(&message, record->number, inner.data, inner.len);
		} else {
			buffer_append(&message, record->start, record->len);
		}
		buffer_clear(&inner);
		wire_put_varint(&message, 2000 << 3);
		wire_put_varint(&message, i);
	}
	put_unknown(&message, "last");
	file = framed(&message);
	buffer_clear(&message);
	buffer_clear(&plain);
	free(records.items);
	return file;
}

static size_t count_of(const struct buffer *bytes, const char *text)
{
	size_t count = 0, len = strlen(text);

	for (size_t i = 0; i + len <= bytes->len; i++)
		count += memcmp(bytes->data + i, text, len) == 0;
	return count;
}

static void assert_unknown_kept(const struct buffer *old, const struct buffer *new)
{
	struct wire_records before, after;
	size_t at = 0;

	assert_int_equal(0, wire_scan(old->data + 4, old->len - 4, &before));
	assert_int_equal(0, wire_scan(new->data + 4, new->len - 4, &after));
	for (size_t i = 0; i < before.count; i++) {
		if (before.items[i].number < 1000)
			continue;
		while (at < after.count && after.items[at].number < 1000)
			at++;
		assert_true(at < after.count);
		assert_int_equal(before.items[i].len, after.items[at].len);
		assert_memory_equal(before.items[i].start, after.items[at].start, before.items[i].len);
		at++;
	}
	free(before.items);
	free(after.items);
}

static void unknown_fields_survive(void **state)
{
	static const char *const domain = "{\"fault_domain\":{\"region\":{\"name\":\"eu\"},\"zone\":{\"name\":\"%c\"}}}";
	char *zone_a = xasprintf("%.*s%c%s", (int)(strchr(domain, '%') - domain), domain, 'a', strchr(domain, '%') + 2);
	char *zone_b = xasprintf("%.*s%c%s", (int)(strchr(domain, '%') - domain), domain, 'b', strchr(domain, '%') + 2);
	Mesos__SlaveInfo *info = make("rack:r1;tier:web;level:4", BASE ";mem(web):100", zone_a, "5051");
	Mesos__SlaveInfo *target = make("level:5;tier:web;new:x", "cpus:8;mem:4096;disk:1;ports:[1-2];mem(web):100;y:{a}",
					zone_b, "5052");
	struct buffer old = with_unknown(info), out;

	(void)state;
	out = spliced(&old, target);
	assert_unknown_kept(&old, &out);
	assert_true(has(&out, "first", 5));
	assert_true(has(&out, "last", 4));
	/* rack is gone; the others keep theirs, changed or not: 5 resources and 2 attributes. */
	assert_int_equal(8, count_of(&old, "inner"));
	assert_int_equal(7, count_of(&out, "inner"));
	buffer_clear(&out);
	/* Only one attribute differs: everything else is the same to the byte. */
	slaveinfo_free(target);
	target = make("rack:r2;tier:web;level:4", BASE ";mem(web):100", zone_a, "5051");
	out = spliced(&old, target);
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
	Mesos__SlaveInfo *info = make("a:b", BASE, NULL, "5051"), *target;
	struct buffer plain = built(info), message = BUFFER_INIT(4096), region = BUFFER_INIT(64), fault = BUFFER_INIT(64);
	struct buffer domain = BUFFER_INIT(64), old, out;

	(void)state;
	wire_put_bytes(&region, 1, "eu", 2);
	wire_put_bytes(&fault, 1, region.data, region.len);
	wire_put_bytes(&fault, 2, zone, sizeof(zone) - 1);
	wire_put_bytes(&domain, 1, fault.data, fault.len);
	buffer_append(&message, plain.data + 4, plain.len - 4);
	wire_put_bytes(&message, 10, domain.data, domain.len);
	old = framed(&message);
	target = make("a:b", BASE, "{\"fault_domain\":{\"region\":{\"name\":\"eu\"},\"zone\":{\"name\":\"b\"}}}", "5051");
	out = spliced(&old, target);
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
	Mesos__SlaveInfo *info = make("rack:r1;rack:r2", BASE, NULL, "5051");
	Mesos__SlaveInfo *target = make("rack:r2;rack:r1", BASE, NULL, "5051"), *after;
	struct buffer old = built(info), out = spliced(&old, target);

	(void)state;
	after = parsed(&out);
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
	Mesos__SlaveInfo *bare = make("", "cpus:0;mem:0;disk:0;ports:[]", NULL, "5051");
	Mesos__SlaveInfo *full = make("a:1;b:[1-2];c:x", BASE, domain, "5052");
	struct buffer small = built(bare), big = built(full), out;

	(void)state;
	out = spliced(&small, full);
	assert_same_bytes(&big, &out);
	buffer_clear(&out);
	out = spliced(&big, bare);
	assert_same_bytes(&small, &out);
	buffer_clear(&out);
	buffer_clear(&small);
	buffer_clear(&big);
	slaveinfo_free(bare);
	slaveinfo_free(full);
}

static void the_id_is_never_taken_from_the_target(void **state)
{
	Mesos__SlaveInfo *info = make("a:1", BASE, NULL, "5051"), *target = make("a:2", BASE, NULL, "5051"), *after;
	struct buffer old = built(info), out;

	(void)state;
	slaveinfo_set_id(target, "S2");
	out = spliced(&old, target);
	after = parsed(&out);
	assert_string_equal("S1", slaveinfo_id(after));
	slaveinfo_free(after);
	slaveinfo_free(info);
	slaveinfo_free(target);
	buffer_clear(&old);
	buffer_clear(&out);
}

static void a_failed_splice_leaves_out_alone(void **state)
{
	Mesos__SlaveInfo *info = make("a:1", BASE, NULL, "5051"), *target = make("a:2", BASE, NULL, "5051");
	struct buffer old = built(info), out = BUFFER_INIT(CHECKPOINT_MAX), tiny = BUFFER_INIT(10);
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

/* ---- any two SlaveInfos */

static uint64_t seed;

static unsigned random_below(unsigned limit)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(seed >> 33) % limit;
}

static void random_value(struct buffer *out, bool resource)
{
	switch (random_below(resource ? 2 : 3)) {
	case 0:
		buffer_printf(out, "%u.%u", random_below(5), random_below(1000));
		break;
	case 1:
		buffer_printf(out, "[%u-%u,%u-%u]", random_below(5), 5 + random_below(3), 8 + random_below(9),
			      20 + random_below(9));
		break;
	default:
		buffer_printf(out, "t%u", random_below(3));
		break;
	}
}

static Mesos__SlaveInfo *random_info(void)
{
	static const char *const roles[] = {"", "(web)", "(db/x)"};
	struct buffer attributes = BUFFER_INIT(4096), resources = BUFFER_INIT(4096), domain = BUFFER_INIT(4096);
	Mesos__SlaveInfo *info;

	buffer_printf(&resources, "cpus:%u;mem:%u;disk:%u;ports:[%u-9]", random_below(3), random_below(3), random_below(3),
		      random_below(9));
	for (unsigned i = random_below(6); i > 0; i--) {
		buffer_printf(&attributes, ";a%u:", random_below(4));
		random_value(&attributes, false);
	}
	for (unsigned i = random_below(6); i > 0; i--) {
		unsigned name = random_below(4);

		buffer_printf(&resources, ";r%u%s:", name, roles[random_below(3)]);
		if (name < 2)
			buffer_printf(&resources, "%u", random_below(4));
		else
			buffer_printf(&resources, "{x%u}", random_below(3));
	}
	if (random_below(2))
		buffer_printf(&domain, "{\"fault_domain\":{\"region\":{\"name\":\"r%u\"},\"zone\":{\"name\":\"z%u\"}}}",
			      random_below(2), random_below(2));
	info = make(buffer_text(&attributes), buffer_text(&resources), domain.len > 0 ? buffer_text(&domain) : NULL,
		    random_below(2) ? "5051" : "5052");
	buffer_clear(&attributes);
	buffer_clear(&resources);
	buffer_clear(&domain);
	return info;
}

static void any_two_can_be_spliced(void **state)
{
	(void)state;
	for (seed = 1; seed < 2000;) {
		uint64_t start = seed;
		Mesos__SlaveInfo *before = random_info(), *target = random_info(), *after;
		struct buffer old = random_below(2) ? with_unknown(before) : built(before);
		struct buffer out = spliced(&old, target), same = spliced(&old, before);

		after = parsed(&out);
		assert_int_equal(0, slaveinfo_diff(after, target));
		assert_unknown_kept(&old, &out);
		assert_same_bytes(&old, &same);
		slaveinfo_free(before);
		slaveinfo_free(target);
		slaveinfo_free(after);
		buffer_clear(&old);
		buffer_clear(&out);
		buffer_clear(&same);
		seed = start + 1;
	}
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
		cmocka_unit_test(any_two_can_be_spliced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
