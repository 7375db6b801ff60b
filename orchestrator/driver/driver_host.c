/* SPDX-License-Identifier: Apache-2.0 */
/* The conversations with agentctl: requests out, lines in, each turned into an event of the agent's machine. */
#include "orchestrator/driver/driver_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "protocol/request.h"

static void converse(struct driver *driver, size_t index, const char *word, const struct buffer *document)
{
	struct driver_agent *agent = &driver->agents[index];
	struct buffer framed = BUFFER_INIT(REQUEST_MAX + 256);

	request_frame(document->data, document->len, &framed);
	agent->spoke = agent->final_line = agent->keep_sent = false;
	agent->exec = transport_exec(driver->back->transport, &driver->targets[index], word, framed.data, framed.len,
				     index);
	buffer_clear(&framed);
}

static void hang_up(struct driver *driver, size_t index)
{
	struct driver_agent *agent = &driver->agents[index];

	if (agent->exec)
		transport_cancel(driver->back->transport, agent->exec);
	agent->exec = 0;
}

void driver_host_apply(struct driver *driver, size_t index)
{
	const struct run_agent *row = &driver->agents[index].row;
	struct buffer document = BUFFER_INIT(REQUEST_MAX);

	hang_up(driver, index);
	buffer_puts(&document, row->request);
	converse(driver, index, "apply", &document);
	buffer_clear(&document);
}

/* Invariant 4: the question carries a newer epoch than the request it asks about, so that an answer "absent" stays true. */
static int renew_epoch(struct driver *driver, size_t index, struct error *err)
{
	if (driver->agents[index].row.epoch < driver->epoch)
		return 0;
	driver->epoch = ledger_new_epoch(driver->back->ledger, driver->run.id, err);
	return driver->epoch < 0 ? -1 : 0;
}

int driver_host_ask(struct driver *driver, size_t index, struct error *err)
{
	const struct run_agent *row = &driver->agents[index].row;
	struct buffer document = BUFFER_INIT(REQUEST_MAX);
	struct request request;

	hang_up(driver, index);
	if (renew_epoch(driver, index, err) < 0)
		return -1;
	request_init(&request, REQUEST_SETTLE);
	host_settings_clear(&request.host);
	host_settings_copy(&request.host, &driver->plan->agents[index].host);
	memcpy(request.operation, row->operation, sizeof request.operation);
	request.database = xstrdup(ledger_database(driver->back->ledger));
	request.epoch = driver->epoch;
	request.adopt = driver->back->adopt;
	request.run = xstrdup(driver->run.id);
	request.chain_head = xstrdup(ledger_head(driver->back->ledger));
	request_write(&request, &document);
	request_clear(&request);
	converse(driver, index, "settle", &document);
	buffer_clear(&document);
	return 0;
}

void driver_host_keep(struct driver *driver, size_t index)
{
	struct driver_agent *agent = &driver->agents[index];

	agent->keep_sent = true;
	if (agent->exec && !agent->final_line)
		transport_send(driver->back->transport, agent->exec, "keep\n");
}

/* ---- what they say */

static void take_evidence(struct driver *driver, size_t index, struct answer *answer, const char *line, size_t len)
{
	struct driver_agent *agent = &driver->agents[index];

	free(agent->row.started);
	agent->row.started = xstrndup(line, len);
	free(agent->row.proof); /* it was of another process */
	agent->row.proof = NULL;
	json_decref(agent->proof);
	agent->proof = NULL;
	answer_clear(&agent->started);
	agent->started = *answer;
	memset(answer, 0, sizeof *answer);
	agent->has_started = true;
	agent->disproofs = 0;
	agent->started_ms = driver_now(driver);
}

static void on_status(struct driver *driver, size_t index, const struct answer *answer)
{
	switch (answer->fate) {
	case FATE_ABSENT:
		driver->agents[index].final_line = true;
		driver_note(driver, index, "the operation never began on its host");
		driver_step(driver, index, EVENT_ABSENT);
		break;
	case FATE_OPEN:
		driver_step(driver, index, EVENT_OPEN);
		break;
	case FATE_DONE:
	case FATE_UNDONE:
	case FATE_STUCK:
		break; /* the final line follows, with the evidence */
	}
}

