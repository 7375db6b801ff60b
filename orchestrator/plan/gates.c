/* SPDX-License-Identifier: Apache-2.0 */
/* What gates are made of, how they are written down, and how they read. */
#include "orchestrator/plan/gates.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"

static const char *const names[] = {
	[GATE_COMMAND] = "command", [GATE_HTTP] = "http",     [GATE_UNREACHABLE] = "unreachable",
	[GATE_TASKS] = "tasks",     [GATE_LAUNCH] = "launch", [GATE_METRIC] = "metric",
};

const char *plan_gate_kind_name(enum plan_gate_kind kind)
{
	return names[kind];
}

static void clear_gate(struct plan_gate *gate)
{
	for (size_t i = 0; i < gate->argc; i++)
		free(gate->argv[i]);
	free(gate->argv);
	free(gate->url);
	free(gate->framework);
	free(gate->metric);
}

void plan_gates_clear(struct plan_gates *gates)
{
	for (size_t i = 0; i < gates->count; i++)
		clear_gate(&gates->items[i]);
	free(gates->items);
	*gates = (struct plan_gates){.items = NULL};
}

/* ---- as a document */

static void put_duration(json_t *object, const char *key, int64_t ms)
{
	json_object_set_new(object, key, json_sprintf("%" PRId64 "ms", ms));
}

static json_t *argv_to_json(const struct plan_gate *gate)
{
	json_t *array = json_array();

	for (size_t i = 0; i < gate->argc; i++)
		json_array_append_new(array, json_string(gate->argv[i]));
	return array;
}

static void put_metric(json_t *object, const struct plan_gate *gate)
{
	json_object_set_new(object, "name", json_string(gate->metric));
	if (gate->has_max)
		json_object_set_new(object, "max", json_real(gate->max));
	if (gate->has_min)
		json_object_set_new(object, "min", json_real(gate->min));
	put_duration(object, "timeout", gate->timeout_ms);
}

static void put_http(json_t *object, const struct plan_gate *gate)
{
	json_object_set_new(object, "url", json_string(gate->url));
	if (gate->status != 0)
		json_object_set_new(object, "status", json_integer(gate->status));
	put_duration(object, "timeout", gate->timeout_ms);
}

static json_t *gate_to_json(const struct plan_gate *gate)
{
	json_t *object = json_object();

	json_object_set_new(object, "kind", json_string(names[gate->kind]));
	switch (gate->kind) {
	case GATE_COMMAND:
		json_object_set_new(object, "argv", argv_to_json(gate));
		put_duration(object, "timeout", gate->timeout_ms);
		break;
	case GATE_HTTP:
		put_http(object, gate);
		break;
	case GATE_UNREACHABLE:
		json_object_set_new(object, "max_new", json_integer(gate->max_new));
		break;
	case GATE_TASKS:
		json_object_set_new(object, "framework", json_string(gate->framework));
		json_object_set_new(object, "min_percent", json_integer(gate->min_percent));
		break;
	case GATE_LAUNCH:
		put_duration(object, "within", gate->within_ms);
		break;
	case GATE_METRIC:
		put_metric(object, gate);
		break;
	}
	return object;
}

static json_t *list_to_json(const struct plan_gates *gates)
{
	json_t *array = json_array();

	for (size_t i = 0; i < gates->count; i++)
		json_array_append_new(array, gate_to_json(&gates->items[i]));
	return array;
}

json_t *plan_gates_to_json(const struct plan_gates *after_agent, const struct plan_gates *after_stage)
{
	json_t *object = json_object();

	json_object_set_new(object, "after_agent", list_to_json(after_agent));
	json_object_set_new(object, "after_stage", list_to_json(after_stage));
	return object;
}

/* ---- time and words */

/* The master's next answer, when it is late. */
#define ANSWER_MS 15000

static int64_t longest_ms(const struct plan_gate *gate)
{
	switch (gate->kind) {
	case GATE_UNREACHABLE:
	case GATE_TASKS:
		return PLAN_GATE_SETTLE_MS + ANSWER_MS;
	case GATE_LAUNCH:
		return gate->within_ms + ANSWER_MS;
	default:
		return gate->timeout_ms;
	}
}

int64_t plan_gates_longest_ms(const struct plan_gates *gates)
{
	int64_t sum = 0;

	for (size_t i = 0; i < gates->count; i++)
		sum += longest_ms(&gates->items[i]);
	return sum;
}

bool plan_gate_is_prompt(const struct plan_gate *gate)
{
	return gate->kind == GATE_UNREACHABLE || gate->kind == GATE_TASKS;
}

static void metric_text(const struct plan_gate *gate, struct buffer *out)
{
	buffer_printf(out, "the master's metric %s is ", gate->metric);
	if (gate->has_min)
		buffer_printf(out, "at least %g%s", gate->min, gate->has_max ? " and " : "");
	if (gate->has_max)
		buffer_printf(out, "at most %g", gate->max);
}

/* In quotes where one could not see otherwise where a word ends: as a shell reads it. */
static void add_word(const char *word, struct buffer *out)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-${}";

	if (word[0] != '\0' && word[strspn(word, plain)] == '\0')
		buffer_puts(out, word);
	else
		text_single_quote(word, out);
}

void plan_gate_text(const struct plan_gate *gate, struct buffer *out)
{
	char span[CLOCK_TEXT_MAX];

	switch (gate->kind) {
	case GATE_COMMAND:
		for (size_t i = 0; i < gate->argc; i++) {
			buffer_puts(out, i ? " " : "");
			add_word(gate->argv[i], out);
		}
		buffer_printf(out, " exits with 0 within %s", clock_format_span(gate->timeout_ms, span));
		break;
	case GATE_HTTP:
		buffer_printf(out, "%s answers ", gate->url);
		if (gate->status != 0)
			buffer_printf(out, "%d", gate->status);
		else
			buffer_puts(out, "2xx");
		buffer_printf(out, " within %s", clock_format_span(gate->timeout_ms, span));
		break;
	case GATE_UNREACHABLE:
		if (gate->max_new == 0)
			buffer_puts(out, "no agent has become unreachable since the run began");
		else
			buffer_printf(out,
				      "no more than %" PRId64 " agents have become unreachable since the run began",
				      gate->max_new);
		break;
	case GATE_TASKS:
		buffer_printf(out, "%s has at least %d%% of the tasks it had running when the run began",
			      gate->framework, gate->min_percent);
		break;
	case GATE_LAUNCH:
		buffer_printf(out, "a new task runs on what was changed, within %s",
			      clock_format_span(gate->within_ms, span));
		break;
	case GATE_METRIC:
		metric_text(gate, out);
		break;
	}
}
