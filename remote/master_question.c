/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One question to a cluster's masters: the candidates are the leader that answered last and then every configured
 * master. A candidate is asked step by step (master_steps[]); when it redirects, all steps are asked again of the one
 * it names; whatever else goes wrong is noted and the next candidate is asked. The question ends with a whole snapshot
 * or with every candidate's fault; before that, when nobody could be reached, everything is tried again after a pause.
 *
 *   start_attempt → start_candidate → start_master → start_steps → send_step → on_answer ─┬→ next_step → … → finish_well
 *        ↑              ↑                ↑              ↑                                ├→ fall_back: to an older form
 *        │              │                │              └────────────────────────────────┘  │
 *        │              │                └──────────────────────────────────────────────────┼→ follow (307)
 *        │              └───────────────────────────────────────────────────────────────────┴→ candidate_failed
 *        └── pause: after the last candidate
 */
#include "remote/master_question.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/digest.h"
#include "remote/master_question_internal.h"
#include "remote/master_url.h"

/* An answer with 50,000 agents and their tasks is about 200 MB; more is no answer but an accident. */
#define ANSWER_MAX   (512u << 20)
/* An election takes seconds: the pauses grow to that. */
#define PAUSE_MS     200
#define PAUSE_MAX_MS 5000
/* Many times what the longest list of masters and faults takes. */
#define FAULTS_MAX   4096

static void start_candidate(struct question *question);
static void send_step(struct question *question);

/* ---- how a question ends */

static void forget_urls(struct question *question)
{
	for (size_t i = 0; i < question->url_count; i++)
		free(question->urls[i]);
	free(question->urls);
	question->urls = NULL;
	question->url_count = 0;
}

static void question_free(struct question *question)
{
	for (size_t i = 0; i < question->visited_count; i++)
		free(question->visited[i]);
	forget_urls(question);
	question_stop_reading(question);
	loop_remove(question->pause);
	free(question->url);
	free(question->leader);
	buffer_clear(&question->faults);
	master_snapshot_free(question->snapshot);
	free(question);
}

/* The snapshot goes to the asker; without one the faults do. */
static void finish(struct question *question)
{
	struct master_snapshot *snapshot = question->snapshot;
	struct error err = ERROR_INIT;
	void (*done)(void *, struct master_snapshot *, const struct error *) = question->done;
	void *ctx = question->ctx;
	if (snapshot == NULL)
		error_set(&err, question->kind, "%s", buffer_text(&question->faults));
	question->snapshot = NULL;
	question_free(question);
	done(ctx, snapshot, &err);
}

static const char *asked(const struct question *question)
{
	return question->visited[question->visited_count - 1];
}

static void candidate_failed(struct question *question, const struct error *fault);

static void finish_well(struct question *question)
{
	struct masters *masters = question->masters;
	struct error fault = ERROR_INIT;
	if (master_snapshot_settle(question->snapshot, &fault) < 0) {
		error_prefix(&fault, "%s", question->url);
		candidate_failed(question, &fault);
		return;
	}
	question->snapshot->answered_ms = clock_monotonic_ms();
	question->snapshot->master = http_url_for_people(asked(question));
	free(masters->leader);
	masters->leader = xstrdup(asked(question));
	masters->form = question->form;
	finish(question);
}

/* Nonsense weighs more than silence: it is what somebody has to look at. */
static void candidate_failed(struct question *question, const struct error *fault)
{
	buffer_printf(&question->faults, "%s%s", question->faults.len > 0 ? "; " : "", fault->text);
	if (question->visited_count > 1) {
		char *sender = http_url_for_people(question->visited[question->visited_count - 2]);
		buffer_printf(&question->faults, " (%s had redirected there)", sender);
		free(sender);
	}
	if (question->kind == ERROR_NONE || fault->kind == ERROR_CORRUPT)
		question->kind = fault->kind;
	question->candidate++;
	start_candidate(question);
}

/* ---- candidates */

/* The question's next candidate, NULL when there is none; caller frees. */
static char *next_candidate(struct question *question)
{
	if (question->candidate == 0 && question->leader != NULL)
		return xstrdup(question->leader);
	if (question->candidate == 0)
		question->candidate = 1;
	for (; question->candidate <= question->url_count; question->candidate++) {
		char *url = master_url_base(question->urls[question->candidate - 1]);
		if (question->leader == NULL || strcmp(url, question->leader) != 0)
			return url;
		free(url); /* it was the first candidate */
	}
	return NULL;
}

