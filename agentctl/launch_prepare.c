/* SPDX-License-Identifier: Apache-2.0 */
/* What launch does before it becomes the agent. The invariants are in launch.h. */
#include <string.h>
#include <unistd.h>

#include "agentctl/agentctl.h"
#include "agentctl/facts.h"
#include "agentctl/launch.h"
#include "agentctl/launch_changes.h"
#include "agentctl/launch_discard.h"
#include "agentctl/launch_master.h"
#include "agentctl/self.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"

/* Whoever else needs the lock while an agent starts (a settle that only asks) needs it for moments. */
#define LOCK_TRIES    50
#define LOCK_AGAIN_MS 100

#define REFUSED 1 /* the agent's own exit status when it refuses */

struct preparation {
	const struct launch *launch;
	struct launch_comparison comparison;
	struct launch_judgement judgement;
	char *operation; /* of a state that is not to be recovered; NULL otherwise */
	bool used_up;    /* that operation has been carried out before */
};

static void preparation_clear(struct preparation *preparation)
{
	launch_comparison_clear(&preparation->comparison);
	launch_judgement_clear(&preparation->judgement);
	free(preparation->operation);
	preparation->operation = NULL;
	preparation->used_up = false;
}

/* ---- what is to be done */

static char *operation_name(const struct preparation *preparation)
{
	struct buffer bytes = BUFFER_INIT(CHECKPOINT_MAX);
	char digest[DIGEST_HEX_SIZE];

	if (preparation->launch->operation != NULL)
		return xstrdup(preparation->launch->operation);
	slaveinfo_pack(preparation->comparison.after, &bytes);
	digest_hex(buffer_text(&bytes), bytes.len, digest);
	buffer_clear(&bytes);
	return xasprintf("slave-info-%s", digest);
}

static void checkpoint_digest(const struct preparation *preparation, char out[DIGEST_HEX_SIZE])
{
	const struct buffer *bytes = &preparation->comparison.checkpoint.bytes;

	digest_hex(buffer_text(bytes), bytes->len, out);
}

/* An operation that was cut off between the new checkpoint and the word "done" has done everything but that. */
static int finish_open(struct preparation *preparation, struct launch_operation *operation, struct error *err)
{
	char now[DIGEST_HEX_SIZE];

	checkpoint_digest(preparation, now);
	if (operation->fate != LAUNCH_FATE_OPEN || strcmp(operation->before, operation->after) == 0 ||
	    strcmp(operation->after, now) != 0)
		return 0;
	operation->fate = LAUNCH_FATE_DONE;
	return launch_operation_save(&preparation->launch->state, preparation->operation, operation, err);
}

/* Without a name of its own an operation is one change of the SlaveInfo: a difference is one that has not been made yet. */
static int ask_discard(struct preparation *preparation, struct launch_question *question, struct error *err)
{
	struct launch_operation operation;

	if (preparation->launch->recover_state)
		return 0;
	preparation->operation = operation_name(preparation);
	question->discard = true;
	if (preparation->launch->operation == NULL)
		return 0;
	if (launch_operation_load(&preparation->launch->state, preparation->operation, &operation, err) != 0 ||
	    finish_open(preparation, &operation, err) != 0)
		return -1;
	preparation->used_up = operation.fate == LAUNCH_FATE_DONE;
	question->discard = !preparation->used_up;
	question->discard_unchanged = !preparation->used_up;
	return 0;
}

/* Compares and judges anew. */
static int look(struct preparation *preparation, struct error *err)
{
	struct launch_comparison *comparison = &preparation->comparison;
	struct launch_question question = {.checkpoint = &comparison->checkpoint};

	preparation_clear(preparation);
	if (launch_compare(preparation->launch, comparison, err) != 0)
		return -1;
	if (comparison->checkpoint.info == NULL)
		return 0;
	question.after = comparison->after;
	question.rules = (struct recovery_rules){.policy = comparison->policy,
						 .ignore = preparation->launch->ignore,
						 .recover_state = true,
						 .version = comparison->version};
	question.rebooted = comparison->rebooted;
	if (ask_discard(preparation, &question, err) != 0)
		return -1;
	launch_judge(&question, &preparation->judgement);
	return 0;
}

