/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second half of a rescue: a window of conversations with agentctl, and the master's word for each agent that returns. For each
 * host: intent (durable) → request → started → the master lists the agent again, with its ID → keep → done → its tasks run.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/redact.h"
#include "base/text.h"
#include "orchestrator/driver/driver_lock.h"
#include "orchestrator/rescue/carry_out.h"
#include "orchestrator/session_ledger.h"

/* An agent that refuses does so within seconds; one that runs reregisters within a minute or so of its backoff. */
#define START_TIMEOUT_MS   60000
#define VERDICT_TIMEOUT_MS 180000
/* What a host may need beyond that: connecting, waiting until a supervisor has given up, undoing. */
#define PATIENCE_MS        (START_TIMEOUT_MS + VERDICT_TIMEOUT_MS + 180000)

/* ---- the operator's Ctrl-C */

static volatile sig_atomic_t interrupted;
static struct loop *loop_to_wake;

static void on_signal(int number)
{
	(void)number;
	interrupted = 1;
	loop_wake(loop_to_wake);
}

/* ---- the ledger */

int rescue_note(struct carrying *carrying, const struct rescue_host *host, const char *kind, json_t *body)
{
	ledger_event(carrying->ledger, kind, carrying->run, host ? host->agent->view.id : NULL, body);
	return ledger_commit(carrying->ledger, &carrying->rescue->session->error);
}

/* ---- one host */

static void fill_request(struct carrying *carrying, const struct rescue_host *host, struct request *request)
{
	host_settings_clear(&request->host);
	host_settings_copy(&request->host, &host->host.settings);
	memcpy(request->operation, host->operation, sizeof(request->operation));
	request->database = xstrdup(ledger_database(carrying->ledger));
	request->epoch = carrying->epoch;
	request->adopt = carrying->rescue->options.adopt;
	request->run = xstrdup(carrying->run);
	request->chain_head = xstrdup(ledger_head(carrying->ledger));
	if (host->act != RESCUE_START)
		return;
	request->by_flags = carrying->rescue->options.by_flags;
	request->expect.agent_id = xstrdup(host->expect.agent_id);
	request->expect.checkpoint_sha256 = host->expect.checkpoint_sha256 ? xstrdup(host->expect.checkpoint_sha256)
									   : NULL;
	request->expect.store_sha256 = host->expect.store_sha256 ? xstrdup(host->expect.store_sha256) : NULL;
	request->start_timeout_ms = START_TIMEOUT_MS;
	request->verdict_timeout_ms = VERDICT_TIMEOUT_MS;
}

static json_t *intent_body(const struct carrying *carrying, const struct rescue_host *host, const char *request)
{
	bool starts = host->act == RESCUE_START;
	json_t *body = json_pack("{s:s,s:s,s:s,s:I,s:s}", "act", starts ? "rescue" : "settle", "hostname",
				 host->agent->view.hostname, "operation", host->operation, "epoch",
				 (json_int_t)carrying->epoch, "request", request);

	if (!starts)
		return body;
	json_object_set_new(body, "gives_way",
			    json_string(carrying->rescue->options.by_flags ? "flags" : "checkpoint"));
	json_object_set_new(body, "changes", rescue_changes_to_json(host));
	return body;
}

/* The intent is durable, with the request's bytes, before they leave. */
static int begin_host(struct carrying *carrying, size_t index)
{
	struct rescue_host *host = &carrying->rescue->hosts[index];
	struct session *session = carrying->rescue->session;
	struct buffer bytes = BUFFER_INIT(REQUEST_MAX), framed = BUFFER_INIT(REQUEST_MAX + 1024);
	bool starts = host->act == RESCUE_START;
	struct transport_target target;
	struct request request;

	request_init(&request, starts ? REQUEST_RESCUE : REQUEST_SETTLE);
	if (starts)
		random_id(host->operation);
	fill_request(carrying, host, &request);
	request_write(&request, &bytes);
	request_clear(&request);
	int result = rescue_note(carrying, host, "rescue.intent", intent_body(carrying, host, buffer_text(&bytes)));
	if (result == 0) {
		request_frame(buffer_text(&bytes), bytes.len, &framed);
		session_target(session_cluster(session), &host->host, host->agent->view.hostname, &target);
		host->started_ms = clock_monotonic_ms();
		host->exec = transport_exec(carrying->transport, &target, starts ? "rescue" : "settle",
					    buffer_text(&framed), framed.len, index);
		carrying->open++;
	}
	buffer_clear(&framed);
	buffer_clear(&bytes);
	return result;
}

/* Of words that are kept, and that a host may have written. The caller's. */
static char *clean_words(const char *said)
{
	char *clean = redact_text(said), *shown = text_printable(clean, true);

	free(clean);
	return shown;
}

