/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/report/outcome.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "orchestrator/report/attempts.h"

#define PATTERN_MAX 4096 /* beyond that two errors that begin alike are one cause */

static const struct {
	const char *name, *label, *sign;
} outcomes[OUTCOME_COUNT] = {
	[OUTCOME_DONE] = {"done", "done", "\u2713"},
	[OUTCOME_REVERTED] = {"reverted", "put back", "\u21a9"},
	[OUTCOME_REJECTED] = {"rejected", "rejected by a gate", "\u2298"},
	[OUTCOME_FAILED] = {"failed", "failed, not touched", "\u2715"},
	[OUTCOME_STUCK] = {"stuck", "stuck", "!"},
	[OUTCOME_UNDER_WAY] = {"under-way", "under way", "\u2026"},
	[OUTCOME_WAITING] = {"waiting", "not begun", "\u25cb"},
};

enum outcome outcome_of(enum agent_state state)
{
	switch (state) {
	case AGENT_DONE:
		return OUTCOME_DONE;
	case AGENT_REVERTED:
		return OUTCOME_REVERTED;
	case AGENT_REJECTED:
		return OUTCOME_REJECTED;
	case AGENT_FAILED:
		return OUTCOME_FAILED;
	case AGENT_STUCK:
		return OUTCOME_STUCK;
	case AGENT_WAITING:
		return OUTCOME_WAITING;
	default:
		return OUTCOME_UNDER_WAY;
	}
}

const char *outcome_name(enum outcome outcome)
{
	return outcomes[outcome].name;
}

const char *outcome_label(enum outcome outcome)
{
	return outcomes[outcome].label;
}

const char *outcome_sign(enum outcome outcome)
{
	return outcomes[outcome].sign;
}

const char *zone_of(const struct agent_result *agent)
{
	return agent->planned->domain ? agent->planned->domain : "no zone";
}

int outcome_window(const struct plan *plan)
{
	int widest = plan->stage_count == 0 ? plan->options.window : 0;

	for (size_t i = 0; i < plan->stage_count; i++)
		widest = plan->stages[i].window > widest ? plan->stages[i].window : widest;
	return widest;
}

/* ---- zones */

static size_t zone_trouble(const struct zone_sum *zone)
{
	return zone->count - zone->by[OUTCOME_DONE] - zone->by[OUTCOME_WAITING] - zone->by[OUTCOME_UNDER_WAY];
}

static int compare_zones(const void *a, const void *b)
{
	const struct zone_sum *x = a, *y = b;
	size_t left = zone_trouble(x), right = zone_trouble(y);

	if (left != right)
		return left > right ? -1 : 1;
	return strcmp(x->name, y->name);
}

static struct zone_sum *find_zone(struct outcome_sum *sum, const char *name)
{
	for (size_t i = 0; i < sum->zone_count; i++)
		if (strcmp(sum->zones[i].name, name) == 0)
			return &sum->zones[i];
	sum->zones = xreallocarray(sum->zones, sum->zone_count + 1, sizeof *sum->zones);
	sum->zones[sum->zone_count] = (struct zone_sum){.name = name};
	return &sum->zones[sum->zone_count++];
}

/* ---- time away */

static int compare_times(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void add_up_away(const struct run_view *view, struct away_sum *away)
{
	int64_t *times = xcalloc(view->count + 1, sizeof *times);

	away->budget_ms = view->plan.clocks.silent_ms;
	for (size_t i = 0; i < view->count; i++) {
		const struct agent_result *agent = &view->agents[i];

		if (agent->away_ms < 0 || agent->state == AGENT_FAILED)
			continue;
		if (agent->row->away_until_ms == 0) {
			away->still++;
			continue;
		}
		away->over_budget += away->budget_ms > 0 && agent->away_ms > away->budget_ms;
		times[away->count++] = agent->away_ms;
	}
	qsort(times, away->count, sizeof *times, compare_times);
	if (away->count > 0) {
		away->median_ms = times[(away->count - 1) / 2];
		away->p95_ms = times[(away->count * 95 + 99) / 100 - 1];
		away->longest_ms = times[away->count - 1];
	}
	free(times);
}

/* ---- causes */

/* The length of what stands for a name or a number at text; 0: it is a word of the error itself. */
static size_t variable_length(const struct agent_result *agent, const char *text, bool after_word)
{
	const char *const names[] = {agent->row->hostname, agent->row->agent_id, agent->planned->ip,
				     agent->row->operation};
	size_t len = 0;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		size_t name_len = names[i] ? strlen(names[i]) : 0;

		if (name_len > len && strncmp(text, names[i], name_len) == 0)
			len = name_len;
	}
	if (len > 0)
		return len;
	while (isdigit((unsigned char)text[len]))
		len++;
	if (len > 0 || after_word)
		return len;
	while (isxdigit((unsigned char)text[len]))
		len++;
	return len >= 16 ? len : 0; /* the beginning of a hash or an ID, and no English word */
}

