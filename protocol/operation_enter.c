/* SPDX-License-Identifier: Apache-2.0 */
/* What a step changes in the state when it is entered, and the reason of an undo, for people. */
#include <string.h>

#include "base/buffer.h"
#include "protocol/operation_observe.h"

static const char *reason_for(enum operation_event event)
{
	switch (event) {
	case EVENT_TAKEOVER:
		return "agentctl was interrupted before it restarted the agent";
	case EVENT_REBOOT:
		return "the host was rebooted before the new state was kept";
	case EVENT_SECOND_START:
		return "the agent's process ended with the new state and was being started again";
	case EVENT_GONE:
		return "the agent's process ended with the new state";
	case EVENT_TIMEOUT:
		return "the agent's process did not appear in time";
	case EVENT_UNDO:
		return "rollcall asked for it";
	default:
		return "";
	}
}

/* What the undo of a discard cannot bring back. */
static const char *loss_after(const struct operation_state *state, enum operation_step from)
{
	if (state->ends_tasks)
		return from < STEP_RESTARTING
			       ? ""
			       : "; its tasks may have been ended, and the undo does not bring them back";
	if (!state->discard || from < STEP_CLEANING)
		return "";
	return from == STEP_CLEANING ? "; its tasks may have been ended, and the undo does not bring them back"
				     : "; its tasks had been ended, and the undo does not bring them back";
}

static const char goes_forward[] = "; it is kept, because with its old state the agent is known to refuse";
static const char not_either[] = "; the old state is back, but the agent did not start with it either";

static void set_reason(struct operation_state *state, enum operation_step from, enum operation_event event,
		       const struct operation_look *look, const char *failure)
{
	struct buffer text = BUFFER_INIT(OPERATION_REASON_SIZE - 1);

	if (state->step == STEP_STUCK && strstr(state->reason, not_either) != NULL)
		return; /* it was tried once more */
	if (state->step == STEP_STUCK && state->reason[0] != '\0')
		buffer_printf(&text, "%.*s%s", OPERATION_REASON_SIZE - 80, state->reason, not_either);
	else if (event == EVENT_FAILED)
		buffer_printf(&text, "%.*s", OPERATION_REASON_SIZE - 100, failure);
	else
		buffer_puts(&text, reason_for(event));
	if (look->said[0] != '\0' && event != EVENT_FAILED)
		buffer_printf(&text, " (%s)", look->said);
	if (state->step == STEP_KEEPING)
		buffer_puts(&text, goes_forward);
	else if (state->step != STEP_STUCK)
		buffer_puts(&text, loss_after(state, from));
	memcpy(state->reason, buffer_text(&text), text.len + 1);
	buffer_clear(&text);
}

/* What would have taken back any other change. */
static bool is_kept_nevertheless(enum operation_event event)
{
	return event != EVENT_KEEP && event != EVENT_DEADLINE && event != EVENT_REBOOT_RESCUED;
}

void operation_enter(struct operation_state *state, enum operation_step step, const struct operation_sight *sight,
		     const char *failure)
{
	enum operation_step from = state->step;

	state->step = step;
	if (sight->event == EVENT_REBOOT || sight->event == EVENT_REBOOT_RESCUED) {
		memcpy(state->boot_id, sight->boot_id, sizeof state->boot_id);
		memset(&state->before, 0, sizeof state->before);
		memset(&state->started, 0, sizeof state->started);
	}
	if (step == STEP_PREPARED) {
		state->asked = false;
		state->reason[0] = '\0';
	}
	if ((step == STEP_STOPPING || step == STEP_RESTARTING) && !state->asked) {
		state->asked = true;
		state->asked_ms = sight->now;
	}
	if (step == STEP_RESTARTING) {
		/* A rescue goes on over a reboot. */
		memcpy(state->boot_id, sight->boot_id, sizeof state->boot_id);
		state->deadline_ms = sight->now + state->start_timeout_ms;
		state->amended = state->amended || from == STEP_AMENDING;
		state->restart_ticks = sight->ticks;
	}
	if ((step == STEP_STOPPING || step == STEP_RESTARTING) && sight->look.agent == AGENT_RUNNING)
		state->before = sight->look.process;
	if (step == STEP_TAKING_OUT || (step == STEP_STARTED && from != STEP_TAKING_OUT)) {
		state->started = sight->look.process;
		state->seen_ms = sight->now;
		state->deadline_ms = sight->now + state->verdict_timeout_ms;
	} else if (step == STEP_KEEPING) {
		state->kept_by_deadline = sight->event != EVENT_KEEP;
		if (is_kept_nevertheless(sight->event)) {
			memset(&state->started, 0, sizeof state->started);
			set_reason(state, from, sight->event, &sight->look, failure);
		}
	} else if (step == STEP_UNDO_RESTARTING) {
		state->deadline_ms = sight->now + state->start_timeout_ms;
	} else if (step == STEP_UNDO_CLEANING) {
		state->started = sight->look.process;
	}
	if ((step == STEP_UNDOING && from < STEP_UNDOING) || step == STEP_STUCK)
		set_reason(state, from, sight->event, &sight->look, failure);
}
