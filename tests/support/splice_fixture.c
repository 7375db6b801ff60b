/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/splice_fixture.h"

#include "mesos/wire.h"
#include "tests/support/cmocka.h"

Mesos__SlaveInfo *splice_make(const char *attributes, const char *resources, const char *domain, const char *port)
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

struct buffer splice_built(const Mesos__SlaveInfo *info)
{
	struct buffer out = BUFFER_INIT(CHECKPOINT_MAX);

	checkpoint_build(info, &out);
	return out;
}

/* A checkpoint's bytes from those of its message. */
struct buffer splice_framed(const struct buffer *message)
{
	struct buffer out = BUFFER_INIT(CHECKPOINT_MAX);
	uint32_t size = (uint32_t)message->len;

	buffer_append(&out, &size, sizeof(size));
	buffer_append(&out, buffer_text(message), message->len);
	return out;
}

Mesos__SlaveInfo *splice_parsed(const struct buffer *bytes)
{
	struct error err = ERROR_INIT;
	Mesos__SlaveInfo *info = checkpoint_parse("test", buffer_text(bytes), bytes->len, &err);

	assert_string_equal("", err.text);
	return info;
}

struct buffer splice_do(const struct buffer *old, const Mesos__SlaveInfo *target)
{
	struct buffer out = BUFFER_INIT(CHECKPOINT_MAX);
	struct error err = ERROR_INIT;

	assert_int_equal(0, checkpoint_splice(buffer_text(old), old->len, target, &out, &err));
	assert_string_equal("", err.text);
	return out;
}

void splice_assert_same(const struct buffer *a, const struct buffer *b)
{
	assert_int_equal(a->len, b->len);
	assert_memory_equal(buffer_text(a), buffer_text(b), a->len);
}

static void put_unknown(struct buffer *out, const char *text)
{
	wire_put_bytes(out, 1000, text, strlen(text));
}

/* The message with an unknown field before, between and behind all records, and one inside each resource and attribute
 * (the name of the entry tells them apart). */
struct buffer splice_with_unknown(const Mesos__SlaveInfo *info)
{
	struct buffer plain = splice_built(info), message = BUFFER_INIT(CHECKPOINT_MAX), file;
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
	file = splice_framed(&message);
	buffer_clear(&message);
	buffer_clear(&plain);
	free(records.items);
	return file;
}

void splice_assert_unknown_kept(const struct buffer *old, const struct buffer *new)
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
