/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/host_ops.h"

#include <string.h>

#include "agentctl/amend.h"
#include "agentctl/caller.h"
#include "agentctl/guard.h"
#include "agentctl/self.h"
#include "base/alloc.h"
#include "base/clock.h"

void real_host_init(struct real_host *host, const char *root, const char *state_dir, const char *id)
{
	memset(host, 0, sizeof *host);
	journal_init(&host->journal, root, state_dir);
	journal_entry_init(&host->entry, &host->journal, id);
}

void real_host_clear(struct real_host *host)
{
	journal_clear(&host->journal);
	journal_entry_clear(&host->entry);
	change_clear(&host->change);
}

int real_host_load(struct real_host *host, struct error *err)
{
	if (host->change_loaded)
		return 0;
	if (change_load(&host->entry, &host->change, err) != 0)
		return -1;
	host->change_loaded = true;
	return 0;
}

/* The effect goes into the log before it happens: an effect without a line has not happened. */
static int open_for(struct real_host *host, const char *effect, struct error *err)
{
	if (real_host_load(host, err) != 0)
		return -1;
	journal_log(&host->entry, "effect", effect);
	return 0;
}

static int load_state(void *ctx, struct operation_state *out, struct error *err)
{
	struct real_host *host = ctx;

	return journal_load_state(&host->entry, out, err);
}

static int save_state(void *ctx, const struct operation_state *state, struct error *err)
{
	struct real_host *host = ctx;

	return journal_save_state(&host->entry, state, err);
}

static int load_starts(void *ctx, int *count, struct error *err)
{
	struct real_host *host = ctx;

	return journal_load_starts(&host->entry, count, err);
}

static int save_starts(void *ctx, int count, struct error *err)
{
	struct real_host *host = ctx;

	return journal_save_starts(&host->entry, count, err);
}

/* What would write the flags rests before the guard is placed, and until it has gone. */
static int place_guard(void *ctx, struct error *err)
{
	struct real_host *host = ctx;
	char *program = NULL;
	int result;

	if (open_for(host, "place guard", err) != 0 ||
	    hold_place(&host->change.hold, host->change.host.root, err) != 0 ||
	    self_install(&host->journal, &program, err) != 0)
		return -1;
	result = guard_place(&host->change.host, program, err);
	free(program);
	return result;
}

static int remove_guard(void *ctx, bool starting, struct error *err)
{
	struct real_host *host = ctx;

	if (open_for(host, "remove guard", err) != 0)
		return -1;
	if (hold_release(&host->change.hold, host->change.host.root, err) != 0)
		return -1;
	return guard_remove(&host->change.host, starting, err);
}

static int write_checkpoint(void *ctx, enum operation_side side, struct error *err)
{
	struct real_host *host = ctx;

	bool adopted = false;

	if (open_for(host, side == SIDE_OLD ? "write old checkpoint" : "write new checkpoint", err) != 0)
		return -1;
	if (host->change.native && side == SIDE_NEW &&
	    change_adopt_checkpoint(&host->change, &host->entry, &adopted, err) != 0)
		return -1;
	if (adopted)
		return 0;
	return change_write_checkpoint(&host->change, side, err);
}

static int write_flags(void *ctx, enum operation_side side, struct error *err)
{
	struct real_host *host = ctx;

	static const char *const effects[] = {"write old flags", "write new flags",
					      "write new flags and temporary ones"};

	if (open_for(host, effects[side], err) != 0)
		return -1;
	return change_write_store(&host->change, side, err);
}

static int clean_up(void *ctx, struct error *err)
{
	struct real_host *host = ctx;

	if (open_for(host, "end the executors", err) != 0)
		return -1;
	return cleanup_run(&host->change.cleanup, &host->change.host, err);
}

static int restart_agent(void *ctx, const struct operation_process *before, struct error *err)
{
	struct real_host *host = ctx;

	if (open_for(host, "restart agent", err) != 0)
		return -1;
	return control_restart(&host->change.host, before, err);
}

static int stop_agent(void *ctx, struct error *err)
{
	struct real_host *host = ctx;

	if (open_for(host, "stop agent", err) != 0)
		return -1;
	return control_stop(&host->change.host, err);
}

static int start_agent(void *ctx, struct error *err)
{
	struct real_host *host = ctx;

	if (open_for(host, "start agent", err) != 0)
		return -1;
	return control_start(&host->change.host, err);
}

/* The control is only asked when there is no process: it may know why. */
static int look_at_control(struct real_host *host, struct operation_look *out)
{
	struct control_status status = {.known = false};

	if (control_status(&host->change.host, &status, NULL) != 0 || !status.failed)
		return 0;
	out->agent = AGENT_ENDED;
	memcpy(out->said, status.said, sizeof out->said);
	return 0;
}

static int look(void *ctx, struct operation_look *out, struct error *err)
{
	struct real_host *host = ctx;
	struct agent_process agent = {.executable = NULL};
	bool found = false;

	memset(out, 0, sizeof *out);
	if (real_host_load(host, err) != 0)
		return -1;
	if (!agent_runs(&host->last)) {
		memset(&host->last, 0, sizeof host->last);
		if (agent_find(&host->change.host, &agent, &found, err) != 0)
			return -1;
		host->last = agent.process;
		agent_process_clear(&agent);
	}
	if (host->last.pid == 0)
		return look_at_control(host, out);
	out->agent = AGENT_RUNNING;
	out->process = host->last;
	return 0;
}

static int boot_id(void *ctx, char out[OPERATION_BOOT_ID_SIZE], struct error *err)
{
	struct real_host *host = ctx;

	if (real_host_load(host, err) != 0)
		return -1;
	return boot_id_read(host->change.host.root, out, err);
}

static int64_t now_ms(void *ctx)
{
	(void)ctx;
	return clock_monotonic_ms();
}

static int may_amend(void *ctx, bool *yes, struct error *err)
{
	return amend_is_possible(ctx, yes, err);
}

static int amend(void *ctx, struct error *err)
{
	struct real_host *host = ctx;

	if (open_for(host, "write the new checkpoint again, with the agent's own figures", err) != 0)
		return -1;
	return amend_checkpoint(host, err);
}

const struct operation_ops real_host_ops = {
	.load_state = load_state,
	.save_state = save_state,
	.load_starts = load_starts,
	.save_starts = save_starts,
	.place_guard = place_guard,
	.remove_guard = remove_guard,
	.write_checkpoint = write_checkpoint,
	.write_flags = write_flags,
	.clean_up = clean_up,
	.restart_agent = restart_agent,
	.stop_agent = stop_agent,
	.start_agent = start_agent,
	.look = look,
	.boot_id = boot_id,
	.now_ms = now_ms,
	.now_ticks = caller_now_ticks,
	.is_starting = caller_is_starting,
	.may_amend = may_amend,
	.amend = amend,
};
