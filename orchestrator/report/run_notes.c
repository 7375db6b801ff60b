/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/report/run_notes.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/term.h"
#include "base/text.h"
#include "orchestrator/output.h"

/* ---- from events */

static const char *member(const json_t *body, const char *key)
{
	const char *text = json_string_value(json_object_get(body, key));

	return text ? text : "";
}

static void take_gate(struct run_view *view, const struct agent_result *agent, int64_t time_ms, const json_t *body)
{
	view->gates = xreallocarray(view->gates, view->gate_count + 1, sizeof(*view->gates));
	view->gates[view->gate_count++] = (struct view_gate){
		.time_ms = time_ms,
		.hostname = agent ? xstrdup(agent->row->hostname) : NULL,
		.stage = json_integer_value(json_object_get(body, "stage")),
		.stage_name = xstrdup(member(body, "stage_name")),
		.gate = xstrdup(member(body, "gate")),
		.answer = xstrdup(member(body, "answer")),
		.seen = xstrdup(member(body, "seen")),
		.kind = xstrdup(member(body, "kind")),
	};
}

static char *state_text(const json_t *body)
{
	const char *state = member(body, "state"), *reason = member(body, "reason");

	if (strcmp(state, run_state_name(RUN_RUNNING)) == 0)
		return NULL;
	return xasprintf("%s%s%s", state, *reason ? ": " : "", reason);
}

/* Of a run that had ended already: from here on it has another end. */
static char *resumed_text(const json_t *body)
{
	int64_t ended_ms = json_integer_value(json_object_get(body, "ended_ms"));
	char time[CLOCK_TEXT_MAX];

	return ended_ms ? xasprintf("resumed; it had ended at %s", clock_format(ended_ms, time)) : xstrdup("resumed");
}

static char *leader_text(const json_t *body)
{
	long long awaited = (long long)json_integer_value(json_object_get(body, "awaited"));

	return xasprintf("another master leads, %s; %lld agent%s to come back to it", member(body, "master"), awaited,
			 awaited == 1 ? " is" : "s are");
}

static char *settled_text(const json_t *body)
{
	long long missing = (long long)json_integer_value(json_object_get(body, "missing"));
	char span[CLOCK_TEXT_MAX];

	clock_format_span(json_integer_value(json_object_get(body, "after_ms")), span);
	if (missing == 0)
		return xasprintf("every agent was back at the new master after %s", span);
	return xasprintf("%lld agent%s not come back to the new master within %s", missing,
			 missing == 1 ? " has" : "s have", span);
}

char *run_note_text(const char *kind, const json_t *body)
{
	if (strcmp(kind, "run") == 0)
		return state_text(body);
	if (strcmp(kind, "run.resumed") == 0)
		return resumed_text(body);
	if (strcmp(kind, "run.obeyed") == 0)
		return xasprintf("%s, ordered by %s: %s", member(body, "order"), member(body, "by"),
				 member(body, "answer"));
	if (strcmp(kind, "run.leader") == 0)
		return leader_text(body);
	if (strcmp(kind, "run.leader_settled") == 0)
		return settled_text(body);
	if (strcmp(kind, "run.rolled_back") == 0)
		return xasprintf("rolled back by run %s", member(body, "by"));
	return NULL;
}

/* Whatever settles what an aborted run has left writes its state again: it was aborted once. */
static bool is_said_already(const struct run_view *view, const struct ledger_entry *entry, const json_t *body,
			    const char *text)
{
	if (strcmp(entry->kind, "run") != 0 || strcmp(member(body, "state"), run_state_name(RUN_ABORTED)) != 0)
		return false;
	for (size_t i = 0; i < view->note_count; i++)
		if (strcmp(view->notes[i].text, text) == 0)
			return true;
	return false;
}

/* A paused run whose driver waits goes on by an order alone. */
static void count_order(struct run_view *view, const json_t *body)
{
	const char *order = member(body, "order");

	view->resumed += strcmp(order, "resume") == 0;
	view->settling |= strncmp(order, "settle", strlen("settle")) == 0;
}

void run_view_take_note(struct run_view *view, const struct agent_result *agent, const struct ledger_entry *entry)
{
	json_t *body = json_loadb(entry->body, entry->body_len, 0, NULL);
	char *text = run_note_text(entry->kind, body);

	if (strcmp(entry->kind, "run.obeyed") == 0)
		count_order(view, body);
	if (strcmp(entry->kind, "gate") == 0)
		take_gate(view, agent, entry->time_ms, body);
	if (text && is_said_already(view, entry, body, text)) {
		free(text);
	} else if (text) {
		view->notes = xreallocarray(view->notes, view->note_count + 1, sizeof(*view->notes));
		view->notes[view->note_count++] =
			(struct view_note){.time_ms = entry->time_ms, .actor = xstrdup(entry->actor), .text = text};
	}
	json_decref(body);
}

