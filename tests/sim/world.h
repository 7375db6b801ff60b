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
#include "protocol/operation.h"
#include "protocol/request.h"
#include "remote/master.h"
#include "remote/transport.h"
#include "tests/sim/faults.h"

enum task_state { TASK_ALIVE, TASK_DONE, TASK_KILLED, TASK_FORGOTTEN };

enum side { OLD = SIDE_OLD, NEW = SIDE_NEW };

struct sim_operation { /* one operation's folder in the host's journal */
	char id[RANDOM_ID_SIZE];
	struct operation_state state; /* as saved */
	bool turned;                  /* it belongs to the run before, whose new side is the old one now */
	int starts;
	int64_t began_ms;
	int began_boot;
	/* what really happened because of it */
	int forward_restarts, undo_stops; /* of a running agent */
	int new_starts;                   /* processes with the new flags before it was kept */
	bool registered[2];               /* by side: a process that was started after it began */
	bool discarded;                   /* its tasks were ended as planned */
	bool had_task;                    /* when it began */
	bool back;                        /* it is over, and the agent that runs is registered */
	char *request;
	struct sim_operation *next;
};

struct sim_host {
	struct world *world;
	size_t index;
	size_t position; /* in the plan; SIZE_MAX: it is not in it */

	/* the disk: survives everything */
	enum side checkpoint, flags;
	bool guard;
	int64_t epoch;
	struct sim_operation *operations;
	int meta_boot; /* the boot the agent wrote down when it last registered */

	/* the machine */
	bool up;
	int boot, planned_boot; /* as the plan saw it */
	int64_t booted_ms;      /* its clock begins there */
	int64_t full_until_ms;  /* nothing can be written on it */
	int64_t heard_until_ms; /* what it says later is not heard sooner */
	unsigned traits;

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
	uint64_t turn;         /* events of its loop of an older one are void */
	uint64_t exec;         /* who listens, 0: nobody */
	int listener;          /* and which process that is */
	uint64_t spoiled_exec; /* a conversation in which something was said that nobody understood */
	enum operation_word word;
	enum operation_step told;

	/* the master's record of it */
	bool active, listed;
	int64_t left_ms;
	int64_t registered_pid;
	int64_t reregistered_ns;
	enum side recorded;
	enum task_state task;
	int64_t task_shown_ms; /* the list of tasks lags behind the list of agents */
	bool has_new_id;
	bool awaited;                    /* it was there at the master before, and is not back at the new one */
	bool by_impostor;                /* another machine has registered with its ID */
	int64_t impostor_ms;             /* when one did last, 0: never */
	bool shown_away, shown_impostor; /* by the last answer that rollcall got */