static void lose(struct driver *driver, size_t index, const char *why)
{
	driver_note(driver, index, why);
	hang_up(driver, index);
	driver_step(driver, index, EVENT_LOST);
}

static void on_started(struct driver *driver, size_t index, struct answer *answer, const char *line, size_t len)
{
	take_evidence(driver, index, answer, line, len);
	driver_step(driver, index, EVENT_STARTED);
}

/* Whoever is asked about an operation that is over says "done" and nothing before it: then this is the evidence. An agent
 * that runs no more leaves nothing to prove: its supervisor may be starting it, so its host is asked again. */
static void on_done(struct driver *driver, size_t index, struct answer *answer, const char *line, size_t len)
{
	enum agent_state state = driver->engine.agents[index].state;

	if (answer->pid <= 0) {
		lose(driver, index, "agentctl kept the new state, but the agent does not run just now");
		return;
	}
	if (state == AGENT_UNKNOWN || state == AGENT_CHANGING)
		on_started(driver, index, answer, line, len);
	driver_step(driver, index, EVENT_HOST_DONE);
}

static void on_undone(struct driver *driver, size_t index, struct answer *answer, const char *line, size_t len)
{
	if (answer->pid <= 0) {
		lose(driver, index, "agentctl took it back, but the agent does not run just now");
		return;
	}
	take_evidence(driver, index, answer, line, len);
	driver_step(driver, index, EVENT_UNDONE);
}

/* Only as the first word does it mean that nothing was changed. A host that was asked and could not look (its disk is read-only) has
 * not refused: it is asked again. */
static void on_refused(struct driver *driver, size_t index, const struct answer *answer)
{
	bool could_not = driver->engine.agents[index].state == AGENT_UNKNOWN && answer->kind == ERROR_SYSTEM;

	if (driver->agents[index].spoke || could_not)
		lose(driver, index, answer->reason ? answer->reason : "agentctl gave up");
	else
		driver_step(driver, index, EVENT_REFUSED);
}

static bool is_about(const struct driver *driver, size_t index, const struct answer *answer)
{
	const char *operation = driver->agents[index].row.operation;

	return !answer->operation || (operation && strcmp(answer->operation, operation) == 0);
}

/* Does the line say what went wrong? Behind a refusal the agent says what to do about it, over many lines. */
static bool tells_failure(const char *line, size_t len)
{
	static const char *const words[] = {"Failed", "failed", "ERROR", "EXIT", "refuse"};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (memmem(line, len, words[i], strlen(words[i])))
			return true;
	return false;
}

/* Of the agent's last words the last line that tells a failure. The caller's; NULL: none does, as when somebody has killed it. */
static char *last_words(const char *said)
{
	const char *best = NULL;
	size_t best_len = 0;

	for (const char *line = said; line && *line;) {
		size_t len = strcspn(line, "\n");

		if (tells_failure(line, len)) {
			best = line;
			best_len = len;
		}
		line += len + (line[len] == '\n');
	}
	/* What the log says about itself (time, thread, place) ends so. */
	const char *text = best ? memmem(best, best_len, "] ", 2) : NULL;
	if (!text)
		return best ? xstrndup(best, best_len) : NULL;
	return xstrndup(text + 2, best_len - (size_t)(text + 2 - best));
}

static void note_answer(struct driver *driver, size_t index, const struct answer *answer)
{
	char *words = last_words(answer->agent_said);
	char *note = words ? xasprintf("%s; the agent's log says: %.300s", answer->reason, words)
			   : xstrdup(answer->reason);

	driver_note(driver, index, note);
	free(note);
	free(words);
}

static void on_answer(struct driver *driver, size_t index, struct answer *answer, const char *line, size_t len)
{
	struct driver_agent *agent = &driver->agents[index];
	enum answer_event event = answer->event;

	if (answer->reason)
		note_answer(driver, index, answer);
	agent->final_line = event == ANSWER_DONE || event == ANSWER_UNDONE || event == ANSWER_REFUSED ||
			    event == ANSWER_STUCK;
	if (event == ANSWER_STATUS)
		on_status(driver, index, answer);
	else if (event == ANSWER_STARTED)
		on_started(driver, index, answer, line, len);
	else if (event == ANSWER_DONE)
		on_done(driver, index, answer, line, len);
	else if (event == ANSWER_UNDONE)
		on_undone(driver, index, answer, line, len);
	else if (event == ANSWER_REFUSED)
		on_refused(driver, index, answer);
	else if (event == ANSWER_STUCK)
		driver_step(driver, index, EVENT_HOST_STUCK);
}

