/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/report/todo.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "orchestrator/output.h"

static bool run_is(const struct run_view *view, enum run_state state)
{
	return strcmp(view->run.state, run_state_name(state)) == 0;
}

/* command is taken. */
static void add(struct todo_list *list, size_t agents, const char *text, char *command)
{
	list->items[list->count++] = (struct todo){agents, text, command};
}

static char *rollout(const char *verb, const struct run_view *view)
{
	return xasprintf("%s rollout %s %s", view->program, verb, view->run.id);
}

char *todo_plan_words(const struct plan *plan)
{
	struct buffer words = BUFFER_INIT(1u << 20);

	buffer_printf(&words, "rollout plan %s@%d", plan->config, plan->config_version);
	if (plan->where) {
		buffer_puts(&words, " --where ");
		output_shell_word(plan->where, &words);
	}
	if (plan->exclude) {
		buffer_puts(&words, " --exclude ");
		output_shell_word(plan->exclude, &words);
	}
	return buffer_take(&words);
}

static char *plan_anew(const struct run_view *view)
{
	char *words = todo_plan_words(&view->plan), *command = xasprintf("%s %s", view->program, words);

	free(words);
	return command;
}

static size_t number_of(const struct run_view *view, enum agent_state state)
{
	return (size_t)view->by_state[state];
}

/* Which agents a new plan is for its command says; the others are read from the run's plan or its report. */
#define OPTIONS_AGAIN " (other options of this run's plan are to be given again)"

/* agentctl's word for a host that has drifted from the plan: the same request will be refused again, however often it is retried. */
static const char drifted[] = "the host is not as the plan saw it";

/* … and for one that another database drives, or this one did before it was restored from a copy (protocol/journal_state.c). */
static const char *const obeys_others[] = {"this host is driven by the database ", "the epoch "};

static size_t count_refused(const struct run_view *view, const char *why)
{
	size_t count = 0;

	for (size_t i = 0; i < view->count; i++) {
		const struct agent_result *agent = &view->agents[i];

		count += agent->state == AGENT_FAILED && agent->row->error &&
			 strncmp(agent->row->error, why, strlen(why)) == 0;
	}
	return count;
}

static void add_others(const struct run_view *view, size_t count, bool over, struct todo_list *out)
{
	if (over)
		add(out, count,
		    "driven by another database, or a newer copy of this one, and not changed; a plan that is to take "
		    "them over is started with --adopt" OPTIONS_AGAIN,
		    plan_anew(view));
	else
		add(out, count,
		    "driven by another database, or a newer copy of this one, and not changed: if nobody drives from "
		    "that one any more, take them over with",
		    xasprintf("%s rollout retry %s --adopt", view->program, view->run.id));
}

static void add_drifted(const struct run_view *view, size_t count, struct todo_list *out)
{
	if (view->plan.rolls_back)
		add(out, count, "no longer as the plan saw it, and not changed; what has changed there is shown by",
		    xasprintf("%s inventory drift --refresh", view->program));
	else
		add(out, count,
		    "no longer as the plan saw it, and not changed: a retry is refused again; plan anew" OPTIONS_AGAIN,
		    plan_anew(view));
}

/* Whoever is as before, and may be tried once more: by this run, or by another plan when this one is over. */
static void add_retries(const struct run_view *view, bool over, struct todo_list *out)
{
	size_t other = count_refused(view, drifted);
	size_t obeys = count_refused(view, obeys_others[0]) + count_refused(view, obeys_others[1]);
	size_t before = number_of(view, AGENT_REVERTED) + number_of(view, AGENT_FAILED) - other - obeys;

	if (before > 0 && over && !view->plan.rolls_back)
		add(out, before, "as before: remove the cause, and plan again" OPTIONS_AGAIN, plan_anew(view));
	else if (before > 0 && !over)
		add(out, before, "as before: remove the cause, and try again with", rollout("retry", view));
	if (obeys > 0 && !(over && view->plan.rolls_back))
		add_others(view, obeys, over, out);
	if (other > 0)
		add_drifted(view, other, out);
	if (number_of(view, AGENT_REJECTED) > 0 && !over)
		add(out, number_of(view, AGENT_REJECTED),
		    "changed, and rejected by a gate: find out why, and ask the gate again with",
		    rollout("retry", view));
}

