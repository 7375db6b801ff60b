/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/talk.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "agentctl/survey.h"
#include "base/alloc.h"

/* A word has four letters; anything much longer is not meant for us. */
#define WORD_LINE_MAX 256

void talk_init(struct talk *talk, int in, int out)
{
	talk->in = in;
	talk->out = out;
	talk->epoch = 0;
	buffer_init(&talk->line, WORD_LINE_MAX);
}

void talk_clear(struct talk *talk)
{
	buffer_clear(&talk->line);
}

/* ---- listening */

static enum operation_word take_word(struct talk *talk)
{
	const char *newline;

	while ((newline = memchr(buffer_text(&talk->line), '\n', talk->line.len)) != NULL) {
		size_t len = (size_t)(newline - talk->line.data);
		bool keep = len == 4 && memcmp(talk->line.data, "keep", 4) == 0;
		bool undo = len == 4 && memcmp(talk->line.data, "undo", 4) == 0;

		buffer_consume(&talk->line, len + 1);
		if (keep || undo)
			return keep ? WORD_KEEP : WORD_UNDO;
	}
	return WORD_NONE;
}

enum operation_word talk_listen(struct talk *talk, int timeout_ms)
{
	struct pollfd wait = {.fd = talk->in, .events = POLLIN}; /* poll skips a descriptor of -1 */
	char chunk[64];
	ssize_t n;

	if (poll(&wait, 1, timeout_ms) <= 0 || talk->in < 0)
		return WORD_NONE;
	n = read(talk->in, chunk, sizeof chunk);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return WORD_NONE;
	if (n <= 0) {
		talk->in = -1;
		return WORD_NONE;
	}
	if (buffer_append(&talk->line, chunk, (size_t)n) != 0) {
		buffer_reset(&talk->line);
		talk->line.overflow = false;
	}
	return take_word(talk);
}

/* ---- speaking */

void talk_say(struct talk *talk, const struct answer *answer)
{
	struct buffer line = BUFFER_INIT(ANSWER_LINE_MAX);
	size_t sent = 0;

	answer_write(answer, &line);
	while (talk->out >= 0 && sent < line.len) {
		ssize_t n = write(talk->out, line.data + sent, line.len - sent);

		if (n > 0)
			sent += (size_t)n;
		else if (n < 0 && errno != EINTR)
			talk->out = -1; /* nobody listens any more */
	}
	buffer_clear(&line);
}

int talk_refuse(struct talk *talk, const struct error *why)
{
	return talk_refuse_for(talk, why, NULL);
}

int talk_refuse_for(struct talk *talk, const struct error *why, const json_t *findings)
{
	struct answer answer;

	memset(&answer, 0, sizeof answer);
	answer.event = ANSWER_REFUSED;
	answer.kind = why->kind;
	answer.reason = xstrdup(why->text);
	answer.findings = json_array_size(findings) == 0 ? NULL : json_deep_copy(findings);
	talk_say(talk, &answer);
	answer_clear(&answer);
	return error_exit_code(why);
}

void talk_say_accepted(struct talk *talk, const char *operation)
{
	struct answer answer;

	memset(&answer, 0, sizeof answer);
	answer.event = ANSWER_ACCEPTED;
	answer.operation = xstrdup(operation);
	talk_say(talk, &answer);
	answer_clear(&answer);
}

void talk_say_step(struct talk *talk, enum operation_step step)
{
	struct answer answer;

	memset(&answer, 0, sizeof answer);
	answer.event = ANSWER_STEP;
	answer.step = xstrdup(step == STEP_RESTARTING ? "stopping" : operation_step_name(step));
	talk_say(talk, &answer);
	answer_clear(&answer);
}

void talk_say_status(struct talk *talk, const char *operation, enum operation_step step)
{
	struct answer answer;

	memset(&answer, 0, sizeof answer);
	answer.event = ANSWER_STATUS;
	answer.operation = xstrdup(operation);
	answer.fate = operation_fate(step);
	answer.step = step == STEP_NONE ? NULL : xstrdup(operation_step_name(step));
	talk_say(talk, &answer);
	answer_clear(&answer);
}

static void add_process(struct answer *answer, const struct host_settings *host)
{
	struct agent_process agent = {.executable = NULL};
	char boot_id[OPERATION_BOOT_ID_SIZE];
	bool found = false;

	if (boot_id_read(host->root, boot_id, NULL) == 0)
		answer->boot_id = xstrdup(boot_id);
	if (agent_find(host, &agent, &found, NULL) == 0 && found) {
		answer->pid = agent.process.pid;
		answer->start_ticks = agent.process.start_ticks;
		flags_redact(&agent.flags, &answer->flags);
	}
	agent_process_clear(&agent);
}

static void add_checkpoint(struct answer *answer, const struct host_settings *host)
{
	struct checkpoint_state checkpoint;

	memset(&checkpoint, 0, sizeof checkpoint);
	if (host->work_dir != NULL && checkpoint_read(host->root, host->work_dir, &checkpoint, NULL) == 0 &&
	    checkpoint.info != NULL)
		answer->info = slaveinfo_copy(checkpoint.info);
	checkpoint_state_clear(&checkpoint);
}

static char *what_agent_said(const struct real_host *host)
{
	struct buffer text = BUFFER_INIT(65536);
	char *said = NULL;

	if (journal_has(&host->entry, "agent-said") && journal_get(&host->entry, "agent-said", &text, NULL) == 0)
		said = xstrdup(buffer_text(&text));
	buffer_clear(&text);
	return said;
}

void talk_say_state(struct talk *talk, enum answer_event event, struct real_host *host,
		    const struct operation_state *state)
{
	struct answer answer;

	memset(&answer, 0, sizeof answer);
	answer.event = event;
	answer.operation = xstrdup(host->entry.id);
	answer.kept_by_deadline = state->kept_by_deadline;
	answer.amended = state->amended;
	if (event == ANSWER_UNDONE || event == ANSWER_STUCK || (event == ANSWER_DONE && state->reason[0] != '\0')) {
		answer.reason = xstrdup(state->reason);
		answer.agent_said = what_agent_said(host);
	}
	if (event == ANSWER_STARTED && state->seen_ms >= state->asked_ms)
		answer.away_ms = state->seen_ms - state->asked_ms;
	if (real_host_load(host, NULL) == 0) {
		add_process(&answer, &host->change.host);
		add_checkpoint(&answer, &host->change.host);
	}
	/* A process that has ended already is no evidence: the undo is about to be told. */
	if (event == ANSWER_STARTED && answer.pid == 0) {
		if (!agent_runs(&state->started)) {
			answer_clear(&answer);
			return;
		}
		answer.pid = state->started.pid;
		answer.start_ticks = state->started.start_ticks;
	}
	answer.restarted = answer.pid != state->before.pid || answer.start_ticks != state->before.start_ticks;
	talk_say(talk, &answer);
	answer_clear(&answer);
}
