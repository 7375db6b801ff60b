/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Invariant 5, line by line. A line that cannot be judged yet makes the whole proof NOT_YET; a line that is wrong for
 * good makes it FAIL; only all lines together PASS.
 */
#include "orchestrator/driver/proof_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/redact.h"

void proof_object(struct judge *judge, enum proof_result result, const char *format, ...)
{
	va_list args;
	char text[1024];

	/* FAIL outweighs NOT_YET, and its reason is the one to tell. */
	if (judge->result == PROOF_FAIL || (judge->result == PROOF_NOT_YET && result == PROOF_NOT_YET))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	buffer_reset(&judge->reason);
	buffer_puts(&judge->reason, text);
	judge->result = result;
}

static void add_line(struct judge *judge, const char *what, json_t *planned, json_t *found, bool ok)
{
	json_array_append_new(judge->lines, json_pack("{s:s, s:o, s:o, s:b}", "what", what, "planned", planned, "found",
						      found, "ok", ok));
}

/* ---- the lines */

/* The plan may give it another one. */
static bool is_its_port(const struct plan_agent *agent, int port)
{
	return port == agent->port || (agent->after && port == slaveinfo_port(agent->after));
}

static const struct agent_view *find_successor(const struct plan_agent *agent, const struct snapshot_index *shown)
{
	const struct agent_view *other;
	uint32_t place = 0;

	while ((other = snapshot_index_host(shown, agent->hostname, &place)))
		if (strcmp(other->id, agent->agent_id) != 0 && other->active && is_its_port(agent, other->port) &&
		    strcmp(other->ip, agent->ip) == 0)
			return other;
	return NULL;
}

bool proof_is_succeeded(const struct plan_agent *agent, const struct snapshot_index *shown)
{
	return find_successor(agent, shown) != NULL;
}

static void judge_id(struct judge *judge)
{
	/* Nobody succeeds whom the master shows as active. */
	const struct agent_view *successor = judge->view && judge->view->active
						     ? NULL
						     : find_successor(judge->agent, judge->shown);
	const char *found = judge->view ? judge->view->id : NULL;

	judge->succeeded = successor != NULL;
	if (judge->succeeded) {
		found = successor->id;
		proof_object(judge, PROOF_FAIL, "it came back with a new ID, %s; its tasks under %s are lost", found,
			     judge->agent->agent_id);
	} else if (!judge->view) {
		proof_object(judge, PROOF_NOT_YET, "the master does not list it");
	}
	add_line(judge, "id", json_string(judge->agent->agent_id), found ? json_string(found) : json_null(),
		 judge->view != NULL && found == judge->view->id);
}

bool proof_is_at_its_address(const struct plan_agent *agent, const struct agent_view *view)
{
	static const char *const changing[] = {"ip", "ip_discovery_command", "advertise_ip"};

	for (size_t i = 0; i < agent->edit_count; i++)
		for (size_t j = 0; j < sizeof changing / sizeof *changing; j++)
			if (strcmp(agent->edits[i].name, changing[j]) == 0)
				return true;
	return !view->ip || !agent->ip || strcmp(view->ip, agent->ip) == 0;
}

static void judge_address(struct judge *judge)
{
	bool ok = proof_is_at_its_address(judge->agent, judge->view);

	if (ok)
		return;
	proof_object(judge, PROOF_NOT_YET,
		     "the master shows it at %s, and it was at %s: another machine has registered with its ID",
		     judge->view->ip, judge->agent->ip);
	add_line(judge, "address", json_string(judge->agent->ip), json_string(judge->view->ip), ok);
}

/* An agent whose operation was undone before any restart has nothing to reregister for. */
bool proof_was_restarted(const struct judge *judge)
{
	return !judge->reverted || judge->started->restarted;
}

