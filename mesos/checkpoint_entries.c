/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entries of a repeated field, old bytes where they can stay: an entry that did not change keeps the record it had,
 * one with another value keeps what we do not know of it (merge), a new one is written as an agent writes it.
 */
#include "mesos/checkpoint_entries.h"

#include <string.h>

#include "base/alloc.h"
#include "mesos/attributes.h"
#include "mesos/checkpoint.h"
#include "mesos/pb.h"
#include "mesos/resource.h"

struct entry_kind {
	uint32_t field;
	const ProtobufCMessageDescriptor *descriptor;
	bool (*equal)(const void *a, const void *b);
	bool (*same)(const void *a, const void *b); /* another value of the same thing */
	void (*merge)(void *old, const void *new);  /* gives old the value of new */
};

static void *upgraded(const void *resource)
{
	Mesos__Resource *copy = pb_copy(resource);

	resource_upgrade(copy);
	return copy;
}

/* What is not valid counts for nothing, so nothing of it is taken over. */
static bool compare_upgraded(const void *a, const void *b,
			     bool (*compare)(const Mesos__Resource *, const Mesos__Resource *))
{
	Mesos__Resource *left = upgraded(a), *right = upgraded(b);
	bool result = resource_validate(left, NULL) == 0 && compare(left, right);

	pb_free(left);
	pb_free(right);
	return result;
}

static bool entry_resource_equal(const void *a, const void *b)
{
	return compare_upgraded(a, b, resource_equal);
}

static bool entry_resource_same(const void *a, const void *b)
{
	return compare_upgraded(a, b, resource_same_kind);
}

static void merge_values(Mesos__Value__Scalar **scalar, Mesos__Value__Ranges **ranges, Mesos__Value__Set **set,
			 const Mesos__Value__Scalar *new_scalar, const Mesos__Value__Ranges *new_ranges,
			 const Mesos__Value__Set *new_set)
{
	if (*scalar != NULL && new_scalar != NULL) {
		(*scalar)->value = new_scalar->value;
	} else {
		pb_free(*scalar);
		*scalar = new_scalar != NULL ? pb_copy(new_scalar) : NULL;
	}
	pb_free(*ranges);
	*ranges = new_ranges != NULL ? pb_copy(new_ranges) : NULL;
	pb_free(*set);
	*set = new_set != NULL ? pb_copy(new_set) : NULL;
}

static void merge_resource(void *old, const void *new)
{
	Mesos__Resource *to = old;
	const Mesos__Resource *from = new;

	merge_values(&to->scalar, &to->ranges, &to->set, from->scalar, from->ranges, from->set);
}

static bool entry_attribute_equal(const void *a, const void *b)
{
	return attribute_equal(a, b);
}

static bool entry_attribute_same(const void *a, const void *b)
{
	const Mesos__Attribute *left = a, *right = b;

	return strcmp(left->name, right->name) == 0;
}

static void merge_attribute(void *old, const void *new)
{
	Mesos__Attribute *to = old;
	const Mesos__Attribute *from = new;

	to->type = from->type;
	merge_values(&to->scalar, &to->ranges, &to->set, from->scalar, from->ranges, from->set);
	pb_free(to->text);
	to->text = from->text != NULL ? pb_copy(from->text) : NULL;
}

static const struct entry_kind resource_kind = {
	.field = FIELD_RESOURCES,
	.descriptor = &mesos__resource__descriptor,
	.equal = entry_resource_equal,
	.same = entry_resource_same,
	.merge = merge_resource,
};

static const struct entry_kind attribute_kind = {
	.field = FIELD_ATTRIBUTES,
	.descriptor = &mesos__attribute__descriptor,
	.equal = entry_attribute_equal,
	.same = entry_attribute_same,
	.merge = merge_attribute,
};

/* The old entries: their records, what they say, and whether a new entry took them over. */
struct old_entries {
	const struct wire_record **records;
	void **messages;
	bool *taken;
	size_t count;
};

static void old_entries_clear(struct old_entries *old)
{
	for (size_t i = 0; i < old->count; i++)
		pb_free(old->messages[i]);
	free(old->messages);
	free(old->records);
	free(old->taken);
}