/* Asks the last visited master from the beginning: parts from two leaders are never put together. */
static void start_steps(struct question *question, enum form form)
{
	question->form = form;
	question->todo = master_steps_for(question->want, form);
	master_snapshot_free(question->snapshot);
	question->snapshot = xcalloc(1, sizeof(*question->snapshot));
	question->snapshot->asked_ms = clock_monotonic_ms();
	question->snapshot->facts.agent_count = -1;
	question->snapshot->facts.task_count = -1;
	question->taker = master_snapshot_taker(question->snapshot);
	send_step(question);
}

static void start_master(struct question *question)
{
	const struct masters *masters = question->masters;
	bool known = masters->leader != NULL && strcmp(masters->leader, asked(question)) == 0;
	start_steps(question, known ? masters->form : FORM_PROTOBUF);
}

static void start_attempt(struct question *question)
{
	const struct masters *masters = question->masters;
	question->attempt++;
	question->candidate = 0;
	question->kind = ERROR_NONE;
	buffer_reset(&question->faults);
	forget_urls(question);
	question->urls = xcalloc(masters->url_count + 1, sizeof(*question->urls));
	for (; question->url_count < masters->url_count; question->url_count++)
		question->urls[question->url_count] = xstrdup(masters->urls[question->url_count]);
	free(question->leader);
	question->leader = masters->leader != NULL ? xstrdup(masters->leader) : NULL;
	start_candidate(question);
}

static void on_pause_over(void *ctx, short revents)
{
	(void)revents;
	start_attempt(ctx);
}

/* From half to the whole of a pause that doubles: clients that failed together do not come back together. */
static int64_t pause_ms(const struct question *question)
{
	int64_t pause = PAUSE_MS;
	char dice[RANDOM_ID_SIZE];
	unsigned char roll = 0;
	for (int i = 1; i < question->attempt && pause < PAUSE_MAX_MS; i++)
		pause *= 2;
	if (pause > PAUSE_MAX_MS)
		pause = PAUSE_MAX_MS;
	random_id(dice);
	dice[2] = '\0';
	hex_decode(dice, &roll, 1, NULL);
	return pause / 2 + pause * roll / 510;
}

/* Silence may pass; nonsense and a missing permission do not. */
static bool pause(struct question *question)
{
	const struct masters *masters = question->masters;
	int64_t now = clock_monotonic_ms();
	if (question->kind != ERROR_UNREACHABLE || question->forbidden || question->attempt >= masters->attempts ||
	    now - question->begun_ms >= masters->timeout_ms)
		return false;
	if (question->pause == NULL)
		question->pause = loop_add(http_loop(masters->http), on_pause_over, question);
	loop_set(question->pause, -1, 0, now + pause_ms(question));
	return true;
}

static void start_candidate(struct question *question)
{
	char *base = next_candidate(question);
	while (question->visited_count > 0)
		free(question->visited[--question->visited_count]);
	if (base == NULL) {
		master_snapshot_free(question->snapshot);
		question->snapshot = NULL;
		if (!pause(question))
			finish(question);
		return;
	}
	question->visited[question->visited_count++] = base;
	start_master(question);
}

/* ---- redirects */

static bool was_visited(const struct question *question, const char *base)
{
	for (size_t i = 0; i < question->visited_count; i++) {
		if (strcmp(question->visited[i], base) == 0)
			return true;
	}
	return false;
}

static void follow(struct question *question, const struct http_answer *answer)
{
	struct error fault = ERROR_INIT;
	const char *location = answer->location != NULL ? answer->location : "nowhere";
	char *shown = http_url_for_people(location);
	char *base = master_url_redirected(location, master_steps[question->step].path);
	if (base == NULL)
		error_set(&fault, ERROR_CORRUPT, "%s: redirects (%d) to %s, which is no master's answer to this",
			  question->url, answer->status, shown);
	else if (master_url_is_https(asked(question)) && !master_url_is_https(base))
		error_set(&fault, ERROR_UNREACHABLE,
			  "%s: redirects to %s, without TLS: what is meant for masters alone is not sent there",
			  question->url, shown);
	else if (was_visited(question, base))
		error_set(&fault, ERROR_UNREACHABLE,
			  "%s: redirects to %s, which redirected here: the masters do not "
			  "agree on their leader; try again when the election is over",
			  question->url, shown);
	else if (question->visited_count > HOPS_MAX)
		error_set(&fault, ERROR_UNREACHABLE, "%s: redirects to %s, after %d redirects already", question->url,
			  shown, HOPS_MAX);
	free(shown);
	if (fault.kind != ERROR_NONE) {
		free(base);
		candidate_failed(question, &fault);
		return;
	}
	question->visited[question->visited_count++] = base;
	start_master(question);
}

