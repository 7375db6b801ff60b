/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a plan's document: strictly, and then once more by writing it, so that nothing in it is other than
 * plan_write made it. */
#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "mesos/recovery.h"
#include "orchestrator/plan/plan.h"
#include "orchestrator/plan/plan_json.h"
#include "orchestrator/plan/plan_parse_agent.h"

static int parse_times(const json_t *object, struct engine_options *out, const struct json_place *place,
		       struct error *err)
{
	const struct {
		const char *key;
		int64_t *target;
	} times[] = {
		{"check_ms", &out->check_ms}, {"change_ms", &out->change_ms},   {"return_ms", &out->return_ms},
		{"prove_ms", &out->prove_ms}, {"unknown_ms", &out->unknown_ms}, {"soak_ms", &out->soak_ms},
		{"keep_ms", &out->keep_ms},
	};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		if (read_number(object, times[i].key, 0, INT64_MAX, times[i].target, place, err) < 0)
			return -1;
	}
	return 0;
}

static int parse_on_failure(const json_t *object, struct engine_options *out, const struct json_place *place,
			    struct error *err)
{
	const char *name;
	struct json_place here = {.parent = place, .key = "on_failure"};

	if (json_required_string(object, "on_failure", &name, place, err) < 0)
		return -1;
	int found = engine_on_failure_parse(name);
	if (found < 0)
		return json_error(&here, err, "%s is not one of pause, rollback, abort", name);
	out->on_failure = (enum engine_on_failure)found;
	return 0;
}

/* Those that do not hold are not there. */
static int parse_part_limits(const json_t *object, struct engine_options *out, const struct json_place *place,
			     struct error *err)
{
	const struct {
		const char *key;
		int64_t max;
		int *target;
	} limits[] = {
		{"stage_max_percent", 100, &out->stage_max_percent},
		{"domain_max_percent", 100, &out->domain_max_percent},
		{"stage_max_consecutive", INT_MAX, &out->stage_max_consecutive},
		{"domain_max_consecutive", INT_MAX, &out->domain_max_consecutive},
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		int64_t number = 0;

		if (json_object_get(object, limits[i].key) &&
		    read_number(object, limits[i].key, 1, limits[i].max, &number, place, err) < 0)
			return -1;
		*limits[i].target = (int)number;
	}
	if ((out->stage_max_percent > 0 && out->stage_max_failures >= 0) ||
	    (out->domain_max_percent > 0 && out->domain_max_failures >= 0))
		return json_error(place, err, "a budget is a number of agents or a percentage, not both");
	return 0;
}

/* What format 2 added. */
static int parse_options_2(const json_t *object, struct plan *plan, const struct json_place *place, struct error *err)
{
	struct engine_options *out = &plan->options;

	if (read_int(object, "stage_max_failures", -1, &out->stage_max_failures, place, err) < 0 ||
	    read_int(object, "domain_max_failures", -1, &out->domain_max_failures, place, err) < 0 ||
	    read_int(object, "max_consecutive", 0, &out->max_consecutive, place, err) < 0 ||
	    parse_on_failure(object, out, place, err) < 0 ||
	    read_int(object, "meltdown_percent", 0, &out->meltdown_percent, place, err) < 0 ||
	    read_number(object, "gate_ms", 0, INT64_MAX, &out->gate_ms, place, err) < 0 ||
	    read_number(object, "hold_ms", 0, INT64_MAX, &out->hold_ms, place, err) < 0 ||
	    read_bool(object, "allow_port_change", &plan->allow_port_change, place, err) < 0 ||
	    read_bool(object, "accept_stale_master", &plan->accept_stale_master, place, err) < 0)
		return -1;
	if (read_bool(object, "hold_configuration_management", &plan->hold_configuration_management, place, err) < 0)
		return -1;
	if (json_object_get(object, "stage_soak_ms") != NULL &&
	    read_number(object, "stage_soak_ms", 1, INT64_MAX, &out->stage_soak_ms, place, err) < 0)
		return -1;
	return parse_part_limits(object, out, place, err);
}

