/* SPDX-License-Identifier: Apache-2.0 */
/* Reading gates, strictly: one that could never pass, or that says other than its author meant, is found before anything starts. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "orchestrator/plan/gates.h"
#include "orchestrator/plan/plan_json.h"

#define SECOND_MS INT64_C(1000)
#define HOUR_MS   (3600 * SECOND_MS)

/* A check that takes longer than this is not one that a rollout should wait for without being told to. */
#define COMMAND_TIMEOUT_MS (60 * SECOND_MS)
#define HTTP_TIMEOUT_MS    (10 * SECOND_MS)

/* What is being read. */
struct reading {
	struct plan_gate *gate;
	const json_t *object;
	const struct json_place *place;
	bool of_agent; /* after an agent: it may be named */
};

static int read_duration(const struct reading *reading, const char *key, int64_t fallback, int64_t *out,
			 struct error *err)
{
	const char *text = NULL;
	struct json_place here = {.parent = reading->place, .key = key};
	struct error why = ERROR_INIT;

	*out = fallback;
	if (json_optional_string(reading->object, key, &text, reading->place, err) < 0)
		return -1;
	if (text == NULL && fallback == 0)
		return json_error(&here, err, "is missing: for instance \"5mins\"");
	if (text != NULL && clock_parse_duration(text, out, &why) < 0)
		return json_error(&here, err, "%s", why.text);
	if (*out < SECOND_MS || *out > 24 * HOUR_MS)
		return json_error(&here, err, "%s: from 1secs to 24hrs", text);
	return 0;
}

static int read_timeout(const struct reading *reading, int64_t fallback, struct error *err)
{
	return read_duration(reading, "timeout", fallback, &reading->gate->timeout_ms, err);
}

/* ${hostname}, ${agent}, ${ip}, and those only where there is an agent. */
static int check_names(const struct reading *reading, const char *text, const struct json_place *here,
		       struct error *err)
{
	static const char *const known[] = {"hostname}", "agent}", "ip}"};

	for (const char *at = strstr(text, "${"); at != NULL; at = strstr(at + 1, "${")) {
		bool found = false;

		if (!reading->of_agent)
			return json_error(here, err,
					  "a gate after a stage is about no single agent: ${…} has no meaning here");
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			found = found || strncmp(at + 2, known[i], strlen(known[i])) == 0;
		if (!found)
			return json_error(here, err, "\"%s\": only ${hostname}, ${agent} and ${ip} can be used", text);
	}
	return 0;
}

