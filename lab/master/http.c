/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "lab/core/files.h"
#include "lab/master/master.h"

static void answer_nothing(const struct master *master, const struct master_query *query, struct writer *writer)
{
	(void)master;
	(void)query;
	(void)writer;
}

static const struct {
	const char *path;
	void (*answer)(const struct master *master, const struct master_query *query, struct writer *writer);
} endpoints[] = {
	{"/slaves", answer_slaves},    {"/state", answer_state},
	{"/state.json", answer_state}, {"/state-summary", answer_state_summary},
	{"/tasks", answer_tasks},      {"/frameworks", answer_frameworks},
	{"/flags", answer_flags},      {"/version", answer_version},
	{"/health", answer_nothing},   {"/metrics/snapshot", answer_metrics},
};

static int64_t number_of(const struct web_call *call, const char *name)
{
	const char *text = web_call_query(call, name);
	return text != NULL ? strtoll(text, NULL, 10) : -1;
}

/* The same below /master, as the real one has it. */
static const char *inside_master(const char *path)
{
	return strncmp(path, "/master/", 8) == 0 ? path + 7 : path;
}

static void redirect(struct web_reply *reply, const char *to, const struct web_call *call)
{
	const char *slave_id = web_call_query(call, "slave_id");
	reply->status = 307;
	reply->location = xasprintf("//%s%s%s%s", to, call->path, slave_id != NULL ? "?slave_id=" : "",
				    slave_id != NULL ? slave_id : "");
}

static void answer(struct master *master, const struct web_call *call, struct web_reply *reply)
{
	struct master_query query = {.slave_id = web_call_query(call, "slave_id"),
				     .framework_id = web_call_query(call, "framework_id"),
				     .task_id = web_call_query(call, "task_id"),
				     .limit = number_of(call, "limit"),
				     .offset = number_of(call, "offset")};
	struct writer writer = {.out = &reply->body};
	const char *path = inside_master(call->path);
	if (strcmp(path, "/api/v1") == 0) {
		answer_api(master, call, reply);
		return;
	}
	if (strcmp(path, "/redirect") == 0) {
		reply->status = 307;
		reply->location = xasprintf("//%s", master->lab->master);
		return;
	}
	for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
		if (strcmp(endpoints[i].path, path) == 0) {
			endpoints[i].answer(master, &query, &writer);
			return;
		}
	}
	reply->status = 404;
}

/* ---- faults */

static void fault_status(struct master *master, const struct web_call *call, struct web_reply *reply, int status,
			 const char *text)
{
	(void)master;
	(void)call;
	reply->status = status;
	reply->content_type = "text/plain; charset=utf-8";
	buffer_puts(&reply->body, text);
}

static void fault_500(struct master *master, const struct web_call *call, struct web_reply *reply)
{
	fault_status(master, call, reply, 500, "Internal Server Error");
}

static void fault_503(struct master *master, const struct web_call *call, struct web_reply *reply)
{
	fault_status(master, call, reply, 503, "Master has not finished recovery");
}

static void fault_garbage(struct master *master, const struct web_call *call, struct web_reply *reply)
{
	(void)master;
	(void)call;
	buffer_puts(&reply->body, "<html><body>It works!</body></html>\n");
}

static void fault_truncated(struct master *master, const struct web_call *call, struct web_reply *reply)
{
	answer(master, call, reply);
	reply->manner = WEB_CUT;
}

static void fault_redirect(struct master *master, const struct web_call *call, struct web_reply *reply)
{
	redirect(reply, master->lab->master_other, call);
}

static void fault_redirect_loop(struct master *master, const struct web_call *call, struct web_reply *reply)
{
	redirect(reply, master->lab->master, call);
}

static void fault_hang(struct master *master, const struct web_call *call, struct web_reply *reply)
{
	(void)master;
	(void)call;
	reply->manner = WEB_NEVER;
}

static const struct {
	const char *name;
	void (*strike)(struct master *master, const struct web_call *call, struct web_reply *reply);
} strikes[] = {
	{"hang", fault_hang},
	{"500", fault_500},
	{"503", fault_503},
	{"garbage", fault_garbage},
	{"truncated", fault_truncated},
	{"redirect-loop", fault_redirect_loop},
	{"redirect", fault_redirect},
};

/* Counts the request for faults that begin after so many. */
static bool past_the_beginning(struct master *master, const struct fault *fault)
{
	if (fault->after <= 0)
		return true;
	if (master->counting == NULL || strcmp(master->counting, fault->id) != 0) {
		free(master->counting);
		master->counting = xstrdup(fault->id);
		master->requests = 0;
	}
	return master->requests++ >= fault->after;
}

static void on_request(void *ctx, const struct web_call *call, struct web_reply *reply)
{
	struct master *master = ctx;
	for (size_t i = 0; i < sizeof(strikes) / sizeof(strikes[0]); i++) {
		const struct fault *fault = fault_set_find(&master->faults, strikes[i].name);
		if (fault == NULL || !past_the_beginning(master, fault))
			continue;
		strikes[i].strike(master, call, reply);
		return;
	}
	answer(master, call, reply);
}

/* Where the fault `redirect` leads: the same master without faults. */
static void on_other_request(void *ctx, const struct web_call *call, struct web_reply *reply)
{
	answer(ctx, call, reply);
}

void master_faults_changed(struct master *master)
{
	fault_set_clear(&master->faults);
	fault_set_load(master->lab, FAULT_MASTER, &master->faults);
	int64_t next = fault_set_next_expiry(&master->faults);
	timer_set(master->fault_timer, next < 0 ? -1 : next + 1);
	if (master->web != NULL && fault_set_find(&master->faults, "hang") == NULL)
		web_resume(master->web);
}

static struct web *serve(struct master *master, const char *address,
			 void (*handler)(void *ctx, const struct web_call *call, struct web_reply *reply),
			 struct error *err)
{
	const char *colon = strrchr(address, ':');
	char *ip = xstrndup(address, (size_t)(colon - address));
	int fd = socket_listen_tcp(ip, (int)strtol(colon + 1, NULL, 10), NULL, err);
	free(ip);
	return fd < 0 ? NULL : web_new(master->events, fd, handler, master, err);
}

int master_serve(struct master *master, struct error *err)
{
	master->web = serve(master, master->lab->master, on_request, err);
	if (master->web != NULL)
		master->web_other = serve(master, master->lab->master_other, on_other_request, err);
	return master->web_other != NULL ? 0 : -1;
}
