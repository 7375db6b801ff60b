/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/survey_hosts.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "orchestrator/output.h"
#include "orchestrator/survey_events.h"
#include "protocol/answer.h"
#include "protocol/request.h"

/* One host that is being asked. */
struct job {
	bool used;
	size_t agent; /* index into the list */
	uint64_t exec;
	int64_t deadline_ms;
	struct cluster_host host;
	struct buffer output;
	char *host_key;
};

struct surveyor {
	struct session *session;
	struct store *store;
	const struct cluster *cluster;
	struct transport *transport;
	const struct agent_list *agents;
	const struct survey_watch *watch;
	struct job *jobs;
	size_t parallel;
	size_t next; /* agent to be asked next */
	size_t open; /* jobs in use */
	struct survey_counts counts;
	bool forgets;                /* nothing is kept */
	struct survey_events events; /* of this transaction */
};

static void job_clear(struct job *job)
{
	cluster_host_clear(&job->host);
	buffer_clear(&job->output);
	free(job->host_key);
	*job = (struct job){.used = false};
}

/* Writes gather in one transaction for everything that one round of the loop brought. */
static int ensure_transaction(struct surveyor *surveyor)
{
	if (store_in_transaction(surveyor->store))
		return 0;
	return store_begin(surveyor->store, &surveyor->session->error);
}

/* Who shows a failure shows its host: the transport's own mention of it goes. */
static void drop_name(struct error *failure, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(failure->text, name, len) == 0 && strncmp(failure->text + len, ": ", 2) == 0)
		memmove(failure->text, failure->text + len + 2, strlen(failure->text + len + 2) + 1);
}

static int store_failure(struct surveyor *surveyor, const struct agent_record *agent, const struct error *failure)
{
	if (surveyor->forgets)
		return 0;
	if (ensure_transaction(surveyor) < 0 ||
	    survey_store_failure(surveyor->store, agent->row, failure, clock_wall_ms(), &surveyor->session->error) < 0)
		return -1;
	survey_events_note(&surveyor->events, agent,
			   json_pack("{s:s, s:o}", "failure_kind", survey_failure_kind(failure->kind), "failure",
				     output_text(failure->text)));
	return 0;
}

static int store_document(struct surveyor *surveyor, const struct job *job, const struct agent_record *agent,
			  const struct survey *survey)
{
	char sha256[DIGEST_HEX_SIZE];

	if (surveyor->forgets)
		return 0;
	if (ensure_transaction(surveyor) < 0 ||
	    survey_store(surveyor->store, agent->row, buffer_text(&job->output), job->output.len, job->host_key,
			 clock_wall_ms(), &surveyor->session->error) < 0)
		return -1;
	digest_hex(buffer_text(&job->output), job->output.len, sha256);
	survey_events_note(&surveyor->events, agent,
			   json_pack("{s:s, s:o, s:o}", "sha256", sha256, "host_key", output_text(job->host_key),
				     "boot_id", output_text(survey->boot_id)));
	return 0;
}

static int keep_failure(struct surveyor *surveyor, const struct agent_record *agent, const struct error *why)
{
	struct error shortened = *why;
	const struct error *failure = &shortened;

	drop_name(&shortened, agent->view.hostname);
	surveyor->counts.failed++;
	if (store_failure(surveyor, agent, failure) < 0)
		return -1;
	if (surveyor->watch)
		surveyor->watch->host(surveyor->watch->ctx, agent, NULL, failure, &surveyor->counts);
	return 0;
}

/* The document must be about the agent the master knows there: a host may run another one, or a new one. */
static int check_identity(const struct agent_record *agent, const struct survey *survey, struct error *err)
{
	if (!survey->agent_id || strcmp(survey->agent_id, agent->view.id) == 0)
		return 0;
	return error_set(
		err, ERROR_CONFLICT,
		"the agent on this host is %s, not %s: run `rollcall inventory sync`, or name the work_dir of this "
		"agent in the cluster file",
		survey->agent_id, agent->view.id);
}

static int keep_document(struct surveyor *surveyor, struct job *job, const struct agent_record *agent,
			 const struct survey *survey)
{
	surveyor->counts.surveyed++;
	if (store_document(surveyor, job, agent, survey) < 0)
		return -1;
	if (surveyor->watch)
		surveyor->watch->host(surveyor->watch->ctx, agent, survey, NULL, &surveyor->counts);
	return 0;
}

