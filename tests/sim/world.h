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

/* What may go wrong in a scenario; probabilities in 1/1000 of the occasions named. */
struct faults {
	int rollcall_crash;  /* per commit, before or after it became durable */
	int rollcall_stall;  /* per wait: the process is stopped for seconds or minutes */
	int agentctl_crash;  /* per call of an operation's ops function */
	int parent_dies_too; /* of those crashes */
	int power_cut;       /* per operation, at some moment of it */
	int connection_lost; /* per conversation, at some moment of it */
	int late_request;    /* of lost conversations: the request arrives after all, later */
	int refused;         /* per connection */
	int agentctl_hangs;  /* per operation: for minutes at some step */
	int effect_fails;    /* per call of an operation's ops function: a full disk, a supervisor that says no */
	int master_silent;   /* per question */
	int master_outage;   /* per run: for up to some minutes */
	int failover;        /* per run: another master, which every agent must find */
	int trait;           /* per host and trait: what is wrong with it from the beginning */
	unsigned traits;     /* of these */
	int agent_crash;     /* per host: its agent ends at some moment of the run */
	int taken_over;      /* per host: somebody with a newer epoch has been there, at some moment of the run */
	int hangs;           /* per connection: nobody ever answers on it */
	int freeze;          /* per host: its agent answers no pings for minutes, at some moment of the run */
	int meddling;        /* per host: configuration management puts the flags back, at some moment of the run */
	int gate_unclear;    /* per gate that is asked: no answer that settles it */
	int gate_silent;     /* per gate that is asked: no answer at all */
	int orders;          /* so many orders of operators, at some moments of the run */
	int interrupts;      /* so many Ctrl-C */
};

/* What is wrong with a host, or only odd about it. */
enum trait {
	FAILS_WITH_NEW = 1 << 0, /* its agent ends soon after a start with the new flags */
	HANGS_WITH_NEW = 1 << 1, /* its agent never registers with the new flags */
	LOSES_TASKS = 1 << 2,    /* its executors do not find the restarted agent */
	TASKS_VANISH = 1 << 3,   /* the same, and the master forgets them */
	TASKS_END = 1 << 4,      /* its task is done while the agent is away: nobody's fault */
	GETS_NEW_ID = 1 << 5,    /* somebody has removed the latest link */
	RECORD_STAYS = 1 << 6,   /* the master does not store the new SlaveInfo */
	CANNOT_GO_BACK = 1 << 7, /* fails with the new flags, soon or late, and then nothing starts any more */
	REFUSES = 1 << 8,        /* its checkpoint is not what the plan saw */
	MOVED = 1 << 9,          /* its address is not what the plan saw */
	DEACTIVATED = 1 << 10,   /* by an operator, before the run */
	FAILS_LATE = 1 << 11,    /* its agent registers with the new flags and ends soon after */
	IS_DEAF = 1 << 12,       /* whatever asks it to change something gets lost */
	IS_SLOW = 1 << 13,       /* its agent takes a minute or two to recover */
	FLAPS = 1 << 14,         /* its agent loses the master once more soon after it has registered */
	FAILS_GATES = 1 << 15,   /* a gate after it fails */
};
#define TRAITS 16

enum task_state { TASK_ALIVE, TASK_DONE, TASK_KILLED, TASK_FORGOTTEN };

enum side { OLD = SIDE_OLD, NEW = SIDE_NEW };

struct sim_operation { /* one operation's folder in the host's journal */
	char id[RANDOM_ID_SIZE];
	struct operation_state state; /* as saved */
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

	/* the disk: survives everything */
	enum side checkpoint, flags;
	bool guard;
	int64_t epoch;
	struct sim_operation *operations;
	int meta_boot; /* the boot the agent wrote down when it last registered */

	/* the machine */
	bool up;
	int boot;
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
	uint64_t turn; /* events of its loop of an older one are void */
	uint64_t exec; /* who listens, 0: nobody */
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
	bool shown_away; /* by the last answer that rollcall got */

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
	bool sees_failure, sees_stuck; /* the same, as soon as his order is durable */
	uint64_t owed_keep;            /* the conversation on which "keep" is due */
	uint64_t talking;              /* the open conversation with rollcall, 0: none */
	bool applying;                 /* it began with an apply */
	int64_t hung_up_ms;            /* when the last one ended */
	int64_t heard_ms;              /* when rollcall was told `heard`, 0: the ledger has it, or it is void */
	enum answer_event heard;
	int64_t soaks_ms; /* since when it soaks, by the world's clock */
	bool told_done;   /* rollcall was told that it was kept */
	int64_t frozen_until_ms;
	bool meddled_with;    /* somebody else has written its flags */
	int gates_passed;     /* gates after it that have passed since they were last asked */
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
	bool same_info;            /* only flags change */
	bool discards;             /* tasks end */
	bool by_zone;              /* one failure domain after the other */
	Mesos__SlaveInfo *info[2]; /* by side, shared by all hosts but for the ID */
	struct ledger *ledger;
	struct transport *transport;
	struct master_source *master;
	struct sim_gate *gates; /* that were asked in this life */
	size_t gate_count;
	struct delivery *deliveries;
	size_t *exec_hosts; /* whom each conversation of this life is with, by its number */
	size_t exec_cap;
	bool dying;            /* rollcall is to die at this commit */
	bool crashed;          /* it has, since the operator last resumed the run */
	int lives;             /* how often rollcall was started */
	int resumes;           /* how often the operator resumed a paused run */
	int interrupts;        /* so often Ctrl-C was pressed in this life */
	uint64_t commit_calls; /* moments at which rollcall could die */
	uint64_t dies_at;      /* it does at this one; 0: by chance */
	size_t largest;        /* fleet */
	size_t exactly;        /* so many agents; 0: as the seed says */
	int masters;           /* how many masters there have been */
	int64_t outage_until_ms;
	int64_t failover_ms; /* when the last master was elected */
	int64_t waited_ms;   /* when rollcall last waited */
	int spins;           /* how often since then without time passing */
	int64_t wall_offset_ms;

