/* SPDX-License-Identifier: Apache-2.0 */
/* Which path is answered how, by whom, and to whom. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "lab/core/files.h"
#include "lab/master/master.h"

#define PEM_MAX (64u << 10)

static void answer_nothing(const struct master *master, const struct master_query *query, struct writer *writer)
{
	(void)master;
	(void)query;
	(void)writer;
}

static const char readonly_realm[] = "mesos-master-readonly", readwrite_realm[] = "mesos-master-readwrite";

/* every: a master that does not lead answers it too. */
static const struct endpoint {
	const char *path;
	master_answer *answer;                                                                     /* or: */
	void (*call)(struct master *master, const struct web_call *call, struct web_reply *reply); /* or: */
	void (*maintain)(struct master *master, const struct web_call *call, const char *path, struct web_reply *reply);
	const char *realm; /* NULL: everybody may ask */
	bool every;
} endpoints[] = {
	{"/slaves", answer_slaves, NULL, NULL, readonly_realm, false},
	{"/state", answer_state, NULL, NULL, readonly_realm, false},
	{"/state.json", answer_state, NULL, NULL, readonly_realm, false},
	{"/state-summary", answer_state_summary, NULL, NULL, readonly_realm, false},
	{"/tasks", answer_tasks, NULL, NULL, readonly_realm, false},
	{"/frameworks", answer_frameworks, NULL, NULL, readonly_realm, false},
	{"/roles", answer_roles, NULL, NULL, readonly_realm, false},
	{"/flags", answer_flags, NULL, NULL, readonly_realm, true},
	{"/metrics/snapshot", answer_metrics, NULL, NULL, readonly_realm, true},
	{"/version", answer_version, NULL, NULL, NULL, true},
	{"/health", answer_nothing, NULL, NULL, NULL, true},
	{"/api/v1", NULL, answer_api, NULL, readwrite_realm, false},
	{"/api/v1/scheduler", NULL, answer_scheduler, NULL, NULL, false},
	{"/maintenance/schedule", NULL, NULL, maintenance_http, readwrite_realm, false},
	{"/maintenance/status", NULL, NULL, maintenance_http, readonly_realm, false},
	{"/machine/down", NULL, NULL, maintenance_http, readwrite_realm, false},
	{"/machine/up", NULL, NULL, maintenance_http, readwrite_realm, false},
};

static int64_t number_of(const struct web_call *call, const char *name)
{
	const char *text = web_call_query(call, name);
	char *end = NULL;
	int64_t number = text != NULL ? strtoll(text, &end, 10) : -1;
	return text != NULL && end != text && *end == '\0' ? number : -1; /* what is no number is not given */
}

/* The same below /master, as the real one has it. */
static const char *inside_master(const char *path)
{
	return strncmp(path, "/master/", 8) == 0 ? path + 7 : path;
}

void master_redirect(struct web_reply *reply, const char *to, const struct web_call *call)
{
	reply->status = 307;
	reply->content_type = NULL;
	reply->location = xasprintf("//%s%s", to, call != NULL ? call->uri : "");
}

/* To the leader: the same path with its query, or (call NULL) the leader's own address. */
static void redirect(const struct master *master, const struct web_call *call, struct web_reply *reply)
{
	if (master->leader == NULL) {
		web_refuse(reply, 503, "No leader elected");
		return;
	}
	char *to = xasprintf("%s:%u", master->leader->hostname, master->leader->port);
	master_redirect(reply, to, call);
	free(to);
}

static void answer_from(struct master *master, const struct endpoint *endpoint, const struct web_call *call,
			const char *path, struct web_reply *reply)
{
	const char *order = web_call_query(call, "order");
	const struct master_query query = {.slave_id = web_call_query(call, "slave_id"),
					   .framework_id = web_call_query(call, "framework_id"),
					   .task_id = web_call_query(call, "task_id"),
					   .limit = number_of(call, "limit"),
					   .offset = number_of(call, "offset"),
					   .ascending = order != NULL && strcmp(order, "asc") == 0};
	struct writer writer = {.out = &reply->body};
	if (endpoint->maintain != NULL)
		endpoint->maintain(master, call, path, reply);
	else if (endpoint->call != NULL)
		endpoint->call(master, call, reply);
	else
		endpoint->answer(master, &query, &writer);
	if (reply->body.len == 0 && reply->stream == NULL)
		reply->content_type = NULL;
}

void master_answer_request(struct master *master, const struct web_call *call, struct web_reply *reply)
{
	const char *path = inside_master(call->path);
	if (strcmp(path, "/redirect") == 0) {
		redirect(master, NULL, reply);
		return;
	}
	for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
		if (strcmp(endpoints[i].path, path) != 0)
			continue;
		if (!auth_check(master, call, endpoints[i].realm, reply))
			return;
		if (!master->elected && !endpoints[i].every)
			redirect(master, call, reply);
		else
			answer_from(master, &endpoints[i], call, path, reply);
		return;
	}
	web_refuse(reply, 404, "404 Not Found.");
}

/* Where the fault `redirect` leads: the same master without faults. */
static void on_other_request(void *ctx, const struct web_call *call, struct web_reply *reply)
{
	master_answer_request(ctx, call, reply);
}

/* ---- the servers */

/* Caller frees; NULL with err when it cannot be read. */
static char *read_pem(const struct master *master, const char *name, struct error *err)
{
	char *path = lab_path(master->lab, "tls/%s", name);
	struct buffer text = BUFFER_INIT(PEM_MAX);
	char *pem = file_read(path, &text, err) == 0 ? xstrdup(buffer_text(&text)) : NULL;
	buffer_clear(&text);
	free(path);
	return pem;
}

static struct web *serve_tls(struct master *master, int fd, web_handler *handler, struct error *err)
{
	char *certificate = read_pem(master, "master.pem", err);
	char *key = certificate != NULL ? read_pem(master, "master-key.pem", err) : NULL;
	char *ca = key != NULL ? read_pem(master, "ca.pem", err) : NULL;
	const struct web_tls tls = {
		.certificate = certificate, .key = key, .ca = ca, .required = master->lab->client_certificates};
	struct web *web = ca != NULL ? web_new_tls(master->events, fd, &tls, handler, master, err) : NULL;
	free(certificate); /* the server has its own copies once it runs */
	free(key);
	free(ca);
	return web;
}

static struct web *serve(struct master *master, const char *address, web_handler *handler, struct error *err)
{
	const char *colon = strrchr(address, ':');
	char *ip = xstrndup(address, (size_t)(colon - address));
	int fd = socket_listen_tcp(ip, (int)strtol(colon + 1, NULL, 10), NULL, err);
	free(ip);
	if (fd < 0)
		return NULL;
	return master->lab->tls ? serve_tls(master, fd, handler, err)
				: web_new(master->events, fd, handler, master, err);
}

int master_serve(struct master *master, struct error *err)
{
	const struct lab *lab = master->lab;
	master->web = serve(master, lab->masters[master->number].address, master_request, err);
	if (master->web != NULL && lab->master_count == 1)
		master->web_other = serve(master, lab->master_other, on_other_request, err);
	return master->web != NULL && (lab->master_count > 1 || master->web_other != NULL) ? 0 : -1;
}