static int judge_output(struct surveyor *surveyor, struct job *job)
{
	const struct agent_record *agent = &surveyor->agents->items[job->agent];
	struct error failure = ERROR_INIT;
	struct survey survey = {.agentctl = NULL};
	int result;

	if (job->output.overflow)
		error_set(&failure, ERROR_CORRUPT, "agentctl's answer is longer than %u MiB", ANSWER_LINE_MAX >> 20);
	else if (survey_parse("agentctl's answer", buffer_text(&job->output), job->output.len, &survey, &failure) == 0)
		check_identity(agent, &survey, &failure);
	if (failure.kind == ERROR_NONE)
		result = keep_document(surveyor, job, agent, &survey);
	else
		result = keep_failure(surveyor, agent, &failure);
	survey_clear(&survey);
	return result;
}

static enum error_kind kind_of_status(int status)
{
	if (status == 2)
		return ERROR_USAGE;
	return status == 3 ? ERROR_REFUSED : ERROR_SYSTEM;
}

static int host_closed(struct surveyor *surveyor, struct job *job, const struct exec_event *event)
{
	struct error failure = event->error;

	if (event->error.kind == ERROR_NONE && event->exit_status == 0)
		return judge_output(surveyor, job);
	if (failure.kind == ERROR_NONE)
		error_set(&failure, kind_of_status(event->exit_status), "agentctl inspect ended with status %d%s%.*s",
			  event->exit_status, event->len ? ": " : "", (int)(event->len > 800 ? 800 : event->len),
			  event->text ? event->text : "");
	return keep_failure(surveyor, &surveyor->agents->items[job->agent], &failure);
}

static void finish(struct surveyor *surveyor, struct job *job)
{
	surveyor->open--;
	job_clear(job);
}

static struct job *find_job(struct surveyor *surveyor, uint64_t exec)
{
	for (size_t i = 0; i < surveyor->parallel; i++)
		if (surveyor->jobs[i].used && surveyor->jobs[i].exec == exec)
			return &surveyor->jobs[i];
	return NULL;
}

static int handle_event(struct surveyor *surveyor, const struct exec_event *event)
{
	struct job *job = find_job(surveyor, event->exec);
	int result;

	if (!job)
		return 0;
	switch (event->kind) {
	case EXEC_CONNECTED:
		surveyor->counts.reached += job->host_key == NULL;
		free(job->host_key);
		job->host_key = xstrdup(event->text);
		return 0;
	case EXEC_LINE:
		buffer_append(&job->output, event->text, event->len);
		buffer_putc(&job->output, '\n');
		return 0;
	case EXEC_CLOSED:
		break;
	}
	result = host_closed(surveyor, job, event);
	finish(surveyor, job);
	return result;
}

static void frame_request(const struct job *job, struct buffer *out)
{
	struct buffer bytes = BUFFER_INIT(REQUEST_MAX);
	struct request request;

	request_init(&request, REQUEST_INSPECT);
	host_settings_clear(&request.host);
	host_settings_copy(&request.host, &job->host.settings);
	request_write(&request, &bytes);
	request_frame(buffer_text(&bytes), bytes.len, out);
	request_clear(&request);
	buffer_clear(&bytes);
}

static struct job *free_job(struct surveyor *surveyor)
{
	for (size_t i = 0; i < surveyor->parallel; i++)
		if (!surveyor->jobs[i].used)
			return &surveyor->jobs[i];
	return NULL;
}

/* A mistake in the cluster file that shows only with this agent's values is that host's failure. */
static int start_host(struct surveyor *surveyor, size_t index)
{
	const struct agent_record *agent = &surveyor->agents->items[index];
	struct buffer input = BUFFER_INIT(REQUEST_MAX + 1024);
	struct job *job = free_job(surveyor);
	struct error failure = ERROR_INIT;
	struct transport_target target;

	*job = (struct job){.used = true, .agent = index, .output = BUFFER_INIT(ANSWER_LINE_MAX)};
	surveyor->open++;
	if (cluster_host(surveyor->cluster, surveyor->store, agent, &job->host, &failure) < 0) {
		finish(surveyor, job);
		return keep_failure(surveyor, agent, &failure);
	}
	session_target(surveyor->cluster, &job->host, agent->view.hostname, &target);
	frame_request(job, &input);
	job->deadline_ms = clock_monotonic_ms() + surveyor->session->survey_timeout_ms;
	job->exec = transport_exec(surveyor->transport, &target, "inspect", buffer_text(&input), input.len, index);
	buffer_clear(&input);
	return 0;
}

