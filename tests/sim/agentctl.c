/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agentctl on the simulated hosts: real requests in, real answer lines out, the real step machine in between, one step at a time
 * so that anything can happen between two of them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "protocol/answer.h"
#include "protocol/request.h"
#include "tests/sim/judge.h"

/* More failures in a row than chance has. */
#define ATTEMPTS_MAX 20

static void act_drive(struct world *world, struct sim_host *host, int generation, uint64_t detail);

/* ---- what it says */

static void say(struct sim_host *host, struct answer *answer)
{
	struct buffer line = BUFFER_INIT(ANSWER_LINE_MAX);
	const struct told told = {
		.event = answer->event,
		.runs = host->pid != 0,
		.open = host->current && operation_fate(host->current->state.step) == FATE_OPEN,
	};

	answer_write(answer, &line);
	buffer_putc(&line, '\0');
	line.data[strcspn(line.data, "\n")] = '\0';
	speech_say(host, line.data, answer->operation, &told);
	buffer_clear(&line);
}

static void fill_evidence(struct sim_host *host, struct answer *answer)
{
	const struct operation_state *state = &host->current->state;

	answer->pid = host->pid;
	answer->start_ticks = host->pid ? host->started_ms - host->booted_ms : 0;
	answer->boot_id = xasprintf("boot-%d", host->boot);
	answer->away_ms = world_between(host->world, 1, 5000);
	answer->restarted = host->pid != state->before.pid ||
			    host->started_ms - host->booted_ms != state->before.start_ticks;
	if (host->pid)
		flags_set(&answer->flags, "recovery_timeout", host->world->flag_values[host->running_flags]);
	answer->info = slaveinfo_copy(host_info(host, host->checkpoint, host->amended[host->checkpoint]));
	answer->amended = state->amended;
	slaveinfo_set_id(answer->info, host->world->first_plan.agents[host->index].agent_id);
}

static void say_event(struct sim_host *host, enum answer_event event, bool evidence)
{
	struct answer answer;

	memset(&answer, 0, sizeof answer);
	answer.event = event;
	answer.operation = xstrdup(host->current->id);
	answer.fate = operation_fate(host->current->state.step);
	if (host->current->state.reason[0])
		answer.reason = xstrdup(host->current->state.reason);
	if (evidence)
		fill_evidence(host, &answer);
	say(host, &answer);
	answer_clear(&answer);
}

/* To one who is not the one who listens now, perhaps. */
static void talk_to(struct sim_host *host, uint64_t exec)
{
	host->exec = exec;
	host->listener = exec ? host->world->process.number : 0;
}

void agentctl_refuse(struct sim_host *host, uint64_t exec, const char *reason)
{
	struct answer answer;
	uint64_t listening = host->exec;
	int listener = host->listener;

	memset(&answer, 0, sizeof answer);
	answer.event = ANSWER_REFUSED;
	answer.kind = ERROR_CONFLICT;
	answer.reason = xstrdup(reason);
	talk_to(host, exec);
	say(host, &answer);
	speech_end(host, 3);
	host->exec = listening;
	host->listener = listener;
	answer_clear(&answer);
}

/* Says what the last step means to rollcall, once. true when it was the last word. */
static bool tell(struct sim_host *host)
{
	enum operation_step step = host->current->state.step;

	if (step == host->told)
		return false;
	host->told = step;
	if (step == STEP_STARTED)
		say_event(host, ANSWER_STARTED, true);
	if (step == STEP_DONE)
		say_event(host, ANSWER_DONE, true);
	if (step == STEP_UNDONE)
		say_event(host, ANSWER_UNDONE, true);
	if (step == STEP_STUCK)
		say_event(host, ANSWER_STUCK, false);
	return operation_is_final(step) || step == STEP_STUCK;
}

/* ---- its life */

static void release(struct sim_host *host)
{
	enum operation_step step = host->current->state.step;

	speech_end(host, step == STEP_DONE ? 0 : 1);
	host->locked = false;
	host->current = NULL;
	host->agentctl_life++;
}

void agentctl_take_lock(struct sim_host *host, struct sim_operation *op, uint64_t exec)
{
	host->locked = true;
	host->current = op;
	talk_to(host, exec);
	host->word = WORD_NONE;
	host->told = STEP_NONE;
	host->attempts = 0;
	host->agentctl_life++;
}

