/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new slave.info out of an old one: the message is taken as a row of records, those of the fields that change are
 * replaced, all others are copied byte for byte.
 *
 * Invariants, checked on the result before it is handed out:
 *   1. it reads back as target, with the old ID (verify_meaning);
 *   2. the records of all other fields are the old bytes in the old order (verify_copied).
 * checkpoint_entries.c keeps as much as can be kept within the repeated fields.
 */
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "mesos/attributes.h"
#include "mesos/checkpoint.h"
#include "mesos/checkpoint_entries.h"
#include "mesos/domain.h"
#include "mesos/pb.h"
#include "mesos/wire.h"

#define PREFIX 4u

struct splice;

/* The fields that can be replaced: how their new records are made. */
struct field {
	uint32_t number;
	unsigned part;
	void (*make)(const struct splice *s, struct splice_entries *out);
};

struct splice {
	const Mesos__SlaveInfo *old, *target;
	struct wire_records records; /* of the old message */
	unsigned parts;              /* what is replaced */
};

/* ---- the fields that are replaced */

static void make_resources(const struct splice *s, struct splice_entries *out)
{
	splice_resources(&s->records, s->target, out);
}

static void make_attributes(const struct splice *s, struct splice_entries *out)
{
	splice_attributes(&s->records, s->target, out);
}

static void make_port(const struct splice *s, struct splice_entries *out)
{
	struct buffer *record = splice_entries_add(out);

	wire_put_varint(record, (uint64_t)FIELD_PORT << 3 | WIRE_VARINT);
	wire_put_varint(record, (uint64_t)(int64_t)slaveinfo_port(s->target));
}

/* The old domain with new names, so that it keeps what we do not know. */
static void make_domain(const struct splice *s, struct splice_entries *out)
{
	const Mesos__DomainInfo *from = s->target->domain;
	Mesos__DomainInfo *merged;

	if (from == NULL)
		return;
	merged = pb_copy(s->old->domain != NULL ? s->old->domain : from);
	if (merged->fault_domain != NULL && from->fault_domain != NULL) {
		pb_set_string(&merged->fault_domain->region->name, from->fault_domain->region->name);
		pb_set_string(&merged->fault_domain->zone->name, from->fault_domain->zone->name);
	} else {
		pb_free(merged);
		merged = pb_copy(from);
	}
	splice_put_message(splice_entries_add(out), FIELD_DOMAIN, merged);
	pb_free(merged);
}

static const struct field fields[] = {
	{FIELD_RESOURCES, PART_RESOURCES, make_resources},
	{FIELD_ATTRIBUTES, PART_ATTRIBUTES, make_attributes},
	{FIELD_PORT, PART_PORT, make_port},
	{FIELD_DOMAIN, PART_DOMAIN, make_domain},
};
#define FIELD_COUNT (sizeof(fields) / sizeof(fields[0]))

static unsigned part_of(uint32_t number)
{
	for (size_t i = 0; i < FIELD_COUNT; i++)
		if (fields[i].number == number)
			return fields[i].part;
	return 0;
}

/* ---- putting it together */

/* The new records of a field and how far they are placed: the first goes where the first old one was, and so on; what
 * is left when the old ones end follows the last of them. */
struct placing {
	const struct field *field;
	struct splice_entries entries;
	size_t next;     /* entry */
	size_t old_left; /* records of the field still to come */
};

static void place(struct placing *p, size_t count, struct buffer *out)
{
	for (; count > 0 && p->next < p->entries.count; count--, p->next++)
		buffer_append(out, buffer_text(&p->entries.items[p->next]), p->entries.items[p->next].len);
}

static void placing_start(const struct splice *s, const struct field *field, struct placing *out)
{
	*out = (struct placing){.field = field};
	if ((s->parts & field->part) == 0)
		return;
	field->make(s, &out->entries);
	for (size_t i = 0; i < s->records.count; i++)
		out->old_left += s->records.items[i].number == field->number;
}

static void place_record(const struct splice *s, const struct wire_record *record, struct placing *placings,
			 struct buffer *out)
{
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		struct placing *p = &placings[i];

		/* A field that was not there goes where its number puts it: before the first higher one. */
		if (p->old_left == 0 && p->field->number < record->number)
			place(p, SIZE_MAX, out);
		if ((s->parts & p->field->part) == 0 || p->field->number != record->number)
			continue;
		place(p, --p->old_left == 0 ? SIZE_MAX : 1, out);
		return;
	}
	buffer_append(out, record->start, record->len);
}

static void put_message_bytes(const struct splice *s, struct buffer *out)
{
	struct placing placings[FIELD_COUNT];

	for (size_t i = 0; i < FIELD_COUNT; i++)
		placing_start(s, &fields[i], &placings[i]);
	for (size_t i = 0; i < s->records.count; i++)
		place_record(s, &s->records.items[i], placings, out);
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		place(&placings[i], SIZE_MAX, out);
		splice_entries_clear(&placings[i].entries);
	}
}

