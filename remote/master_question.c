/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One question to a cluster's masters: the candidates are the leader that answered last and then every configured
 * master. A candidate is asked step by step (master_steps[]); when it redirects, all steps are asked again of the one
 * it names; whatever else goes wrong is noted and the next candidate is asked. The question ends with a whole snapshot
 * or with every candidate's fault.
 *
 *   start_candidate → start_master → start_steps → send_step → on_answer ─┬→ next_step → … → finish_well
 *         ↑                ↑              ↑                                ├→ fall_back: to an older form
 *         │                │              └────────────────────────────────┘  │
 *         │                └──────────────────────────────────────────────────┼→ follow (307)
 *         └───────────────────────────────────────────────────────────────────┴→ candidate_failed
 */
#include "remote/master_question.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "remote/master_parse.h"
#include "remote/master_steps.h"

/* An answer with 50,000 agents and their tasks is about 200 MB; more is no answer but an accident. */
#define ANSWER_MAX (512u << 20)
/* A cluster has five masters at most, of which one leads. */
#define HOPS_MAX   5
/* Many times what the longest list of masters and faults takes. */
#define FAULTS_MAX 4096

struct question {
	struct masters *masters;
	unsigned want;
	void (*done)(void *ctx, struct master_snapshot *snapshot, const struct error *err);
	void *ctx;
	char *leader;     /* the first candidate: who answered last when the question was asked; NULL: nobody yet */
	size_t candidate; /* 0: leader; then the URLs */
	char *visited[HOPS_MAX + 1];
	size_t visited_count; /* the last one is being asked */
	enum form form;
	unsigned todo; /* enum step bits */
	size_t step;   /* the one under way, in master_steps[] */
	char *url;     /* of the request under way, as it may be shown */
	uint64_t request;
	struct master_snapshot *snapshot;
	struct buffer faults;
	enum error_kind kind;
};

static void start_candidate(struct question *question);
static void send_step(struct question *question);

/* ---- how a question ends */

static void question_free(struct question *question)
{
	for (size_t i = 0; i < question->visited_count; i++)
		free(question->visited[i]);
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

static void finish_well(struct question *question)
{
	struct masters *masters = question->masters;
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

static char *without_slash(const char *url)
{
	size_t len = strlen(url);
	while (len > 0 && url[len - 1] == '/')
		len--;
	return xstrndup(url, len);
}

/* The question's next candidate, NULL when there is none; caller frees. */
static char *next_candidate(struct question *question)
{
	const struct masters *masters = question->masters;
	if (question->candidate == 0 && question->leader != NULL)
		return xstrdup(question->leader);
	if (question->candidate == 0)
		question->candidate = 1;
	for (; question->candidate <= masters->url_count; question->candidate++) {
		char *url = without_slash(masters->urls[question->candidate - 1]);
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
	send_step(question);
}

static void start_master(struct question *question)
{
	const struct masters *masters = question->masters;
	bool known = masters->leader != NULL && strcmp(masters->leader, asked(question)) == 0;
	start_steps(question, known ? masters->form : FORM_PROTOBUF);
}

static void start_candidate(struct question *question)
{
	char *base = next_candidate(question);
	while (question->visited_count > 0)
		free(question->visited[--question->visited_count]);
	if (base == NULL) {
		master_snapshot_free(question->snapshot);
		question->snapshot = NULL;
		finish(question);
		return;
	}
	question->visited[question->visited_count++] = base;
	start_master(question);
}

/* ---- redirects */

/* What is left of a redirect's URL without the path that was asked: the new base. Mesos redirects /slaves to
 * //host:port/master/slaves too. NULL when the redirect is to something else; caller frees. */
static char *redirect_base(const char *location, const char *path)
{
	size_t len = strlen(location), path_len = strlen(path);
	if (len <= path_len || strcmp(location + len - path_len, path) != 0)
		return NULL;
	len -= path_len;
	if (len > strlen("/master") && strncmp(location + len - strlen("/master"), "/master", strlen("/master")) == 0)
		len -= strlen("/master");
	return xstrndup(location, len);
}

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
	char *base = redirect_base(location, master_steps[question->step].path);
	if (base == NULL)
		error_set(&fault, ERROR_CORRUPT, "%s: redirects (%d) to %s, which is no master's answer to this",
			  question->url, answer->status, shown);
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

static bool wants_protobuf(const struct question *question)
{
	return question->form == FORM_PROTOBUF && !master_steps[question->step].json_only;
}

/* What came, which is not always what was asked for. */
static bool is_protobuf(const struct question *question, const struct http_answer *answer)
{
	return wants_protobuf(question) &&
	       strncmp(answer->content_type, "application/json", strlen("application/json")) != 0;
}

static int parse(struct question *question, const struct http_answer *answer, struct error *err)
{
	bool flags_hidden = false;
	struct master_body body = {
		.url = question->url,
		.data = answer->body.data,
		.len = answer->body.len,
		.protobuf = is_protobuf(question, answer),
	};
	if (master_steps[question->step].parse != NULL)
		return master_steps[question->step].parse(&body, question->snapshot, err);
	if (master_parse_state(&body, question->want, question->snapshot, &flags_hidden, err) < 0)
		return -1;
	if (flags_hidden && (question->want & WANT_FACTS))
		question->todo |= STEP_FLAGS;
	return 0;
}

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
	else if (wants_protobuf(question) && (status == 400 || status == 406 || status == 415))
		start_steps(question, FORM_JSON);
	else
		return false;
	return true;
}

static void describe_status(const struct question *question, const struct http_answer *answer, struct error *fault)
{
	const char *hint = "";
	if (answer->status == 401 || answer->status == 403)
		hint = ": the master wants a principal that may ask this";
	else if (answer->status == 503)
		hint = ": no leader is elected, or the master is still recovering";
	/* Mesos says in a line what it minds; a page of HTML would not help. */
	const char *body = buffer_text(&answer->body);
	int len = body[0] == '<' ? 0 : (int)strcspn(body, "\r\n");
	error_set(fault, ERROR_UNREACHABLE, "%s: answered HTTP %d%s%s%.*s", question->url, answer->status, hint,
		  len > 0 ? ": " : "", len > 200 ? 200 : len, body);
}

/* Who may not see the flags can still be answered: the figures stay 0. */
static bool may_skip(const struct question *question, int status)
{
	return master_steps[question->step].step == STEP_FLAGS && (status == 401 || status == 403);
}

static void on_answer(void *ctx, struct http_answer *answer)
{
	struct question *question = ctx;
	struct error fault = ERROR_INIT;
	question->request = 0;
	if (answer->error.kind != ERROR_NONE) {
		candidate_failed(question, &answer->error);
	} else if (answer->status == 307 || answer->status == 308 || answer->status == 302) {
		follow(question, answer);
	} else if (answer->status == 200) {
		if (parse(question, answer, &fault) < 0)
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
		.accept = wants_protobuf(question) ? "application/x-protobuf" : "application/json",
		.timeout_ms = question->masters->timeout_ms,
		.max_body = ANSWER_MAX,
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
	question->leader = masters->leader != NULL ? xstrdup(masters->leader) : NULL;
	buffer_init(&question->faults, FAULTS_MAX);
	start_candidate(question);
	return question;
}

void question_cancel(struct question *question)
{
	http_cancel(question->masters->http, question->request);
	question_free(question);
}
