/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_RESCUE_H
#define ORCHESTRATOR_RESCUE_H
/*
 * Agents that refuse to start since somebody changed their flags: found, shown as a proposal, and started again with their ID and tasks.
 *
 *   rescue_look     asks the master, chooses agents that it lists as inactive or no longer, and those where another database
 *                   left an operation open, and surveys their hosts: what would be done on each, or why nothing. Changes
 *                   nothing on any host
 *   rescue_carry_out   what the proposal says, a window of hosts at a time: intent, `agentctl rescue` or `settle`, proof
 *
 * A proposal has a hash over what it rests on (agents, checkpoints, flag stores, which side gives way). What is carried out is what
 * was shown under that hash, or nothing. Every act is an event in the ledger, and durable before its effect. Interrupted, it is looked
 * at again: operations are settled by their own ID, and what is done already is no longer in the proposal.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "inventory/agents.h"
#include "inventory/cluster.h"
#include "inventory/survey.h"
#include "mesos/slaveinfo.h"
#include "orchestrator/ledger/ledger.h"
#include "orchestrator/session.h"
#include "protocol/answer.h"
#include "protocol/request.h"

struct rescue_options {
	const char *where; /* NULL: every agent of the cluster */
	const char *since; /* as it was given, for commands to be pasted; NULL: the default */
	bool by_flags;     /* the flags give way, instead of the checkpoint */
	bool adopt;        /* hosts that another database has driven, too */
	int64_t parallel;  /* hosts at a time */
	int64_t since_ms;  /* wall clock: agents that are gone since before are left alone */
};

enum rescue_act {
	RESCUE_NONE,   /* why says why; runs: because there is nothing to rescue */
	RESCUE_START,  /* agentctl rescue */
	RESCUE_SETTLE, /* an operation was left open there: agentctl settle; then look again */
};

enum rescue_end { RESCUE_PENDING, RESCUE_DONE, RESCUE_FAILED, RESCUE_LOST };

struct rescue_host {
	struct agent_record *agent; /* borrowed */
	struct cluster_host host;
	enum rescue_act act;
	char *why;
	char *foreign;      /* the database that drives the host, which is not this one; NULL: none does */
	int64_t seen_epoch; /* of this database; 0: none, or nothing is to be done there */
	bool ahead;         /* that is more than this database has taken: it is a copy from before */
	bool runs;
	unsigned differs;                 /* enum slaveinfo_part */
	struct slaveinfo_changes changes; /* as the master will see them; none when the flags give way */
	struct request_expectation expect;
	char operation[RANDOM_ID_SIZE]; /* the open one, or the rescue's own */
	bool has_life;
	int64_t tasks, alive, left_least_ms, left_most_ms;
	char **task_ids; /* whose executors live */
	size_t task_count;

	/* while it is carried out; see carry_out.c */
	enum rescue_end end;
	char *said; /* how it ended, for people */
	uint64_t exec;
	bool started, returned;
	bool settled; /* its operation has ended, without a start that was told of: the master is asked what that is worth */
	bool remains;   /* the same, and by agentctl's last word the agent runs */
	bool ended;     /* its operation was kept although no agent runs with it, and said says why */
	bool has_final; /* agentctl has said how it ended: */
	enum answer_event final;
	int64_t started_ms; /* monotonic: when that was heard */
	char *id_after;     /* as the master lists it; NULL: not proven */
	bool judged;        /* a proof was taken, so that tasks_running is known */
	size_t tasks_running;
	json_t *changed; /* for observers: what the master shows of it, as in its latest answer; NULL: nothing has changed */
};

struct rescue {
	struct session *session;
	struct rescue_options options;
	struct agent_list listed, gone;
	struct master_facts facts;
	bool has_facts;
	struct rescue_host *hosts; /* by hostname */
	size_t count;
	int64_t newest_epoch;       /* of this database */
	char hash[DIGEST_HEX_SIZE]; /* of the proposal */
};

/* -1 with session->error. rescue is to be cleared whatever comes back. */
int rescue_look(struct rescue *rescue, struct session *session, const struct rescue_options *options);
void rescue_clear(struct rescue *rescue);

/* How many would be acted on, how many of them only with adopt (another database's; this one's own
 * from after it was copied), and how many cannot be although they do not run. */
size_t rescue_count_acts(const struct rescue *rescue);
size_t rescue_count_foreign(const struct rescue *rescue);
size_t rescue_count_ahead(const struct rescue *rescue);
size_t rescue_count_refused(const struct rescue *rescue);
bool rescue_host_is_refused(const struct rescue_host *host);

/* 0: whatever became of each host, it is in hosts. -1: session->error; ERROR_INTERRUPTED after Ctrl-C. */
int rescue_carry_out(struct rescue *rescue);

/* For people, and for programs (schema/rescue.schema.json). */
void rescue_print(const struct rescue *rescue, bool carried_out);
json_t *rescue_changes_to_json(const struct rescue_host *host);
json_t *rescue_to_json(const struct rescue *rescue, bool carried_out);

/* The command that shows this rescue (again), or with yes the one that carries out what was shown; to be pasted. The caller's. */
char *rescue_command(const struct rescue *rescue, bool yes);
/* What a person does about a host that was acted on, now that it has ended as it has; NULL: nothing. The caller's. */
char *rescue_next(const struct rescue *rescue, const struct rescue_host *host);

/* ---- what the files share */

/* In the ledger, the hosts' journals, the lock, and the name of its report: "rescue-0123456789ab". */
#define RESCUE_NAME_SIZE 32
void rescue_name(const struct rescue *rescue, char out[RESCUE_NAME_SIZE]);

/* Is an operation open there that nobody may be left to finish: another database's, or one that this one, restored from a copy, does
 * not know? 1, 0, -1. */
int rescue_has_orphan(struct store *store, const struct survey *survey, struct error *err);

/* What would be done on one host, by what its survey says. Fills act and all that the proposal shows. */
int rescue_judge(struct rescue *rescue, struct rescue_host *host);

#endif
