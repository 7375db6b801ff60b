/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/outgoing/deliver.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "orchestrator/session_ledger.h"

/* After a run, for what can be sent at once: longer than one request may take unless its receiver says otherwise. */
#define AFTER_RUN_MS  12000
/* Is anything left? The question goes through the whole queue. */
#define COUNT_EACH_MS 500
/* Who waits wants to know for what. */
#define SAY_EACH_MS   3000

static volatile sig_atomic_t interrupted;
static struct loop *loop_to_wake;

static void on_signal(int number)
{
	(void)number;
	interrupted = 1;
	loop_wake(loop_to_wake);
}

struct sender *deliver_sender(struct session *session)
{
	const struct cluster *cluster = session_cluster(session);
	struct store *store = cluster ? session_store(session) : NULL;
	struct http *http = store ? session_http(session) : NULL;

	if (!http)
		return NULL;
	const struct sender_options options = {.store = store,
					       .http = http,
					       .cluster = cluster->name,
					       .ca = cluster->access.ca,
					       .actor = session_actor(session),
					       .origin = session_origin()};

	return sender_new(&options);
}

static int count(struct session *session, struct outgoing_counts *left)
{
	return outgoing_count(session_store(session), session->cluster->name, clock_wall_ms(), left, &session->error);
}

/* Another sender's work is waited for as if it were ours. */
static bool is_over(const struct sender *sender, const struct deliver *how, const struct outgoing_counts *left)
{
	if (how->stay)
		return false;
	if (left->waiting == 0)
		return true;
	return !how->insist && !sender_is_busy(sender) && !sender_is_elsewhere(sender);
}

static int64_t shorter(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* What was said last. */
struct told {
	int64_t time_ms; /* monotonic */
	int64_t waiting; /* at first */
	char *line;      /* NULL: nothing yet */
};

/* Nothing is said twice in a row. Takes the line. */
static void say_news(struct told *told, char *line)
{
	if (told->line && strcmp(told->line, line) == 0) {
		free(line);
		return;
	}
	log_info("%s", line);
	free(told->line);
	told->line = line;
}

/* How many are left, and what keeps the first of them. */
static int say_progress(struct session *session, const struct outgoing_counts *left, struct told *told)
{
	int64_t now_ms = clock_monotonic_ms();
	struct outgoing_list list;

	if (session->quiet || left->waiting == 0 || now_ms - told->time_ms < SAY_EACH_MS)
		return 0;
	if (outgoing_load(session_store(session), session->cluster->name, 1, &list, &session->error) < 0)
		return -1;
	if (list.count > 0)
		say_news(told,
			 xasprintf("%" PRId64 " of %" PRId64 " events are still to be delivered%s%s", left->waiting,
				   told->waiting, list.items[0].error ? "; the first of them: " : "",
				   list.items[0].error ? list.items[0].error : ""));
	outgoing_list_clear(&list);
	told->time_ms = now_ms;
	return 0;
}

static int send_until(struct session *session, struct sender *sender, const struct deliver *how,
		      struct outgoing_counts *left, struct told *told)
{
	int64_t until_ms = how->for_ms < 0 ? INT64_MAX : clock_monotonic_ms() + how->for_ms, counted_ms = 0;
	bool complained = false;

	if (count(session, left) < 0)
		return -1;
	told->waiting = left->waiting;
	for (;;) {
		int64_t wait = sender_step(sender), now_ms = clock_monotonic_ms();

		if (sender_trouble(sender) && !complained)
			log_warning("what waits cannot be sent just now: %s", sender_trouble(sender));
		complained = sender_trouble(sender) != NULL;
		if (interrupted || now_ms >= until_ms)
			return count(session, left);
		if (now_ms - counted_ms >= COUNT_EACH_MS || !sender_is_busy(sender)) {
			counted_ms = now_ms;
			if (count(session, left) < 0)
				return -1;
			if (is_over(sender, how, left))
				return 0;
			if (how->insist && say_progress(session, left, told) < 0)
				return -1;
		}
		loop_wait(session_loop(session), (int)shorter(wait, until_ms - now_ms));
	}
}

static int send_all(struct session *session, struct sender *sender, const struct deliver *how,
		    struct outgoing_counts *left)
{
	struct told told = {.time_ms = clock_monotonic_ms()};
	int result = send_until(session, sender, how, left, &told);

	free(told.line);
	return result;
}

int deliver(struct session *session, const struct deliver *how, struct outgoing_counts *left)
{
	struct sigaction action = {.sa_handler = on_signal}, interrupt, terminate;
	struct sender *sender = deliver_sender(session);

	if (!sender)
		return -1;
	interrupted = 0;
	loop_to_wake = session_loop(session);
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, &interrupt);
	sigaction(SIGTERM, &action, &terminate);
	int result = send_all(session, sender, how, left);
	sigaction(SIGINT, &interrupt, NULL);
	sigaction(SIGTERM, &terminate, NULL);
	sender_free(sender);
	return result;
}

static void say_what_is_left(const struct outgoing_counts *left)
{
	if (left->waiting == 0)
		return;
	log_warning("%" PRId64
		    " event%s %s not delivered yet%s: `rollcall observer queue` shows why, `rollcall observer "
		    "deliver` goes on",
		    left->waiting, left->waiting == 1 ? "" : "s", left->waiting == 1 ? "is" : "are",
		    left->dead > 0 ? ", some of them for days" : "");
}

void deliver_after_run(struct session *session, bool wait)
{
	const struct deliver how = {.for_ms = AFTER_RUN_MS};
	struct outgoing_counts left = {.waiting = 0};
	struct error kept = session->error;

	error_clear(&session->error);
	if (count(session, &left) == 0 && left.waiting > 0 && wait)
		deliver(session, &how, &left);
	if (session->error.kind != ERROR_NONE)
		log_warning("events may wait to be delivered: %s", session->error.text);
	else
		say_what_is_left(&left);
	session->error = kept;
}
