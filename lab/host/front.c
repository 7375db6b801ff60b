/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The front: listens for SSH on every host's own loopback address, breaks connections as the armed faults say, and
 * hands the others to sshd -i. It keeps a copy of each connection's socket, so that it can cut one that runs.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "lab/core/faults.h"
#include "lab/core/files.h"
#include "lab/core/link.h"
#include "lab/core/roles.h"
#include "lab/host/slow.h"
#include "lab/host/sshd.h"

struct front;

struct gate { /* a host's door */
	struct front *front;
	const struct lab_host *host;
	struct listener *listener; /* NULL: refuses */
	struct fault_set faults;
	char counted[RANDOM_ID_SIZE]; /* the arming the count belongs to */
	int64_t connections;
};

struct session {
	struct session *next;
	struct gate *gate;
	pid_t pid; /* 0: nobody serves it (hang), or sshd has ended */
	bool hung;
	struct slow *slow; /* sshd has the other end of this; NULL: the connection itself */
	int fd;
	int client_port;
};

struct front {
	struct lab *lab;
	struct events *events;
	struct control *control;
	struct timer *expiry;
	struct gate *gates;
	struct session *sessions;
};

static void open_gate(struct gate *gate);

/* A reset, also while sshd holds the socket too: disconnecting an open TCP socket sends one. */
static void reset_connection(int fd)
{
	struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
	struct linger linger = {.l_onoff = 1, .l_linger = 0};
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	if (connect(fd, &nowhere, sizeof(nowhere)) < 0)
		shutdown(fd, SHUT_RDWR);
}

static void session_free(struct session *session)
{
	slow_free(session->slow);
	close(session->fd);
	free(session);
}

static void session_end(struct front *front, struct session *session)
{
	for (struct session **at = &front->sessions; *at != NULL; at = &(*at)->next) {
		if (*at != session)
			continue;
		*at = session->next;
		session_free(session);
		return;
	}
}

/* Ends the sessions of a gate: all of them, or (port > 0) the one with that client, or (hung) those nobody serves. */
static void drop_sessions(struct gate *gate, int port, bool hung)
{
	for (struct session **at = &gate->front->sessions; *at != NULL;) {
		struct session *session = *at;
		if (session->gate != gate || (port > 0 && session->client_port != port) || (hung && !session->hung)) {
			at = &session->next;
			continue;
		}
		*at = session->next;
		reset_connection(session->fd);
		if (session->pid > 0)
			kill(session->pid, SIGKILL);
		session_free(session);
	}
}

static struct session *add_session(struct gate *gate, int fd, pid_t pid)
{
	struct sockaddr_in peer = {.sin_port = 0};
	socklen_t len = sizeof(peer);
	struct session *session = xcalloc(1, sizeof(*session));
	getpeername(fd, (struct sockaddr *)&peer, &len);
	*session = (struct session){
		.next = gate->front->sessions, .gate = gate, .pid = pid, .fd = fd, .client_port = ntohs(peer.sin_port)};
	gate->front->sessions = session;
	return session;
}

/* Armed, and past the connections it lets through first. */
static const struct fault *striking(const struct gate *gate, const char *name)
{
	const struct fault *fault = fault_set_find(&gate->faults, name);
	if (fault == NULL)
		return NULL;
	int64_t seen = strcmp(gate->counted, fault->id) == 0 ? gate->connections : 0;
	return seen >= fault->after ? fault : NULL;
}

static void count_connection(struct gate *gate)
{
	for (size_t i = 0; i < gate->faults.count; i++) {
		const struct fault *fault = &gate->faults.items[i];
		const char *counts = fault->kind->after;
		if (fault->after <= 0 || counts == NULL || strcmp(counts, "connections") != 0)
			continue;
		if (strcmp(gate->counted, fault->id) != 0) {
			memcpy(gate->counted, fault->id, sizeof(gate->counted));
			gate->connections = 0;
		}
		gate->connections++;
		return;
	}
}

static void slow_ended(void *ctx)
{
	struct session *session = ctx;
	if (session->pid > 0)
		kill(session->pid, SIGKILL); /* it has hung up; nobody hears it any more */
	session_end(session->gate->front, session);
}

struct fault_pair {
	const struct fault *latency, *bandwidth;
};

/* What sshd gets instead of the connection when the network is slow; -1 when it is not. */
static int slow_down(struct session *session, const struct fault_pair *faults)
{
	struct slow_speed speed = {.latency_ms = faults->latency != NULL ? faults->latency->amount : 0,
				   .bytes_per_second = faults->bandwidth != NULL ? faults->bandwidth->amount : 0};
	struct gate *gate = session->gate;
	struct error err = ERROR_INIT;
	int server_fd = -1;
	if (speed.latency_ms == 0 && speed.bytes_per_second == 0)
		return -1;
	session->slow = slow_new(gate->front->events, session->fd, gate->host->address, &speed, slow_ended, session,
				 &server_fd, &err);
	if (session->slow == NULL)
		log_error("%s: %s", gate->host->name, err.text);
	return server_fd;
}

static void serve(struct gate *gate, int fd)
{
	const struct fault *full = fault_set_find(&gate->faults, "disk-full");
	struct sshd_options options = {.wrong_key = striking(gate, "hostkey") != NULL,
				       .no_keys = striking(gate, "auth") != NULL,
				       .wrapped = fault_set_find(&gate->faults, "cut") != NULL ||
						  fault_set_find(&gate->faults, "read-only") != NULL,
				       .limit_files = full != NULL,
				       .file_limit = full != NULL ? full->after : 0};
	struct session *session = add_session(gate, fd, 0);
	int server_fd = slow_down(session,
				  &(struct fault_pair){striking(gate, "latency"), striking(gate, "bandwidth")});
	session->pid = sshd_serve(gate->front->lab, gate->host, server_fd >= 0 ? server_fd : fd, &options);
	if (server_fd >= 0)
		close(server_fd);
	if (session->pid > 0)
		return;
	log_error("%s: cannot start sshd: %s", gate->host->name, strerror(errno));
	session_end(session->gate->front, session);
}

