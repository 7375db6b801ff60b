/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of an agent beside its state, in a few words. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "orchestrator/progress.h"

/* A line of ours, in bytes. */
#define DETAIL_MAX 1024

static size_t count_tasks(const json_t *proof, const char *fate)
{
	return json_array_size(json_object_get(json_object_get(proof, "tasks"), fate));
}

/* Whom the master does not show has no other ID. */
static const char *id_words(const json_t *proof)
{
	const json_t *lines = json_object_get(proof, "lines");
	size_t i;
	json_t *line;

	json_array_foreach(lines, i, line)
	{
		if (strcmp(json_string_value(json_object_get(line, "what")), "id") != 0)
			continue;
		if (json_is_true(json_object_get(line, "ok")))
			return "same ID";
		return json_is_string(json_object_get(line, "found")) ? "NOT the same ID" : "not listed";
	}
	return "ID not seen";
}

static void add_tasks(const json_t *proof, struct buffer *out)
{
	size_t kept = count_tasks(proof, "survived"), lost = count_tasks(proof, "killed");
	size_t unproven = count_tasks(proof, "unproven");

	if (kept > 0)
		buffer_printf(out, ", %zu task%s kept", kept, kept == 1 ? "" : "s");
	if (lost > 0)
		buffer_printf(out, ", %zu task%s lost", lost, lost == 1 ? "" : "s");
	if (unproven > 0)
		buffer_printf(out, ", %zu task%s not proven to run", unproven, unproven == 1 ? "" : "s");
}

/* What went wrong is told where something has just gone wrong: a step forward is not overshadowed by an older story. */
static bool tells_error(enum agent_state state)
{
	return (agent_state_is_final(state) && state != AGENT_DONE) || state == AGENT_UNKNOWN ||
	       state == AGENT_REVERTING || state == AGENT_WAITING;
}

char *progress_detail(const struct run_agent *row, enum agent_state state)
{
	struct buffer out = BUFFER_INIT(DETAIL_MAX);
	bool settled = state == AGENT_DONE || state == AGENT_REVERTED;
	json_t *proof = (settled || state == AGENT_STUCK) && row->proof ? json_loads(row->proof, 0, NULL) : NULL;
	char span[CLOCK_TEXT_MAX];

	if (proof)
		buffer_puts(&out, id_words(proof));
	if (proof)
		add_tasks(proof, &out);
	if (settled && row->away_from_ms && row->away_until_ms)
		buffer_printf(&out, "%saway %s", out.len ? ", " : "",
			      clock_format_span(row->away_until_ms - row->away_from_ms, span));
	if (row->error && tells_error(state))
		buffer_printf(&out, "%s%.*s", out.len ? "; " : "", (int)strcspn(row->error, "\n"), row->error);
	json_decref(proof);
	return buffer_take(&out);
}