static void old_entries_read(const struct wire_records *records, const struct entry_kind *kind, struct old_entries *out)
{
	size_t room = records->count + 1;

	out->records = xcalloc(room, sizeof(*out->records));
	out->messages = xcalloc(room, sizeof(*out->messages));
	out->taken = xcalloc(room, sizeof(*out->taken));
	out->count = 0;
	for (size_t i = 0; i < records->count; i++) {
		const struct wire_record *record = &records->items[i];
		void *message = NULL;

		if (record->number == kind->field && record->type == WIRE_BYTES)
			message = pb_unpack(kind->descriptor, record->payload, record->payload_len);
		if (message == NULL)
			continue;
		out->records[out->count] = record;
		out->messages[out->count++] = message;
	}
}

static size_t find_old(const struct old_entries *old, const void *wanted, bool (*matches)(const void *, const void *))
{
	size_t i = 0;

	while (i < old->count && (old->taken[i] || !matches(old->messages[i], wanted)))
		i++;
	return i;
}

void splice_put_message(struct buffer *out, uint32_t field, const void *message)
{
	struct buffer packed = BUFFER_INIT(CHECKPOINT_MAX);

	pb_pack(message, &packed);
	wire_put_bytes(out, field, buffer_text(&packed), packed.len);
	buffer_clear(&packed);
}

static void put_merged(struct buffer *out, const struct entry_kind *kind, const void *old, const void *new)
{
	void *merged = pb_copy(old);

	kind->merge(merged, new);
	splice_put_message(out, kind->field, merged);
	pb_free(merged);
}

struct buffer *splice_entries_add(struct splice_entries *out)
{
	struct buffer empty = BUFFER_INIT(CHECKPOINT_MAX);

	PB_APPEND(out->items, out->count, empty);
	return &out->items[out->count - 1];
}

void splice_entries_clear(struct splice_entries *entries)
{
	for (size_t i = 0; i < entries->count; i++)
		buffer_clear(&entries->items[i]);
	free(entries->items);
	entries->items = NULL;
	entries->count = 0;
}

static void make_entry(struct old_entries *old, size_t unchanged, const struct entry_kind *kind, const void *entry,
		       struct buffer *out)
{
	size_t same;

	if (unchanged < old->count) {
		buffer_append(out, old->records[unchanged]->start, old->records[unchanged]->len);
		return;
	}
	same = find_old(old, entry, kind->same);
	if (same == old->count) {
		splice_put_message(out, kind->field, entry);
		return;
	}
	old->taken[same] = true;
	put_merged(out, kind, old->messages[same], entry);
}

/* Unchanged entries find their old ones first, so that a changed one does not take them over. */
static void make_entries(const struct wire_records *records, const struct entry_kind *kind, void *const *entries,
			 size_t count, struct splice_entries *out)
{
	struct old_entries old;
	size_t *unchanged = xcalloc(count + 1, sizeof(*unchanged));

	old_entries_read(records, kind, &old);
	for (size_t i = 0; i < count; i++) {
		unchanged[i] = find_old(&old, entries[i], kind->equal);
		if (unchanged[i] < old.count)
			old.taken[unchanged[i]] = true;
	}
	for (size_t i = 0; i < count; i++)
		make_entry(&old, unchanged[i], kind, entries[i], splice_entries_add(out));
	free(unchanged);
	old_entries_clear(&old);
}

/* The form an agent writes has no room for the principal and the labels of a static reservation: it loses them, and
 * refuses its own flags at the next start. It reads the other form as well, so what would be lost stays in that. */
static void *stored_form(Mesos__Resource *resource)
{
	Mesos__Resource *full = upgraded(resource);
	Mesos__Resource *stored = pb_copy(full);
	bool kept;

	resource_downgrade(stored);
	kept = entry_resource_same(stored, full);
	pb_free(kept ? full : stored);
	pb_free(resource);
	return kept ? stored : full;
}

void splice_resources(const struct wire_records *old, const Mesos__SlaveInfo *target, struct splice_entries *out)
{
	struct resources stored = {NULL, 0};

	resources_copy(&stored, target->resources, target->n_resources);
	for (size_t i = 0; i < stored.count; i++)
		stored.items[i] = stored_form(stored.items[i]);
	make_entries(old, &resource_kind, (void *const *)stored.items, stored.count, out);
	resources_clear(&stored);
}

void splice_attributes(const struct wire_records *old, const Mesos__SlaveInfo *target, struct splice_entries *out)
{
	make_entries(old, &attribute_kind, (void *const *)target->attributes, target->n_attributes, out);
}
