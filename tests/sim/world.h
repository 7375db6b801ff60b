/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H
/*
 * A cluster that lives in one process, from one seed: hosts with disks, supervisors, agents and agentctl; a master; an operator
 * who resumes; a clock that jumps from event to event. The engine, the driver, the ledger's chain, the proof and the operation's step
 * machine in it are the real ones. Everything that happens is drawn from the seed, so a seed replays exactly.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "orchestrator/driver/driver.h"
#include "orchestrator/ledger/ledger.h"
#include "orchestrator/plan/plan.h"
#include "protocol/request.h"
#include "remote/master.h"
#include "remote/transport.h"
#include "tests/sim/faults.h"
#include "tests/sim/host.h"

struct sim_event {
	int64_t at;
	uint64_t order;
	void (*act)(struct world *world, struct sim_host *host, int generation, uint64_t detail);
	struct sim_host *host;
	int generation;
	uint64_t detail;
};

struct process {    /* of rollcall */
	int number; /* how many there have been */
	struct ledger *ledger;
	struct transport *transport;
	struct master_source *master;
	struct sim_gate *gates; /* that it has asked */
	size_t gate_count;
	size_t *exec_hosts; /* whom each of its conversations is with, by its number */
	size_t exec_cap;
	int interrupts;        /* so often Ctrl-C was pressed */
	bool dying;            /* it is to die at this commit */
	bool drives;           /* its epoch is durable */
	bool superseded;       /* somebody else drives the run by now: it may do nothing any more */
	bool ordered_to_abort; /* an operator has, since it was started */
};

/* Zones and stages are few. */
#define PARTS_MAX 64

/* Numbers of agents: in the run, and in each of its parts. */
struct sim_rows {
	int run, stage[PARTS_MAX], domain[PARTS_MAX];
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

	struct plan first_plan;                /* of the whole fleet, by index */
	struct transport_target *targets;      /* the same */
	struct plan plan;                      /* that is carried out: the first one, or its inverse */
	struct transport_target *plan_targets; /* by position */
	size_t *order;                         /* by position, whose it is */
	const char *flag_values[2];            /* by side */
	bool same_info;                        /* only flags change */
	bool discards;                         /* tasks end */
	bool native;                           /* the agents know the proposal's flags */
	bool by_zone;                          /* one failure domain after the other */
	Mesos__SlaveInfo *info[2];             /* by side, shared by all hosts but for the ID */
	Mesos__SlaveInfo *figures[2];          /* the same with an agent's own figures */
	const char *run;                       /* its ID */
	struct ledger *ledger;                 /* as others than rollcall have it open: operators, and the judge */
	struct process process;                /* of rollcall, at work just now */
	bool taken_over;                       /* it has taken the run over from one that still lives */
	bool is_settled;                       /* the last one that did has come to its end, and was not killed */
	struct delivery *deliveries;
	struct sim_line *lines; /* on their way */
	uint64_t line_count;
	struct ledger *copy; /* of the ledger, to be restored from; NULL: none */
	const char *copied_run;
	uint64_t copied_at, restored_at; /* by commits of the judge's; 0: never */
	bool was_restored, adopts;       /* the ledger; this rollcall goes above the epochs that the hosts have seen */
	bool crashed;                    /* it has, since the operator last resumed the run */
	int lives;                       /* how often rollcall was started */
	int resumes;                     /* how often the operator resumed a paused run */
	uint64_t commit_calls;           /* moments at which rollcall could die */
	uint64_t dies_at;                /* it does at this one; 0: by chance */
	size_t largest;                  /* fleet */
	size_t exactly;                  /* so many agents; 0: as the seed says */
	int masters;                     /* how many masters there have been */
	bool master_is_old;              /* this one keeps its record of an agent that it knows */
	int64_t master_ahead_ms;
	size_t shown_agents;   /* that the last answer has shown, and those that are gone */
	int64_t slow_until_ms; /* its answers take seconds */
	int64_t outage_until_ms;
	int64_t stale_until_ms; /* until then the master shows stale_hosts */
	struct sim_host *stale_hosts;
	int stale_masters;
	int awaiting;            /* the process that has seen who was there at the master before */
	int64_t leader_shown_ms; /* when it was first shown the master that leads now */
	int64_t failover_ms;     /* when the last master was elected */
	int64_t waited_ms;       /* when rollcall last waited */
	int spins;               /* how often since then without time passing */
	int64_t wall_offset_ms;
	int64_t idle_ms; /* time in which no rollcall was at work, or another one: no run need have ended by then */

	/* the judge's notes */
	uint64_t commits;
	uint64_t paused_at;    /* the commit that paused the run, 0: it runs */
	int64_t life_began_ms; /* moved on by what it was stopped for */
	int64_t answered_ms;   /* the master's last answer */
	uint64_t answers;      /* how many it gave that were of then */
	int64_t checking_ms;   /* since when somebody waits for one, 0: nobody */
	bool was_aborted;
	struct sim_rows rows;        /* failures one after the other that nobody has seen */
	struct sim_rows rows_before; /* … before the commit that changed them last */
	uint64_t row_commit;         /* and which that is */
	size_t stages_passed;        /* as the ledger has it */
	char reason[240];            /* why the run is paused, as the operator was last told; "" */
	bool ordered_on;             /* an operator has ordered it to go on since the last commit */
	bool retried;                /* agents may have failed more than once */
	int *stage_gates_passed;     /* by stage: since they were last asked */
	size_t *watched;             /* hosts that are */
	size_t watched_count;
	int64_t judged_ms; /* when they were last gone through */
	size_t *failed;    /* hosts that are */
	size_t failed_count;
	int64_t *slot_ms,
		*away_ms;   /* by host: how long it held a place in the window, and was away; NULL: nobody asks */
	bool whole_answers; /* the master names the tasks of all agents, not only of those that are looked at */
	bool measures;      /* the processor's time is taken */
	int64_t own_ns;     /* of it, what rollcall took, and not the world or the judge */
	int depth;          /* 0: rollcall is at work; else it is the world, called so often inside itself */

