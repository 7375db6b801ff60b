/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REMOTE_MASTER_PARSE_H
#define REMOTE_MASTER_PARSE_H
/*
 * A master's answers to the plain values of mesos/agent.h. Answers are not trusted: whatever is wrong in one is
 * ERROR_CORRUPT with the URL and the place, and then nothing of it is used.
 *
 * Each of these takes one answer's body and adds what it says to a snapshot, item by item; none needs the
 * whole answer as one tree of messages, so that a body could also be fed in pieces.
 */
#include <jansson.h>
#include <stddef.h>

#include "base/error.h"
#include "remote/master.h"

struct master_body {
	const char *url; /* for messages */
	const char *data;
	size_t len;
};

/* GET_AGENTS in its two forms, and /slaves. */
int master_parse_agents_protobuf(const struct master_body *body, struct master_snapshot *snapshot, struct error *err);
int master_parse_agents_json(const struct master_body *body, struct master_snapshot *snapshot, struct error *err);
int master_parse_slaves(const struct master_body *body, struct master_snapshot *snapshot, struct error *err);

/* /state: tasks and frameworks, facts, or both (WANT_TASKS, WANT_FACTS). *flags_hidden: it has no flags. */
int master_parse_state(const struct master_body *body, unsigned want, struct master_snapshot *snapshot,
		       bool *flags_hidden, struct error *err);
/* /flags: the figures of the facts that are flags. */
int master_parse_flags(const struct master_body *body, struct master_snapshot *snapshot, struct error *err);

/* ---- for the parsers themselves */

/* Duplicate keys are allowed: /slaves has them. The caller owns the result, an object. */
json_t *master_json(const struct master_body *body, struct error *err);
/* One agent of GET_AGENTS as JSON. where: "agents[3]". */
int master_add_agent_json(const struct master_body *body, const char *where, const json_t *agent,
			  struct master_snapshot *snapshot, struct error *err);
/* Sorts the agents by ID; the same ID twice is ERROR_CORRUPT. */
int master_sort_agents(const struct master_body *body, struct master_snapshot *snapshot, struct error *err);
/* Seconds since 1970 as the master's JSON gives them, to nanoseconds. 0 when value is no number. */
int64_t master_seconds_to_ns(const json_t *value);

#endif
