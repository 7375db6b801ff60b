/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REMOTE_MASTER_PARSE_H
#define REMOTE_MASTER_PARSE_H
/*
 * A master's answers to the plain values of mesos/agent.h. Answers are not trusted: whatever is wrong in one is
 * ERROR_CORRUPT with the URL and the place, and then nothing of it is used.
 *
 * Each of these takes one answer's body and adds what it says to a snapshot, item by item; none needs the whole answer
 * as one tree of messages, so that a body could also be fed in pieces.
 */
#include <jansson.h>
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "remote/master.h"

struct master_body {
	const char *url; /* for messages */
	const char *data;
	size_t len;
	bool protobuf; /* of a call of the operator API: else JSON */
};

/* ---- calls of the operator API v1, in JSON or protobuf */

int master_parse_get_agents(const struct master_body *body, struct master_snapshot *snapshot, struct error *err);
int master_parse_get_tasks(const struct master_body *body, struct master_snapshot *snapshot, struct error *err);
int master_parse_get_frameworks(const struct master_body *body, struct master_snapshot *snapshot, struct error *err);
/* The facts that are no flags. */
int master_parse_get_master(const struct master_body *body, struct master_snapshot *snapshot, struct error *err);

/* ---- older endpoints, in JSON */

int master_parse_slaves(const struct master_body *body, struct master_snapshot *snapshot, struct error *err);
/* /state: tasks and frameworks, facts, or both (WANT_TASKS, WANT_FACTS). *flags_hidden: it has no flags. */
int master_parse_state(const struct master_body *body, unsigned want, struct master_snapshot *snapshot,
		       bool *flags_hidden, struct error *err);
/* /flags: the facts that are flags. */
int master_parse_flags(const struct master_body *body, struct master_snapshot *snapshot, struct error *err);

/* ---- for the parsers themselves */

/* Messages of one kind in an answer. add may move what it needs out of the message; where: "get_tasks.tasks[3]". */
struct master_items {
	const char *name; /* of the repeated field; NULL: the answer's one member itself */
	uint32_t number;
	const ProtobufCMessageDescriptor *descriptor;
	int (*add)(const struct master_body *body, const char *where, void *message, struct master_snapshot *snapshot,
		   struct error *err);
};
struct master_call {
	const char *type; /* "GET_TASKS" */
	int type_number;
	const char *member; /* "get_tasks" */
	uint32_t member_number;
	const struct master_items *items; /* until one with descriptor NULL */
};
int master_parse_call(const struct master_call *call, const struct master_body *body, struct master_snapshot *snapshot,
		      struct error *err);

/* Duplicate keys are allowed: /slaves has them. The caller owns the result, an object. */
json_t *master_json(const struct master_body *body, struct error *err);
/* A message from its JSON, added. */
int master_add_json(const struct master_items *items, const struct master_body *body, const char *where,
		    const json_t *object, struct master_snapshot *snapshot, struct error *err);
/* An agent of GET_AGENTS. */
extern const struct master_items master_agent_items[];
/* Sorts the agents by ID; the same ID twice is ERROR_CORRUPT. */
int master_sort_agents(const struct master_body *body, struct master_snapshot *snapshot, struct error *err);
/* Seconds since 1970 as the master gives them, to nanoseconds; 0 when that is no time. */
int64_t master_seconds_to_ns(double seconds);
/* The facts that are flags, from an object of flag name to text. */
int master_read_flags(const struct master_body *body, const json_t *flags, struct master_facts *facts,
		      struct error *err);

#endif