static int expire_hosts(struct surveyor *surveyor, int64_t now_ms)
{
	for (size_t i = 0; i < surveyor->parallel; i++) {
		struct job *job = &surveyor->jobs[i];
		struct error failure = ERROR_INIT;

		if (!job->used || job->deadline_ms > now_ms)
			continue;
		error_set(&failure, ERROR_UNREACHABLE, "no answer within %.1f s",
			  (double)surveyor->session->survey_timeout_ms / 1000);
		transport_cancel(surveyor->transport, job->exec);
		if (keep_failure(surveyor, &surveyor->agents->items[job->agent], &failure) < 0)
			return -1;
		finish(surveyor, job);
	}
	return 0;
}

static int wait_ms(const struct surveyor *surveyor, int64_t now_ms)
{
	int64_t first = surveyor->session->survey_timeout_ms;

	for (size_t i = 0; i < surveyor->parallel; i++)
		if (surveyor->jobs[i].used && surveyor->jobs[i].deadline_ms - now_ms < first)
			first = surveyor->jobs[i].deadline_ms - now_ms;
	return first > 0 ? (int)first : 0;
}

/* One round: fill the window, take what has come, write it down. */
static int survey_round(struct surveyor *surveyor)
{
	struct exec_event event;

	while (surveyor->open < surveyor->parallel && surveyor->next < surveyor->agents->count)
		if (start_host(surveyor, surveyor->next++) < 0)
			return -1;
	while (transport_next(surveyor->transport, &event))
		if (handle_event(surveyor, &event) < 0)
			return -1;
	if (expire_hosts(surveyor, clock_monotonic_ms()) < 0)
		return -1;
	if (store_in_transaction(surveyor->store) && survey_events_commit(&surveyor->events, surveyor->session) < 0)
		return -1;
	return 0;
}

static int survey_all(struct surveyor *surveyor)
{
	for (;;) {
		if (survey_round(surveyor) < 0)
			return -1;
		if (surveyor->open == 0 && surveyor->next == surveyor->agents->count)
			return 0;
		if (surveyor->open == surveyor->parallel || surveyor->next == surveyor->agents->count)
			loop_wait(session_loop(surveyor->session), wait_ms(surveyor, clock_monotonic_ms()));
	}
}

static void surveyor_clear(struct surveyor *surveyor)
{
	for (size_t i = 0; i < surveyor->parallel; i++)
		if (surveyor->jobs[i].used) {
			transport_cancel(surveyor->transport, surveyor->jobs[i].exec);
			job_clear(&surveyor->jobs[i]);
		}
	free(surveyor->jobs);
	survey_events_clear(&surveyor->events);
	store_rollback(surveyor->store);
}

static int survey_with(struct session *session, const struct agent_list *agents, size_t parallel, bool forgets,
		       const struct survey_watch *watch, struct survey_counts *out)
{
	struct surveyor surveyor = {
		.session = session,
		.cluster = session_cluster(session),
		.store = session_store(session),
		.transport = session_transport(session),
		.agents = agents,
		.watch = watch,
		.parallel = parallel ? parallel : 1,
		.counts = {.total = agents->count},
		.forgets = forgets,
	};
	int result;

	if (!surveyor.cluster || !surveyor.store || !surveyor.transport)
		return -1;
	surveyor.jobs = xcalloc(surveyor.parallel, sizeof(*surveyor.jobs));
	result = survey_all(&surveyor);
	surveyor_clear(&surveyor);
	if (result == 0)
		*out = surveyor.counts;
	return result;
}

int survey_hosts(struct session *session, const struct agent_list *agents, size_t parallel,
		 const struct survey_watch *watch, struct survey_counts *out)
{
	return survey_with(session, agents, parallel, false, watch, out);
}

int survey_ask(struct session *session, const struct agent_list *agents, size_t parallel,
	       const struct survey_watch *watch, struct survey_counts *out)
{
	return survey_with(session, agents, parallel, true, watch, out);
}