/* ---- answers */

static void next_step(struct question *question)
{
	question->todo &= ~(unsigned)master_steps[question->step].step;
	if (question->todo == 0)
		finish_well(question);
	else
		send_step(question);
}

/* The same question in a form that older masters understand; false when there is none. */
static bool fall_back(struct question *question, int status)
{
	if (master_steps[question->step].body == NULL)
		return false;
	if (status == 404 || status == 405 || status == 501)
		start_steps(question, FORM_ENDPOINTS);
	else if (question_wants_protobuf(question) && (status == 400 || status == 406 || status == 415))
		start_steps(question, FORM_JSON);
	else
		return false;
	return true;
}

static void describe_status(struct question *question, const struct http_answer *answer, struct error *fault)
{
	const char *hint = "";
	if (answer->status == 401)
		hint = ": the master wants a principal that may ask this, and its password or token (\"access\" in the "
		       "cluster file)";
	else if (answer->status == 403)
		hint = ": the master wants a principal that may ask this";
	else if (answer->status == 503)
		hint = ": no leader is elected, or the master is still recovering";
	question->forbidden = question->forbidden || answer->status == 401 || answer->status == 403;
	/* Mesos says in a line what it minds; a page of HTML would not help. */
	const char *body = buffer_text(&answer->body);
	int len = body[0] == '<' ? 0 : (int)strcspn(body, "\r\n");
	error_set(fault, ERROR_UNREACHABLE, "%s: answered HTTP %d%s%s%.*s", question->url, answer->status, hint,
		  len > 0 ? ": " : "", len > 200 ? 200 : len, body);
}

/* Who may not see the flags or the metrics can still be answered: the figures stay as they are. */
static bool may_skip(const struct question *question, int status)
{
	enum step step = master_steps[question->step].step;
	return (step == STEP_FLAGS && (status == 401 || status == 403)) || (step == STEP_METRICS && status / 100 == 4);
}

static void on_answer(void *ctx, struct http_answer *answer)
{
	struct question *question = ctx;
	struct error fault = ERROR_INIT;
	question->request = 0;
	if (answer->status != 200)
		question_stop_reading(question);
	if (answer->error.kind != ERROR_NONE) {
		candidate_failed(question, &answer->error);
	} else if (answer->status == 307 || answer->status == 308 || answer->status == 302) {
		follow(question, answer);
	} else if (answer->status == 200) {
		int result = question_end_reading(question, answer->content_type, &fault);
		question_stop_reading(question);
		question->snapshot->date_ms = answer->date_ms;
		if (result < 0)
			candidate_failed(question, &fault);
		else
			next_step(question);
	} else if (may_skip(question, answer->status)) {
		next_step(question);
	} else if (!fall_back(question, answer->status)) {
		describe_status(question, answer, &fault);
		candidate_failed(question, &fault);
	}
}

static void send_step(struct question *question)
{
	question->step = 0;
	while (!(question->todo & master_steps[question->step].step))
		question->step++;
	const char *body = master_steps[question->step].body;
	char *url = xasprintf("%s%s", asked(question), master_steps[question->step].path);
	struct http_request request = {
		.url = url,
		.body = body,
		.body_len = body != NULL ? strlen(body) : 0,
		.accept = question_wants_protobuf(question) ? "application/x-protobuf" : "application/json",
		.timeout_ms = question->masters->timeout_ms,
		.max_body = ANSWER_MAX,
		.access = question->masters->access,
		.take = question_take_bytes,
	};
	free(question->url);
	question->url = http_url_for_people(url);
	question->request = http_start(question->masters->http, &request, on_answer, question);
	free(url);
}

/* ---- for the asker */

struct question *question_start(struct masters *masters, unsigned want,
				void (*done)(void *ctx, struct master_snapshot *snapshot, const struct error *err),
				void *ctx)
{
	struct question *question = xcalloc(1, sizeof(*question));
	question->masters = masters;
	question->want = want;
	question->done = done;
	question->ctx = ctx;
	question->begun_ms = clock_monotonic_ms();
	buffer_init(&question->faults, FAULTS_MAX);
	start_attempt(question);
	return question;
}

void question_cancel(struct question *question)
{
	http_cancel(question->masters->http, question->request);
	question_free(question);
}