void run_view_clear_notes(struct run_view *view)
{
	for (size_t i = 0; i < view->gate_count; i++) {
		free(view->gates[i].hostname);
		free(view->gates[i].stage_name);
		free(view->gates[i].gate);
		free(view->gates[i].answer);
		free(view->gates[i].seen);
		free(view->gates[i].kind);
	}
	for (size_t i = 0; i < view->note_count; i++) {
		free(view->notes[i].actor);
		free(view->notes[i].text);
	}
	free(view->gates);
	free(view->notes);
}

/* ---- gates */

static bool is_about_the_same(const struct view_gate *a, const struct view_gate *b)
{
	if ((a->hostname == NULL) != (b->hostname == NULL) || strcmp(a->gate, b->gate) != 0)
		return false;
	return a->hostname ? strcmp(a->hostname, b->hostname) == 0 : a->stage == b->stage;
}

static bool is_last_answer(const struct run_view *view, size_t index)
{
	for (size_t i = index + 1; i < view->gate_count; i++)
		if (is_about_the_same(&view->gates[i], &view->gates[index]))
			return false;
	return true;
}

int run_view_gates_failed(const struct run_view *view)
{
	int count = 0;

	for (size_t i = 0; i < view->gate_count; i++)
		count += strcmp(view->gates[i].answer, "pass") != 0 && is_last_answer(view, i);
	return count;
}

json_t *run_view_gates_to_json(const struct run_view *view)
{
	json_t *gates = json_array();

	for (size_t i = 0; i < view->gate_count; i++) {
		const struct view_gate *gate = &view->gates[i];

		json_array_append_new(
			gates, json_pack("{s:o, s:o, s:I, s:s, s:s, s:s, s:s, s:o}", "time", output_time(gate->time_ms),
					 "hostname", output_text(gate->hostname), "stage", (json_int_t)gate->stage,
					 "stage_name", gate->stage_name, "kind", gate->kind, "gate", gate->gate,
					 "answer", gate->answer, "seen", output_text(gate->seen)));
	}
	return gates;
}

json_t *run_view_notes_to_json(const struct run_view *view)
{
	json_t *notes = json_array();

	for (size_t i = 0; i < view->note_count; i++)
		json_array_append_new(notes, json_pack("{s:o, s:s, s:s}", "time", output_time(view->notes[i].time_ms),
						       "operator", view->notes[i].actor, "text", view->notes[i].text));
	return notes;
}

/* ---- stages */

static size_t stage_begin(const struct plan *plan, size_t stage)
{
	return stage == 0 ? 0 : plan->stages[stage - 1].end;
}

static size_t count_done(const struct run_view *view, size_t from, size_t end)
{
	size_t done = 0;

	for (size_t i = 0; i < view->count; i++) {
		int64_t position = view->agents[i].row->position;

		done += position >= (int64_t)from && position < (int64_t)end && view->agents[i].state == AGENT_DONE;
	}
	return done;
}

static const char *stage_name(const struct plan *plan, size_t stage)
{
	return plan->stage_names && plan->stage_names[stage] ? plan->stage_names[stage] : "";
}

static bool is_begun(const struct run_view *view, size_t from, size_t end)
{
	for (size_t i = 0; i < view->count; i++) {
		int64_t position = view->agents[i].row->position;

		if (position >= (int64_t)from && position < (int64_t)end && view->agents[i].state != AGENT_WAITING)
			return true;
	}
	return false;
}

/* Nothing of it goes on by itself any more, and no word of a person makes it go on. */
static bool run_is_over(const struct run_view *view)
{
	return strcmp(view->run.state, run_state_name(RUN_ABORTED)) == 0 || view->run.rollback_due != 0;
}

/* A stage may be behind the run although some of it failed: that is not called passed. */
static const char *stage_state(const struct run_view *view, size_t stage)
{
	size_t passed = (size_t)view->run.stages_passed;
	size_t from = stage_begin(&view->plan, stage), end = view->plan.stages[stage].end;

	if (stage < passed)
		return count_done(view, from, end) == end - from ? "passed" : "ended";
	if (stage > passed)
		return "not begun";
	if (!run_is_over(view))
		return "current";
	return is_begun(view, from, end) ? "ended" : "not begun";
}

json_t *run_view_stages_to_json(const struct run_view *view)
{
	const struct plan *plan = &view->plan;
	json_t *stages = json_array();

	for (size_t i = 0; i < plan->stage_count; i++) {
		size_t from = stage_begin(plan, i), end = plan->stages[i].end;

		json_array_append_new(stages,
				      json_pack("{s:I, s:s, s:I, s:i, s:I, s:s}", "number", (json_int_t)i + 1, "name",
						stage_name(plan, i), "agents", (json_int_t)(end - from), "window",
						plan->stages[i].window, "done", (json_int_t)count_done(view, from, end),
						"state", stage_state(view, i)));
	}
	return stages;
}