/* A plan of format 1 runs as it was meant: no budgets but one, and no guard. */
static void set_options_1(struct engine_options *out)
{
	out->stage_max_failures = out->domain_max_failures = -1;
	out->max_consecutive = out->stage_max_consecutive = out->domain_max_consecutive = 0;
	out->stage_max_percent = out->domain_max_percent = 0;
	out->on_failure = ON_FAILURE_PAUSE;
	out->meltdown_percent = 0;
}

static int parse_options(const json_t *root, struct plan *plan, const struct json_place *place, struct error *err)
{
	const json_t *object;
	struct engine_options *out = &plan->options;
	struct json_place here = {.parent = place, .key = "options"};
	int unlimited = plan->format >= 2 ? -1 : 0;

	if (read_object(root, "options", &object, place, err) < 0 ||
	    read_int(object, "window", 1, &out->window, &here, err) < 0 ||
	    read_int(object, "domain_window", 0, &out->domain_window, &here, err) < 0 ||
	    read_int(object, "max_failures", unlimited, &out->max_failures, &here, err) < 0 ||
	    parse_times(object, out, &here, err) < 0)
		return -1;
	if (plan->format >= 2)
		return parse_options_2(object, plan, &here, err);
	set_options_1(out);
	return 0;
}

static int parse_agents(const json_t *root, struct plan *plan, const struct json_place *place, struct error *err)
{
	const json_t *array;
	struct json_place list = {.parent = place, .key = "agents"};
	if (read_array(root, "agents", &array, place, err) < 0)
		return -1;
	plan->agents = xcalloc(json_array_size(array) + 1, sizeof(*plan->agents));
	for (size_t i = 0; i < json_array_size(array); i++) {
		struct json_place here = {.parent = &list, .index = i};
		const json_t *entry = json_array_get(array, i);
		if (!json_is_object(entry))
			return json_error(&here, err, "must be an object");
		if (plan_parse_agent(entry, plan->format, &plan->agents[plan->agent_count++], &here, err) < 0)
			return -1;
	}
	return 0;
}

static int parse_config(const json_t *root, struct plan *plan, const struct json_place *place, struct error *err)
{
	const json_t *config;
	struct json_place here = {.parent = place, .key = "config"};
	if (read_object(root, "config", &config, place, err) < 0 ||
	    read_text(config, "name", &plan->config, &here, err) < 0 ||
	    read_int(config, "version", 1, &plan->config_version, &here, err) < 0)
		return -1;
	return read_text(config, "sha256", &plan->config_sha256, &here, err);
}

static int parse_ignore(const json_t *root, struct plan *plan, const struct json_place *place, struct error *err)
{
	const json_t *array;
	if (read_array(root, "ignore", &array, place, err) < 0)
		return -1;
	struct buffer text = BUFFER_INIT(4096);
	json_write(array, false, &text);
	struct json_place here = {.parent = place, .key = "ignore"};
	struct error why = ERROR_INIT;
	int result = recovery_ignore_parse(buffer_text(&text), &plan->ignore, &why);
	if (result < 0)
		json_error(&here, err, "%s", why.text);
	buffer_clear(&text);
	return result;
}

/* ---- since format 2 */

static int parse_stages(const json_t *root, struct plan *plan, const struct json_place *place, struct error *err)
{
	const json_t *array;
	struct json_place list = {.parent = place, .key = "stages"};
	size_t end = 0;

	if (read_array(root, "stages", &array, place, err) < 0)
		return -1;
	for (size_t i = 0; i < json_array_size(array); i++) {
		const json_t *entry = json_array_get(array, i);
		struct json_place here = {.parent = &list, .index = i};
		const char *name;
		int agents, window;

		if (json_required_string(entry, "name", &name, &here, err) < 0 ||
		    read_int(entry, "agents", 1, &agents, &here, err) < 0 ||
		    read_int(entry, "window", 1, &window, &here, err) < 0)
			return -1;
		end += (size_t)agents;
		plan_add_stage(plan, name, end, window);
	}
	if (plan->stage_count > 0 && end != plan->agent_count)
		return json_error(&list, err, "they hold %zu agents and the plan %zu", end, plan->agent_count);
	return 0;
}