	/* the judge's notes */
	uint64_t commits;
	uint64_t paused_at;    /* the commit that paused the run, 0: it runs */
	int64_t life_began_ms; /* moved on by what it was stopped for */
	int64_t answered_ms;   /* the master's last answer */
	uint64_t answers;      /* how many it gave */
	int64_t checking_ms;   /* since when somebody waits for one, 0: nobody */
	bool was_aborted;
	size_t stages_passed;    /* as the ledger has it */
	char reason[240];        /* why the run is paused, as the operator was last told; "" */
	bool ordered_on;         /* an operator has ordered it to go on since the last commit */
	bool retried;            /* agents may have failed more than once */
	bool ordered_to_abort;   /* in this life */
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

/* ---- trouble.c: what happens at some moment of the run, whatever rollcall does */
void trouble_plan(struct world *world);

/* ---- run.c */
/* Drives the run until it is done, or paused and the operator has resumed it often enough. */
void scenario_run(struct world *world);
/* The hook of the ledger's commits while rollcall lives. */
int run_on_commit(void *ctx, bool durable);

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
void host_clear(struct sim_host *host);
void host_want_start(struct sim_host *host, int64_t delay_ms);
void host_kill_agent(struct sim_host *host);
void host_power_cut(struct sim_host *host);
/* A person was there: what could not start any more can, and is started. */
void host_repair(struct sim_host *host);
/* Every agent that runs finds the new master. */
void host_failover(struct sim_host *host);
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

/* ---- network.c: requests on their way */
void network_attach(struct world *world); /* makes world->transport */
void network_forget(struct world *world);

/* ---- master.c */
struct master_source *sim_master_new(struct world *world);
/* Time passes for the master: who was silent too long is no longer listed. */
bool sim_master_lists(const struct sim_host *host);

/* ---- judge.c: invariants, from the hosts' disks and processes */
/* An operation begins on a host. */
void judge_intent(struct world *world, struct sim_host *host, const char *operation, const char *request);
/* The agent is spawned. */
void judge_start(struct world *world, struct sim_host *host);
/* The ledger's final word on each agent. */
void judge_end(struct world *world, enum family family);

/* How many may be away at once. */
int judge_window_now(const struct world *world);

/* ---- judge_word.c */
/* The ledger says that the agent is in this state: is what that promises so on its host? */
void judge_state(struct world *world, struct sim_host *host, enum agent_state state, const struct run_agent *row);

/* The ledger's word on the run. */
bool judge_run_is(struct world *world, enum run_state state);

/* ---- judge_budget.c: failures, as the judge counts them */
/* Rollcall hears that it has failed. */
void judge_failed(struct sim_host *host);
/* Does what rollcall was told allow another beginning? */
void judge_budgets(struct world *world);
/* Is the reason for which the run stopped so? */
void judge_reason(struct world *world, const char *reason);
/* A person orders the run to go on, and has seen everything that failed until now. */
void judge_seen(struct world *world);

/* ---- judge_time.c: what may not be left lying */
/* Something has happened to it: from now on it is looked at, until it is at rest. */
void judge_watch(struct sim_host *host);
void judge_tick(struct world *world); /* time passes */
/* Does the ledger say what rollcall was told? */
bool judge_is_heard(const struct sim_host *host);

/* ---- judge_run.c: what rollcall says and does, while it runs */
void judge_life(struct world *world);              /* it was started */
void judge_death(struct world *world);             /* it has ended */
void judge_stall(struct world *world, int64_t ms); /* it was stopped for so long */
void judge_commit(struct world *world);            /* something became durable */
void judge_exec(struct world *world, struct sim_host *host, uint64_t exec, const char *word); /* it talks to a host */
void judge_told(struct world *world, struct sim_host *host, enum answer_event event); /* it was told something */
void judge_hung_up(struct world *world, struct sim_host *host, uint64_t exec);        /* a conversation is over */
void judge_run(struct world *world); /* after the transitions of a commit that changed the run */
void judge_transition(struct world *world, const struct engine_record *record, const struct run_agent *row);
/* Is the agent as the ledger's word `proven` or `reverted` promises? NULL, or what is missing. */
const char *judge_back(const struct sim_host *host, const struct sim_operation *op, enum side side);

#endif
