/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/launch_restore.h"

#include <stdio.h>
#include <string.h>

#include "agentctl/agent.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"
#include "mesos/checkpoint.h"
#include "mesos/recovery.h"

#define TEXT_MAX (8u << 20)

struct restoring {
	const char *root;
	const struct launch_state *state;
	const struct launch_change *change;
	struct checkpoint_state now;
	struct buffer old; /* what comes back */
	Mesos__SlaveInfo *info;
};

/* ---- may it be taken back? */

static int check_alone(const struct restoring *restoring, struct error *err)
{
	const struct host_settings host = {.root = (char *)restoring->root, .work_dir = restoring->change->work_dir};
	struct agent_process agent;
	bool found = false;
	long long pid;

	memset(&agent, 0, sizeof agent);
	if (agent_find(&host, &agent, &found, err) != 0)
		return -1;
	pid = (long long)agent.process.pid;
	agent_process_clear(&agent);
	if (!found)
		return 0;
	return error_set(
		err, ERROR_CONFLICT,
		"the agent runs (process %lld): end it, put its old flags back where its unit has them, take this "
		"change back, and start it again",
		pid);
}

static int check_same(const struct restoring *restoring, struct error *err)
{
	const struct launch_change *change = restoring->change;
	const struct checkpoint_state *now = &restoring->now;
	char digest[DIGEST_HEX_SIZE];

	if (now->info == NULL)
		return error_set(err, ERROR_REFUSED, "there is no agent's state below %s any more", change->work_dir);
	digest_hex(buffer_text(&now->bytes), now->bytes.len, digest);
	if (strcmp(digest, change->before) == 0)
		return error_set(err, ERROR_CONFLICT, "%s is as it was before already", now->slave_info_path);
	if (strcmp(digest, change->after) != 0)
		return error_set(err, ERROR_CONFLICT, "%s was changed since: what stands there now would be lost",
				 now->slave_info_path);
	if (strcmp(restoring->info->id->value, now->info->id->value) != 0)
		return error_set(err, ERROR_REFUSED, "the agent below %s is another one than that of the change",
				 change->work_dir);
	return 0;
}

/* With the flags from before, the agent must find that everything reserved since fits. */
static int check_reservations(const struct restoring *restoring, struct error *err)
{
	struct recovery_rules rules = RECOVERY_STOCK;
	struct verdict verdict = {.accepted = false, .message = BUFFER_INIT(64u << 20)};
	int result = 0;

	recovery_check(restoring->info, restoring->info, &restoring->now.reserved, &rules, &verdict);
	if (!verdict.accepted)
		result = error_set(err, ERROR_REFUSED, "the agent would not recover: %.900s",
				   buffer_text(&verdict.message));
	verdict_clear(&verdict);
	return result;
}

static int check(struct restoring *restoring, struct error *err)
{
	const struct launch_change *change = restoring->change;

	if (change->ends_tasks)
		return error_set(
			err, ERROR_REFUSED,
			"the change %s ended the agent's tasks, which nothing brings back; to have the old values "
			"again, make a new change",
			change->id);
	if (launch_change_bytes(restoring->state, change, &restoring->old, err) != 0 ||
	    checkpoint_read(restoring->root, change->work_dir, &restoring->now, err) != 0)
		return -1;
	restoring->info = checkpoint_parse("the slave.info from before", buffer_text(&restoring->old),
					   restoring->old.len, err);
	if (restoring->info == NULL || check_same(restoring, err) != 0 || check_reservations(restoring, err) != 0)
		return -1;
	return check_alone(restoring, err);
}

/* ---- doing it */

/* It is a change like the one it takes back. */
static int write_old(const struct restoring *restoring, struct launch_change *back, struct error *err)
{
	char *path = path_under(restoring->root, restoring->now.slave_info_path);
	char *backup = NULL;
	int result;

	back->work_dir = xstrdup(restoring->change->work_dir);
	memcpy(back->after, restoring->change->before, sizeof back->after);
	result = launch_change_save(restoring->state, &restoring->now.bytes, back, &backup, err);
	if (result == 0)
		result = file_replace(path, buffer_text(&restoring->old), restoring->old.len, NULL, err);
	free(backup);
	free(path);
	return result;
}

static void tell(const struct restoring *restoring)
{
	struct slaveinfo_changes changes = {.items = NULL, .count = 0};
	struct buffer text = BUFFER_INIT(TEXT_MAX);
	char *printable;

	buffer_puts(&text,
		    "slave.info is as it was before. Start the agent with flags that give the same: otherwise it "
		    "refuses, or launch writes the new state again.\n");
	slaveinfo_changes(restoring->now.info, restoring->info, &changes);
	for (size_t i = 0; i < changes.count; i++)
		buffer_printf(&text, "    %s: %s: %s -> %s\n", slaveinfo_part_name(changes.items[i].part),
			      changes.items[i].what,
			      changes.items[i].before == NULL ? "(none)" : changes.items[i].before,
			      changes.items[i].after == NULL ? "(none)" : changes.items[i].after);
	printable = text_printable(buffer_text(&text), true);
	fputs(printable, stderr);
	free(printable);
	slaveinfo_changes_clear(&changes);
	buffer_clear(&text);
}

static void say_done(struct talk *talk, const struct launch_change *back)
{
	struct answer answer;

	memset(&answer, 0, sizeof answer);
	talk_say_accepted(talk, back->id);
	answer.event = ANSWER_DONE;
	answer.operation = xstrdup(back->id);
	answer.kept_by_operator = true;
	talk_say(talk, &answer);
	answer_clear(&answer);
}

int launch_restore(const char *root, const struct launch_state *state, const struct launch_change *change,
		   struct talk *talk)
{
	struct restoring restoring = {
		.root = root, .state = state, .change = change, .old = BUFFER_INIT(CHECKPOINT_MAX)};
	struct launch_change back = {.work_dir = NULL};
	struct error err = ERROR_INIT;
	int exit_code = 0;

	if (check(&restoring, &err) == 0 && write_old(&restoring, &back, &err) == 0) {
		tell(&restoring);
		say_done(talk, &back);
	} else {
		exit_code = talk_refuse(talk, &err);
	}
	launch_change_clear(&back);
	slaveinfo_free(restoring.info);
	checkpoint_state_clear(&restoring.now);
	buffer_clear(&restoring.old);
	return exit_code;
}
