/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/driver/gate_runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/json.h"
#include "base/text.h"
#include "orchestrator/driver/gate_command.h"

/* A health check's answer is not read; a master's metrics are some ten thousand of short lines. */
#define HEALTH_MAX  (1u << 20)
#define METRICS_MAX (16u << 20)

struct gate_job {
	struct gate_runner *runner;
	uint64_t tag;
	struct gate_command *command; /* NULL: an HTTP request */
	uint64_t request;
	int status; /* http: that passes; 0: 2xx */
	char *metric;
	bool has_max, has_min;
	double max, min;
	bool over; /* its answer is in result */
	struct gate_result result;
	struct gate_job *next;
};

struct gate_runner {
	struct loop *loop;
	struct http *http;
	const struct http_access *masters;
	struct gate_job *jobs; /* in the order in which they were asked */
};

struct gate_runner *gate_runner_new(struct loop *loop, struct http *http, const struct http_access *masters)
{
	struct gate_runner *runner = xcalloc(1, sizeof(*runner));

	*runner = (struct gate_runner){.loop = loop, .http = http, .masters = masters};
	return runner;
}

static void free_job(struct gate_job *job)
{
	if (!job->over && !job->command && job->request)
		http_cancel(job->runner->http, job->request);
	gate_command_free(job->command);
	free(job->metric);
	free(job->result.seen);
	free(job);
}

void gate_runner_free(struct gate_runner *runner)
{
	while (runner && runner->jobs) {
		struct gate_job *job = runner->jobs;

		runner->jobs = job->next;
		free_job(job);
	}
	free(runner);
}

static void answer(struct gate_job *job, enum gate_answer is, char *seen)
{
	job->over = true;
	job->result = (struct gate_result){.tag = job->tag, .answer = is, .seen = seen};
}

/* ---- commands */

static void on_command(void *ctx, enum gate_answer is, char *seen)
{
	answer(ctx, is, seen);
}

static void start_command(struct gate_job *job, const struct gate_question *question)
{
	const struct plan_gate *gate = question->gate;
	char **argv = xcalloc(gate->argc + 1, sizeof(*argv));

	for (size_t i = 0; i < gate->argc; i++)
		argv[i] = gate_expand(gate->argv[i], question);
	job->command = gate_command_start(job->runner->loop, (const char *const *)argv, question, on_command, job);
	for (size_t i = 0; i < gate->argc; i++)
		free(argv[i]);
	free(argv);
}

/* ---- HTTP */

static void start_request(struct gate_job *job, const struct http_request *request,
			  void (*done)(void *ctx, struct http_answer *answer))
{
	job->request = http_start(job->runner->http, request, done, job);
}

static void on_health(void *ctx, struct http_answer *got)
{
	struct gate_job *job = ctx;
	bool passes = job->status ? got->status == job->status : got->status >= 200 && got->status < 300;

	if (got->status == 0)
		answer(job, GATE_INCONCLUSIVE, text_printable(got->error.text, false));
	else
		answer(job, passes ? GATE_PASS : GATE_FAIL, xasprintf("it answers with HTTP status %d", got->status));
}

static void start_health(struct gate_job *job, const struct gate_question *question)
{
	char *url = gate_expand(question->gate->url, question);
	const struct http_request request = {
		.url = url, .accept = "*/*", .timeout_ms = question->gate->timeout_ms, .max_body = HEALTH_MAX};

	job->status = question->gate->status;
	start_request(job, &request, on_health);
	free(url);
}

/* ---- the master's metrics */

static void judge_metric(struct gate_job *job, double value)
{
	bool low = job->has_min && value < job->min, high = job->has_max && value > job->max;
	struct buffer text = BUFFER_INIT(1024);

	buffer_printf(&text, "%s is %g", job->metric, value);
	if (job->has_min)
		buffer_printf(&text, ", at least %g is asked for", job->min);
	if (job->has_max)
		buffer_printf(&text, ", at most %g is asked for", job->max);
	answer(job, low || high ? GATE_FAIL : GATE_PASS, buffer_take(&text));
	buffer_clear(&text);
}

static void on_metrics(void *ctx, struct http_answer *got)
{
	struct gate_job *job = ctx;
	const json_t *value;
	json_t *document;

	if (got->status != 200) {
		answer(job, GATE_INCONCLUSIVE,
		       got->status
			       ? xasprintf("the master's metrics: HTTP status %d%s", got->status,
					   got->status == 401 || got->status == 403
						   ? ": our principal may not see them (\"access\" in the cluster file)"
						   : "")
			       : text_printable(got->error.text, false));
		return;
	}
	document = json_parse("the master's metrics", buffer_text(&got->body), got->body.len, NULL);
	value = json_object_get(document, job->metric);
	if (json_is_number(value))
		judge_metric(job, json_number_value(value));
	else
		answer(job, GATE_INCONCLUSIVE, xasprintf("the master has no metric %s", job->metric));
	json_decref(document);
}

static void start_metric(struct gate_job *job, const struct gate_question *question)
{
	const struct plan_gate *gate = question->gate;
	char *url = question->master ? xasprintf("%s/metrics/snapshot", question->master) : NULL;
	const struct http_request request = {
		.url = url, .timeout_ms = gate->timeout_ms, .max_body = METRICS_MAX, .access = job->runner->masters};

	job->metric = xstrdup(gate->metric);
	job->has_max = gate->has_max;
	job->has_min = gate->has_min;
	job->max = gate->max;
	job->min = gate->min;
	if (url)
		start_request(job, &request, on_metrics);
	else
		answer(job, GATE_INCONCLUSIVE, xstrdup("no master has answered yet"));
	free(url);
}

/* ---- all of them */

void gate_runner_start(struct gate_runner *runner, uint64_t tag, const struct gate_question *question)
{
	struct gate_job *job = xcalloc(1, sizeof(*job)), **end = &runner->jobs;

	*job = (struct gate_job){.runner = runner, .tag = tag};
	while (*end)
		end = &(*end)->next;
	*end = job;
	if (question->gate->kind == GATE_COMMAND)
		start_command(job, question);
	else if (question->gate->kind == GATE_HTTP)
		start_health(job, question);
	else
		start_metric(job, question);
}

bool gate_runner_next(struct gate_runner *runner, struct gate_result *out)
{
	for (struct gate_job **at = &runner->jobs; *at; at = &(*at)->next) {
		struct gate_job *job = *at;

		if (!job->over)
			continue;
		*out = job->result;
		job->result.seen = NULL;
		*at = job->next;
		free_job(job);
		return true;
	}
	return false;
}

void gate_runner_cancel(struct gate_runner *runner, uint64_t tag)
{
	for (struct gate_job **at = &runner->jobs; *at; at = &(*at)->next) {
		struct gate_job *job = *at;

		if (job->tag != tag)
			continue;
		*at = job->next;
		free_job(job);
		return;
	}
}