/* It is over, but for its proof. */
static int end_host(struct carrying *carrying, struct rescue_host *host, enum rescue_end end, const char *said)
{
	static const char *const kinds[] = {"", "rescue.done", "rescue.failed", "rescue.lost"};
	char *clean = clean_words(said); /* said may be the host's own */

	host->end = end;
	free(host->said);
	host->said = clean;
	carrying->open--;
	host->exec = 0;
	if (end != RESCUE_DONE)
		log_warning("%s: %s", host->agent->view.hostname, host->said);
	return rescue_note(carrying, host, kinds[end],
			   json_pack("{s:s,s:s}", "operation", host->operation, "said", host->said));
}

static void on_started(struct carrying *carrying, struct rescue_host *host)
{
	host->started = true;
	host->started_ms = clock_monotonic_ms();
	if (!carrying->rescue->session->quiet)
		log_info("%s: its agent runs; the master is asked for it", host->agent->view.hostname);
}

/* The end of an operation says nothing of the agent: the master does, in answers to what is asked from now on. */
static int on_settled(struct carrying *carrying, struct rescue_host *host, const char *said)
{
	host->settled = true;
	host->started_ms = clock_monotonic_ms();
	return end_host(carrying, host, RESCUE_DONE, said);
}

static int on_final(struct carrying *carrying, struct rescue_host *host, const struct answer *answer)
{
	const char *said = answer->reason ? answer->reason : "";

	host->has_final = true;
	host->final = answer->event;
	host->ended = answer->event == ANSWER_DONE && *said;
	host->remains = answer->pid != 0 && !host->ended;
	if (host->act == RESCUE_SETTLE && !host->returned && answer->event == ANSWER_UNDONE)
		return on_settled(carrying, host, "settled: it was undone");
	if (host->act == RESCUE_SETTLE && !host->returned && answer->event == ANSWER_DONE)
		return on_settled(carrying, host, *said ? said : "settled: it was kept");
	if (answer->event != ANSWER_DONE)
		return end_host(carrying, host, RESCUE_FAILED, said);
	return end_host(carrying, host, RESCUE_DONE,
			host->returned ? "its agent is back"
			: *said        ? said
				       : "its agent runs, and the master did not list it in time");
}

static int on_line(struct carrying *carrying, struct rescue_host *host, const struct exec_event *event)
{
	struct error why = ERROR_INIT;
	struct answer answer;
	int result = 0;

	if (answer_parse(event->text, event->len, &answer, &why) < 0) {
		transport_cancel(carrying->transport, host->exec);
		return end_host(carrying, host, RESCUE_LOST, why.text);
	}
	if (answer.event == ANSWER_STARTED)
		on_started(carrying, host);
	else if (answer.event == ANSWER_STATUS && answer.fate == FATE_ABSENT)
		result = on_settled(carrying, host, "there was nothing to settle");
	else if (answer.event == ANSWER_DONE || answer.event == ANSWER_UNDONE || answer.event == ANSWER_REFUSED ||
		 answer.event == ANSWER_STUCK)
		result = on_final(carrying, host, &answer);
	answer_clear(&answer);
	return result;
}

static int on_closed(struct carrying *carrying, struct rescue_host *host, const struct exec_event *event)
{
	char *said;
	int result;

	if (event->error.kind != ERROR_NONE)
		said = xasprintf("%s%s", event->error.text,
				 event->delivered ? "; what became of it its host knows" : "");
	else
		said = xasprintf("agentctl ended with status %d%s%.*s", event->exit_status, event->len ? ": " : "",
				 (int)(event->len > 800 ? 800 : event->len), event->text ? event->text : "");
	result = end_host(carrying, host, event->delivered ? RESCUE_LOST : RESCUE_FAILED, said);
	free(said);
	return result;
}

static int take_event(struct carrying *carrying, const struct exec_event *event)
{
	struct rescue_host *host = &carrying->rescue->hosts[event->tag];

	if (host->exec != event->exec || host->end != RESCUE_PENDING)
		return 0;
	if (event->kind == EXEC_LINE)
		return on_line(carrying, host, event);
	return event->kind == EXEC_CLOSED ? on_closed(carrying, host, event) : 0;
}

/* ---- all of them */

static int expire(struct carrying *carrying, int64_t now_ms)
{
	for (size_t i = 0; i < carrying->rescue->count; i++) {
		struct rescue_host *host = &carrying->rescue->hosts[i];

		if (host->exec == 0 || host->end != RESCUE_PENDING || now_ms - host->started_ms < PATIENCE_MS)
			continue;
		transport_cancel(carrying->transport, host->exec);
		if (end_host(carrying, host, RESCUE_LOST, "its host has not said how it ended in time") < 0)
			return -1;
	}
	return 0;
}

static int start_next(struct carrying *carrying)
{
	struct rescue *rescue = carrying->rescue;

	while (carrying->open < (size_t)rescue->options.parallel && carrying->next < rescue->count) {
		size_t index = carrying->next++;

		if (rescue->hosts[index].act != RESCUE_NONE && begin_host(carrying, index) < 0)
			return -1;
	}
	return 0;
}

