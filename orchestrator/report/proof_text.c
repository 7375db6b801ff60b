/* SPDX-License-Identifier: Apache-2.0 */
/* A proof for people: what was found where, and what is used of what there is. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "orchestrator/report/proof_text.h"

#define LINE_MAX_BYTES   (16u << 20)
/* Of times in /proc: USER_HZ, which is 100 on every Linux that Mesos runs on. */
#define TICKS_PER_SECOND 100

static bool is_plain(const json_t *value)
{
	return value && !json_is_object(value) && !json_is_array(value);
}

static void add_value(const json_t *value, struct buffer *out)
{
	char *text = value && !json_is_string(value) ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	if (json_is_string(value))
		buffer_puts(out, json_string_value(value));
	else
		buffer_puts(out, text && !json_is_null(value) ? text : "(none)");
	free(text);
}

/* The master says times in nanoseconds. */
static void add_time(const json_t *value, struct buffer *out)
{
	int64_t ms = (int64_t)json_integer_value(value) / 1000000;
	char text[CLOCK_TEXT_MAX];

	buffer_puts(out, ms ? clock_format(ms, text) : "never");
}

/* Of a SlaveInfo that is not as it should be: what differs, and no more. */
static void add_differences(const json_t *planned, const json_t *found, struct buffer *out)
{
	struct slaveinfo_changes changes = {.count = 0};
	Mesos__SlaveInfo *wanted = slaveinfo_from_json(planned, NULL), *there = slaveinfo_from_json(found, NULL);

	if (wanted && there)
		slaveinfo_changes(wanted, there, &changes);
	for (size_t i = 0; i < changes.count; i++) {
		const struct slaveinfo_change *change = &changes.items[i];

		buffer_printf(out, "%s%s %s is %s, not %s", i ? "; " : "", slaveinfo_part_name(change->part),
			      change->what, change->after ? change->after : "gone",
			      change->before ? change->before : "gone");
	}
	slaveinfo_changes_clear(&changes);
	slaveinfo_free(wanted);
	slaveinfo_free(there);
}

static void add_process(const json_t *planned, const json_t *found, bool ok, struct buffer *out)
{
	const char *boot = json_string_value(json_object_get(found, "boot_id"));

	buffer_printf(out, "%lld", (long long)json_integer_value(json_object_get(found, "pid")));
	if (json_is_integer(json_object_get(found, "start_ticks")))
		buffer_printf(out, ", started %.2f s after its host's boot %.8s",
			      (double)json_integer_value(json_object_get(found, "start_ticks")) / TICKS_PER_SECOND,
			      boot ? boot : "?");
	if (json_is_string(planned))
		buffer_printf(out, ", %s%s", ok ? "" : "NOT ", json_string_value(planned));
}

static void add_plain(const json_t *planned, const json_t *found, bool ok, struct buffer *out)
{
	add_value(found, out);
	if (ok)
		return;
	buffer_puts(out, ", not ");
	add_value(planned, out);
}

char *proof_line_detail(const json_t *line)
{
	const json_t *planned = json_object_get(line, "planned"), *found = json_object_get(line, "found");
	const char *what = json_string_value(json_object_get(line, "what"));
	bool ok = json_is_true(json_object_get(line, "ok"));
	struct buffer out = BUFFER_INIT(LINE_MAX_BYTES);

	if (what && strcmp(what, "reregistered_time") == 0)
		add_time(found, &out);
	else if (is_plain(found) && (ok || is_plain(planned)))
		add_plain(planned, found, ok, &out);
	else if (json_object_get(found, "pid"))
		add_process(planned, found, ok, &out);
	else if (!ok)
		add_differences(planned, found, &out);
	else if (json_is_object(found))
		buffer_puts(&out, what && strcmp(what, "checkpoint") == 0 ? "the same SlaveInfo, on the host's disk"
									  : "every field is as it should be");
	return buffer_take(&out);
}

/* "mem(web) 2048 of 1500, OVER". */
static void add_used(const json_t *resource, struct buffer *out)
{
	const char *name = json_string_value(json_object_get(resource, "name"));
	const char *role = json_string_value(json_object_get(resource, "role"));
	bool over = json_is_true(json_object_get(resource, "over")), reserved = role && strcmp(role, "*") != 0;
	const json_t *used = json_object_get(resource, "used"), *total = json_object_get(resource, "total");

	buffer_printf(out, "%s%s%s%s ", name ? name : "?", reserved ? "(" : "", reserved ? role : "",
		      reserved ? ")" : "");
	if (json_is_number(used))
		buffer_printf(out, "%.12g of %.12g%s", json_number_value(used), json_number_value(total),
			      over ? ", OVER" : "");
	else
		buffer_puts(out, "OVER: what is used is not all there");
}

char *proof_used(const json_t *proof)
{
	const json_t *resources = json_object_get(proof, "resources"), *resource;
	struct buffer out = BUFFER_INIT(LINE_MAX_BYTES);
	size_t i;

	json_array_foreach(resources, i, resource)
	{
		buffer_puts(&out, i ? "; " : "");
		add_used(resource, &out);
	}
	if (out.len == 0)
		return NULL;
	return buffer_take(&out);
}
