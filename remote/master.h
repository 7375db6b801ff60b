/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REMOTE_MASTER_H
#define REMOTE_MASTER_H
/*
 * Asking a cluster's master. A source is made from the cluster's master URLs; it finds and follows the leader (307 with
 * a scheme-relative Location, at most 5 hops, never in a circle), tries the next master when one does not answer as it
 * should, and gives whole, checked snapshots: never half of one, never parts from two leaders.
 *
 * A snapshot is asked for with a tag and comes back through master_next. The simulated cluster of tests/sim is another
 * implementation of the same operations.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "mesos/agent.h"
#include "remote/http.h"
#include "remote/loop.h"

enum master_want {
	WANT_AGENTS = 1 << 0, /* GET_AGENTS (protobuf where it is understood, JSON else; /slaves as the last resort) */
	WANT_TASKS = 1 << 1,  /* tasks and frameworks: GET_TASKS and GET_FRAMEWORKS, or /state */
	WANT_FACTS = 1 << 2,  /* GET_MASTER and /flags, or /state */
};

struct master_snapshot {
	int64_t asked_ms; /* clock_monotonic_ms when the first request left: the answer is not older than this */
	int64_t answered_ms;
	char *master;              /* URL of the leader that answered */
	struct agent_view *agents; /* sorted by ID, each ID once */
	size_t agent_count;
	struct task_view *tasks; /* all states a master lists as not completed, unreachable ones too */
	size_t task_count;
	struct task_view *completed; /* tasks that ended, as many as the master remembers */
	size_t completed_count;
	struct framework_view *frameworks; /* registered ones, connected or not */
	size_t framework_count;
	/* WANT_FACTS; its id also with WANT_TASKS. A figure that the master hides from us is 0. */
	struct master_facts facts;
};
void master_snapshot_free(struct master_snapshot *snapshot); /* NULL is fine */
/* NULL when the master does not list it; borrowed. */
const struct agent_view *master_snapshot_agent(const struct master_snapshot *snapshot, const char *id);

struct master_event {
	uint64_t tag;
	struct master_snapshot *snapshot; /* the receiver's; NULL on failure */
	/* ERROR_CORRUPT when a master answered nonsense, else ERROR_UNREACHABLE; names every URL that was tried and
	 * what was wrong with its answer. */
	struct error error;
};

struct master_source;
struct master_source_ops {
	void (*ask)(struct master_source *source, unsigned want, uint64_t tag);
	bool (*next)(struct master_source *source, struct master_event *event);
	void (*free)(struct master_source *source);
};
/* The first member of every implementation. */
struct master_source {
	const struct master_source_ops *ops;
};
/* want: enum master_want bits, at least one. Every ask gets one event, in the order in which they end. */
void master_ask(struct master_source *source, unsigned want, uint64_t tag);
bool master_next(struct master_source *source, struct master_event *event);
/* Forgets what is under way; NULL is fine. */
void master_source_free(struct master_source *source);

/* Over HTTP. urls (http://HOST:PORT, at least one) and http are borrowed for the source's life; timeout_ms is for each
 * request. */
struct master_source *master_http_new(struct http *http, const char *const *urls, size_t count, int64_t timeout_ms);

/* Asks and waits, for commands that do nothing else: events of other asks are thrown away. NULL with ERROR_UNREACHABLE
 * or ERROR_CORRUPT. */
struct master_snapshot *master_ask_now(struct master_source *source, struct loop *loop, unsigned want,
				       struct error *err);

#endif