static void judge_active(struct judge *judge)
{
	const struct agent_view *view = judge->view;

	/* Whoever has deactivated it may have done so before: nobody knows. */
	if (judge->before->forgotten && view->deactivated)
		return;
	if (view->active != judge->before->active)
		proof_object(judge, PROOF_NOT_YET, "the master shows it as %s", view->active ? "active" : "not active");
	if (view->deactivated != judge->before->deactivated)
		proof_object(judge, PROOF_FAIL, "it is %s, and was not before",
			     view->deactivated ? "deactivated" : "no longer deactivated");
	add_line(judge, "active", json_boolean(judge->before->active), json_boolean(view->active),
		 view->active == judge->before->active);
	add_line(judge, "deactivated", json_boolean(judge->before->deactivated), json_boolean(view->deactivated),
		 view->deactivated == judge->before->deactivated);
}

static void name_parts(unsigned parts, struct buffer *out)
{
	for (unsigned bit = 1; bit <= PART_CHECKPOINT; bit <<= 1)
		if (parts & bit)
			buffer_printf(out, "%s%s", out->len ? ", " : "", slaveinfo_part_name((enum slaveinfo_part)bit));
}

/* what: "slave_info", the master's, or "checkpoint"; otherwise: the result when it differs. */
static void judge_info(struct judge *judge, const char *what, const Mesos__SlaveInfo *planned,
		       const Mesos__SlaveInfo *found, enum proof_result otherwise)
{
	const char *whose = strcmp(what, "checkpoint") == 0 ? "the checkpoint on disk" : "the master's SlaveInfo";
	unsigned differs = slaveinfo_diff(planned, found);

	if (differs) {
		struct buffer parts = BUFFER_INIT(256);

		name_parts(differs, &parts);
		proof_object(judge, otherwise, "%s is not as %s: %s", whose, judge->reverted ? "before" : "planned",
			     buffer_text(&parts));
		buffer_clear(&parts);
	}
	add_line(judge, what, slaveinfo_to_json(planned), slaveinfo_to_json(found), differs == 0);
}

/* May the new reregistered_time be one of an earlier process? After an undo that of the new state's; after a failover that
 * of the old one, which reregistered with the new master. */
static bool may_be_stale(const struct judge *judge)
{
	const char *master = judge->shown->snapshot->facts.id, *before = judge->before->master_id;

	return judge->reverted || (master && before && strcmp(master, before) != 0);
}

/* What it is to be. Figures of its resources that the agent itself found, and agentctl took over for that, count as planned:
 * everything else must be as in the plan. */
static const Mesos__SlaveInfo *planned_info(const struct judge *judge)
{
	const Mesos__SlaveInfo *said = judge->started->info, *after = judge->agent->after;

	if (judge->started->amended && said && (slaveinfo_diff(after, said) & ~(unsigned)PART_RESOURCES) == 0)
		return said;
	return after;
}

/* A master that is too old keeps its record until another one leads; the operator has accepted that. What it shows then says
 * nothing: the checkpoint and the flags on the host are the proof. */
static bool is_kept_by_old_master(const struct judge *judge)
{
	return judge->before->stale_master && !judge->reverted &&
	       slaveinfo_diff(judge->before->info, judge->view->info) == 0 &&
	       slaveinfo_diff(planned_info(judge), judge->view->info) != 0;
}

/*
 * The master says only when an agent has registered last. Of one that is active that is the process that runs: it is shown as
 * not active as soon as the connection of the one before breaks. One that somebody has deactivated is never active, and after a
 * failover the old process, too, has registered once more, with the new master. Then the SlaveInfo alone tells one from the other;
 * a record that is still the old one does not.
 */
static bool may_be_registered_before(const struct judge *judge)
{
	const char *master = judge->shown->snapshot->facts.id, *before = judge->before->master_id;
	bool other_master = master && before && *before && strcmp(master, before) != 0;

	return proof_was_restarted(judge) && judge->view->deactivated && other_master &&
	       (judge->reverted || slaveinfo_diff(judge->before->info, planned_info(judge)) == 0 ||
		(judge->view->info && is_kept_by_old_master(judge)));
}

