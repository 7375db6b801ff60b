/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/plan/plan_invert.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "mesos/recovery.h"

/* A refusal with two SlaveInfos in it. */
#define VERDICT_MAX (16u << 20)

static enum agent_state state_of(const struct run_agent *row)
{
	int state = agent_state_parse(row->state);

	return state < 0 ? AGENT_UNKNOWN : (enum agent_state)state;
}

bool plan_invert_concerns(const struct run_agent *row)
{
	switch (state_of(row)) {
	case AGENT_WAITING:
	case AGENT_CHECKING:
	case AGENT_DRAINING:
	case AGENT_FAILED:
	case AGENT_REVERTED:
		return false;
	default:
		return true;
	}
}

/* ---- why an agent cannot be taken back */

/* The agent's own part of the work. */
struct inverse {
	const struct plan_agent *was; /* as the run's plan had it */
	const struct run_agent *row;
	const struct plan_now *now;
	const char *run;
	unsigned ignore;
};

static int check_state(const struct inverse *inverse, struct error *err)
{
	switch (state_of(inverse->row)) {
	case AGENT_DONE:
	case AGENT_REJECTED:
	case AGENT_GATING:
		return 0;
	case AGENT_STUCK:
	case AGENT_UNKNOWN:
		return error_set(err, ERROR_REFUSED,
				 "%s; `rollcall rollout settle %s` asks its host, and `rollcall rollout rollback %s` "
				 "takes it back then, if it was changed",
				 state_of(inverse->row) == AGENT_STUCK ? "it is stuck" : "its fate is not known",
				 inverse->run, inverse->run);
	default:
		return error_set(err, ERROR_REFUSED, "still under way (%s); ask again when that is over",
				 inverse->row->state);
	}
}

