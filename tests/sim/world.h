/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H
/*
 * A cluster that lives in one process, from one seed: hosts with disks, supervisors, agents and agentctl; a master; a
 * clock that jumps from event to event. The engine, the driver, the ledger's chain, the proof and the operation's step
 * machine in it are the real ones. Everything that happens is drawn from the seed, so a seed replays exactly.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "orchestrator/driver.h"
#include "orchestrator/ledger.h"
#include "orchestrator/plan.h"
#include "protocol/operation.h"
#include "remote/master.h"
#include "remote/transport.h"

/* What may go wrong in a scenario; probabilities in 1/1000 of the occasions named. */
struct faults {
	int rollcall_crash;  /* per commit, before or after it became durable */
	int agentctl_crash;  /* per call of an operation's ops function */
	int parent_dies_too; /* of those crashes */
	int power_cut;       /* per operation, at some moment of it */
	int connection_lost; /* per conversation, at some moment of it */
	int late_request;    /* of lost conversations: the request arrives after all, later */
	int refused;         /* per connection */
	int new_state_fails; /* per host: its agent ends soon after a start with the new flags */
	int new_state_hangs; /* per host: its agent never registers with the new flags */
	int agent_crash;     /* per host: its agent ends at some moment of the run */
	int master_silent;   /* per question */
};

enum side { OLD = SIDE_OLD, NEW = SIDE_NEW };

struct sim_operation { /* one operation's folder in the host's journal */
	char id[RANDOM_ID_SIZE];
	struct operation_state state; /* as saved */
	int starts;
	int forward_restarts, undo_starts; /* what really happened to the agent because of it */
	char *request;
	struct sim_operation *next;
};

struct sim_host {
	struct world *world;
	size_t index;

	/* the disk: survives everything */
	enum side checkpoint, flags;
	bool guard;
	int64_t epoch;
	struct sim_operation *operations;
	int meta_boot; /* the boot the agent wrote down when it last registered */

	/* the machine */
	bool up;
	int boot;
	bool fails_with_new, hangs_with_new;

	/* the agent, and who starts it */
	int64_t pid; /* 0: none runs */
	int64_t started_ms;
	enum side running_flags;
	bool wanted;       /* the supervisor is to start it */
	bool start_failed; /* the supervisor has given up */
	int failures;      /* starts in a row that ended soon */
	int life;          /* generation of the process: events of an older one are void */
	int start_generation;
	int64_t start_tried_ms;

	/* agentctl: at most one has the lock */
	bool locked;
	struct operation operation;
	struct sim_operation *current;
	int agentctl_life;
	uint64_t exec; /* who listens, 0: nobody */
	enum operation_word word;
	enum operation_step told;

	/* the master's record of it */
	bool active;
	int64_t left_ms;
	int64_t reregistered_ns;
	enum side recorded;
	int tasks_alive_since_boot; /* the boot its tasks were started in */

	/* the judge's notes */
	int changed_for_good; /* operations that ended DONE here */
};

struct sim_event {
	int64_t at;
	uint64_t order;
	void (*act)(struct world *world, struct sim_host *host, int generation, uint64_t detail);
	struct sim_host *host;
	int generation;
	uint64_t detail;
};

struct world {
	uint64_t seed, random;
	int64_t now;
	struct sim_event *events; /* a heap, soonest first */
	size_t event_count, event_cap;
	uint64_t next_order;

	struct faults faults;
	bool faults_over; /* from some moment on nothing fails any more, so the run must end */
	struct sim_host *hosts;
	size_t host_count;
	int64_t last_pid;

	struct plan plan;
	struct transport_target *targets;
	Mesos__SlaveInfo *info[2]; /* by side, shared by all hosts but for the ID */
	struct ledger *ledger;
	struct transport *transport;
	struct master_source *master;
	struct delivery *deliveries;
	bool dying;            /* rollcall is to die at this commit */
	int lives;             /* how often rollcall was started */
	int failures_reported; /* hosts that have told rollcall of a failure, at an earlier time than now */

	char violation[512]; /* the first one; "" when all is well */
	uint64_t trace;      /* digest of what happened, to see that a seed replays */
	bool verbose;
};

/* ---- world.c */
void world_init(struct world *world, uint64_t seed);
void world_clear(struct world *world);
uint64_t world_random(struct world *world);
/* low..high, both included. */
int64_t world_between(struct world *world, int64_t low, int64_t high);
/* true in `permille` of 1000 cases; never once faults are over. */
bool world_fault(struct world *world, int permille);
void world_at(struct world *world, int64_t delay_ms,
	      void (*act)(struct world *world, struct sim_host *host, int generation, uint64_t detail),
	      struct sim_host *host, int generation, uint64_t detail);
/* Runs what is due until `until` or the first event that something listens to. */
void world_advance(struct world *world, int64_t until);
void world_violation(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
void world_say(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- host.c: disk, supervisor, agent */
void host_init(struct world *world, size_t index);
void host_clear(struct sim_host *host);
void host_want_start(struct sim_host *host, int64_t delay_ms);
void host_kill_agent(struct sim_host *host);
void host_power_cut(struct sim_host *host);
const struct operation_ops *host_operation_ops(void);
struct sim_operation *host_find_operation(struct sim_host *host, const char *id);
struct sim_operation *host_open_operation(struct sim_host *host);

/* ---- agentctl.c: the conversations */
void agentctl_attach(struct world *world); /* makes world->transport */
void agentctl_die(struct sim_host *host);  /* kill -9 of agentctl and, unless its parent lives, nobody settles */

void agentctl_forget_deliveries(struct world *world);

/* ---- master.c */
struct master_source *sim_master_new(struct world *world);
/* Time passes for the master: who was silent too long is no longer listed. */
bool sim_master_lists(const struct sim_host *host);

/* ---- judge.c: invariants, from the hosts' disks and processes */
void judge_intent(struct world *world, struct sim_host *host, const char *operation, const char *request);
void judge_start(struct world *world, struct sim_host *host);
void judge_end(struct world *world);

#endif