static void judge_reregistered(struct judge *judge)
{
	int64_t found = judge->view->reregistered_ns, before = judge->before->reregistered_ns;
	bool ok = !proof_was_restarted(judge) || (found != 0 && found != before);

	if (!ok)
		proof_object(judge, PROOF_NOT_YET, "it has not reregistered with the master since it was started");
	else if (may_be_registered_before(judge))
		proof_object(
			judge, PROOF_NOT_YET,
			"it is deactivated, and another master leads than before the change: whether it was the new "
			"process or the old one that registered with it cannot be told. Look at the agent's log");
	ok = ok && !may_be_registered_before(judge);
	add_line(judge, "reregistered_time", json_pack("{s:I}", "other_than", (json_int_t)before),
		 json_integer((json_int_t)found), ok);
}

/* What it was. The record of a master that keeps old ones may be older than that; one that leads since may have the right one. */
static const Mesos__SlaveInfo *former_info(const struct judge *judge)
{
	const Mesos__SlaveInfo *was = judge->agent->before;

	return judge->before->stale_master && slaveinfo_diff(was, judge->view->info) == 0 ? was : judge->before->info;
}

static void judge_master_info(struct judge *judge)
{
	/* The record is replaced when it reregisters; before that it says nothing about the new process. */
	bool current = !proof_was_restarted(judge) || judge->view->reregistered_ns != judge->before->reregistered_ns;

	if (!judge->view->attributes_complete || !judge->view->info)
		proof_object(judge, PROOF_NOT_YET,
			     "the master answers only /slaves, which hides one of two attributes with the same name; "
			     "GET_AGENTS is needed for a proof");
	else if (current && is_kept_by_old_master(judge))
		add_line(judge, "slave_info at the master", json_string("the new one, once another master leads"),
			 json_string("the old one: this master keeps it until then"), true);
	else if (current)
		judge_info(judge, "slave_info", judge->reverted ? former_info(judge) : planned_info(judge),
			   judge->view->info, may_be_stale(judge) ? PROOF_NOT_YET : PROOF_FAIL);
}

static void judge_checkpoint(struct judge *judge)
{
	const Mesos__SlaveInfo *found = judge->started->info;

	/* It had none at that moment: the agent may just be forgetting who it was, and the master will say so. */
	if (!found) {
		proof_object(judge, PROOF_NOT_YET, "agentctl did not say what the checkpoint on disk holds");
		return;
	}
	if (strcmp(slaveinfo_id(found), judge->agent->agent_id) != 0)
		proof_object(judge, PROOF_FAIL, "the checkpoint on disk has another ID, '%s'", slaveinfo_id(found));
	if (judge->agent->mechanism == MECHANISM_NATIVE && !judge->reverted &&
	    slaveinfo_diff(judge->agent->before, found) == 0 && slaveinfo_diff(planned_info(judge), found) != 0) {
		add_line(judge, "checkpoint on disk",
			 json_string("the new one, which the agent writes while it recovers and agentctl sees to"),
			 json_string("the old one, just after its start"), true);
		return;
	}
	judge_info(judge, "checkpoint", judge->reverted ? judge->agent->before : planned_info(judge), found,
		   PROOF_FAIL);
}

/* On the boot the plan saw, a process is named by when it started: the surveyed one must have made way. On a later boot
 * every process is younger. */
static bool is_younger(const struct judge *judge)
{
	const char *boot = judge->agent->expect.boot_id;
	bool same_boot = boot && judge->started->boot_id && strcmp(boot, judge->started->boot_id) == 0;

	return !same_boot || judge->agent->start_ticks == 0 || judge->started->start_ticks > judge->agent->start_ticks;
}