/* Under `additive` the first attribute of a name counts, so their order is part of what is written. */
static bool same_attribute_order(const Mesos__SlaveInfo *a, const Mesos__SlaveInfo *b)
{
	if (a->n_attributes != b->n_attributes)
		return false;
	for (size_t i = 0; i < a->n_attributes; i++)
		if (!attribute_equal(a->attributes[i], b->attributes[i]))
			return false;
	return true;
}

/* ---- verifying */

static int verify_copied(const struct splice *s, const struct buffer *message, struct error *err)
{
	struct wire_records now = {NULL, 0};
	size_t at = 0;
	bool same = wire_scan(buffer_text(message), message->len, &now) == 0;

	for (size_t i = 0; same && i < s->records.count; i++) {
		const struct wire_record *before = &s->records.items[i];

		if (part_of(before->number) & s->parts)
			continue;
		while (at < now.count && (part_of(now.items[at].number) & s->parts))
			at++;
		same = at < now.count && now.items[at].len == before->len &&
		       memcmp(now.items[at].start, before->start, before->len) == 0;
		at++;
	}
	for (; same && at < now.count; at++)
		same = (part_of(now.items[at].number) & s->parts) != 0;
	free(now.items);
	if (!same)
		return error_set(err, ERROR_BUG, "The spliced checkpoint lost bytes that were to be copied");
	return 0;
}

static int verify_meaning(const struct splice *s, const struct buffer *message, struct error *err)
{
	Mesos__SlaveInfo *info = slaveinfo_unpack(buffer_text(message), message->len, NULL);
	bool ok = info != NULL && (slaveinfo_diff(info, s->target) & ~(unsigned)PART_ID) == 0 &&
		  same_attribute_order(info, s->target) && strcmp(slaveinfo_id(info), slaveinfo_id(s->old)) == 0;

	slaveinfo_free(info);
	if (!ok)
		return error_set(err, ERROR_BUG, "The spliced checkpoint does not read back as what was to be written");
	return 0;
}

static int check_target(const struct splice *s, unsigned differs, struct error *err)
{
	if (differs & PART_HOSTNAME)
		return error_set(
			err, ERROR_REFUSED,
			"The hostname would change from %s to %s; the master shuts an agent down that comes back"
			" with its ID and another hostname",
			s->old->hostname, s->target->hostname);
	if (differs & PART_CHECKPOINT)
		return error_set(
			err, ERROR_REFUSED,
			"The checkpoint says 'checkpoint: false', which no agent of today would; let this agent"
			" register anew");
	return 0;
}

static int splice_message(struct splice *s, struct buffer *message, struct error *err)
{
	unsigned differs = slaveinfo_diff(s->old, s->target);

	if (check_target(s, differs, err) != 0)
		return -1;
	s->parts = differs & (PART_RESOURCES | PART_ATTRIBUTES | PART_DOMAIN | PART_PORT);
	if (!same_attribute_order(s->old, s->target))
		s->parts |= PART_ATTRIBUTES;
	put_message_bytes(s, message);
	if (message->overflow)
		return error_set(err, ERROR_USAGE, "The new checkpoint would be larger than %u bytes", CHECKPOINT_MAX);
	if (verify_meaning(s, message, err) != 0)
		return -1;
	return verify_copied(s, message, err);
}

/* The length and the message, or nothing. */
static int put_file(const struct buffer *message, struct buffer *out, struct error *err)
{
	struct buffer whole = BUFFER_INIT(CHECKPOINT_MAX);
	uint32_t size = (uint32_t)message->len;
	int rc = 0;

	buffer_append(&whole, &size, PREFIX);
	buffer_append(&whole, buffer_text(message), message->len);
	if (buffer_append(out, buffer_text(&whole), whole.len) != 0)
		rc = error_set(err, ERROR_USAGE, "The new checkpoint would be larger than %zu bytes", out->max);
	buffer_clear(&whole);
	return rc;
}

int checkpoint_splice(const void *old, size_t old_len, const Mesos__SlaveInfo *target, struct buffer *out,
		      struct error *err)
{
	Mesos__SlaveInfo *info = checkpoint_parse("The old checkpoint", old, old_len, err);
	struct splice s = {.old = info, .target = target, .records = {NULL, 0}, .parts = 0};
	struct buffer message = BUFFER_INIT(CHECKPOINT_MAX - PREFIX);
	int rc = -1;

	if (info == NULL)
		return -1;
	if (wire_scan((const char *)old + PREFIX, old_len - PREFIX, &s.records) != 0)
		error_set(err, ERROR_CORRUPT,
			  "The old checkpoint cannot be taken apart: it has fields of a kind no agent writes");
	else
		rc = splice_message(&s, &message, err);
	if (rc == 0)
		rc = put_file(&message, out, err);
	free(s.records.items);
	slaveinfo_free(info);
	buffer_clear(&message);
	return rc;
}
