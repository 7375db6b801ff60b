/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agentctl restore: takes one change back, by a new operation that writes the bytes from before it. It refuses where that would
 * lose what was done since, or where the agent would not start. What `launch` has written is taken back by launch_restore.c.
 */
#include <string.h>

#include "agentctl/agentctl.h"
#include "agentctl/by_hand.h"
#include "agentctl/launch_restore.h"
#include "agentctl/preflight.h"
#include "agentctl/self.h"
#include "agentctl/settings.h"
#include "base/alloc.h"

#define KNOWN_MAX 4096 /* IDs with their states */

/* ---- which operation */

static int name_operation(const struct journal_entry *entry, const struct operation_state *state, void *ctx)
{
	buffer_printf(ctx, "%s %s (%s)", ((struct buffer *)ctx)->len == 0 ? "" : ",", entry->id,
		      operation_step_name(state->step));
	return 0;
}

static int say_unknown(const struct journal *journal, const char *id, struct error *err)
{
	struct buffer known = BUFFER_INIT(KNOWN_MAX);

	journal_each(journal, name_operation, &known, NULL);
	error_set(
		err, ERROR_USAGE,
		"this host knows no operation %s; it keeps those that are open and the last %d that have ended:%s. What "
		"launch changes has the ID that is named in its warning",
		id, JOURNAL_KEEP, known.len == 0 ? " none" : buffer_text(&known));
	buffer_clear(&known);
	return -1;
}

static int check_state(const char *id, const struct operation_state *state, const struct host_settings *settings,
		       struct error *err)
{
	enum operation_fate fate = operation_fate(state->step);

	if (fate == FATE_UNDONE)
		return error_set(err, ERROR_CONFLICT, "the operation %s was undone: there is nothing to take back", id);
	if (fate != FATE_DONE)
		return self_say_settle(id, operation_step_name(state->step), settings->root, settings->state_dir, err);
	if (state->discard || state->ends_tasks)
		return error_set(
			err, ERROR_REFUSED,
			"the operation %s ended the agent's tasks, which nothing brings back; to have the old values "
			"again, make a new change",
			id);
	if (state->rescue)
		return error_set(
			err, ERROR_REFUSED,
			"the operation %s was a rescue: with what was there before it the agent refuses to start; to have the "
			"old values again, make a new change, or put them into the flags and run agentctl rescue",
			id);
	return 0;
}

static int check_not_forgotten(const struct journal *journal, const char *id, struct error *err)
{
	struct operation_state state = {.step = STEP_NONE};

	if (journal_recall(journal, id, &state, err) != 0)
		return -1;
	if (state.step == STEP_NONE)
		return 0;
	return error_set(
		err, ERROR_REFUSED,
		"the operation %s ended %s, but its bytes are no longer kept (those of the last %d are): to have the "
		"old values again, make a new change",
		id, operation_step_name(state.step), JOURNAL_KEEP);
}

static int load(const struct journal *journal, const struct host_settings *settings, const char *id, struct change *out,
		struct error *err)
{
	struct operation_state state = {.step = STEP_NONE};
	struct journal_entry entry;
	int result;

	if (strlen(id) != RANDOM_ID_SIZE - 1 || strspn(id, "0123456789abcdef") != RANDOM_ID_SIZE - 1)
		return error_set(err, ERROR_USAGE, "'%s' is no operation: it has %d hex digits", id,
				 RANDOM_ID_SIZE - 1);
	journal_entry_init(&entry, journal, id);
	result = journal_load_state(&entry, &state, err);
	if (result == 0 && operation_fate(state.step) == FATE_ABSENT)
		result = check_not_forgotten(journal, id, err) != 0 ? -1 : say_unknown(journal, id, err);
	if (result == 0)
		result = check_state(id, &state, settings, err);
	if (result == 0)
		result = change_load(&entry, out, err);
	journal_entry_clear(&entry);
	return result;
}

/* ---- may it be taken back? */

static int check_agent(const struct facts *facts, const struct change *change, struct error *err)
{
	if (!facts->running)
		return error_set(err, ERROR_CONFLICT,
				 "no agent runs on this host; if it refuses to start, agentctl rescue may help");
	if (facts->checkpoint_error.kind != ERROR_NONE)
		return error_set(err, facts->checkpoint_error.kind, "%s", facts->checkpoint_error.text);
	if (facts->checkpoint.info == NULL || strcmp(facts->checkpoint.slave_info_path, change->checkpoint.path) != 0)
		return error_set(err, ERROR_REFUSED,
				 "the agent of this host is another one than that of the operation (%s)",
				 change->checkpoint.path);
	if (facts->checkpoint.boot_id != NULL && strcmp(facts->checkpoint.boot_id, facts->boot_id) != 0)
		return error_set(err, ERROR_CONFLICT,
				 "the host was rebooted and the agent has not recovered since: wait until it has");
	return control_check(&facts->host, err);
}