static int round_of(struct carrying *carrying)
{
	struct master_event answer;
	struct exec_event event;

	if (start_next(carrying) < 0)
		return -1;
	while (transport_next(carrying->transport, &event))
		if (take_event(carrying, &event) < 0)
			return -1;
	while (master_next(carrying->master, &answer))
		if (rescue_take_snapshot(carrying, &answer) < 0)
			return -1;
	if (expire(carrying, clock_monotonic_ms()) < 0)
		return -1;
	rescue_ask_master(carrying, clock_monotonic_ms());
	return 0;
}

static int carry_all(struct carrying *carrying)
{
	struct session *session = carrying->rescue->session;

	for (;;) {
		if (round_of(carrying) < 0)
			return -1;
		if (carrying->open == 0 && !carrying->waiting && carrying->next == carrying->rescue->count)
			return 0;
		if (interrupted)
			return error_set(&session->error, ERROR_INTERRUPTED,
					 "interrupted; hosts that were under way go on by themselves. Run `rollcall "
					 "rescue` again: it shows what is left");
		loop_wait(session_loop(session), 500);
	}
}

/* Hosts that are taken over obey a newer epoch only, also of this database's own from after it was copied. */
static int new_epoch(struct carrying *carrying)
{
	const struct rescue *rescue = carrying->rescue;
	int64_t seen = 0;

	for (size_t i = 0; i < rescue->count; i++)
		if (rescue->hosts[i].act != RESCUE_NONE && rescue->hosts[i].seen_epoch > seen)
			seen = rescue->hosts[i].seen_epoch;
	if (rescue->options.adopt)
		ledger_set_epoch_floor(carrying->ledger, seen);
	carrying->epoch = ledger_new_epoch(carrying->ledger, carrying->run, &rescue->session->error);
	return carrying->epoch < 0 ? -1 : 0;
}

/* Whoever reads of this rescue later is to know of them, too: with the beginning, in one commit. */
static void tell_refused(struct carrying *carrying)
{
	const struct rescue *rescue = carrying->rescue;

	for (size_t i = 0; i < rescue->count; i++) {
		const struct rescue_host *host = &rescue->hosts[i];

		if (!rescue_host_is_refused(host))
			continue;
		char *why = clean_words(host->why);

		ledger_event(carrying->ledger, "rescue.refused", carrying->run, host->agent->view.id,
			     json_pack("{s:s,s:s}", "hostname", host->agent->view.hostname, "said", why));
		free(why);
	}
}

static int carry(struct carrying *carrying)
{
	struct rescue *rescue = carrying->rescue;
	int result;

	ledger_event(carrying->ledger, "rescue.begun", carrying->run, NULL,
		     json_pack("{s:s,s:s?,s:s,s:I}", "cluster", session_cluster(rescue->session)->name, "where",
			       rescue->options.where, "proposal", rescue->hash, "hosts",
			       (json_int_t)rescue_count_acts(rescue)));
	tell_refused(carrying);
	result = new_epoch(carrying) < 0 ? -1 : carry_all(carrying);
	if (result == 0)
		result = rescue_prove(carrying);
	for (size_t i = 0; i < rescue->count; i++)
		if (rescue->hosts[i].exec && rescue->hosts[i].end == RESCUE_PENDING)
			transport_cancel(carrying->transport, rescue->hosts[i].exec);
	return result;
}

static int carry_locked(struct rescue *rescue)
{
	struct session *session = rescue->session;
	struct carrying carrying = {.rescue = rescue};
	struct sigaction action = {.sa_handler = on_signal}, interrupt, terminate;
	int result = -1;

	rescue_name(rescue, carrying.run);
	carrying.transport = session_transport(session);
	carrying.master = session_master(session);
	if (!carrying.transport || !carrying.master)
		return -1;
	carrying.ledger = session_ledger(session);
	loop_to_wake = session_loop(session);
	interrupted = 0;
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, &interrupt);
	sigaction(SIGTERM, &action, &terminate);
	/* Nothing is built on a chain that does not hold. */
	if (carrying.ledger && ledger_verify(carrying.ledger, NULL, &session->error) == 0)
		result = carry(&carrying);
	sigaction(SIGINT, &interrupt, NULL);
	sigaction(SIGTERM, &terminate, NULL);
	ledger_close(carrying.ledger);
	return result;
}

int rescue_carry_out(struct rescue *rescue)
{
	struct session *session = rescue->session;
	struct driver_lock *lock = driver_lock_take(session_database_path(session), session_actor(session),
						    clock_wall_ms(), &session->error);
	char name[RESCUE_NAME_SIZE];
	int result = -1;

	rescue_name(rescue, name);
	if (lock && driver_lock_note(lock, name, NULL, &session->error) == 0)
		result = carry_locked(rescue);

	driver_lock_release(lock);
	return result;
}