static void act_parent_settles(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	struct sim_operation *op = host_open_operation(host);

	(void)detail;
	if (generation != host->agentctl_life || !host->up || host->locked || !op)
		return;
	agentctl_take_lock(host, op, 0);
	operation_load(&host->operation, host_operation_ops(), host, OPERATION_BY_SETTLE, NULL);
	world_at(world, 1, act_drive, host, host->agentctl_life, 2 * host->turn);
}

void agentctl_die(struct sim_host *host)
{
	if (!host->locked)
		return;
	speech_end(host, -1);
	host->locked = false;
	host->current = NULL;
	host->agentctl_life++;
	if (host->up && !world_fault(host->world, host->world->faults.parent_dies_too))
		world_at(host->world, world_between(host->world, 1, 200), act_parent_settles, host, host->agentctl_life,
			 0);
}

static int64_t step_ms(const struct sim_host *host)
{
	return host->traits & IS_LOADED ? world_between(host->world, 100, 6000) : world_between(host->world, 1, 20);
}

/* It dies in the midst of an effect, alone or with its machine. */
static void die_at_work(struct sim_host *host)
{
	const struct faults *faults = &host->world->faults;

	world_say(host->world, "host %zu: agentctl is killed at step %s", host->index,
		  operation_step_name(host->current->state.step));
	if (world_fault(host->world, host->current->rescue ? 3 * faults->rescue_disturbed : faults->power_cut)) {
		host_power_cut(host);
		return;
	}
	agentctl_die(host);
	agentctl_kill_agent_too(host);
}

static void act_drive(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	struct error err = ERROR_INIT;

	if (generation != host->agentctl_life || !host->locked || detail / 2 != host->turn)
		return;
	if (detail % 2 == 0 && world_fault(world, world->faults.agentctl_hangs)) {
		world_say(world, "host %zu: agentctl hangs", host->index);
		world_at(world, world_between(world, 30000, 600000), act_drive, host, generation, 2 * host->turn + 1);
		return;
	}
	if (world_fault(world, world->faults.power_cut / 8)) { /* at any step, those of an undo too */
		host_power_cut(host);
		return;
	}
	host->operation.word = host->word;
	switch (operation_advance(&host->operation, &err)) {
	case OPERATION_ADVANCED:
		host->attempts = 0;
		if (host->operation.state.step == STEP_AMENDING || host->operation.state.step == STEP_CLEANING)
			agentctl_disturb_moment(host);
		else if (host->operation.state.step == STEP_TAKING_OUT &&
			 world_fault(world, world->faults.agentctl_killed))
			die_at_work(host);
		else if (host->current->rescue)
			agentctl_disturb_rescue(host);
		if (!host->locked)
			break;
		tell(host);
		world_at(world, step_ms(host), act_drive, host, generation, 2 * host->turn);
		break;
	case OPERATION_WAITING:
		world_at(world, world_between(world, 50, 1000), act_drive, host, generation, 2 * host->turn);
		break;
	case OPERATION_FAILED:
		if (err.kind == ERROR_BUG)
			world_violation(world, "host %zu: %s", host->index, err.text);
		host->attempts = host->full_until_ms > world->now ? 0 : host->attempts + 1;
		if (host->attempts > ATTEMPTS_MAX)
			world_violation(world, "host %zu: agentctl fails at step %s for ever", host->index,
					operation_step_name(host->current->state.step));
		host->operation.driver = OPERATION_BY_SETTLE; /* what cannot go forward goes back */
		world_at(world, 1000, act_drive, host, generation, 2 * host->turn);
		/* What has failed half-way stays so until somebody comes. */
		if (host->attempts == 1 && world_fault(world, world->faults.power_cut))
			host_power_cut(host);
		break;
	case OPERATION_FINISHED:
		tell(host);
		release(host);
		break;
	case OPERATION_CRASHED:
		die_at_work(host);
		break;
	}
}

void agentctl_drive(struct sim_host *host)
{
	world_at(host->world, 1, act_drive, host, host->agentctl_life, 2 * host->turn);
}

/* A word from rollcall wakes it, unless it hangs. */
void agentctl_wake(struct sim_host *host)
{
	if (!host->locked)
		return;
	host->turn++;
	world_at(host->world, world_between(host->world, 1, 20), act_drive, host, host->agentctl_life, 2 * host->turn);
}

/* ---- requests */

static struct sim_operation *write_journal(struct sim_host *host, const struct delivery *delivery)
{
	struct sim_operation *op = xcalloc(1, sizeof *op);

	memcpy(op->id, delivery->request.operation, sizeof op->id);
	op->request = xstrdup(delivery->bytes);
	op->began_ms = host->world->now;
	op->began_boot = host->boot;
	op->had_task = host->task == TASK_ALIVE;
	op->next = host->operations;
	host->operations = op;
	return op;
}