static char *pattern_of(const struct agent_result *agent)
{
	const char *error = attempts_error(agent) ? attempts_error(agent) : "no reason was recorded";
	struct buffer out = BUFFER_INIT(PATTERN_MAX);
	bool after_word = false;

	while (*error && *error != '\n' && !out.overflow) {
		size_t len = variable_length(agent, error, after_word);

		if (len > 0)
			buffer_puts(&out, "\u2026");
		else
			buffer_putc(&out, *error);
		after_word = len == 0 && isalnum((unsigned char)*error);
		error += len > 0 ? len : 1;
	}
	return buffer_take(&out);
}

/* pattern is taken. */
static struct cause *find_cause(struct outcome_sum *sum, enum agent_state state, bool mended, char *pattern)
{
	for (size_t i = 0; i < sum->cause_count; i++) {
		if (sum->causes[i].state == state && sum->causes[i].mended == mended &&
		    strcmp(sum->causes[i].pattern, pattern) == 0) {
			free(pattern);
			return &sum->causes[i];
		}
	}
	sum->causes = xreallocarray(sum->causes, sum->cause_count + 1, sizeof *sum->causes);
	sum->causes[sum->cause_count] = (struct cause){.state = state, .mended = mended, .pattern = pattern};
	return &sum->causes[sum->cause_count++];
}

static void add_to_causes(const struct run_view *view, size_t index, struct outcome_sum *sum)
{
	const struct agent_result *agent = &view->agents[index];

	bool mended = attempts_mended(agent) != NULL;

	if (!agent_state_is_failure(agent->state) && !mended)
		return;
	sum->mended += mended;
	struct cause *cause = find_cause(sum, attempts_mended_state(agent), mended, pattern_of(agent));
	if (cause->count == 0)
		cause->error = attempts_error(agent);
	cause->agents = xreallocarray(cause->agents, cause->count + 1, sizeof *cause->agents);
	cause->agents[cause->count++] = index;
}

/* Who is stuck waits for a person. */
static int compare_causes(const void *a, const void *b)
{
	const struct cause *x = a, *y = b;
	bool left = x->state == AGENT_STUCK, right = y->state == AGENT_STUCK;

	if (x->mended != y->mended)
		return x->mended ? 1 : -1;
	if (left != right)
		return left ? -1 : 1;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return strcmp(x->pattern, y->pattern);
}

/* ---- all of it */

static void add_agent(const struct agent_result *agent, struct outcome_sum *sum)
{
	enum outcome outcome = outcome_of(agent->state);
	struct zone_sum *zone = find_zone(sum, zone_of(agent));

	zone->count++;
	zone->by[outcome]++;
	sum->by[outcome]++;
	sum->kept += agent->kept;
	sum->lost += agent->lost;
	sum->unproven += agent->unproven;
	sum->ended += agent->ended;
	sum->appeared += agent->appeared;
	if (!agent->id_after)
		return;
	if (strcmp(agent->id_after, agent->row->agent_id) == 0)
		sum->same_id++;
	else
		sum->new_id++;
}

void outcome_sum(const struct run_view *view, struct outcome_sum *out)
{
	*out = (struct outcome_sum){.zone_count = 0};
	for (size_t i = 0; i < view->count; i++) {
		add_agent(&view->agents[i], out);
		add_to_causes(view, i, out);
	}
	add_up_away(view, &out->away);
	if (out->zone_count > 0)
		qsort(out->zones, out->zone_count, sizeof *out->zones, compare_zones);
	if (out->cause_count > 0)
		qsort(out->causes, out->cause_count, sizeof *out->causes, compare_causes);
}

void outcome_sum_clear(struct outcome_sum *sum)
{
	for (size_t i = 0; i < sum->cause_count; i++) {
		free(sum->causes[i].pattern);
		free(sum->causes[i].agents);
	}
	free(sum->causes);
	free(sum->zones);
}