	/* the judge's notes */
	int changed_for_good;   /* operations that ended DONE here */
	int64_t disturbed_ms;   /* when its agent last ended for a reason that is not rollcall's */
	struct run_agent row;   /* the ledger's last word on it */
	enum agent_state known; /* its state */
	uint64_t intent_commit; /* in which the intent of its last operation became durable */
	int64_t slot_from_ms, away_from_ms;
	int64_t known_ms;
	bool seen_stuck;               /* when the run was last resumed */
	bool must_be_asked;            /* it was open when rollcall was last started */
	bool asked;                    /* since then */
	bool told_failure;             /* rollcall has heard of it */
	int64_t told_ms;               /* when */
	bool seen_failure;             /* and the operator has, before he resumed */
	bool may_be_seen;              /* by whoever ordered a retry in the moment in which the run was to pause */
	bool sees_failure, sees_stuck; /* the same, as soon as his order is durable */
	uint64_t owed_keep;            /* the conversation on which "keep" is due */
	uint64_t talking;              /* the open conversation with rollcall, 0: none */
	bool applying;                 /* it began with an apply */
	int64_t hung_up_ms;            /* when the last one ended */
	int64_t heard_ms;              /* when rollcall was told `heard`, 0: the ledger has it, or it is void */
	enum answer_event heard;
	bool heard_at_end;      /* it was stuck by then */
	int64_t soaks_ms;       /* since when it soaks, by the world's clock */
	uint64_t failed_commit; /* in which it failed last */
	bool told_done;         /* rollcall was told that it was kept */
	int64_t frozen_until_ms;
	bool meddled_with;  /* somebody else has written its flags */
	int gates_passed;   /* gates after it that have passed since they were last asked */
	bool gates_due;     /* it is soaked, and the gates after it were not asked yet */
	int64_t unclear_ms; /* since when one of them has given no answer that settles it, 0: it has not */
	bool again;         /* it is to be tried again when it is settled */
	bool must_retry;    /* a person has ordered that it is tried again, and this state is left */
	enum agent_state failed_as;
	int64_t told_to_retry_ms;
	bool gate_failed;     /* the last one's answer */
	bool watched;         /* something about it may become overdue, or it may be away */
	bool is_failed;       /* rollcall has heard of it; it may have been tried again since */
	int64_t wrong_ms;     /* when it did */
	uint64_t wrong_since; /* the master's answers so far when it became visible that something is wrong for good */
};

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
	bool by_zone;                          /* one failure domain after the other */
	Mesos__SlaveInfo *info[2];             /* by side, shared by all hosts but for the ID */
	const char *run;                       /* its ID */
	struct ledger *ledger;                 /* as others than rollcall have it open: operators, and the judge */
	struct process process;                /* of rollcall, at work just now */
	bool taken_over;                       /* it has taken the run over from one that still lives */
	bool is_settled;                       /* the last one that did has come to its end, and was not killed */
	struct delivery *deliveries;
	struct sim_line *lines; /* on their way */
	uint64_t line_count;
	bool crashed;          /* it has, since the operator last resumed the run */
	int lives;             /* how often rollcall was started */
	int resumes;           /* how often the operator resumed a paused run */
	uint64_t commit_calls; /* moments at which rollcall could die */
	uint64_t dies_at;      /* it does at this one; 0: by chance */
	size_t largest;        /* fleet */
	size_t exactly;        /* so many agents; 0: as the seed says */
	int masters;           /* how many masters there have been */
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
	int in_a_row;            /* failures one after the other that nobody has seen */
	int in_a_row_before;     /* … before the commit that changed it last */
	uint64_t row_commit;     /* and which that is */
	size_t stages_passed;    /* as the ledger has it */
	char reason[240];        /* why the run is paused, as the operator was last told; "" */
	bool ordered_on;         /* an operator has ordered it to go on since the last commit */
	bool retried;            /* agents may have failed more than once */
	int *stage_gates_passed; /* by stage: since they were last asked */
	size_t *watched;         /* hosts that are */
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

/* ---- host.c: disk, supervisor, agent */
void host_init(struct world *world, size_t index);
/* Adds what the seed says is wrong with it. */
void host_draw_traits(struct sim_host *host);
void host_clear(struct sim_host *host);
void host_want_start(struct sim_host *host, int64_t delay_ms);
void host_kill_agent(struct sim_host *host);
void host_power_cut(struct sim_host *host);
/* A person was there: what could not start any more can, and is started. */
void host_repair(struct sim_host *host);
/* Every agent that runs finds the new master. */
void host_failover(struct sim_host *host);
/* A machine that was copied from it registers with its ID. */
void host_impersonate(struct sim_host *host);
/* Its agent stops where it is, for so long. */
void host_freeze(struct sim_host *host, int64_t ms);
/* Somebody puts the old flags back and restarts the agent if that changed anything. */
void host_meddle(struct sim_host *host);
/* After each thing that may end an operation's being away. */
void host_note_back(struct sim_host *host);

/* ---- host_operation.c */
const struct operation_ops *host_operation_ops(void);
struct sim_operation *host_find_operation(struct sim_host *host, const char *id);
struct sim_operation *host_open_operation(struct sim_host *host);
/* The latest of this run; every process of the agent that is younger is its doing. NULL: none. */
struct sim_operation *host_last_operation(const struct sim_host *host);

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
