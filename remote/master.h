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
#include "mesos/agent_packed.h"
#include "remote/http.h"
#include "remote/loop.h"

enum master_want {
	WANT_AGENTS = 1 << 0, /* GET_AGENTS (protobuf where it is understood, JSON else; /slaves as the last resort) */
	WANT_TASKS = 1 << 1,  /* tasks and frameworks: GET_TASKS and GET_FRAMEWORKS, or /state */
	WANT_FACTS = 1 << 2,  /* GET_MASTER and /flags, or /state */
	/* With the first two: agents, tasks and frameworks stay outside of memory, in the snapshot's spool. */
	WANT_SPOOL = 1 << 3,
	WANT_COUNTS = 1 << 4, /* facts.agent_count and task_count: /metrics/snapshot */
};

struct master_snapshot {
	int64_t asked_ms; /* clock_monotonic_ms when the first request left: the answer is not older than this */
	int64_t answered_ms;
	int64_t date_ms;           /* the leader's own clock when it answered, in whole seconds; 0: it does not say */
	char *master;              /* URL of the leader that answered */
	struct agent_view *agents; /* sorted by ID, each ID once */
	size_t agent_count;
	/* IDs of agents that this leader knows from its registry and that have not come back since it leads, in no order. */
	char **recovered;
	size_t recovered_count;
	struct task_view *tasks; /* all states a master lists as not completed, unreachable ones too */
	size_t task_count;
	struct task_view *completed; /* tasks that ended, as many as the master remembers */
	size_t completed_count;
	struct framework_view *frameworks; /* registered ones, connected or not */
	size_t framework_count;
	/* WANT_FACTS; its id also with WANT_TASKS. A figure that the master hides from us is 0. */
	struct master_facts facts;
	struct master_spool *spool; /* WANT_SPOOL: in place of the arrays above (remote/master_spool.h) */
};
void master_snapshot_free(struct master_snapshot *snapshot); /* NULL is fine */
/* NULL when the master does not list it; borrowed. */
const struct agent_view *master_snapshot_agent(const struct master_snapshot *snapshot, const char *id);

/* Who is handed a master's answer, item by item. What it wants to keep of a view it moves out; the rest is cleared afterwards. raw:
 * the item as it came, without what changes all the time; the same for the same state of an agent. */
struct master_taker {
	void *ctx;
	bool (*known)(void *ctx, const void *raw, size_t len); /* true: the agent need not be parsed; may be NULL */
	int (*agent)(void *ctx, struct agent_view *view, const void *raw, size_t len, struct error *err);
	/* For who stores agents: called in agent's place where the answer allows it; may be NULL. */
	int (*packed)(void *ctx, const struct agent_packed *agent, const void *raw, size_t len, struct error *err);
	int (*task)(void *ctx, struct task_view *task, bool completed, struct error *err);
	int (*framework)(void *ctx, struct framework_view *framework, struct error *err);
	/* An agent that the leader knows from its registry and that has not come back since it leads; may be NULL. */
	int (*recovered)(void *ctx, const char *id, struct error *err);
};
/* Fills a snapshot's arrays; master_snapshot_settle sorts the agents, and an ID that is there twice is ERROR_CORRUPT. */
struct master_taker master_snapshot_taker(struct master_snapshot *snapshot);
int master_snapshot_settle(struct master_snapshot *snapshot, struct error *err);

struct master_event {
	uint64_t tag;
	struct master_snapshot *snapshot; /* the receiver's; NULL on failure */
	/* ERROR_CORRUPT when a master answered nonsense, else ERROR_UNREACHABLE; names every URL that was tried and
	 * what was wrong with its answer. */
	struct error error;
};

/* One master of the cluster, asked by itself: also those that do not lead. */
struct master_report {
	char *url;
	bool leads;
	/* A master that does not lead says its version and flags; what it can do and its ID are then known where ZooKeeper
	 * has them, and else agent_update is concluded from its version. */
	struct master_facts facts;
	struct error error; /* ERROR_NONE: the facts are there */
};
struct master_roll {
	struct master_report *items; /* in the order of the URLs, or of the election */
	size_t count;
};
void master_roll_clear(struct master_roll *roll);

struct master_source;
struct master_source_ops {
	void (*ask)(struct master_source *source, unsigned want, uint64_t tag);
	bool (*next)(struct master_source *source, struct master_event *event);
	void (*free)(struct master_source *source);
	/* As master_ask_all, the leader aside, whose report has an error when it was not to be found. NULL: there are no
	 * other masters. */
	int (*ask_others)(struct master_source *source, struct loop *loop, const struct master_report *leader,
			  struct master_roll *out, struct error *err);
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

/* Where a cluster's masters are, and how they want to be asked. Borrowed for the source's life. */
struct master_options {
	struct http *http;
	const char *const *urls; /* http://HOST:PORT; none when zookeeper is set */
	size_t url_count;
	const char *zookeeper;             /* "zk://HOST:PORT,HOST:PORT/PATH"; NULL: urls */
	const char *zookeeper_credentials; /* "USER:PASSWORD"; NULL: none */
	bool tls;                          /* masters found in ZooKeeper are asked with https:// */
	const struct http_access *access;  /* NULL: none is needed */
	int64_t timeout_ms;                /* for each request; and for all attempts together, as far as new ones go */
	/* How often the masters are asked when none of them answers as it should, with pauses between that grow; 0 is 1. */
	int attempts;
};
struct master_source *master_open(struct loop *loop, const struct master_options *options, struct error *err);
/* The same with URLs alone, which are borrowed for the source's life, and one attempt. */
struct master_source *master_http_new(struct http *http, const char *const *urls, size_t count, int64_t timeout_ms);

/* Asks and waits, for commands that do nothing else: events of other asks are thrown away. NULL with ERROR_UNREACHABLE
 * or ERROR_CORRUPT. */
struct master_snapshot *master_ask_now(struct master_source *source, struct loop *loop, unsigned want,
				       struct error *err);

/* Asks every master there is by itself, and waits. A master that cannot be asked has its error in its report; -1 only when it
 * is not even known which masters there are. */
int master_ask_all(struct master_source *source, struct loop *loop, struct master_roll *out, struct error *err);

#endif
