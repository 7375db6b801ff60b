/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTOCOL_REQUEST_H
#define PROTOCOL_REQUEST_H
/*
 * What rollcall asks of agentctl. A request is one JSON document; its bytes are made once, stored with the intent, and
 * re-sent unchanged. On agentctl's stdin it is framed: "rollcall 1 <length> <sha256 hex>\n" and then the bytes.
 * After an apply's or settle's request the same stdin carries words, one per line: "keep" or "undo".
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/digest.h"
#include "base/error.h"
#include "mesos/flags.h"
#include "mesos/host.h"
#include "mesos/slaveinfo.h"

#define REQUEST_FORMAT 1
/* A request holds one SlaveInfo and some flags; an order of magnitude above the largest checkpoint we accept. */
#define REQUEST_MAX    (16u << 20)

enum mechanism {
	MECHANISM_RESTART, /* the SlaveInfo stays: flags and a restart */
	MECHANISM_RELAX,   /* agentctl rewrites the checkpoint */
	MECHANISM_NATIVE,  /* the agent has the proposal's flags */
	MECHANISM_DISCARD, /* keep the ID, end the tasks */
};
const char *mechanism_name(enum mechanism mechanism);
int mechanism_parse(const char *text, enum mechanism *out, struct error *err);

enum request_kind { REQUEST_INSPECT, REQUEST_APPLY, REQUEST_SETTLE, REQUEST_RESCUE };

/* What the plan saw; apply refuses when the host is no longer so. NULL: not checked. */
struct request_expectation {
	char *agent_id;
	char *boot_id;
	char *agent_version;
	char *checkpoint_sha256; /* of slave.info's bytes */
	char *store_sha256;      /* of the flag store, as inspect reported it */
};

struct flag_edit {
	char *name;
	char *value; /* NULL: the flag is removed */
};

/* What the host cannot know of its master, and what would make the master ignore the agent. */
struct request_master {
	bool known; /* false: not handed in */
	bool has_domain, require_domain;
	char **refused_roles; /* whose static reservation the master's ACL allows no agent */
	size_t refused_role_count;
};

struct request {
	enum request_kind kind;
	struct host_settings host;

	/* apply, settle and rescue */
	char operation[RANDOM_ID_SIZE];
	char *database; /* UUID of the database that drives */
	int64_t epoch;
	bool adopt;       /* take a host over from another database */
	char *run;        /* for people who read the journal */
	char *chain_head; /* SHA-256 hex of the ledger's last event: the host's journal is a witness */

	/* settle: status only, or also stay and take a word */
	bool status_only;

	/* rescue: also expect and the two timeouts below */
	bool by_flags; /* the flags give way, instead of the checkpoint */

	/* apply */
	enum mechanism mechanism;
	unsigned ignore; /* enum slaveinfo_part bits that may differ */
	struct request_expectation expect;
	struct flag_edit *edits;
	size_t edit_count;
	Mesos__SlaveInfo *target;           /* what the agent must become; NULL with MECHANISM_RESTART */
	bool allow_task_loss;               /* tasks that a restart ends may end */
	bool allow_port_change;             /* the agent may come back with another port */
	bool hold_configuration_management; /* what would write the flag store must not run meanwhile */
	bool recover_state;                 /* false with MECHANISM_NATIVE only: it ends the agent's tasks */
	struct request_master master;
	int64_t start_timeout_ms;   /* the agent's process must be there by then, else undo */
	int64_t verdict_timeout_ms; /* without a word by then agentctl decides by what it sees on the host */
};

void request_init(struct request *request, enum request_kind kind);
void request_clear(struct request *request);

/* The document's bytes. */
void request_write(const struct request *request, struct buffer *out);
/* Strict: unknown keys, wrong kinds and missing members are ERROR_USAGE. */
int request_parse(const void *bytes, size_t len, struct request *out, struct error *err);

/* "rollcall 1 <len> <sha256>\n" + bytes, appended to out. */
void request_frame(const void *bytes, size_t len, struct buffer *out);
/* Reads one framed request from fd into bytes (checks the digest); leaves what follows unread. */
int request_read(int fd, struct buffer *bytes, struct error *err);

#endif