static int check_control(const char *text, const struct json_place *here, struct error *err)
{
	for (const char *at = text; *at != '\0'; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			return json_error(here, err, "must not hold control characters");
	return 0;
}

/* ---- the kinds */

static int read_command(struct reading *reading, struct error *err)
{
	struct plan_gate *gate = reading->gate;
	struct json_place list = {.parent = reading->place, .key = "argv"};

	if (read_texts(reading->object, "argv", &gate->argv, &gate->argc, reading->place, err) < 0)
		return -1;
	if (gate->argc == 0)
		return json_error(&list, err, "names no program");
	if (gate->argv[0][0] != '/')
		return json_error(&list, err, "\"%s\": give the program's absolute path; no shell looks for it",
				  gate->argv[0]);
	for (size_t i = 0; i < gate->argc; i++) {
		struct json_place here = {.parent = &list, .index = i};

		if (check_control(gate->argv[i], &here, err) < 0 || check_names(reading, gate->argv[i], &here, err) < 0)
			return -1;
	}
	return read_timeout(reading, COMMAND_TIMEOUT_MS, err);
}

/* A password in a URL would be in the database and in every report. */
static bool has_password(const char *url)
{
	const char *host = strstr(url, "://") + 3;

	return memchr(host, '@', strcspn(host, "/?#")) != NULL;
}

static int read_http(struct reading *reading, struct error *err)
{
	struct plan_gate *gate = reading->gate;
	struct json_place here = {.parent = reading->place, .key = "url"};
	int64_t status = 0;

	if (read_text(reading->object, "url", &gate->url, reading->place, err) < 0 ||
	    check_control(gate->url, &here, err) < 0 || check_names(reading, gate->url, &here, err) < 0)
		return -1;
	if (strncmp(gate->url, "http://", 7) != 0 && strncmp(gate->url, "https://", 8) != 0)
		return json_error(&here, err, "\"%s\": a URL that begins with http:// or https://", gate->url);
	if (has_password(gate->url))
		return json_error(&here, err,
				  "a URL with a user or password in it would be kept in the plan; leave it out");
	if (json_object_get(reading->object, "status") != NULL &&
	    read_number(reading->object, "status", 100, 599, &status, reading->place, err) < 0)
		return -1;
	gate->status = (int)status;
	return read_timeout(reading, HTTP_TIMEOUT_MS, err);
}

static int read_unreachable(struct reading *reading, struct error *err)
{
	if (json_object_get(reading->object, "max_new") == NULL)
		return 0;
	return read_number(reading->object, "max_new", 0, 1000000, &reading->gate->max_new, reading->place, err);
}

static int read_tasks(struct reading *reading, struct error *err)
{
	struct json_place here = {.parent = reading->place, .key = "framework"};
	int64_t percent = 0;

	if (read_text(reading->object, "framework", &reading->gate->framework, reading->place, err) < 0 ||
	    check_control(reading->gate->framework, &here, err) < 0 ||
	    read_number(reading->object, "min_percent", 1, 100, &percent, reading->place, err) < 0)
		return -1;
	if (reading->gate->framework[0] == '\0')
		return json_error(&here, err, "must not be empty");
	reading->gate->min_percent = (int)percent;
	return 0;
}

static int read_launch(struct reading *reading, struct error *err)
{
	return read_duration(reading, "within", 0, &reading->gate->within_ms, err);
}

static int read_bound(const struct reading *reading, const char *key, bool *given, double *out, struct error *err)
{
	const json_t *value = json_object_get(reading->object, key);
	struct json_place here = {.parent = reading->place, .key = key};

	if (value == NULL)
		return 0;
	if (!json_is_number(value))
		return json_error(&here, err, "must be a number");
	*given = true;
	*out = json_number_value(value);
	return 0;
}

static int read_metric(struct reading *reading, struct error *err)
{
	struct plan_gate *gate = reading->gate;
	struct json_place here = {.parent = reading->place, .key = "name"};

	if (read_text(reading->object, "name", &gate->metric, reading->place, err) < 0 ||
	    check_control(gate->metric, &here, err) < 0 ||
	    read_bound(reading, "max", &gate->has_max, &gate->max, err) < 0 ||
	    read_bound(reading, "min", &gate->has_min, &gate->min, err) < 0)
		return -1;
	if (gate->metric[0] == '\0')
		return json_error(&here, err, "must not be empty");
	if (!gate->has_max && !gate->has_min)
		return json_error(reading->place, err, "a metric needs \"max\" or \"min\"");
	if (gate->has_max && gate->has_min && gate->min > gate->max)
		return json_error(reading->place, err, "no value is at least %g and at most %g", gate->min, gate->max);
	return read_timeout(reading, HTTP_TIMEOUT_MS, err);
}

static const struct {
	enum plan_gate_kind kind;
	int (*read)(struct reading *reading, struct error *err);
	const char *keys[6];
} kinds[] = {
	{GATE_COMMAND, read_command, {"kind", "argv", "timeout", NULL}},
	{GATE_HTTP, read_http, {"kind", "url", "timeout", "status", NULL}},
	{GATE_UNREACHABLE, read_unreachable, {"kind", "max_new", NULL}},
	{GATE_TASKS, read_tasks, {"kind", "framework", "min_percent", NULL}},
	{GATE_LAUNCH, read_launch, {"kind", "within", NULL}},
	{GATE_METRIC, read_metric, {"kind", "name", "max", "min", "timeout", NULL}},
};

/* ---- the document */

static int read_gate(struct reading *reading, struct error *err)
{
	const char *name;
	struct json_place here = {.parent = reading->place, .key = "kind"};

	if (!json_is_object(reading->object))
		return json_error(reading->place, err, "must be an object");
	if (json_required_string(reading->object, "kind", &name, reading->place, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(name, plan_gate_kind_name(kinds[i].kind)) != 0)
			continue;
		reading->gate->kind = kinds[i].kind;
		if (json_check_keys(reading->object, kinds[i].keys, reading->place, err) < 0)
			return -1;
		return kinds[i].read(reading, err);
	}
	return json_error(&here, err, "%s is no kind of gate: command, http, unreachable, tasks, launch or metric",
			  name);
}

static int read_list(const json_t *document, const char *key, bool of_agent, struct plan_gates *out,
		     const struct json_place *place, struct error *err)
{
	const json_t *array = NULL;
	struct json_place list = {.parent = place, .key = key};

	if (json_optional_array(document, key, &array, place, err) < 0)
		return -1;
	if (json_array_size(array) > GATES_MAX)
		return json_error(&list, err, "more than %d gates", GATES_MAX);
	out->items = xcalloc(json_array_size(array) + 1, sizeof(*out->items));
	for (size_t i = 0; i < json_array_size(array); i++) {
		struct json_place here = {.parent = &list, .index = i};
		struct reading reading = {.gate = &out->items[out->count++],
					  .object = json_array_get(array, i),
					  .place = &here,
					  .of_agent = of_agent};

		if (read_gate(&reading, err) < 0)
			return -1;
	}
	return 0;
}

int plan_gates_from_json(const json_t *document, const struct json_place *place, struct plan_gates *after_agent,
			 struct plan_gates *after_stage, struct error *err)
{
	static const char *const keys[] = {"after_agent", "after_stage", NULL};
	struct plan_gates agent = {.items = NULL}, stage = {.items = NULL};

	if (!json_is_object(document))
		return json_error(place, err, "gates are an object with the lists after_agent and after_stage");
	if (json_check_keys(document, keys, place, err) < 0 ||
	    read_list(document, "after_agent", true, &agent, place, err) < 0 ||
	    read_list(document, "after_stage", false, &stage, place, err) < 0) {
		plan_gates_clear(&agent);
		plan_gates_clear(&stage);
		return -1;
	}
	*after_agent = agent;
	*after_stage = stage;
	return 0;
}

int plan_gates_read(const char *path, struct plan_gates *after_agent, struct plan_gates *after_stage, struct error *err)
{
	const struct json_place place = {.source = path};
	json_t *document = json_read_file(path, GATES_FILE_MAX, err);

	if (document == NULL)
		return -1;
	int result = plan_gates_from_json(document, &place, after_agent, after_stage, err);
	json_decref(document);
	return result;
}
