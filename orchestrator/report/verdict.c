/* SPDX-License-Identifier: Apache-2.0 */
/* What a run came to, in sentences: the verdict, why it stands, what to do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/term.h"
#include "base/text.h"
#include "orchestrator/report/run_view.h"
#include "orchestrator/report/todo.h"

#define NAMES_MAX 10 /* agents that are named one by one; the others are counted */

struct sums {
	size_t kept, lost, unproven;
	size_t lost_before; /* of lost: in attempts before the last */
	size_t accepted;    /* of lost: the plan did not show them, and a person has settled the agent all the same */
	const char *accepted_by;
	int64_t accepted_ms; /* the last time */
	bool others_too;     /* more than one person */
};

static void add_accepted(const json_t *killed, struct sums *sums)
{
	const json_t *task;
	size_t i;

	json_array_foreach(killed, i, task)
	{
		const char *by = json_string_value(json_object_get(task, "accepted_by"));
		int64_t ms = json_integer_value(json_object_get(task, "accepted_ms"));

		if (!by)
			continue;
		sums->accepted++;
		sums->others_too |= sums->accepted_by && strcmp(sums->accepted_by, by) != 0;
		if (sums->accepted_by && ms < sums->accepted_ms)
			continue;
		sums->accepted_by = by;
		sums->accepted_ms = ms;
	}
}

static struct sums add_up(const struct run_view *view)
{
	struct sums sums = {.kept = 0};

	for (size_t i = 0; i < view->count; i++) {
		sums.kept += view->agents[i].kept;
		sums.lost += view->agents[i].lost;
		sums.unproven += view->agents[i].unproven;
		sums.lost_before += json_array_size(view->agents[i].killed_before);
		add_accepted(json_object_get(view->agents[i].tasks, "killed"), &sums);
		add_accepted(view->agents[i].killed_before, &sums);
	}
	return sums;
}

/* ---- what was reached */

static void print_count(FILE *stream, const char **separator, int count, const char *what)
{
	if (count == 0)
		return;
	fprintf(stream, "%s%d %s", *separator, count, what);
	*separator = ", ";
}

static void print_counts(const struct run_view *view, FILE *stream)
{
	const int *by = view->by_state;
	const char *separator = "";
	int settled = by[AGENT_DONE] + by[AGENT_REVERTED] + by[AGENT_FAILED] + by[AGENT_STUCK] + by[AGENT_WAITING] +
		      by[AGENT_REJECTED] + by[AGENT_GATING];

	print_count(stream, &separator, by[AGENT_DONE], "done");
	print_count(stream, &separator, by[AGENT_REVERTED], "put back and proven as before");
	print_count(stream, &separator, by[AGENT_FAILED], "failed with nothing changed");
	print_count(stream, &separator, by[AGENT_STUCK],
		    by[AGENT_STUCK] == 1 ? "stuck: it needs a person" : "stuck: they need a person");
	print_count(stream, &separator, by[AGENT_REJECTED], "changed, and rejected by a gate");
	print_count(stream, &separator, by[AGENT_GATING], "changed, with gates that have not passed yet");
	print_count(stream, &separator, (int)view->count - settled, "under way");
	print_count(stream, &separator, by[AGENT_WAITING], "not begun");
}

/* Which of those that are lost the plan has not shown. */
static void print_accepted(const struct sums *sums, FILE *stream)
{
	char time[CLOCK_TEXT_MAX], *by;

	if (sums->accepted == 0)
		return;
	by = text_printable(sums->accepted_by, false);
	fprintf(stream, ", %zu of them not shown by the plan, and accepted by %s%s with settle --accept-losses (%s)",
		sums->accepted, by, sums->others_too ? " and others" : "", clock_format(sums->accepted_ms, time));
	free(by);
}

static void print_lost(const struct sums *sums, FILE *stream)
{
	fprintf(stream, ", %zu lost", sums->lost);
	if (sums->lost_before > 0)
		fprintf(stream, ", %zu of them in attempts that failed", sums->lost_before);
	else if (sums->accepted == 0)
		fputs(" as the plan showed", stream);
	print_accepted(sums, stream);
}

static void print_kept(const struct run_view *view, const struct sums *sums, FILE *stream)
{
	char *kept = count_text((int64_t)sums->kept, "task");

	if (sums->lost > 0) {
		fprintf(stream, "%s kept", kept);
		print_lost(sums, stream);
		fputs(".", stream);
	} else if (sums->kept == 0) {
		fputs("no task was on them.", stream);
	} else {
		fprintf(stream, "every task (%zu) %srunning.", sums->kept, view->taken_back.run ? "" : "still ");
	}
	free(kept);
}

static void print_success(const struct run_view *view, const struct sums *sums, FILE *stream)
{
	fprintf(stream, "%zu of %zu%s: same ID, %s ", view->count, view->count,
		view->taken_back.run ? " had been done" : "",
		run_view_behind(view) ? "checkpoint on the host" : "SlaveInfo");
	if (view->run.rolls_back)
		fprintf(stream, "as it was before run %s, ", view->run.rolls_back);
	else
		fputs("as planned, ", stream);
	print_kept(view, sums, stream);
}

static void print_troubles(const struct run_view *view, const struct sums *sums, FILE *stream)
{
	char *agents = count_text((int64_t)view->count, "agent");

	fprintf(stream, "%s %s: ", view->taken_back.run ? "of" : "Of", agents);
	print_counts(view, stream);
	fputs(".", stream);
	if (sums->lost > 0 || sums->unproven > 0) {
		fprintf(stream, " Tasks: %zu kept, %zu lost", sums->kept, sums->lost);
		print_accepted(sums, stream);
		if (sums->unproven > 0)
			fprintf(stream, ", %zu not proven to run", sums->unproven);
		fputs(".", stream);
	}
	free(agents);
}