static void add_pause(const struct run_view *view, struct todo_list *out)
{
	if (view->run.rollback_due)
		add(out, 0, "The run is to be taken back, as its plan says; it goes on with", rollout("resume", view));
	else if (view->run.reason && engine_is_meltdown(view->run.reason))
		add(out, 0,
		    "Too many agents are away: bring them back first (or plan anew with a higher --meltdown), because while "
		    "they are away the run pauses again at once, with the same words. Then it goes on with",
		    rollout("resume", view));
	else
		add(out, 0, "Nothing new starts while the run is paused; it goes on with", rollout("resume", view));
}

/* Is anything there that a rollback would take back? */
static bool is_changed(const struct run_view *view)
{
	return number_of(view, AGENT_DONE) + number_of(view, AGENT_REJECTED) > 0 && !view->taken_back.run;
}

static void add_ends(const struct run_view *view, bool paused, struct todo_list *out)
{
	if (is_changed(view) && !view->run.rollback_due && !run_is(view, RUN_RUNNING))
		add(out, 0, "What was changed is taken back with (it shows what it would do)",
		    rollout("rollback", view));
	if (paused)
		add(out, 0, "Or leave everything as it is, for ever, with", rollout("abort", view));
}

/* Nothing settles an agent that came back as another one. */
static size_t count_others(const struct run_view *view)
{
	size_t count = 0;

	for (size_t i = 0; i < view->count; i++) {
		const struct agent_result *agent = &view->agents[i];

		count += agent->state == AGENT_STUCK && agent->id_after &&
			 strcmp(agent->id_after, agent->row->agent_id) != 0;
	}
	return count;
}

static void add_stuck(const struct run_view *view, struct todo_list *out)
{
	size_t others = count_others(view), stuck = number_of(view, AGENT_STUCK) - others;

	if (stuck > 0)
		add(out, stuck, "stuck, neither proven as meant nor as before: put right what is said above, and then",
		    rollout("settle", view));
	if (others > 0)
		add(out, others, "back under another ID, which the inventory learns with",
		    xasprintf("%s inventory sync", view->program));
}

/* Of a run that another takes back, or has: what has ended can be followed by one that takes back the rest. */
static void add_kept(const struct run_view *view, size_t kept, struct todo_list *out)
{
	const struct taken_back *back = &view->taken_back;
	bool over = strcmp(back->state, run_state_name(RUN_DONE)) == 0 ||
		    strcmp(back->state, run_state_name(RUN_ABORTED)) == 0;

	add(out, kept, "still changed: what takes the run back says why, and what to do",
	    xasprintf("%s rollout status %s", view->program, back->run));
	if (over && !back->undone_by)
		add(out, 0, "What it has left is taken back, when nothing stands in the way any more, with",
		    rollout("rollback", view));
}

/* Of a run that is over nobody asks them by himself. */
static void add_gating(const struct run_view *view, struct todo_list *out)
{
	if (number_of(view, AGENT_GATING) > 0 && (run_is(view, RUN_DONE) || run_is(view, RUN_ABORTED)))
		add(out, number_of(view, AGENT_GATING),
		    "changed, with gates that gave no answer: when they can, they are asked again with",
		    rollout("settle", view));
}

/* What a run that is over leaves to the masters. Those that are taken back are as an old master has them. */
static void add_behind(const struct run_view *view, struct todo_list *out)
{
	size_t behind = run_view_behind(view);

	if (behind > 0 && !view->taken_back.run && (run_is(view, RUN_DONE) || run_is(view, RUN_ABORTED)))
		add(out, behind,
		    "proven on the host alone, as the master kept the old SlaveInfo. Unless it has failed over since, "
		    "restart the leading master; what it shows then is asked with",
		    xasprintf("%s inventory sync", view->program));
}

void todo_make(const struct run_view *view, struct todo_list *out)
{
	size_t kept = view->taken_back.changed - view->taken_back.back;
	bool over = run_is(view, RUN_ABORTED), paused = run_is(view, RUN_PAUSED);
	bool well = number_of(view, AGENT_DONE) == view->count;

	*out = (struct todo_list){.count = 0};
	if (view->goes_back)
		return;
	add_stuck(view, out);
	add_gating(view, out);
	if (kept > 0)
		add_kept(view, kept, out);
	if (!view->taken_back.run && !view->run.rollback_due) /* only an abort stops that */
		add_retries(view, over, out);
	if (paused)
		add_pause(view, out);
	if (!well)
		add_ends(view, paused, out);
	add_behind(view, out);
}

void todo_clear(struct todo_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].command);
	list->count = 0;
}
