/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/drift_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "inventory/taken_back.h"

void drift_findings_clear(struct drift_findings *findings)
{
	for (size_t i = 0; i < findings->count; i++) {
		struct drift_finding *finding = &findings->items[i];

		free(finding->what);
		free(finding->values[0]);
		free(finding->values[1]);
		free(finding->fix);
	}
	free(findings->items);
	memset(findings, 0, sizeof(*findings));
}

bool drift_findings_has_drift(const struct drift_findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		if (findings->items[i].drift)
			return true;
	return false;
}

static struct drift_finding *add(struct drift_findings *out, const char *kind, bool drift)
{
	out->items = xreallocarray(out->items, out->count + 1, sizeof(*out->items));
	out->items[out->count] = (struct drift_finding){.kind = kind, .drift = drift};
	return &out->items[out->count++];
}

static char *copy(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

void drift_add_disagreement(struct drift_findings *out, const char *kind, const char *const places[2], const char *what,
			    const char *first, const char *second, char *fix)
{
	struct drift_finding *finding = add(out, kind, true);

	finding->places[0] = places[0];
	finding->places[1] = places[1];
	finding->what = xstrdup(what);
	finding->values[0] = copy(first);
	finding->values[1] = copy(second);
	finding->fix = fix;
}

/* ---- config and flags */

void drift_find_config(const char *config, const struct config_edits *edits, struct drift_findings *out)
{
	static const char *const places[] = {"config", "running"};

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < edits->count; i++)
		drift_add_disagreement(out, "config-running", places, edits->items[i].flag, edits->items[i].after,
				       edits->items[i].before,
				       xasprintf("`rollcall rollout plan %s` shows how it gets there", config));
}

void drift_find_config_failure(const char *config, const char *why, struct drift_findings *out)
{
	static const char *const places[] = {"config", "running"};

	memset(out, 0, sizeof(*out));
	drift_add_disagreement(
		out, "config-running", places, config, why, "",
		xstrdup("the config cannot be worked out for an agent: give the agent what it asks for, or "
			"change the config"));
}

/* What the file says takes effect at the agent's next start. Flags that only the process has may come from its command
 * line or its unit, so they are no disagreement. */
static void compare_store(const struct drift_input *input, struct drift_findings *out)
{
	static const char *const places[] = {"store", "running"};
	const struct survey *survey = input->survey;

	if (!survey->running || survey->flags_from_store || survey->store_error)
		return;
	for (size_t i = 0; i < survey->store_flags.count; i++) {
		const struct flag *flag = &survey->store_flags.items[i];
		const char *running = flags_get(&survey->flags, flag->name);

		if (flags_same_value(flag->name, flag->value, running))
			continue;
		drift_add_disagreement(out, "store-running", places, flag->name, flag->value, running,
				       xasprintf("its next start takes %s's value: put the file back, or roll out the "
						 "config that says which is meant",
						 survey->store_path ? survey->store_path : "the flag store"));
	}
}

/* ---- checkpoint and master */

/* Attributes that /slaves may have left out, and what the checkpoint is known not to have yet, are no news here. */
static void compare_master(const struct drift_input *input, struct drift_findings *out)
{
	static const char *const places[] = {"checkpoint", "master"};
	static const char fix[] =
		"the master keeps what the agent registered with last: `rollcall inventory sync` and survey again; if it "
		"stays, the agent has not reregistered since its checkpoint was written, or the leading master (before Mesos "
		"1.5) keeps the old SlaveInfo until its next failover: restart that master, then `rollcall inventory sync`";
	const struct survey *survey = input->survey;
	const struct agent_view *view = &input->agent->view;
	unsigned known = survey->verdict_accepted ? survey->verdict_differs : 0;
	struct slaveinfo_changes changes = {NULL, 0};

	if (!survey->info || input->agent->gone_ms)
		return;
	slaveinfo_changes(survey->info, view->info, &changes);
	for (size_t i = 0; i < changes.count; i++) {
		const struct slaveinfo_change *change = &changes.items[i];
		char *what;

		if (change->part == PART_ID || (change->part & known) ||
		    (change->part == PART_ATTRIBUTES && !view->attributes_complete))
			continue;
		what = xasprintf("%s.%s", slaveinfo_part_name(change->part), change->what);
		drift_add_disagreement(out, "checkpoint-master", places, what, change->before, change->after,
				       xstrdup(fix));
		free(what);
	}
	slaveinfo_changes_clear(&changes);
}

