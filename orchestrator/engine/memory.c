/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a restart must know: the agents' states come from their rows, the run's own memory is one line of words, each with its
 * value:
 *
 *     passed 2 soaked 3 row 1 stage_rows 1:1 domain_rows 0:2,3:1 rollback 1 seen 0-4,9 known 7 again 7
 *
 * passed: stages whose gates have passed; soaked: stages whose soak time is over; row: failures in a row; stage_rows, domain_rows: the same within those that have any; seen, known: positions of agents whose failure, or whose being
 * stuck, a person knew of when the run was resumed; again: of those that are to be tried once more when they are settled. Words with
 * nothing to say are left out.
 */
#include "orchestrator/engine/internal.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* ---- writing */

static void write_number(struct buffer *out, const char *word, int value)
{
	if (value)
		buffer_printf(out, "%s%s %d", out->len ? " " : "", word, value);
}

static bool is_known(const struct engine_agent *agent)
{
	return agent->was_stuck;
}

static bool is_seen(const struct engine_agent *agent)
{
	return agent->seen;
}

static bool is_again(const struct engine_agent *agent)
{
	return agent->again;
}

static void write_positions(const struct engine *engine, struct buffer *out, const char *word,
			    bool (*has)(const struct engine_agent *agent))
{
	bool any = false;

	for (size_t i = 0; i < engine->count; i++) {
		size_t first = i;

		if (!has(&engine->agents[i]))
			continue;
		while (i + 1 < engine->count && has(&engine->agents[i + 1]))
			i++;
		if (any)
			buffer_putc(out, ',');
		else
			buffer_printf(out, "%s%s ", out->len ? " " : "", word);
		any = true;
		buffer_printf(out, i > first ? "%zu-%zu" : "%zu", first, i);
	}
}

static void write_rows(struct buffer *out, const char *word, const int *rows, int count)
{
	bool any = false;

	for (int i = 0; i < count; i++) {
		if (rows[i] == 0)
			continue;
		if (any)
			buffer_putc(out, ',');
		else
			buffer_printf(out, "%s%s ", out->len ? " " : "", word);
		any = true;
		buffer_printf(out, "%d:%d", i, rows[i]);
	}
}

void engine_write_memory(const struct engine *engine, struct buffer *out)
{
	write_number(out, "passed", engine->stages_passed);
	if (engine->stages_soaked > engine->stages_passed)
		write_number(out, "soaked", engine->stages_soaked);
	write_number(out, "row", engine->in_a_row);
	write_rows(out, "stage_rows", engine->stage_rows, engine->stage_count);
	write_rows(out, "domain_rows", engine->domain_rows, engine->domain_count);
	write_number(out, "rollback", engine->wants_rollback);
	write_positions(engine, out, "seen", is_seen);
	write_positions(engine, out, "known", is_known);
	write_positions(engine, out, "again", is_again);
}

/* ---- reading */

static void see(struct engine *engine, size_t index)
{
	struct engine_agent next = engine->agents[index];

	/* What has come to its end since has forgotten it. */
	if (next.state == AGENT_WAITING || next.state == AGENT_DONE)
		return;
	next.seen = true;
	engine_put(engine, index, &next);
}

static bool is_settled(const struct engine_agent *agent)
{
	return agent->state == AGENT_WAITING || (agent_state_is_final(agent->state) && agent->state != AGENT_STUCK);
}

static void know(struct engine *engine, size_t index)
{
	struct engine_agent next = engine->agents[index];

	if (is_settled(&next))
		return;
	next.was_stuck = true;
	engine_put(engine, index, &next);
}

static void want_again(struct engine *engine, size_t index)
{
	if (!is_settled(&engine->agents[index]))
		engine->agents[index].again = true; /* nothing counts it */
}

static bool read_number(const char **at, size_t most, size_t *out)
{
	char *end;
	unsigned long value;

	if (**at < '0' || **at > '9')
		return false;
	value = strtoul(*at, &end, 10);
	if (value > most)
		return false;
	*at = end;
	*out = value;
	return true;
}

/* "0-4,9" */
static bool read_positions(struct engine *engine, const char **at, void (*take)(struct engine *engine, size_t index))
{
	size_t first, last;

	do {
		if (**at == ',')
			++*at;
		if (!read_number(at, engine->count, &first))
			return false;
		last = first;
		if (**at == '-') {
			++*at;
			if (!read_number(at, engine->count, &last))
				return false;
		}
		if (first > last || last >= engine->count)
			return false;
		for (size_t i = first; i <= last; i++)
			take(engine, i);
	} while (**at == ',');
	return true;
}

/* "0:2,3:1". Agents that are tried again may fail again: there can be more failures in a row than agents. */
static bool read_rows(const char **at, int *rows, int count)
{
	size_t index, value;

	do {
		if (**at == ',')
			++*at;
		if (!read_number(at, INT_MAX, &index) || index >= (size_t)count || **at != ':')
			return false;
		++*at;
		if (!read_number(at, INT_MAX, &value))
			return false;
		rows[index] = (int)value;
	} while (**at == ',');
	return true;
}

static bool is_word(const char *word, size_t len, const char *wanted)
{
	return strlen(wanted) == len && strncmp(word, wanted, len) == 0;
}

static bool read_value(struct engine *engine, const char *word, size_t len, const char **at)
{
	size_t value;

	if (!read_number(at, INT_MAX, &value))
		return false;
	if (is_word(word, len, "passed") && value <= (size_t)engine->stage_count)
		engine_restore_stage(engine, (int)value);
	else if (is_word(word, len, "soaked") && value <= (size_t)engine->stage_count)
		engine->stages_soaked = (int)value;
	else if (is_word(word, len, "row"))
		engine->in_a_row = (int)value;
	else if (is_word(word, len, "rollback"))
		engine->wants_rollback = value != 0;
	else
		return false;
	return true;
}

static bool read_word(struct engine *engine, const char *word, size_t len, const char **at)
{
	if (is_word(word, len, "seen"))
		return read_positions(engine, at, see);
	if (is_word(word, len, "known"))
		return read_positions(engine, at, know);
	if (is_word(word, len, "again"))
		return read_positions(engine, at, want_again);
	if (is_word(word, len, "stage_rows"))
		return read_rows(at, engine->stage_rows, engine->stage_count);
	if (is_word(word, len, "domain_rows"))
		return read_rows(at, engine->domain_rows, engine->domain_count);
	return read_value(engine, word, len, at);
}

int engine_restore_memory(struct engine *engine, const char *text, struct error *err)
{
	const char *at = text ? text : "";

	engine->remembers = *at != '\0';
	while (*at != '\0') {
		const char *word = at;
		size_t len = strcspn(word, " ");

		at += len + (word[len] == ' ');
		if (!read_word(engine, word, len, &at) || (*at != ' ' && *at != '\0'))
			return error_set(err, ERROR_CORRUPT, "the run's memory does not fit its plan at: %.60s", word);
		at += *at == ' ';
	}
	return 0;
}