/* A host cannot prove what the master will store. */
static void print_behind(const struct run_view *view, FILE *stream)
{
	size_t behind = run_view_behind(view);
	char *agents = count_text((int64_t)behind, "agent");

	if (behind > 0)
		fprintf(stream,
			" Not proven is what the master shows of %s: it still had the old SlaveInfo then, and keeps it "
			"until its next failover.",
			agents);
	free(agents);
}

/* What follows is how it was before. */
static void print_taken_back(const struct taken_back *back, FILE *stream)
{
	char *changed = count_text((int64_t)back->changed, "agent");

	fprintf(stream, "Taken back by run %s (%s): of %s that it had changed, %zu %s put back and proven as before",
		back->run, back->state, changed, back->back, back->back == 1 ? "was" : "were");
	if (back->back < back->changed)
		fprintf(stream, ", %zu %s", back->changed - back->back, taken_back_words(back));
	if (back->undone_by)
		fprintf(stream, "; run %s has taken that back in turn", back->undone_by);
	fputs(". Before that, ", stream);
	free(changed);
}

static enum term_style verdict_style(const struct run_view *view, bool well)
{
	if (well && !view->taken_back.run && run_view_not_taken_back(view) == 0 && run_view_behind(view) == 0)
		return TERM_GREEN;
	return run_view_failures(view) || view->taken_back.back < view->taken_back.changed ? TERM_RED : TERM_YELLOW;
}

static void print_verdict(const struct run_view *view, FILE *stream)
{
	struct sums sums = add_up(view);
	bool well = view->by_state[AGENT_DONE] == (int)view->count;

	fputs(term_on(stream, verdict_style(view, well)), stream);
	if (view->taken_back.run)
		print_taken_back(&view->taken_back, stream);
	if (well)
		print_success(view, &sums, stream);
	else
		print_troubles(view, &sums, stream);
	print_behind(view, stream);
	fprintf(stream, "%s\n", term_off(stream));
}

char *run_view_verdict(const struct run_view *view)
{
	char *text = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&text, &len);

	if (!stream)
		abort();
	print_verdict(view, stream);
	fclose(stream);
	if (len > 0)
		text[len - 1] = '\0'; /* the newline */
	return text;
}

/* ---- who is not where they should be */

/* A rollback speaks for the agents that it could not plan for, too: they are still changed. */
static bool is_not_taken_back(const struct run_view *view, size_t index)
{
	return view->run.rolls_back && view->plan.left_out[index].why == LEFT_REFUSED;
}

size_t run_view_not_taken_back(const struct run_view *view)
{
	size_t count = 0;

	for (size_t i = 0; i < view->plan.left_out_count; i++)
		count += is_not_taken_back(view, i);
	return count;
}

static void print_left_out(const struct run_view *view, FILE *stream)
{
	size_t count = 0;

	for (size_t i = 0; i < view->plan.left_out_count; i++) {
		const struct plan_left_out *left = &view->plan.left_out[i];

		if (!is_not_taken_back(view, i) || count++ >= NAMES_MAX)
			continue;
		char *line = xasprintf("%s is NOT taken back: %s", left->hostname, left->reason ? left->reason : "?");
		char *shown = text_printable(line, false);

		fprintf(stream, "%s.\n", shown);
		free(shown);
		free(line);
	}
	if (count > NAMES_MAX)
		fprintf(stream, "%zu more are NOT taken back either: `%s rollout status %s --json` names them.\n",
			count - NAMES_MAX, view->program, view->run.id);
}

static void print_why(const struct run_view *view, FILE *stream)
{
	const struct run_row *run = &view->run;
	bool aborted = strcmp(run->state, run_state_name(RUN_ABORTED)) == 0;

	if ((aborted && !view->taken_back.run) || strcmp(run->state, run_state_name(RUN_PAUSED)) == 0) {
		char *reason = text_printable(run->reason ? run->reason : "?", false);

		fprintf(stream, "Run %s %s: %s\n", run->id,
			aborted             ? "is aborted"
			: view->goes_back   ? "is taken back now, as its plan says"
			: run->rollback_due ? "is to be taken back, as its plan says"
					    : "has paused",
			reason);
		free(reason);
	}
	if (run->rolls_back)
		fprintf(stream, "It takes back run %s.\n", run->rolls_back);
}

/* ---- what to do */

static void print_todo(const struct run_view *view, FILE *stream)
{
	struct todo_list todo;

	todo_make(view, &todo);
	if (todo.count > 0)
		fputs("What to do:\n", stream);
	for (size_t i = 0; i < todo.count; i++) {
		const struct todo *item = &todo.items[i];
		char *agents = count_text((int64_t)item->agents, "agent"),
		     *command = text_printable(item->command, false);

		fprintf(stream, "  %s%s%s:\n      %s\n", item->agents ? agents : "",
			item->agents == 0   ? ""
			: item->agents == 1 ? " is "
					    : " are ",
			item->text, command);
		free(agents);
		free(command);
	}
	todo_clear(&todo);
}

void run_view_print_outcome(const struct run_view *view, FILE *stream)
{
	print_verdict(view, stream);
	print_left_out(view, stream);
	run_view_print_stuck(view, stream);
	print_why(view, stream);
	print_todo(view, stream);
}