static int check_mechanism(const struct inverse *inverse, struct error *err)
{
	if (inverse->was->mechanism == MECHANISM_DISCARD || inverse->was->native_discard)
		return error_set(
			err, ERROR_REFUSED,
			"its tasks were ended (--discard), and no rollback brings them back; to have its old SlaveInfo "
			"again, plan a config that says so");
	return 0;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* What the run has set must still be so: what somebody has changed since is not ours to overwrite. */
static int check_edit(const struct inverse *inverse, const struct flag_edit *edit, struct error *err)
{
	const char *now = flags_get(inverse->now->flags, edit->name);
	const char *old = flags_get(&inverse->was->before_flags, edit->name);

	if (flag_is_secret(edit->name) || (old && strstr(old, "://<redacted>@")))
		return error_set(err, ERROR_REFUSED, "--%s holds a secret, and its old value was never kept",
				 edit->name);
	if (old && strncmp(old, "file://", 7) == 0)
		return error_set(err, ERROR_REFUSED, "--%s was kept in %s, and what the file held then is not known",
				 edit->name, old);
	if (!same_text(now, edit->value) && !flags_same_value(edit->name, now, edit->value))
		return error_set(err, ERROR_REFUSED,
				 "--%s was changed since the run: the run has set it to %s, and now it is %s",
				 edit->name, edit->value ? edit->value : "(none)", now ? now : "(none)");
	return 0;
}

static int check_info(const struct inverse *inverse, struct error *err)
{
	struct slaveinfo_changes changes = {.count = 0};

	if (!slaveinfo_diff(inverse->was->after, inverse->now->info))
		return 0;
	slaveinfo_changes(inverse->was->after, inverse->now->info, &changes);
	const struct slaveinfo_change *first = changes.count > 0 ? &changes.items[0] : NULL;
	error_set(err, ERROR_REFUSED, "its SlaveInfo was changed since the run: %s %s was %s, and now it is %s",
		  first ? slaveinfo_part_name(first->part) : "something", first ? first->what : "",
		  first && first->before ? first->before : "(none)", first && first->after ? first->after : "(none)");
	slaveinfo_changes_clear(&changes);
	return -1;
}

static int agent_version(const struct plan_now *now, struct mesos_version *out)
{
	struct error ignored = ERROR_INIT;

	*out = mesos_version_newest;
	return now->expect->agent_version ? mesos_version_parse(now->expect->agent_version, out, &ignored) : 0;
}

/* What has been reserved since must fit into what it goes back to. */
static int check_reservations(const struct inverse *inverse, struct error *err)
{
	struct recovery_rules rules = {.ignore = inverse->ignore, .recover_state = true};
	struct verdict verdict = {.accepted = false, .message = BUFFER_INIT(VERDICT_MAX)};
	Mesos__SlaveInfo *before = slaveinfo_copy(inverse->now->info);

	agent_version(inverse->now, &rules.version);
	before->has_port = inverse->was->before->has_port;
	before->port = inverse->was->before->port;
	recovery_check(before, inverse->was->before, inverse->now->reserved, &rules, &verdict);
	slaveinfo_free(before);
	int result = 0;
	if (!verdict.accepted)
		result = error_set(err, ERROR_REFUSED, "it would not come back as it was: %.600s",
				   buffer_text(&verdict.message));
	verdict_clear(&verdict);
	return result;
}

static int check(const struct inverse *inverse, struct error *err)
{
	if (check_state(inverse, err) < 0 || check_mechanism(inverse, err) < 0)
		return -1;
	if (inverse->now->why_not)
		return error_set(err, ERROR_REFUSED, "%s", inverse->now->why_not);
	for (size_t i = 0; i < inverse->was->edit_count; i++)
		if (check_edit(inverse, &inverse->was->edits[i], err) < 0)
			return -1;
	if (check_info(inverse, err) < 0)
		return -1;
	return check_reservations(inverse, err);
}

/* ---- its part of the plan */

static char *copy_or_null(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

/* The plan raised it, or its config did, so that executors come back in time; the restart that takes everything else back needs
 * that just as much. */
static bool must_stay(const struct inverse *inverse, const char *name)
{
	bool tasks = false;

	for (size_t i = 0; i < inverse->now->task_count; i++)
		tasks = tasks || inverse->now->tasks[i].survives;
	return tasks && inverse->was->edit_count > 1 && strcmp(name, "executor_reregistration_timeout") == 0;
}

static void add_note(struct plan_agent *out, char *note)
{
	out->notes = xreallocarray(out->notes, out->note_count + 1, sizeof(*out->notes));
	out->notes[out->note_count++] = note;
}

static void fill_flags(const struct inverse *inverse, struct plan_agent *out)
{
	out->edits = xcalloc(inverse->was->edit_count + 1, sizeof(*out->edits));
	for (size_t i = 0; i < inverse->was->edit_count; i++) {
		const char *name = inverse->was->edits[i].name, *now = flags_get(inverse->now->flags, name);

		if (must_stay(inverse, name)) {
			add_note(
				out,
				xasprintf("executor_reregistration_timeout stays at %s, so that executors come back in "
					  "time to be kept",
					  now ? now : "its default"));
			continue;
		}
		out->edits[out->edit_count++] = (struct flag_edit){
			.name = xstrdup(name),
			.value = copy_or_null(flags_get(&inverse->was->before_flags, name)),
		};
		if (now)
			flags_set(&out->before_flags, name, now);
	}
}

static void fill_tasks(const struct plan_now *now, struct plan_agent *out)
{
	out->tasks = xcalloc(now->task_count + 1, sizeof(*out->tasks));
	for (size_t i = 0; i < now->task_count; i++) {
		const struct plan_task *task = &now->tasks[i];

		out->tasks[out->task_count++] = (struct plan_task){
			.id = xstrdup(task->id),
			.name = xstrdup(task->name),
			.framework_id = xstrdup(task->framework_id),
			.framework_name = xstrdup(task->framework_name),
			.survives = task->survives,
		};
	}
}

static void fill_expectation(const struct request_expectation *from, struct request_expectation *to)
{
	to->agent_id = copy_or_null(from->agent_id);
	to->boot_id = copy_or_null(from->boot_id);
	to->agent_version = copy_or_null(from->agent_version);
	to->checkpoint_sha256 = copy_or_null(from->checkpoint_sha256);
	to->store_sha256 = copy_or_null(from->store_sha256);
}

static void fill_mechanism(const struct inverse *inverse, struct plan_agent *out)
{
	if (out->differs == 0)
		out->mechanism = MECHANISM_RESTART;
	else if (inverse->now->native && !(out->differs & (unsigned)PART_PORT))
		out->mechanism = MECHANISM_NATIVE;
	else
		out->mechanism = MECHANISM_RELAX;
	out->why = xasprintf("back to what it was before the run: %s",
			     out->mechanism == MECHANISM_RESTART ? "one restart with the old flags"
			     : out->mechanism == MECHANISM_NATIVE
				     ? "the agent itself takes its old SlaveInfo back"
				     : "agentctl rewrites the checkpoint and the flags, then one restart");
}

static void fill_verdict(const struct inverse *inverse, struct plan_agent *out)
{
	struct recovery_rules rules = {.recover_state = true};
	struct verdict verdict = {.accepted = false, .message = BUFFER_INIT(VERDICT_MAX)};

	agent_version(inverse->now, &rules.version);
	recovery_check(out->before, out->after, inverse->now->reserved, &rules, &verdict);
	out->differs = verdict.differs;
	out->stock_accepts = verdict.accepted;
	if (!verdict.accepted) {
		const char *message = buffer_text(&verdict.message);
		size_t len = strcspn(message, "\n");

		while (len > 0 && message[len - 1] == ' ')
			len--;
		out->stock_message = xstrndup(message, len);
	}
	verdict_clear(&verdict);
}

/* Where the master sees it now. */
static int port_now(const struct inverse *inverse)
{
	bool moved = slaveinfo_port(inverse->was->before) != slaveinfo_port(inverse->was->after);

	return moved ? slaveinfo_port(inverse->now->info) : inverse->was->port;
}

static void fill(const struct inverse *inverse, struct plan_agent *out)
{
	const struct plan_agent *was = inverse->was;
	const struct plan_now *now = inverse->now;

	*out = (struct plan_agent){
		.agent_id = xstrdup(was->agent_id),
		.hostname = xstrdup(was->hostname),
		.ip = xstrdup(was->ip),
		.port = port_now(inverse),
		.domain = copy_or_null(was->domain),
		.before = slaveinfo_copy(now->info),
		.after = slaveinfo_copy(was->before),
		.start_ticks = now->start_ticks,
		.expected_away_ms = was->expected_away_ms,
		.worst_away_ms = was->worst_away_ms,
		.recovery_ms = was->recovery_ms,
		.start_timeout_ms = was->start_timeout_ms,
	};
	host_settings_copy(&out->host, &was->host);
	slaveinfo_set_id(out->after, was->agent_id);
	fill_verdict(inverse, out);
	fill_mechanism(inverse, out);
	fill_flags(inverse, out);
	fill_tasks(now, out);
	fill_expectation(now->expect, &out->expect);
}

/* ---- the plan */

/* The last one that was changed comes first; two whose times are the same, by position. */
static int compare_rows(const void *a, const void *b)
{
	const struct run_agent *x = *(const struct run_agent *const *)a, *y = *(const struct run_agent *const *)b;

	if (x->away_from_ms != y->away_from_ms)
		return x->away_from_ms < y->away_from_ms ? 1 : -1;
	return (x->position < y->position) - (x->position > y->position);
}

static void refuse(struct plan *plan, struct planner_refusals *refusals, const struct plan_agent *agent,
		   const char *reason)
{
	refusals->items = xreallocarray(refusals->items, refusals->count + 1, sizeof(*refusals->items));
	refusals->items[refusals->count++] = (struct planner_refusal){
		.agent_id = xstrdup(agent->agent_id),
		.hostname = xstrdup(agent->hostname),
		.reason = xstrdup(reason),
	};
	plan_add_left_out(plan, agent->agent_id, agent->hostname, LEFT_REFUSED, reason);
}

static void fill_head(const struct plan_invert_input *input, struct plan *plan)
{
	const struct plan *was = input->plan;

	plan_init(plan);
	plan->cluster = xstrdup(was->cluster);
	plan->config = xasprintf("rollback of %s", input->run);
	plan->config_version = was->config_version;
	plan->config_sha256 = xstrdup(was->config_sha256);
	plan->created_ms = input->now_ms;
	plan->surveyed_ms = input->surveyed_ms;
	plan->rolls_back = xstrdup(input->run);
	plan->ignore = was->ignore;
	plan->allow_port_change = was->allow_port_change;
	plan->accept_stale_master = was->accept_stale_master;
	plan->hold_configuration_management = was->hold_configuration_management;
	plan->clocks = was->clocks;
	plan->master = was->master;
	plan->options.return_ms = was->options.return_ms;
	plan->options.check_ms = was->options.check_ms;
	plan->options.change_ms = was->options.change_ms;
	plan->options.prove_ms = was->options.prove_ms;
	plan->options.unknown_ms = was->options.unknown_ms;
	plan->options.keep_ms = was->options.keep_ms;
}

static void invert_one(const struct plan_invert_input *input, const struct run_agent *row, struct plan *plan,
		       struct planner_refusals *refusals)
{
	size_t position = (size_t)row->position;
	struct inverse inverse = {.was = &input->plan->agents[position],
				  .row = row,
				  .now = &input->now[position],
				  .run = input->run,
				  .ignore = PART_RESOURCES | PART_ATTRIBUTES | PART_DOMAIN};
	struct error why = ERROR_INIT;

	if (check(&inverse, &why) < 0)
		refuse(plan, refusals, inverse.was, why.text);
	else
		fill(&inverse, &plan->agents[plan->agent_count++]);
}

int plan_invert(const struct plan_invert_input *input, struct plan *out, struct planner_refusals *refusals,
		struct error *err)
{
	const struct run_agent **rows = xcalloc(input->row_count + 1, sizeof(struct run_agent *));
	struct plan plan;
	size_t count = 0;

	for (size_t i = 0; i < input->row_count; i++)
		if (plan_invert_concerns(&input->rows[i]) && (size_t)input->rows[i].position < input->plan->agent_count)
			rows[count++] = &input->rows[i];
	qsort(rows, count, sizeof(*rows), compare_rows);
	fill_head(input, &plan);
	plan.agents = xcalloc(count + 1, sizeof(*plan.agents));
	for (size_t i = 0; i < count; i++)
		invert_one(input, rows[i], &plan, refusals);
	free(rows);
	int result = 0;
	if (count == 0)
		result = error_set(err, ERROR_USAGE, "run %s has changed nothing: there is nothing to take back",
				   input->run);
	else if (plan.agent_count == 0)
		result = error_set(
			err, ERROR_REFUSED,
			"none of the %zu agents that run %s has changed can be taken back; the first: %s: %.600s",
			count, input->run, refusals->items[0].hostname, refusals->items[0].reason);
	if (result == 0)
		*out = plan;
	else
		plan_clear(&plan);
	return result;
}