static void attach(struct sim_host *host, struct sim_operation *op, uint64_t exec)
{
	speech_end(host, 1);
	talk_to(host, exec);
	host->told = STEP_NONE;
	say_event(host, ANSWER_STATUS, false);
	if (op->state.step == STEP_STARTED)
		tell(host);
	/* Whoever follows another agentctl and then gets its lock may say so twice. */
	if (op->state.step == STEP_STARTED && world_between(host->world, 0, 1)) {
		host->told = STEP_NONE;
		tell(host);
	}
}

/* Another agentctl has the lock, or nobody needs it. */
static void answer_beside(struct sim_host *host, struct sim_operation *op, uint64_t exec)
{
	struct sim_operation *current = host->current;
	uint64_t listening = host->exec;
	int listener = host->listener;

	host->current = op;
	talk_to(host, exec);
	say_event(host, ANSWER_STATUS, false);
	if (operation_is_final(op->state.step))
		say_event(host, op->state.step == STEP_DONE ? ANSWER_DONE : ANSWER_UNDONE, true);
	speech_end(host, 0);
	host->current = current;
	host->exec = listening;
	host->listener = listener;
}

/* The operation is known here: whoever asks hears how it stands, and drives it on if nobody does. */
static void answer_known(struct world *world, struct sim_host *host, struct sim_operation *op, uint64_t exec)
{
	if (host->locked && host->current == op) {
		attach(host, op, exec);
		return;
	}
	if (host->locked) { /* for a rescue: this one is over */
		answer_beside(host, op, exec);
		return;
	}
	agentctl_take_lock(host, op, exec);
	say_event(host, ANSWER_STATUS, false);
	if (operation_is_final(op->state.step)) {
		say_event(host, op->state.step == STEP_DONE ? ANSWER_DONE : ANSWER_UNDONE, true);
		speech_end(host, 0);
		host->locked = false;
		host->current = NULL;
		host->agentctl_life++;
		return;
	}
	operation_load(&host->operation, host_operation_ops(), host, OPERATION_BY_SETTLE, NULL);
	host->operation.start_again = true;
	if (op->state.step == STEP_STARTED)
		tell(host);
	world_at(world, 1, act_drive, host, host->agentctl_life, 2 * host->turn);
}

void agentctl_on_settle(struct world *world, struct sim_host *host, const struct delivery *delivery)
{
	struct sim_operation *op = host_find_operation(host, delivery->request.operation);
	struct sim_operation absent = {.next = NULL};

	memcpy(absent.id, delivery->request.operation, sizeof absent.id);
	if (!op || op->state.step == STEP_NONE)
		answer_beside(host, &absent, delivery->exec);
	else
		answer_known(world, host, op, delivery->exec);
}

void agentctl_on_apply(struct world *world, struct sim_host *host, const struct delivery *delivery)
{
	struct sim_operation *op = host_find_operation(host, delivery->request.operation);
	struct error err = ERROR_INIT;
	int began;

	if (op && op->state.step != STEP_NONE) {
		answer_known(world, host, op, delivery->exec);
		return;
	}
	if (host->locked || host_open_operation(host) || host->checkpoint == NEW || host->flags == NEW ||
	    host->boot != host->planned_boot || (host->traits & REFUSES)) {
		agentctl_refuse(host, delivery->exec, "the host is not as the plan saw it");
		return;
	}
	judge_intent(world, host, delivery->request.operation, delivery->bytes);
	op = op ? op : write_journal(host, delivery);
	agentctl_take_lock(host, op, delivery->exec);
	began = operation_begin(&host->operation, host_operation_ops(), host,
				&(struct operation_terms){
					.start_timeout_ms = delivery->request.start_timeout_ms,
					.verdict_timeout_ms = delivery->request.verdict_timeout_ms,
					.discard = delivery->request.mechanism == MECHANISM_DISCARD,
					.native = delivery->request.mechanism == MECHANISM_NATIVE,
					.ends_tasks = !delivery->request.recover_state,
				},
				&err);
	if (began == OPERATION_CRASH) {
		agentctl_die(host);
		return;
	}
	if (began < 0) {
		host->exec = 0;
		release(host);
		agentctl_refuse(host, delivery->exec, err.text);
		return;
	}
	say_event(host, ANSWER_ACCEPTED, false);
	agentctl_draw_mishaps(host);
	agentctl_drive(host);
}
