/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/drive.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agentctl/said.h"
#include "base/log.h"

/* How often the agent's process is looked at, and how soon a word is heard. */
#define LOOK_EVERY_MS 50

/* An effect that fails is tried again this often before the operation is left to a later settle. */
#define TRIES        20
#define TRY_AGAIN_MS 250

static int exit_code_of(enum operation_step step)
{
	return step == STEP_UNDONE || step == STEP_STUCK ? 1 : 0;
}

static void say_final(struct talk *talk, struct real_host *host, const struct operation_state *state)
{
	if (state->step == STEP_DONE)
		talk_say_state(talk, ANSWER_DONE, host, state);
	else if (state->step == STEP_UNDONE)
		talk_say_state(talk, ANSWER_UNDONE, host, state);
	else if (state->step == STEP_STUCK)
		talk_say_state(talk, ANSWER_STUCK, host, state);
}

int say_end(struct talk *talk, struct real_host *host, const struct operation_state *state)
{
	say_final(talk, host, state);
	return exit_code_of(state->step);
}

static void say_progress(struct talk *talk, struct real_host *host, const struct operation_state *state)
{
	if (state->step == STEP_STARTED)
		talk_say_state(talk, ANSWER_STARTED, host, state);
	else if (operation_fate(state->step) == FATE_OPEN)
		talk_say_step(talk, state->step);
}

/* A word counts only as long as nobody with a newer epoch has come by: a rollcall that was taken over has no say any more. */
static enum operation_word listen(struct talk *talk, const struct real_host *host, int timeout_ms)
{
	struct journal_epoch seen = {.epoch = 0};
	enum operation_word word = talk_listen(talk, timeout_ms);

	if (word == WORD_NONE || talk->epoch == 0)
		return word;
	if (journal_epoch_load(&host->journal, &seen, NULL) == 0 && seen.epoch <= talk->epoch)
		return word;
	journal_log(&host->entry, "a word of an older epoch was ignored", NULL);
	return WORD_NONE;
}

/* A word is durable before it counts: if we are killed now, whoever takes over knows it. */
static void hear(struct operation *op, struct real_host *host, enum operation_word word)
{
	enum operation_word written = WORD_NONE;

	if (word != WORD_NONE && op->word == WORD_NONE) {
		journal_save_word(&host->entry, word, NULL);
		op->word = word;
	}
	if (op->word == WORD_NONE && journal_load_word(&host->entry, &written, NULL) == 0)
		op->word = written;
}

static int give_up(struct talk *talk, struct real_host *host, const struct operation *op, const struct error *why)
{
	struct operation_state state = op->state;

	snprintf(state.reason, sizeof state.reason, "%.*s", (int)sizeof state.reason - 1, why->text);
	journal_log(&host->entry, "gave up for now", why->text);
	talk_say_state(talk, ANSWER_STUCK, host, &state);
	return 4;
}

/* What ended, or did not appear, may have said why; the next start would overwrite it. A rescue may be kept nevertheless. */
static void note_end(struct real_host *host, enum operation_step from, const struct operation_state *state)
{
	bool was_awaited = from == STEP_RESTARTING || from == STEP_TAKING_OUT || from == STEP_STARTED;

	if (was_awaited && (state->step == STEP_UNDOING || (state->step == STEP_KEEPING && state->reason[0] != '\0')))
		said_capture(host);
}

int drive(struct operation *op, struct real_host *host, struct talk *talk, bool until_waiting)
{
	int failures = 0;

	for (;;) {
		struct error why = ERROR_INIT;
		enum operation_step from = op->state.step;
		int wait_ms = 0;

		switch (operation_advance(op, &why)) {
		case OPERATION_ADVANCED:
			failures = 0;
			note_end(host, from, &op->state);
			if (op->state.step != from)
				say_progress(talk, host, &op->state);
			break;
		case OPERATION_WAITING:
			if (until_waiting)
				return 0;
			wait_ms = LOOK_EVERY_MS;
			break;
		case OPERATION_FINISHED:
			say_final(talk, host, &op->state);
			journal_prune(&host->journal, JOURNAL_KEEP);
			return exit_code_of(op->state.step);
		case OPERATION_FAILED:
		case OPERATION_CRASHED:
			journal_log(&host->entry, "failed", why.text);
			if (++failures > TRIES)
				return give_up(talk, host, op, &why);
			/* What cannot go forward goes back. */
			op->driver = OPERATION_BY_SETTLE;
			wait_ms = TRY_AGAIN_MS;
			break;
		}
		hear(op, host, listen(talk, host, wait_ms));
	}
}

int take_over(struct real_host *host, struct talk *talk, bool until_waiting)
{
	struct error err = ERROR_INIT;
	struct operation op;

	if (operation_load(&op, &real_host_ops, host, OPERATION_BY_SETTLE, &err) != 0) {
		log_error("%s", err.text);
		return talk_refuse(talk, &err);
	}
	if (op.state.step == STEP_STARTED && !until_waiting)
		say_progress(talk, host, &op.state);
	/* Whoever asks for the end of what is stuck has mended what kept the agent from starting. */
	op.start_again = !until_waiting;
	hear(&op, host, WORD_NONE);
	return drive(&op, host, talk, until_waiting);
}

int follow(struct real_host *host, struct talk *talk)
{
	enum operation_step seen = STEP_NONE;

	for (;;) {
		enum operation_word word = listen(talk, host, LOOK_EVERY_MS);
		struct operation_state state = {.step = STEP_NONE};
		struct error err = ERROR_INIT;
		int lock = -1;
		int exit_code;

		if (word != WORD_NONE)
			journal_save_word(&host->entry, word, NULL);
		if (journal_load_state(&host->entry, &state, &err) != 0)
			return talk_refuse(talk, &err);
		if (operation_fate(state.step) != FATE_OPEN) {
			say_final(talk, host, &state);
			return exit_code_of(state.step);
		}
		if (state.step != seen)
			say_progress(talk, host, &state);
		seen = state.step;
		if (journal_lock(&host->journal, &lock, NULL) != 0)
			continue;
		exit_code = take_over(host, talk, false);
		close(lock);
		return exit_code;
	}
}