/* ---- doing it */

/* What the old executors are ended with one day. That it cannot be written must not keep an agent from starting. */
static void remember(const struct preparation *preparation)
{
	const char *id = preparation->comparison.checkpoint.agent_id;
	struct error err = ERROR_INIT;

	if (launch_flags_save(&preparation->launch->state, id == NULL ? "" : id, &preparation->launch->flags, &err) !=
	    0)
		log_warning("the agent's flags are not remembered: %s", err.text);
}

static int write_checkpoint(const struct preparation *preparation, struct error *err)
{
	const struct buffer *bytes = &preparation->judgement.bytes;
	char *path = path_under(preparation->launch->root, preparation->comparison.checkpoint.slave_info_path);
	int result = file_replace(path, buffer_text(bytes), bytes->len, NULL, err);

	free(path);
	return result;
}

static bool is_changed(const struct preparation *preparation)
{
	const struct buffer *old = &preparation->comparison.checkpoint.bytes;
	const struct buffer *new = &preparation->judgement.bytes;

	return old->len != new->len || memcmp(buffer_text(old), buffer_text(new), old->len) != 0;
}

static int keep_old(const struct preparation *preparation, bool discard, struct error *err)
{
	const struct buffer *new = &preparation->judgement.bytes;
	struct launch_change change = {.work_dir = preparation->launch->work_dir, .ends_tasks = discard};
	char *backup = NULL;

	digest_hex(buffer_text(new), new->len, change.after);
	if (launch_change_save(&preparation->launch->state, &preparation->comparison.checkpoint.bytes, &change, &backup,
			       err) != 0)
		return -1;
	launch_warn(preparation->launch, &preparation->comparison, discard ? NULL : change.id, backup);
	free(backup);
	return 0;
}

static int rewrite(const struct preparation *preparation, struct error *err)
{
	if (keep_old(preparation, false, err) != 0)
		return -1;
	return write_checkpoint(preparation, err);
}

/* Cut off before the new checkpoint, all of it is done again, the ending of executors too: nobody knows what has run since. Cut
 * off after it, finish_open sees that. */
static int discard(const struct preparation *preparation, struct error *err)
{
	const struct launch_state *state = &preparation->launch->state;
	const struct buffer *new = &preparation->judgement.bytes;
	struct launch_operation operation = {.fate = LAUNCH_FATE_OPEN};

	checkpoint_digest(preparation, operation.before);
	digest_hex(buffer_text(new), new->len, operation.after);
	if (launch_operation_save(state, preparation->operation, &operation, err) != 0 ||
	    keep_old(preparation, true, err) != 0 ||
	    launch_end_executors(preparation->launch, &preparation->comparison, err) != 0)
		return -1;
	if (is_changed(preparation) && write_checkpoint(preparation, err) != 0)
		return -1;
	operation.fate = LAUNCH_FATE_DONE;
	return launch_operation_save(state, preparation->operation, &operation, err);
}

/* ---- who else is there */

static int check_alone(const struct launch *launch, struct error *err)
{
	const struct host_settings host = {.root = (char *)launch->root, .work_dir = launch->work_dir};
	struct agent_process agent;
	bool found = false;
	long long pid;

	memset(&agent, 0, sizeof agent);
	if (agent_find(&host, &agent, &found, err) != 0)
		return -1;
	pid = (long long)agent.process.pid;
	agent_process_clear(&agent);
	if (!found || pid == getpid())
		return 0;
	return error_set(err, ERROR_CONFLICT, "an agent with the work_dir %s runs already (process %lld): end it first",
			 launch->work_dir, pid);
}

static int check_master(const struct preparation *preparation, struct error *err)
{
	const struct launch *launch = preparation->launch;

	if (launch->master_checked || !is_changed(preparation))
		return 0;
	return launch_master_check(flags_get(&launch->resolved, "master"), launch->root,
				   preparation->comparison.after->domain != NULL, err);
}

static int take_lock(const struct journal *journal, int *lock, struct error *err)
{
	if (journal_create(journal, err) != 0)
		return -1;
	for (int i = 0;; i++) {
		err->kind = ERROR_NONE;
		if (journal_lock(journal, lock, err) == 0)
			return 0;
		if (err->kind != ERROR_CONFLICT || i == LOCK_TRIES)
			return -1;
		usleep(LOCK_AGAIN_MS * 1000);
	}
}