/* Words that are evidence of an agent's process stand in the event of its step; these would be lost otherwise. */
static void record_word(struct driver *driver, size_t index, enum answer_event event, const char *line, size_t len)
{
	json_t *said;

	if (event != ANSWER_DONE && event != ANSWER_REFUSED && event != ANSWER_STUCK && event != ANSWER_STATUS)
		return;
	said = json_loadb(line, len, 0, NULL);
	ledger_event(driver->back->ledger, "host", driver->run.id, driver->plan->agents[index].agent_id,
		     json_pack("{s:s*, s:o}", "operation", driver->agents[index].row.operation, "host_said",
			       said ? said : json_null()));
	driver->run_dirty = true;
}

static void on_line(struct driver *driver, size_t index, const char *line, size_t len)
{
	struct error err = ERROR_INIT;
	struct answer answer;

	if (driver->agents[index].final_line)
		return;
	memset(&answer, 0, sizeof answer);
	if (answer_parse(line, len, &answer, &err) < 0) {
		lose(driver, index, err.text);
	} else if (is_about(driver, index, &answer)) {
		record_word(driver, index, answer.event, line, len);
		on_answer(driver, index, &answer, line, len);
	} else {
		lose(driver, index, "agentctl speaks of another operation than the one it was asked about");
	}
	driver->agents[index].spoke = true;
	answer_clear(&answer);
}

/* sudo has taken the request's bytes and has started nothing: agentctl never saw them. */
static bool was_refused_by_sudo(const struct driver *driver, size_t index, const struct exec_event *event)
{
	static const char *const refusals[] = {"sudo: a password is required", "sudo: a terminal is required",
					       "is not in the sudoers file", "is not allowed to execute",
					       "may not run sudo on"};

	if (!driver->targets[index].become || driver->agents[index].spoke || event->exit_status != 1 || !event->text)
		return false;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (strstr(event->text, refusals[i]))
			return true;
	return false;
}

static void on_closed(struct driver *driver, size_t index, const struct exec_event *event)
{
	struct driver_agent *agent = &driver->agents[index];
	char why[ERROR_TEXT_MAX + 64];

	agent->exec = 0;
	if (agent->final_line)
		return;
	if (event->error.kind != ERROR_NONE)
		snprintf(why, sizeof why, "%s", event->error.text);
	else
		snprintf(why, sizeof why, "agentctl on %s ended with status %d without its last word: %.*s",
			 driver->targets[index].name, event->exit_status, (int)(event->len < 400 ? event->len : 400),
			 event->text ? event->text : "");
	driver_note(driver, index, why);
	bool sent = (event->delivered && !was_refused_by_sudo(driver, index, event)) || agent->spoke;
	driver_step(driver, index, sent ? EVENT_LOST : EVENT_UNSENT);
}

static void on_connected(struct driver *driver, size_t index, const struct exec_event *event)
{
	ledger_event(
		driver->back->ledger, "connected", driver->run.id, driver->plan->agents[index].agent_id,
		json_pack("{s:s, s:s%}", "host", driver->targets[index].name, "host_key", event->text, event->len));
}

void driver_host_events(struct driver *driver)
{
	struct exec_event event;

	while (transport_next(driver->back->transport, &event)) {
		size_t index = (size_t)event.tag;

		if (index >= driver->plan->agent_count || driver->agents[index].exec != event.exec)
			continue;
		if (event.kind == EXEC_CONNECTED)
			on_connected(driver, index, &event);
		else if (event.kind == EXEC_LINE)
			on_line(driver, index, event.text, event.len);
		else
			on_closed(driver, index, &event);
	}
}

bool driver_host_lingers(const struct driver *driver)
{
	for (size_t i = 0; i < driver->plan->agent_count; i++)
		if (driver->agents[i].exec && driver->agents[i].keep_sent && !driver->agents[i].final_line)
			return true;
	return false;
}

void driver_host_close_all(struct driver *driver)
{
	for (size_t i = 0; driver->agents && i < driver->plan->agent_count; i++)
		hang_up(driver, i);
}