	char violation[512]; /* the first one; "" when all is well */
	uint64_t trace;      /* digest of what happened, to see that a seed replays */
	bool verbose;
};

/* ---- stopwatch.c: what rollcall itself takes of the processor's time. Around everything of the world that it calls. */
void world_enter(struct world *world);
void world_leave(struct world *world);

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

/* ---- scenario.c */
enum family {
	CRASHES_ONLY, /* of rollcall: what comes out must be the same as without */
	EVERYTHING,
};
void scenario_build(struct world *world, enum family family);
void scenario_clear(struct world *world);

/* By its position in the plan. */
struct sim_host *world_host(struct world *world, size_t position);

/* ---- turn.c: the run that takes the first one back. false: there is nothing to take back. From then on "new" is what was old. */
bool scenario_turn(struct world *world);

/* ---- trouble.c: what happens at some moment of the run, whatever rollcall does */
void trouble_plan(struct world *world);
/* An operator orders it from another terminal. */
void trouble_order(struct world *world, const char *verb);
/* After two hours nothing fails any more. */
void trouble_end(struct world *world);

/* ---- restore.c: in one scenario of ten the ledger is lost between two rollcalls, and restored from an older copy of it */
void restore_plan(struct world *world);
void restore_note_commit(struct world *world);
/* ended: nobody will drive the run any more. */
bool restore_is_due(const struct world *world, bool ended);
void restore_copy(struct world *world);
int64_t restore_ms(struct world *world); /* how long that takes */
/* A rollcall is started, which may be told to adopt. */
void restore_resume(struct world *world);
void restore_forget(struct world *world);

/* ---- run.c */
/* Drives the run until it is done, or paused and the operator has resumed it often enough. */
void scenario_run(struct world *world);
/* The clock that rollcall goes by. */
int64_t run_clock(const struct world *world);

/* ---- gates.c */
struct sim_gate {
	uint64_t tag;
	struct sim_host *host; /* NULL: of a stage */
	int stage, number;
	enum gate_answer answer;
	bool answered;
};
void sim_gate_start(void *ctx, uint64_t tag, const struct gate_question *question);
bool sim_gate_next(void *ctx, struct gate_result *out);
void sim_gate_cancel(void *ctx, uint64_t tag);

/* ---- agentctl.c: the conversations */
struct delivery { /* a request on its way: it may arrive although its connection is already lost */
	uint64_t exec;
	int life; /* of rollcall: a later life has execs of the same number */
	struct sim_host *host;
	struct request request;
	char *bytes;
	bool late;
	struct delivery *next;
};
void agentctl_on_apply(struct world *world, struct sim_host *host, const struct delivery *delivery);
void agentctl_on_settle(struct world *world, struct sim_host *host, const struct delivery *delivery);
void agentctl_refuse(struct sim_host *host, uint64_t exec, const char *reason);
void agentctl_take_lock(struct sim_host *host, struct sim_operation *op, uint64_t exec);
void agentctl_drive(struct sim_host *host);
/* mishaps.c: what befalls the operation that has just begun. */
void agentctl_draw_mishaps(struct sim_host *host);
/* … its amendment, or before its clean-up; and its agent, when agentctl has just been killed. */
void agentctl_disturb_moment(struct sim_host *host);
void agentctl_kill_agent_too(struct sim_host *host);
void agentctl_disturb_rescue(struct sim_host *host);
/* ---- agentctl_rescue.c: a person will come, as often as it takes, and rescue its agent if that refuses to start. */
void agentctl_call_for_rescue(struct sim_host *host);
/* The machine has booted: who sees that may settle what a rescue has left there. */
void agentctl_call_after_boot(struct sim_host *host);
/* The run is over: whoever has begun one ends it. */
void agentctl_end_rescues(struct world *world);
void agentctl_wake(struct sim_host *host);
void agentctl_die(struct sim_host *host); /* kill -9 of agentctl and, unless its parent lives, nobody settles */

/* ---- speech.c: what agentctl says, on its way; nothing happens when nobody listens */
struct told {
	enum answer_event event;
	bool runs;    /* the agent, when it was said */
	bool open;    /* the operation */
	bool spoiled; /* nobody can understand it */
};
/* operation: what the line is about, NULL: it does not say. */
void speech_say(struct sim_host *host, const char *text, const char *operation, const struct told *told);
void speech_end(struct sim_host *host, int status); /* -1: agentctl was killed */
void speech_forget(struct world *world);

/* ---- network.c: requests on their way */
void network_attach(struct world *world); /* makes world->transport */
void network_forget(struct world *world);

/* ---- master.c */
struct master_source *sim_master_new(struct world *world);
/* For so long its answers are those of now. */
void sim_master_freeze(struct world *world, int64_t ms);
/* Time passes for the master: who was silent too long is no longer listed. */
bool sim_master_lists(const struct sim_host *host);

#endif