static int check_settled(const struct launch *launch, const struct journal *journal, struct error *err)
{
	char open[RANDOM_ID_SIZE];

	if (journal_find_open(journal, open, err) != 0)
		return -1;
	if (open[0] == '\0')
		return 0;
	return self_say_settle(open, "open, and the agent's state in its hands,", launch->root, launch->state_dir, err);
}

/* ---- all of it */

static int refuse(const struct preparation *preparation)
{
	char *text = text_printable(buffer_text(&preparation->judgement.reason), true);

	fputs(text, stderr);
	if (preparation->used_up)
		fprintf(stderr,
			"--recover_state=false has been carried out on this host for --operation=%s: for another time "
			"give another value.\n",
			preparation->operation);
	free(text);
	return REFUSED;
}

/* The agent's ID, if it gets one, is not known yet; and there is nothing that a named operation could end. */
static int first_start(const struct preparation *preparation, struct error *err)
{
	const struct launch *launch = preparation->launch;
	const struct launch_operation done = {.fate = LAUNCH_FATE_DONE};

	remember(preparation);
	if (launch->recover_state || launch->operation == NULL)
		return 0;
	return launch_operation_save(&launch->state, launch->operation, &done, err);
}

/* Returns 0, an exit code, or -1. */
static int act(struct preparation *preparation, struct error *err)
{
	int result = 0;

	/* Under the lock the host may look different. */
	if (look(preparation, err) != 0)
		return -1;
	if (preparation->comparison.checkpoint.info == NULL)
		return first_start(preparation, err);
	if (preparation->judgement.action == LAUNCH_REFUSE)
		return refuse(preparation);
	if (preparation->judgement.action == LAUNCH_REWRITE)
		result = rewrite(preparation, err);
	else if (preparation->judgement.action == LAUNCH_DISCARD)
		result = discard(preparation, err);
	if (result == 0)
		remember(preparation);
	return result;
}

static int act_locked(struct preparation *preparation, struct error *err)
{
	struct journal journal;
	int lock = -1;
	int result = -1;

	journal_init(&journal, preparation->launch->root, preparation->launch->state_dir);
	if (take_lock(&journal, &lock, err) == 0 && check_settled(preparation->launch, &journal, err) == 0 &&
	    check_alone(preparation->launch, err) == 0)
		result = act(preparation, err);
	/* On success the lock is held until exec closes it. */
	if (result != 0 && lock >= 0)
		close(lock);
	journal_clear(&journal);
	return result;
}

static int decide(struct preparation *preparation, struct error *err)
{
	struct error cause = ERROR_INIT;

	if (look(preparation, &cause) != 0) {
		if (cause.kind != ERROR_USAGE && cause.kind != ERROR_CORRUPT)
			return error_set(err, cause.kind, "%s", cause.text);
		log_warning("checkpoint and flags cannot be compared, so nothing is done about them and the agent "
			    "decides by itself: %s",
			    cause.text);
		return 0;
	}
	if (preparation->comparison.checkpoint.info == NULL)
		return first_start(preparation, err);
	if (preparation->judgement.action == LAUNCH_REFUSE)
		return refuse(preparation);
	if (preparation->judgement.action == LAUNCH_START) {
		remember(preparation);
		return 0;
	}
	if (check_master(preparation, &cause) == 0)
		return act_locked(preparation, err);
	if (preparation->judgement.action != LAUNCH_REWRITE || !preparation->judgement.agent_accepts)
		return error_set(err, cause.kind, "%s", cause.text);
	log_warning("the agent accepts this difference by itself, and is started as it is: %s", cause.text);
	remember(preparation);
	return 0;
}

int launch_prepare(const struct launch *launch)
{
	struct preparation preparation = {.launch = launch};
	struct error err = ERROR_INIT;
	int result = 0;

	if (launch->work_dir == NULL)
		return 0;
	result = decide(&preparation, &err);
	preparation_clear(&preparation);
	return result < 0 ? command_fail(&err) : result;
}