/* ---- facts about an agent as such */

static void add_fact(struct drift_findings *out, const char *kind, bool drift, char *sentence, char *fix)
{
	struct drift_finding *finding = add(out, kind, drift);

	finding->what = sentence;
	finding->fix = fix;
}

/* Stock Mesos lets an agent have an attribute twice; nearly everything that reads them sees one of the two. */
static void find_duplicates(const Mesos__SlaveInfo *info, struct drift_findings *out)
{
	for (size_t i = 0; info && i < info->n_attributes; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(info->attributes[i]->name, info->attributes[j]->name) == 0) {
				add_fact(
					out, "duplicate-attribute", false,
					xasprintf("it has the attribute %s more than once: /slaves and most tools show "
						  "one of them",
						  info->attributes[i]->name),
					NULL);
				break;
			}
}

static char *open_operation_fix(const struct survey_operation *operation, bool ours, bool known)
{
	const char *run = operation->run ? operation->run : "RUN";

	if (!ours)
		return xstrdup("`rollout resume` with that database finishes it; when that is lost, `rollcall rescue` "
			       "shows how it is settled and the host taken over");
	if (!known)
		return xstrdup(
			"this database was restored from a copy that knows nothing of it: `rollcall rescue` shows "
			"how it is settled, with --adopt");
	if (strncmp(run, "rescue-", 7) == 0)
		return xstrdup("`rollcall rescue` asks the host and finishes it");
	return xasprintf("`rollcall rollout settle %s` asks the host and finishes it", run);
}

/* A run of this database that is under way is no drift; what another one left open is, and what it has forgotten itself. */
static void find_operations(const struct drift_input *input, struct drift_findings *out)
{
	const struct survey *survey = input->survey;

	for (size_t i = 0; survey && i < survey->operation_count; i++) {
		const struct survey_operation *operation = &survey->operations[i];
		const char *state = operation->state ? operation->state : "unknown";
		bool ours = operation->database && input->database && strcmp(operation->database, input->database) == 0;
		bool known = !input->knows_operation || input->knows_operation(input->ctx, operation->operation);

		if (strcmp(state, "done") == 0 || strcmp(state, "undone") == 0)
			continue;
		add_fact(out, "open-operation", !ours || !known,
			 xasprintf("an operation of run %s is not finished (%s)%s%s",
				   operation->run ? operation->run : "?", state,
				   ours ? "" : "; it belongs to database ",
				   ours                  ? ""
				   : operation->database ? operation->database
							 : "?"),
			 open_operation_fix(operation, ours, known));
	}
}

static void find_other_agent(const struct drift_input *input, struct drift_findings *out)
{
	static const char *const places[] = {"checkpoint", "master"};
	const char *id = input->survey ? input->survey->agent_id : NULL;

	if (!id || !*id || strcmp(id, input->agent->view.id) == 0)
		return;
	drift_add_disagreement(
		out, "other-agent", places, "id", id, input->agent->view.id,
		xstrdup("another agent runs on that host now: `rollcall inventory sync` and survey again"));
}