/* When the last agent up to there came to its end; 0: not all have. */
static int64_t ended_ms(const struct run_view *view, size_t end)
{
	int64_t last_ms = 0;

	for (size_t i = 0; i < view->count; i++) {
		const struct agent_result *agent = &view->agents[i];

		if (agent->row->position >= (int64_t)end)
			continue;
		if (!agent_state_is_final(agent->state) || agent->step_count == 0)
			return 0;
		int64_t time_ms = agent->steps[agent->step_count - 1].time_ms;
		last_ms = time_ms > last_ms ? time_ms : last_ms;
	}
	return last_ms;
}

/* Whoever has resumed the run soaks again, from then on: this is the least. */
static char *soak_text(const struct run_view *view, size_t stage)
{
	bool runs = view->driven && strcmp(view->run.state, run_state_name(RUN_RUNNING)) == 0;
	bool current = stage == (size_t)view->run.stages_passed;
	int64_t since_ms = runs && current ? ended_ms(view, view->plan.stages[stage].end) : 0;
	int64_t left_ms = since_ms + view->plan.options.stage_soak_ms - view->now_ms;
	char span[CLOCK_TEXT_MAX];

	return since_ms > 0 && left_ms > 0 ? xasprintf(", soaks for another %s", clock_format_span(left_ms, span))
					   : xstrdup("");
}

static void print_stage(const struct run_view *view, size_t stage, FILE *stream)
{
	const struct plan *plan = &view->plan;
	size_t from = stage_begin(plan, stage), end = plan->stages[stage].end;
	char *soaks = soak_text(view, stage);

	fprintf(stream, "Stage %zu of %zu%s%s: %zu of %zu done, window %d, %s%s\n", stage + 1, plan->stage_count,
		*stage_name(plan, stage) ? ", " : "", stage_name(plan, stage), count_done(view, from, end), end - from,
		plan->stages[stage].window, stage_state(view, stage), soaks);
	free(soaks);
}

static bool has_stages(const struct plan *plan)
{
	return plan->stage_count > 1 || plan->options.stage_soak_ms > 0;
}

static void print_gate(const struct view_gate *gate, FILE *stream)
{
	bool passed = strcmp(gate->answer, "pass") == 0;
	char *where = gate->hostname ? xstrdup(gate->hostname)
				     : xasprintf("stage %lld%s%s", (long long)gate->stage,
						 *gate->stage_name ? ", " : "", gate->stage_name);
	char *line = xasprintf("Gate after %s: %s (%s)", where, gate->gate, gate->seen), *shown;

	shown = text_printable(line, false);
	fprintf(stream, "%s%s%s  %s\n", term_on(stream, passed ? TERM_GREEN : TERM_RED), gate->answer, term_off(stream),
		shown);
	free(shown);
	free(line);
	free(where);
}

/* Gates after agents that passed are in the report; here only what a person must know. */
static bool is_worth_a_line(const struct run_view *view, size_t index)
{
	const struct view_gate *gate = &view->gates[index];

	return is_last_answer(view, index) && (!gate->hostname || strcmp(gate->answer, "pass") != 0);
}

void run_view_print_stages(const struct run_view *view, FILE *stream)
{
	for (size_t i = 0; i < view->plan.stage_count && has_stages(&view->plan); i++)
		print_stage(view, i, stream);
	for (size_t i = 0; i < view->gate_count; i++)
		if (is_worth_a_line(view, i))
			print_gate(&view->gates[i], stream);
}

/* How many it speaks for. */
static size_t print_note(const struct run_view *view, size_t first, FILE *stream)
{
	const struct view_note *note = &view->notes[first];
	size_t count;
	char time[CLOCK_TEXT_MAX], *text = run_view_note_text(view, first, &count), *shown;

	shown = text_printable(text, false);
	fprintf(stream, "  %s  %s (%s)\n", clock_format(note->time_ms, time), shown, note->actor);
	free(shown);
	free(text);
	return count;
}

void run_view_print_events(const struct run_view *view, FILE *stream)
{
	size_t note = 0, gate = 0;
	char time[CLOCK_TEXT_MAX];

	fprintf(stream, "  %s  started (%s)\n", clock_format(view->run.created_ms, time),
		view->actor ? view->actor : "?");
	/* Both are in order; together they are, too. */
	while (note < view->note_count || gate < view->gate_count) {
		bool gates_turn = note == view->note_count ||
				  (gate < view->gate_count && view->gates[gate].time_ms < view->notes[note].time_ms);

		if (!gates_turn) {
			note += print_note(view, note, stream);
			continue;
		}
		fprintf(stream, "  %s  ", clock_format(view->gates[gate].time_ms, time));
		print_gate(&view->gates[gate++], stream);
	}
}
