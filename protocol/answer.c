/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/answer.h"

#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/json.h"

static const char *const event_names[] = {"accepted", "step",    "started", "done",
					  "undone",   "refused", "stuck",   "status"};
static const char *const fate_names[] = {"absent", "open", "done", "undone", "stuck"};

static const struct {
	enum error_kind kind;
	const char *name;
} kinds[] = {
	{ERROR_REFUSED, "refused"}, {ERROR_CONFLICT, "conflict"}, {ERROR_USAGE, "usage"},
	{ERROR_CORRUPT, "corrupt"}, {ERROR_SYSTEM, "system"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

void answer_clear(struct answer *answer)
{
	free(answer->operation);
	free(answer->step);
	free(answer->reason);
	free(answer->agent_said);
	free(answer->boot_id);
	flags_clear(&answer->flags);
	slaveinfo_free(answer->info);
	json_decref(answer->findings);
	memset(answer, 0, sizeof *answer);
}

static int find_name(const char *const names[], size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return (int)i;
	return -1;
}

/* ---- reading */

static int read_string(const json_t *object, const char *key, char **out, const struct json_place *place,
		       struct error *err)
{
	const char *text = NULL;

	if (json_optional_string(object, key, &text, place, err) != 0)
		return -1;
	*out = text == NULL ? NULL : xstrdup(text);
	return 0;
}

static int read_names(const json_t *object, struct answer *out, const struct json_place *place, struct error *err)
{
	const char *event = NULL;
	const char *kind = NULL;
	const char *fate = NULL;
	int index;

	if (json_required_string(object, "event", &event, place, err) != 0 ||
	    json_optional_string(object, "kind", &kind, place, err) != 0 ||
	    json_optional_string(object, "state", &fate, place, err) != 0)
		return -1;
	index = find_name(event_names, COUNT(event_names), event);
	if (index < 0)
		return json_error(place, err, "'%s' is no event of agentctl", event);
	out->event = (enum answer_event)index;
	if (fate != NULL) {
		index = find_name(fate_names, COUNT(fate_names), fate);
		if (index < 0)
			return json_error(place, err, "'%s' is no state of an operation", fate);
		out->fate = (enum operation_fate)index;
	}
	for (size_t i = 0; kind != NULL && i < COUNT(kinds); i++)
		if (strcmp(kinds[i].name, kind) == 0)
			out->kind = kinds[i].kind;
	if (kind != NULL && out->kind == ERROR_NONE)
		return json_error(place, err, "'%s' is no kind of refusal", kind);
	return 0;
}

static int read_info(const json_t *object, struct answer *out, const struct json_place *place, struct error *err)
{
	const char *text = NULL;
	unsigned char *bytes = NULL;
	size_t len = 0;

	if (json_optional_string(object, "slave_info", &text, place, err) != 0)
		return -1;
	if (text == NULL)
		return 0;
	if (base64_decode(text, &bytes, &len, err) != 0)
		return error_prefix(err, "slave_info");
	out->info = slaveinfo_unpack(bytes, len, err);
	free(bytes);
	return out->info == NULL ? -1 : 0;
}

static int read_flags(const json_t *object, struct answer *out, const struct json_place *place, struct error *err)
{
	const json_t *flags = NULL;

	if (json_optional_object(object, "flags", &flags, place, err) != 0)
		return -1;
	return flags == NULL ? 0 : flags_from_json(flags, "agentctl's answer", &out->flags, err);
}

static int read_findings(const json_t *object, struct answer *out, const struct json_place *place, struct error *err)
{
	struct json_place at = {.parent = place, .key = "findings"};
	const json_t *findings = NULL;

	if (json_optional_array(object, "findings", &findings, place, err) != 0)
		return -1;
	for (size_t i = 0; i < json_array_size(findings); i++) {
		struct json_place item = {.parent = &at, .index = i};
		const json_t *finding = json_array_get(findings, i);
		const char *text = NULL;

		if (!json_is_object(finding))
			return json_error(&item, err, "must be an object");
		if (json_required_string(finding, "code", &text, &item, err) != 0 ||
		    json_required_string(finding, "severity", &text, &item, err) != 0 ||
		    json_required_string(finding, "text", &text, &item, err) != 0)
			return -1;
	}
	out->findings = findings == NULL ? NULL : json_deep_copy(findings);
	return 0;
}

static int read_all(const json_t *object, struct answer *out, const struct json_place *place, struct error *err)
{
	static const char *const keys[] = {"event",    "operation",  "step",        "reason",  "agent_said",
					   "kind",     "state",      "pid",         "boot_id", "away_ms",
					   "flags",    "slave_info", "start_ticks", "kept_by", "restarted",
					   "findings", "amended",    NULL};

	if (json_check_keys(object, keys, place, err) != 0 || read_names(object, out, place, err) != 0 ||
	    read_string(object, "operation", &out->operation, place, err) != 0 ||
	    read_string(object, "step", &out->step, place, err) != 0 ||
	    read_string(object, "reason", &out->reason, place, err) != 0 ||
	    read_string(object, "agent_said", &out->agent_said, place, err) != 0 ||
	    read_string(object, "boot_id", &out->boot_id, place, err) != 0 ||
	    json_optional_int(object, "pid", &out->pid, place, err) != 0 ||
	    json_optional_int(object, "start_ticks", &out->start_ticks, place, err) != 0 ||
	    json_optional_int(object, "away_ms", &out->away_ms, place, err) != 0 ||
	    json_optional_bool(object, "amended", &out->amended, place, err) != 0 ||
	    json_optional_bool(object, "restarted", &out->restarted, place, err) != 0 ||
	    read_flags(object, out, place, err) != 0 || read_findings(object, out, place, err) != 0)
		return -1;
	return read_info(object, out, place, err);
}

/* What a reader relies on for each event. */
static int check_complete(const json_t *object, const struct answer *answer, const struct json_place *place,
			  struct error *err)
{
	static const char *const needs[][4] = {
		[ANSWER_ACCEPTED] = {"operation"},
		[ANSWER_STEP] = {"step"},
		[ANSWER_STARTED] = {"pid", "start_ticks", "boot_id", "flags"},
		[ANSWER_DONE] = {"kept_by"},
		[ANSWER_UNDONE] = {"reason"},
		[ANSWER_REFUSED] = {"kind", "reason"},
		[ANSWER_STUCK] = {"reason"},
		[ANSWER_STATUS] = {"operation", "state"},
	};

	for (size_t i = 0; i < 4 && needs[answer->event][i] != NULL; i++)
		if (json_object_get(object, needs[answer->event][i]) == NULL)
			return json_error(place, err, "the event '%s' lacks '%s'", event_names[answer->event],
					  needs[answer->event][i]);
	return 0;
}

static int read_kept_by(const json_t *object, struct answer *out, const struct json_place *place, struct error *err)
{
	const char *kept_by = NULL;

	if (json_optional_string(object, "kept_by", &kept_by, place, err) != 0)
		return -1;
	if (kept_by == NULL)
		return 0;
	out->kept_by_deadline = strcmp(kept_by, "deadline") == 0;
	out->kept_by_operator = strcmp(kept_by, "operator") == 0;
	if (!out->kept_by_deadline && !out->kept_by_operator && strcmp(kept_by, "rollcall") != 0)
		return json_error(place, err, "kept_by is 'rollcall', 'deadline' or 'operator', not '%s'", kept_by);
	return 0;
}

int answer_parse(const char *line, size_t len, struct answer *out, struct error *err)
{
	static const char source[] = "agentctl's answer";
	struct json_place place = {.source = source};
	struct answer answer;
	json_t *object;
	int result = -1;

	if (len > ANSWER_LINE_MAX)
		return error_set(err, ERROR_CORRUPT, "agentctl's answer is longer than %u bytes", ANSWER_LINE_MAX);
	memset(&answer, 0, sizeof answer);
	answer.restarted = true;
	object = json_parse(source, line, len, err);
	if (object == NULL)
		return -1;
	if (!json_is_object(object))
		json_error(&place, err, "must be an object");
	else if (read_all(object, &answer, &place, err) == 0 && read_kept_by(object, &answer, &place, err) == 0)
		result = check_complete(object, &answer, &place, err);
	json_decref(object);
	if (result == 0)
		*out = answer;
	else
		answer_clear(&answer);
	return result;
}

/* ---- writing */

static void put(json_t *object, const char *key, const char *value)
{
	json_t *text;

	if (value == NULL)
		return;
	text = json_string(value);
	/* What an agent said may be no UTF-8; the line must be written all the same. */
	json_object_set_new(object, key, text != NULL ? text : json_string("(not printable)"));
}

static void put_info(json_t *object, const Mesos__SlaveInfo *info)
{
	struct buffer bytes = BUFFER_INIT(ANSWER_LINE_MAX);
	char *text;

	if (info == NULL)
		return;
	slaveinfo_pack(info, &bytes);
	text = base64_encode(bytes.data, bytes.len);
	put(object, "slave_info", text);
	free(text);
	buffer_clear(&bytes);
}

static void put_process(json_t *object, const struct answer *answer)
{
	if (answer->pid != 0) {
		json_object_set_new(object, "pid", json_integer(answer->pid));
		json_object_set_new(object, "start_ticks", json_integer(answer->start_ticks));
	}
	put(object, "boot_id", answer->boot_id);
	if (answer->pid != 0)
		json_object_set_new(object, "flags", flags_to_json(&answer->flags));
	put_info(object, answer->info);
	if (answer->event == ANSWER_STARTED)
		json_object_set_new(object, "away_ms", json_integer(answer->away_ms));
	if (answer->amended && (answer->event == ANSWER_STARTED || answer->event == ANSWER_DONE))
		json_object_set_new(object, "amended", json_true());
	if (answer->event == ANSWER_UNDONE)
		json_object_set_new(object, "restarted", json_boolean(answer->restarted));
}

static const char *kind_name(enum error_kind kind)
{
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (kinds[i].kind == kind)
			return kinds[i].name;
	return "system";
}

void answer_write(const struct answer *answer, struct buffer *out)
{
	json_t *object = json_object();

	put(object, "event", event_names[answer->event]);
	put(object, "operation", answer->operation);
	if (answer->event == ANSWER_STATUS)
		put(object, "state", fate_names[answer->fate]);
	put(object, "step", answer->step);
	if (answer->event == ANSWER_DONE)
		put(object, "kept_by",
		    answer->kept_by_operator   ? "operator"
		    : answer->kept_by_deadline ? "deadline"
					       : "rollcall");
	if (answer->event == ANSWER_REFUSED)
		put(object, "kind", kind_name(answer->kind));
	put(object, "reason", answer->reason);
	put(object, "agent_said", answer->agent_said);
	if (answer->findings != NULL)
		json_object_set(object, "findings", answer->findings);
	put_process(object, answer);
	json_write(object, false, out);
	buffer_putc(out, '\n');
	json_decref(object);
}