static void on_connection(void *ctx, int fd)
{
	struct gate *gate = ctx;
	if (striking(gate, "reset") != NULL) {
		reset_connection(fd);
		close(fd);
	} else if (striking(gate, "hang") != NULL) {
		add_session(gate, fd, 0)->hung = true;
	} else {
		serve(gate, fd);
	}
	count_connection(gate);
	open_gate(gate); /* `refuse --after N` begins when the Nth connection was taken */
}

/* Opens or closes the door, whichever the faults ask for. */
static void open_gate(struct gate *gate)
{
	bool refuse = striking(gate, "refuse") != NULL || fault_set_find(&gate->faults, "power") != NULL;
	struct error err = ERROR_INIT;
	if (refuse) {
		listener_free(gate->listener);
		gate->listener = NULL;
	} else if (gate->listener == NULL) {
		int fd = socket_listen_tcp(gate->host->address, LAB_SSH_PORT, NULL, &err);
		if (fd < 0)
			log_error("%s: %s", gate->host->name, err.text);
		else
			gate->listener = listener_new(gate->front->events, fd, on_connection, gate);
	}
}

static void load_faults(struct gate *gate)
{
	fault_set_clear(&gate->faults);
	fault_set_load(gate->front->lab, gate->host->name, &gate->faults);
	if (fault_set_find(&gate->faults, "power") != NULL)
		drop_sessions(gate, 0, false);
	else if (fault_set_find(&gate->faults, "hang") == NULL)
		drop_sessions(gate, 0, true);
	open_gate(gate);
}

static void wait_for_expiry(struct front *front)
{
	int64_t next = -1;
	for (size_t i = 0; i < front->lab->host_count; i++) {
		int64_t expiry = fault_set_next_expiry(&front->gates[i].faults);
		if (expiry >= 0 && (next < 0 || expiry < next))
			next = expiry;
	}
	timer_set(front->expiry, next < 0 ? -1 : next + 1);
}

static void on_expiry(void *ctx)
{
	struct front *front = ctx;
	for (size_t i = 0; i < front->lab->host_count; i++) {
		if (front->gates[i].faults.count > 0)
			load_faults(&front->gates[i]);
	}
	wait_for_expiry(front);
}

static struct gate *gate_of(struct front *front, const char *host)
{
	for (size_t i = 0; host != NULL && i < front->lab->host_count; i++) {
		if (strcmp(front->gates[i].host->name, host) == 0)
			return &front->gates[i];
	}
	return NULL;
}

/* `rollcall-lab session` says that the moment has come. The fault strikes once. */
static void cut(struct front *front, const json_t *request)
{
	struct gate *gate = gate_of(front, json_string_value(json_object_get(request, "target")));
	int port = (int)json_integer_value(json_object_get(request, "client_port"));
	if (gate == NULL || fault_set_find(&gate->faults, "cut") == NULL)
		return;
	fault_heal(front->lab, gate->host->name, "cut", NULL);
	drop_sessions(gate, port, false);
	load_faults(gate);
}

static void on_request(void *ctx, struct control_call *call, const json_t *request)
{
	struct front *front = ctx;
	struct gate *gate = gate_of(front, json_string_value(json_object_get(request, "target")));
	if (strcmp(link_type(request), "cut") == 0)
		cut(front, request);
	else if (gate != NULL)
		load_faults(gate);
	wait_for_expiry(front);
	control_reply(call, json_object());
}

static void reap(struct front *front)
{
	int status;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
		struct session *session = front->sessions;
		while (session != NULL && session->pid != pid)
			session = session->next;
		if (session == NULL)
			continue;
		session->pid = 0;
		if (session->slow == NULL) /* else it ends when all that was said has arrived */
			session_end(front, session);
	}
}

static void on_signal(void *ctx, int number)
{
	struct front *front = ctx;
	if (number == SIGCHLD)
		reap(front);
	else
		events_stop(front->events);
}

static void allow_many_descriptors(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void front_free(struct front *front)
{
	control_free(front->control);
	for (size_t i = 0; front->gates != NULL && i < front->lab->host_count; i++) {
		drop_sessions(&front->gates[i], 0, false);
		listener_free(front->gates[i].listener);
		fault_set_clear(&front->gates[i].faults);
	}
	free(front->gates);
	timer_free(front->expiry);
	events_free(front->events);
}

static int front_open(struct front *front, struct error *err)
{
	static const int signals[] = {SIGCHLD, SIGTERM, SIGINT, 0};
	struct lab *lab = front->lab;
	allow_many_descriptors();
	front->events = events_new(err);
	if (front->events == NULL || events_on_signals(front->events, signals, on_signal, front, err) < 0)
		return -1;
	front->expiry = timer_new(front->events, on_expiry, front);
	front->gates = xcalloc(lab->host_count, sizeof(*front->gates));
	for (size_t i = 0; i < lab->host_count; i++) {
		front->gates[i] = (struct gate){.front = front, .host = &lab->hosts[i]};
		load_faults(&front->gates[i]);
	}
	front->control = control_serve(front->events, lab, "front", on_request, front, err);
	return front->control != NULL ? 0 : -1;
}

int role_front(struct lab *lab, struct error *err)
{
	struct front front = {.lab = lab};
	int result = front_open(&front, err);
	if (result == 0)
		events_run(front.events);
	front_free(&front);
	return result;
}
