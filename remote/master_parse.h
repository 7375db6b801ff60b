/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REMOTE_MASTER_PARSE_H
#define REMOTE_MASTER_PARSE_H
/*
 * A master's answers to the plain values of mesos/agent.h, read as they come: an answer's agents, tasks and frameworks are
 * handed to a taker one at a time, and no more than one of them is in memory. Answers are not trusted: whatever is wrong in one is
 * ERROR_CORRUPT with the URL and the place, and then nothing of it is to be used.
 *
 * For each answer: master_reader_new, master_reader_feed for every piece in order, master_reader_finish, master_reader_free.
 */
#include <jansson.h>
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "remote/json_split.h"
#include "remote/master.h"

/* What kind of answer it is. */
enum master_answer {
	ANSWER_GET_AGENTS, /* calls of the operator API v1, in JSON or protobuf */
	ANSWER_GET_TASKS,
	ANSWER_GET_FRAMEWORKS,
	ANSWER_GET_MASTER,
	ANSWER_SLAVES, /* older endpoints, in JSON */
	ANSWER_STATE,
	ANSWER_FLAGS,
	ANSWER_METRICS,
};

struct master_reading {
	enum master_answer answer;
	const char *url; /* for messages */
	bool protobuf;   /* of a call of the operator API: else JSON */
	unsigned want;   /* of ANSWER_STATE: WANT_TASKS, WANT_FACTS or both */
	const struct master_taker *taker;
	struct master_facts *facts; /* what the answer says of the master goes there */
	bool flags_hidden;          /* set by ANSWER_STATE: it has no flags */
};

/* reading is borrowed for the reader's life. */
struct master_reader;
struct master_reader *master_reader_new(struct master_reading *reading);
int master_reader_feed(struct master_reader *reader, const char *data, size_t len, struct error *err);
/* Once the answer is whole; only now is it known to be what it claims to be. */
int master_reader_finish(struct master_reader *reader, struct error *err);
void master_reader_free(struct master_reader *reader); /* NULL is fine */

/* All of it at once. */
int master_read_all(struct master_reading *reading, const char *data, size_t len, struct error *err);

/* ---- for the parsers themselves */

/* One item, as it came and as a message that add may take parts out of. where: "get_tasks.tasks[3]". */
struct master_item {
	const char *where;
	const void *raw;
	size_t raw_len;
	void *message;
};
/* Messages of one kind in an answer. */
struct master_items {
	const char *name; /* of the repeated field; NULL: the answer's one member itself */
	uint32_t number;
	const ProtobufCMessageDescriptor *descriptor;
	int (*add)(struct master_reading *reading, const struct master_item *item, struct error *err);
	bool known; /* the taker may know it already by its bytes */
};
struct master_call {
	const char *type; /* "GET_TASKS" */
	uint64_t type_number;
	const char *member; /* "get_tasks" */
	uint32_t member_number;
	const struct master_items *items; /* until one with descriptor NULL */
	/* How it is cut up in JSON: what is an item has the number of its row in items. */
	const struct json_split_rule *rules;
	size_t rule_count;
};
extern const struct master_call master_get_agents, master_get_tasks, master_get_frameworks, master_get_master;

/* Answers of the older endpoints. */
struct master_document {
	const struct json_split_rule *rules;
	size_t rule_count;
	const char *const *names; /* of the items, for messages: "slaves" */
	bool known;               /* the taker may know items already by their bytes */
	bool slaves;              /* item 0 is an agent of /slaves */
	int (*add)(struct master_reading *reading, int item, const char *where, const json_t *value,
		   const struct master_item *raw, struct error *err);
	/* Of what is left of the answer, an object. */
	int (*finish)(struct master_reading *reading, const json_t *rest, struct error *err);
};
extern const struct master_document master_slaves, master_state_tasks, master_state_facts, master_flags, master_metrics;

/* A message from its JSON, added. */
int master_add_json(const struct master_items *items, struct master_reading *reading, const struct master_item *raw,
		    const json_t *object, struct error *err);
/* An agent of GET_AGENTS; that of /slaves, whose attributes may not be all. */
int master_add_agent(struct master_reading *reading, const struct master_item *item, bool attributes_complete,
		     struct error *err);
/* An agent of the registry, by its ID, to whoever wants to know. */
int master_add_recovered(struct master_reading *reading, const char *id, struct error *err);
/* What a master calls text is: every string of the message is UTF-8. */
bool master_is_text(const ProtobufCMessage *message);
/* Seconds since 1970 as the master gives them, to nanoseconds; 0 when that is no time. */
int64_t master_seconds_to_ns(double seconds);
/* The facts that are flags, from an object of flag name to text. */
int master_read_flags(const struct master_reading *reading, const json_t *flags, struct error *err);

#endif