static void find_facts(const struct drift_input *input, struct drift_findings *out)
{
	const struct agent_record *agent = input->agent;
	char when[CLOCK_TEXT_MAX];

	find_duplicates(agent->view.info, out);
	if (input->ignored)
		add_fact(out, "ignored", false, xasprintf("plans leave it out: %s", input->ignored), NULL);
	if (input->neighbours > 0)
		add_fact(out, "shared-host", false,
			 xasprintf("%zu other agent%s listed on host %s: each needs its own flag store and start and "
				   "stop commands in the cluster file",
				   input->neighbours, input->neighbours == 1 ? " is" : "s are", agent->view.hostname),
			 NULL);
	if (agent->gone_ms)
		add_fact(out, "unlisted", true,
			 xasprintf("the master has not listed it since %s", clock_format(agent->gone_ms, when)),
			 xstrdup("`rollcall rescue` says whether its agent refuses to start, and starts it with its "
				 "ID"));
	if (input->row && input->row->failed_ms)
		add_fact(out, "not-surveyed", false,
			 xasprintf("its host could not be asked at %s: %s", clock_format(input->row->failed_ms, when),
				   input->row->failure),
			 NULL);
	else if (!input->survey)
		add_fact(out, "not-surveyed", false, xstrdup("its host was never asked"),
			 xstrdup("`rollcall inventory survey` asks it"));
	if (input->survey && !input->survey->info)
		add_fact(out, "no-checkpoint", input->survey->running,
			 xasprintf("it has no checkpoint that can be read%s%s: a restart costs its ID and every task",
				   input->survey->checkpoint_error ? ": " : "",
				   input->survey->checkpoint_error ? input->survey->checkpoint_error : ""),
			 NULL);
}

bool drift_survey_is_outdated(const struct drift_input *input)
{
	const struct agent_view *view = &input->agent->view;
	int64_t last_ns = view->reregistered_ns > view->registered_ns ? view->reregistered_ns : view->registered_ns;

	return input->survey && input->row && last_ns / 1000000 > input->row->time_ms;
}

bool drift_is_blind(const struct drift_input *input)
{
	return !input->survey || drift_survey_is_outdated(input);
}

void drift_find(const struct drift_input *input, struct drift_findings *out)
{
	memset(out, 0, sizeof(*out));
	if (drift_survey_is_outdated(input)) {
		add_fact(out, "not-surveyed", false,
			 xstrdup("the agent has registered since its host was asked: what was found there no longer "
				 "counts"),
			 xstrdup("--refresh asks it anew"));
	} else if (input->survey) {
		compare_store(input, out);
		drift_compare_checkpoint(input->survey, out);
		compare_master(input, out);
	}
	find_other_agent(input, out);
	find_operations(input, out);
	find_facts(input, out);
}

int drift_neighbours(struct store *store, int64_t agent_row, size_t *count, struct error *err)
{
	int64_t found = 0;

	if (store_find_int(store, &found, err,
			   "SELECT count(*) FROM agents a JOIN agents b ON b.cluster = a.cluster AND b.hostname = "
			   "a.hostname WHERE a.row = ?1 AND a.gone_ms IS NULL AND b.gone_ms IS NULL AND b.row <> a.row",
			   "i", agent_row) < 0)
		return -1;
	*count = (size_t)found;
	return 0;
}

/* ---- which config is meant */

void drift_configs_clear(struct drift_configs *configs)
{
	for (size_t i = 0; i < configs->count; i++)
		free(configs->items[i]);
	free(configs->items);
	memset(configs, 0, sizeof(*configs));
}

int drift_configs_load(struct store *store, const char *agent_id, struct drift_configs *out, struct error *err)
{
	struct drift_configs found = {NULL, 0};
	struct store_cursor cursor;
	int more;

	/* Of max() and a bare column SQLite gives that column from the row that has the maximum. A rollback's plan names
	 * a config that nobody has added: it is none. */
	if (store_query(
		    store, &cursor, err,
		    "SELECT p.config || '@' || p.config_version, max(r.created_ms) FROM run_agents x JOIN runs r ON "
		    "r.id = x.run JOIN plans p ON p.hash = r.plan JOIN configs c ON c.name = p.config WHERE x.agent = "
		    "?1 AND x.state = 'done' AND NOT " TAKEN_BACK " GROUP BY p.config ORDER BY p.config",
		    "t", agent_id) < 0)
		return -1;
	while ((more = store_next(&cursor, err)) > 0) {
		found.items = xreallocarray(found.items, found.count + 1, sizeof(*found.items));
		found.items[found.count++] = xstrdup(store_text(&cursor, 0));
	}
	store_done(&cursor);
	if (more < 0)
		drift_configs_clear(&found);
	else
		*out = found;
	return more < 0 ? -1 : 0;
}