static int parse_gates(const json_t *root, struct plan *plan, const struct json_place *place, struct error *err)
{
	struct plan_gates after_agent = {.items = NULL}, after_stage = {.items = NULL};
	struct json_place here = {.parent = place, .key = "gates"};
	int64_t gate_ms = plan->options.gate_ms;

	if (plan_gates_from_json(json_object_get(root, "gates"), &here, &after_agent, &after_stage, err) < 0)
		return -1;
	plan_take_gates(plan, &after_agent, &after_stage);
	plan->options.gate_ms = gate_ms; /* as it was planned */
	return 0;
}

static int parse_findings(const json_t *root, struct plan *plan, const struct json_place *place, struct error *err)
{
	const json_t *array;
	struct json_place list = {.parent = place, .key = "findings"};

	if (read_array(root, "findings", &array, place, err) < 0)
		return -1;
	for (size_t i = 0; i < json_array_size(array); i++) {
		const json_t *entry = json_array_get(array, i);
		struct json_place here = {.parent = &list, .index = i};
		const char *level, *about, *text, *remedy = NULL;

		if (json_required_string(entry, "level", &level, &here, err) < 0 ||
		    json_required_string(entry, "about", &about, &here, err) < 0 ||
		    json_required_string(entry, "text", &text, &here, err) < 0 ||
		    json_optional_string(entry, "remedy", &remedy, &here, err) < 0)
			return -1;
		plan_add_finding(plan, strcmp(level, "risk") == 0, about, text, remedy);
	}
	return 0;
}

static int parse_left_out(const json_t *root, struct plan *plan, const struct json_place *place, struct error *err)
{
	const json_t *array;
	struct json_place list = {.parent = place, .key = "left_out"};

	if (read_array(root, "left_out", &array, place, err) < 0)
		return -1;
	for (size_t i = 0; i < json_array_size(array); i++) {
		const json_t *entry = json_array_get(array, i);
		struct json_place here = {.parent = &list, .index = i};
		const char *id, *hostname, *why, *reason;
		unsigned which = 0;

		if (json_required_string(entry, "id", &id, &here, err) < 0 ||
		    json_required_string(entry, "hostname", &hostname, &here, err) < 0 ||
		    json_required_string(entry, "why", &why, &here, err) < 0 ||
		    json_required_string(entry, "reason", &reason, &here, err) < 0)
			return -1;
		while (which < LEFT_WHY_COUNT && strcmp(why, plan_left_why_name((enum plan_left_why)which)) != 0)
			which++;
		if (which == LEFT_WHY_COUNT)
			return json_error(&here, err, "%s is no reason to leave an agent out", why);
		plan_add_left_out(plan, id, hostname, (enum plan_left_why)which, reason);
	}
	return 0;
}

static int parse_facts(const json_t *root, struct plan *plan, const struct json_place *place, struct error *err)
{
	const json_t *clocks, *master, *forecast;
	struct json_place clocks_at = {.parent = place, .key = "clocks"},
			  master_at = {.parent = place, .key = "master"},
			  forecast_at = {.parent = place, .key = "forecast"};

	if (read_object(root, "clocks", &clocks, place, err) < 0 ||
	    read_number(clocks, "silent_ms", 0, INT64_MAX, &plan->clocks.silent_ms, &clocks_at, err) < 0 ||
	    read_number(clocks, "reregister_ms", 0, INT64_MAX, &plan->clocks.reregister_ms, &clocks_at, err) < 0 ||
	    read_object(root, "master", &master, place, err) < 0 ||
	    read_bool(master, "known", &plan->master.known, &master_at, err) < 0 ||
	    read_bool(master, "has_domain", &plan->master.has_domain, &master_at, err) < 0 ||
	    read_bool(master, "require_domain", &plan->master.require_domain, &master_at, err) < 0 ||
	    read_object(root, "forecast", &forecast, place, err) < 0 ||
	    read_number(forecast, "expected_ms", 0, INT64_MAX, &plan->forecast.expected_ms, &forecast_at, err) < 0 ||
	    read_number(forecast, "worst_ms", 0, INT64_MAX, &plan->forecast.worst_ms, &forecast_at, err) < 0 ||
	    read_int(forecast, "past_agents", 0, &plan->forecast.past_agents, &forecast_at, err) < 0)
		return -1;
	return read_int(forecast, "past_runs", 0, &plan->forecast.past_runs, &forecast_at, err);
}