static void judge_process(struct judge *judge)
{
	const struct answer *started = judge->started;
	bool ok = started->pid > 0 && (judge->reverted || is_younger(judge));

	if (started->pid <= 0)
		proof_object(judge, PROOF_FAIL, "agentctl named no process of the agent");
	else if (!ok)
		proof_object(judge, PROOF_FAIL, "the process agentctl named is not younger than the operation");
	add_line(judge, "process", json_string(judge->reverted ? "there" : "younger than the operation"),
		 json_pack("{s:I, s:I, s:s*}", "pid", (json_int_t)started->pid, "start_ticks",
			   (json_int_t)started->start_ticks, "boot_id", started->boot_id),
		 ok);
}

static void judge_flag(struct judge *judge, const char *name, const char *planned)
{
	const char *found = flags_get(&judge->started->flags, name);
	char *shown = planned ? redact_urls(planned) : NULL; /* as the host says what it found */
	bool ok = flags_same_value(name, found, shown);

	planned = shown;
	if (flag_is_secret(name)) { /* only whether it is there leaves the host; what was there before is not kept */
		ok = judge->reverted || (planned != NULL) == (found != NULL);
		planned = planned ? "<redacted>" : NULL;
	}
	if (!ok)
		proof_object(judge, PROOF_FAIL, "its process runs with %s%s%s, not as %s", name, found ? "=" : " unset",
			     found ? found : "", judge->reverted ? "before" : "planned");
	json_array_append_new(judge->lines, json_pack("{s:s+, s:s?, s:s?, s:b}", "what", "flag ", name, "planned",
						      planned, "found", found, "ok", ok));
	free(shown);
}

static void judge_flags(struct judge *judge)
{
	if (judge->started->pid <= 0)
		return;
	for (size_t i = 0; i < judge->agent->edit_count; i++) {
		const struct flag_edit *edit = &judge->agent->edits[i];
		const char *before = flags_get(&judge->agent->before_flags, edit->name);

		judge_flag(judge, edit->name, judge->reverted ? before : edit->value);
	}
}

static void judge_all(struct judge *judge)
{
	judge_id(judge);
	if (judge->before->forgotten)
		add_line(judge, "the state before", json_string("known"),
			 json_string(
				 "not known: the database was restored from a copy. Which tasks it had cannot be said"),
			 true);
	if (!judge->view) {
		proof_judge_tasks(judge);
		return;
	}
	judge_address(judge);
	judge_reregistered(judge);
	judge_active(judge);
	judge_master_info(judge);
	judge_checkpoint(judge);
	judge_process(judge);
	judge_flags(judge);
	proof_judge_tasks(judge);
}

static const char *result_name(enum proof_result result)
{
	return result == PROOF_PASS ? "pass" : result == PROOF_FAIL ? "fail" : "incomplete";
}

enum proof_result proof_judge(const struct plan_agent *agent, const struct before_picture *before,
			      const struct answer *started, bool reverted, const struct snapshot_index *shown,
			      json_t **document, char **reason)
{
	struct judge judge = {
		.agent = agent,
		.before = before,
		.started = started,
		.shown = shown,
		.view = master_snapshot_agent(shown->snapshot, agent->agent_id),
		.reverted = reverted,
		.result = PROOF_PASS,
		.lines = json_array(),
		.survived = json_array(),
		.killed = json_array(),
		.unproven = json_array(),
		.ended = json_array(),
		.appeared = json_array(),
		.reason = BUFFER_INIT(4096),
	};

	judge_all(&judge);
	*document = json_pack("{s:s, s:s, s:s*, s:I, s:o, s:{s:o, s:o, s:o, s:o, s:o}}", "result",
			      result_name(judge.result), "of", reverted ? "the state before" : "the planned state",
			      "master", shown->snapshot->master, "away_ms", (json_int_t)started->away_ms, "lines",
			      judge.lines, "tasks", "survived", judge.survived, "killed", judge.killed, "unproven",
			      judge.unproven, "ended", judge.ended, "new", judge.appeared);
	if (judge.view)
		json_object_set_new(*document, "resources", proof_resources(judge.view));
	*reason = judge.result == PROOF_PASS ? NULL : buffer_take(&judge.reason);
	buffer_clear(&judge.reason);
	return judge.result;
}
