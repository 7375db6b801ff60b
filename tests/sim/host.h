/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_HOST_H
#define TESTS_SIM_HOST_H
/* One simulated host: what is on its disk, what runs on it, what the master has of it, and the judge's notes. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "orchestrator/engine/engine.h"
#include "orchestrator/ledger/ledger.h"
#include "protocol/operation.h"
#include "tests/sim/faults.h"

struct world;

/* agent_ping_timeout x max_agent_ping_timeouts of a master with default flags. */
#define PING_TIMEOUT_MS 75000

enum task_state { TASK_ALIVE, TASK_DONE, TASK_KILLED, TASK_FORGOTTEN };

enum side { OLD = SIDE_OLD, NEW = SIDE_NEW };

struct sim_operation { /* one operation's folder in the host's journal */
	char id[RANDOM_ID_SIZE];
	struct operation_state state; /* as saved */
	bool rescue;                  /* a person's, outside any run */
	enum side unfit, fit;         /* a rescue's old and new checkpoint */
	bool turned;                  /* it belongs to the run before, whose new side is the old one now */
	int starts;
	int64_t began_ms;
	int began_boot;
	/* what really happened because of it */
	int forward_restarts;      /* of a running agent */
	int undo_stops, undo_boot; /* the same, on that boot: a power cut may come in between */
	int new_starts;            /* processes with the new flags before it was kept */
	int trial_starts;          /* … and with the temporary ones */
	int amends;                /* new checkpoints with the agent's own figures */
	bool registered[2];        /* by side: a process that was started after it began */
	bool discarded;            /* its tasks were ended as planned */
	bool had_task;             /* when it began */
	bool back;                 /* it is over, and the agent that runs is registered */
	bool lost;                 /* the ledger was restored from a copy that does not know of it */
	char *request;
	struct sim_operation *next;
};

struct sim_host {
	struct world *world;
	size_t index;
	size_t position; /* in the plan; SIZE_MAX: it is not in it */

	/* the disk: survives everything */
	enum side checkpoint, flags;
	bool amended[2]; /* by side: its SlaveInfo has the agent's own figures */
	bool trial;      /* the flags are those of a native change: the agent accepts any checkpoint with them */
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
	enum side running_checkpoint; /* what it has found, or written */
	bool running_trial;
	bool unguarded;    /* no guard was asked for its start */
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
	int attempts;          /* of its agentctl at one step, in a row, that failed while there was space */
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
	int64_t reregistered_ns; /* by the clock of the master that led then */
	int64_t reregistered_ms; /* the same, by the world's */
	int64_t hidden_until_ms; /* the master does not list it */
	enum side recorded;
	bool recorded_amended;
	enum task_state task;
	int64_t task_shown_ms; /* the list of tasks lags behind the list of agents */
	bool has_new_id;
	bool awaited;                    /* it was there at the master before, and is not back at the new one */
	bool by_impostor;                /* another machine has registered with its ID */
	int64_t impostor_ms;             /* when one did last, 0: never */
	bool soaks_unseen;               /* … which the answer did not show that has proven it */
	bool shown_away, shown_impostor; /* by the last answer that rollcall got */
	bool in_picture;                 /* the run's before-picture of the cluster shows it */
	bool shown_gone;       /* by the last answer it is away, and it was there in that picture or is listed */
	bool shown_away_by_us; /* … and an operation was open on it then */
	int64_t shown_back_ms; /* by the first that shows it again */

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
	bool may_be_known;             /* to be stuck, the same */
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
	uint64_t stuck_commit;  /* in which it became stuck last */
	bool told_done;         /* rollcall was told that it was kept */
	int64_t frozen_until_ms;
	bool meddled_with;     /* somebody else has written its flags */
	int gates_passed;      /* gates after it that have passed since they were last asked */
	bool gates_due;        /* it is soaked, and the gates after it were not asked yet */
	int64_t unclear_ms;    /* since when one of them has given no answer that settles it, 0: it has not */
	bool copied_stuck;     /* a person knew it to be stuck when the ledger was copied */
	bool again;            /* it is to be tried again when it is settled */
	uint64_t again_commit; /* … because it was unknown when that was ordered, and the order is in this commit */
	bool must_retry;       /* a person has ordered that it is tried again, and this state is left */
	enum agent_state failed_as;
	int64_t told_to_retry_ms;
	bool gate_failed;     /* the last one's answer */
	bool watched;         /* something about it may become overdue, or it may be away */
	bool is_failed;       /* rollcall has heard of it; it may have been tried again since */
	int64_t wrong_ms;     /* when it did */
	uint64_t wrong_since; /* the master's answers so far when it became visible that something is wrong for good */
};

/* ---- host.c: disk, supervisor, power */
void host_init(struct world *world, size_t index);
/* Adds what the seed says is wrong with it. */
void host_draw_traits(struct sim_host *host);
void host_clear(struct sim_host *host);
void host_want_start(struct sim_host *host, int64_t delay_ms);
void host_power_cut(struct sim_host *host);
/* A person was there: what could not start any more can, and is started. */
void host_repair(struct sim_host *host);
/* Somebody puts the old flags back and restarts the agent if that changed anything. */
void host_meddle(struct sim_host *host);
/* Somebody writes the new flags, beside rollcall, and restarts the agent. */
void host_push(struct sim_host *host);
/* Somebody stops its agent, and starts it again after so long. */
void host_stop(struct sim_host *host, int64_t ms);
/* After each thing that may end an operation's being away. */
void host_note_back(struct sim_host *host);

/* ---- host_agent.c */
void host_spawn_agent(struct sim_host *host);
/* The master sees that it is gone. */
void host_leave_master(struct sim_host *host);
/* Every agent that runs finds the new master. */
void host_failover(struct sim_host *host);
/* A machine that was copied from it registers with its ID. */
void host_impersonate(struct sim_host *host);
/* Its agent stops where it is, for so long. */
void host_freeze(struct sim_host *host, int64_t ms);
void host_kill_agent(struct sim_host *host);
/* With or without its agent's own figures; the world's. */
const Mesos__SlaveInfo *host_info(const struct sim_host *host, enum side side, bool amended);
/* Its agent would refuse the new checkpoint, over figures of its own. */
bool host_lacks_figures(const struct sim_host *host);
/* Its agent's new SlaveInfo is not what the master shows. */
bool host_record_stays(const struct sim_host *host);

/* ---- host_operation.c */
const struct operation_ops *host_operation_ops(void);
struct sim_operation *host_find_operation(struct sim_host *host, const char *id);
struct sim_operation *host_open_operation(struct sim_host *host);
/* The latest of this run; every process of the agent that is younger is its doing. NULL: none. */
struct sim_operation *host_last_operation(const struct sim_host *host);

#endif