/* What was reserved since may no longer fit into what comes back. */
static int check_reservations(const struct facts *facts, const struct change *change, struct error *err)
{
	const struct buffer *bytes = &change->checkpoint.sides[SIDE_NEW].bytes;
	Mesos__SlaveInfo *info = checkpoint_parse("the checkpoint from before", buffer_text(bytes), bytes->len, err);
	int result = info == NULL ? -1 : change_check_recovery(facts, bytes, info, err);

	slaveinfo_free(info);
	return result;
}

/* It is one more restart, with all that stands in the way of one. */
static int check_restart(const struct facts *facts, bool allow_task_loss, struct error *err)
{
	struct findings findings = {.items = NULL};
	int result;

	preflight_host(facts, &findings);
	for (size_t i = 0; allow_task_loss && i < findings.count; i++)
		if (findings.items[i].severity == FINDING_TASK_LOSS)
			findings.items[i].severity = FINDING_WARN;
	result = findings_judge(&findings, err);
	findings_clear(&findings);
	return result;
}

/* change comes as the operation wrote it, and leaves as what takes it back. */
static int turn_round(struct change *change, bool allow_task_loss, struct error *err)
{
	struct facts facts;
	int result;

	memset(&facts, 0, sizeof facts);
	result = facts_gather(&change->host, &facts, err);
	if (result == 0)
		result = check_agent(&facts, change, err);
	if (result == 0)
		result = change_check_side(change, SIDE_NEW, err);
	if (result == 0)
		result = check_restart(&facts, allow_task_loss, err);
	if (result == 0) {
		change_swap_sides(change);
		result = check_reservations(&facts, change, err);
	}
	if (result == 0)
		result = change_check_room(change, err);
	facts_clear(&facts);
	return result;
}

/* ---- the command */

struct restore_options {
	struct settings_options host;
	const char *watch;
	bool allow_task_loss;
};

static int restore_locked(struct by_hand *by_hand, const struct host_settings *settings, const char *id,
			  const struct restore_options *given)
{
	struct operation_terms terms = {.rescue = false};
	struct error err = ERROR_INIT;
	struct change change;
	int exit_code;

	memset(&change, 0, sizeof change);
	if (by_hand_terms(given->watch, &terms, &err) == 0 &&
	    load(&by_hand->host.journal, settings, id, &change, &err) == 0 &&
	    turn_round(&change, given->allow_task_loss, &err) == 0) {
		json_t *note = json_pack("{s:s, s:s}", "kind", "restore", "of", id);

		exit_code = by_hand_run(by_hand, &change, note, &terms);
		json_decref(note);
	} else {
		exit_code = talk_refuse(&by_hand->talk, &err);
	}
	change_clear(&change);
	return exit_code;
}

static int restore_any(struct by_hand *by_hand, const struct host_settings *settings, const char *id,
		       const struct restore_options *given)
{
	struct launch_change change = {.work_dir = NULL};
	struct launch_state state = {.dir = NULL};
	struct error err = ERROR_INIT;
	bool found = false;
	int exit_code;

	if (strspn(id, "0123456789abcdef") == RANDOM_ID_SIZE - 1 && strlen(id) == RANDOM_ID_SIZE - 1 &&
	    launch_change_find(settings->root, settings->state_dir, id, &change, &state, &found, &err) != 0)
		exit_code = talk_refuse(&by_hand->talk, &err);
	else if (found)
		exit_code = launch_restore(settings->root, &state, &change, &by_hand->talk);
	else
		exit_code = restore_locked(by_hand, settings, id, given);
	launch_change_clear(&change);
	launch_state_clear(&state);
	return exit_code;
}

static int run(const struct restore_options *given, const char *id)
{
	struct error err = ERROR_INIT;
	struct host_settings settings;
	struct by_hand by_hand;
	int exit_code;

	if (settings_from_options(&given->host, &settings, &err) != 0)
		return command_fail(&err);
	if (by_hand_open(&by_hand, &settings, false, &err) == 0)
		exit_code = restore_any(&by_hand, &settings, id, given);
	else
		exit_code = talk_refuse(&by_hand.talk, &err);
	by_hand_clear(&by_hand);
	host_settings_clear(&settings);
	return exit_code;
}

int command_restore(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct restore_options given = {.watch = NULL};
	const struct option options[] = {
		{"root", 0, OPTION_STRING, &given.host.root, "DIR", ROOT_HELP, 0, 0},
		{"state-dir", 0, OPTION_STRING, &given.host.state_dir, "DIR", STATE_DIR_HELP, 0, 0},
		{"watch", 0, OPTION_STRING, &given.watch, "DURATION", BY_HAND_WATCH_HELP, 0, 0},
		{"allow-task-loss", 0, OPTION_FLAG, &given.allow_task_loss, NULL,
		 "also when tasks die with the restart", 0, 0},
		{NULL, 0, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
	};
	struct arguments operands = {.items = NULL, .count = 0};
	int exit_code = 0;

	(void)ctx;
	if (!command_open_with(argc, argv, self, options, &operands, &exit_code))
		return exit_code;
	exit_code = run(&given, operands.items[0]);
	arguments_clear(&operands);
	return exit_code;
}