static int parse_root_2(const json_t *root, struct plan *plan, const struct json_place *place, struct error *err)
{
	if (read_optional_text(root, "rolls_back", &plan->rolls_back, place, err) < 0 ||
	    read_optional_text(root, "exclude", &plan->exclude, place, err) < 0 ||
	    read_optional_text(root, "by", &plan->order, place, err) < 0 ||
	    read_bool(root, "offline", &plan->offline, place, err) < 0 ||
	    read_number(root, "synced_ms", 0, INT64_MAX, &plan->synced_ms, place, err) < 0 ||
	    parse_stages(root, plan, place, err) < 0 || parse_gates(root, plan, place, err) < 0 ||
	    parse_facts(root, plan, place, err) < 0 || parse_findings(root, plan, place, err) < 0)
		return -1;
	return parse_left_out(root, plan, place, err);
}

/* ---- the whole */

static int parse_format(const json_t *root, struct plan *plan, const struct json_place *place, struct error *err)
{
	static const char *const keys_1[] = {"format", "cluster", "config", "created_ms", "surveyed_ms", "where",
					     "ignore", "options", "agents", "unchanged",  NULL};
	static const char *const keys_2[] = {"format", "cluster",  "config",    "created_ms", "surveyed_ms", "where",
					     "ignore", "options",  "agents",    "unchanged",  "rolls_back",  "exclude",
					     "by",     "offline",  "synced_ms", "stages",     "gates",       "clocks",
					     "master", "forecast", "findings",  "left_out",   NULL};

	if (!json_is_object(root))
		return json_error(place, err, "this is no plan");
	if (json_check_keys(root, keys_2, place, err) < 0 || read_int(root, "format", 0, &plan->format, place, err) < 0)
		return -1;
	if (plan->format < 1 || plan->format > PLAN_FORMAT)
		return json_error(place, err, "a plan of format %d; this rollcall knows formats 1 to %d", plan->format,
				  PLAN_FORMAT);
	return plan->format == 1 ? json_check_keys(root, keys_1, place, err) : 0;
}

static int parse_root(const json_t *root, struct plan *plan, const struct json_place *place, struct error *err)
{
	if (parse_format(root, plan, place, err) < 0 || read_text(root, "cluster", &plan->cluster, place, err) < 0 ||
	    parse_config(root, plan, place, err) < 0 ||
	    read_number(root, "created_ms", 0, INT64_MAX, &plan->created_ms, place, err) < 0 ||
	    read_number(root, "surveyed_ms", 0, INT64_MAX, &plan->surveyed_ms, place, err) < 0 ||
	    read_optional_text(root, "where", &plan->where, place, err) < 0 ||
	    parse_ignore(root, plan, place, err) < 0 || parse_options(root, plan, place, err) < 0 ||
	    parse_agents(root, plan, place, err) < 0 ||
	    read_texts(root, "unchanged", &plan->unchanged, &plan->unchanged_count, place, err) < 0)
		return -1;
	return plan->format >= 2 ? parse_root_2(root, plan, place, err) : 0;
}

/* What is derived in the document (`changes`) or says the same in two ways must be as plan_write makes it. */
static int check_canonical(const char *source, const void *bytes, size_t len, struct plan *plan, struct error *err)
{
	struct buffer again = BUFFER_INIT(PLAN_MAX);
	plan_write(plan, &again);
	bool same = again.len == len && memcmp(buffer_text(&again), bytes, len) == 0;
	buffer_clear(&again);
	if (same)
		return 0;
	return error_set(err, ERROR_CORRUPT,
			 "%s: this plan is not as rollcall wrote it: it was edited; make a new one with "
			 "`rollcall rollout plan`",
			 source);
}

int plan_parse(const char *source, const void *bytes, size_t len, struct plan *out, struct error *err)
{
	const char *text = bytes;
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		len--;
	json_t *root = json_parse(source, text, len, err);
	if (root == NULL)
		return -1;
	struct plan plan;
	struct json_place place = {.source = source};
	plan_init(&plan);
	int result = parse_root(root, &plan, &place, err);
	if (result == 0)
		result = check_canonical(source, bytes, len, &plan, err);
	json_decref(root);
	if (result == 0)
		*out = plan;
	else
		plan_clear(&plan);
	return result;
}
