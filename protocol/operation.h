/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTOCOL_OPERATION_H
#define PROTOCOL_OPERATION_H
/*
 * One change of one agent, as a machine of durable steps over an ops struct. agentctl runs it on a real host, tests and
 * the simulator on simulated ones.
 *
 * How it is used. Whoever holds the host's lock drives:
 *
 *     apply        operation_begin, then operation_advance until it says OPERATION_FINISHED
 *     settle       operation_load(…, OPERATION_BY_SETTLE), then the same. Whoever comes first does it: a repeated
 *                  request, a watching parent, `settle --status` (stops at the first OPERATION_WAITING)
 *     the guard    operation_may_start, before every start of the agent while an operation is open: with the lock when it is
 *                  free, without it when apply or settle is alive. Only START_ALLOWED lets the agent start; on START_WAIT
 *                  it tries again (the lock first), for a bounded time, and then refuses the start
 *
 * What is guaranteed, whatever crashes between any two calls of an ops function and in a power cut at any moment:
 * 1. Every effect is preceded by a saved state that says it is about to happen, and may be repeated (the table of rows).
 * 2. The agent never starts while checkpoint and flags disagree: between the guard's placing and its removal only
 *    operation_may_start lets it start.
 * 3. The agent is started at most once with the new state before it is kept; a second start while the operation is open
 *    means that the first process ended: the operation is undone, a rescue is kept (operation_may_start). An amended state
 *    is another new state, and there is at most one; so is that of a rescue that begins anew. A start beside a process that
 *    runs, or beside another start, waits and means nothing.
 *    The process that is awaited has asked the guard, or is younger than RESTARTING: what a stop has overlooked is none.
 *    The temporary flags of a native change have left the store before any second start: whoever starts the agent again,
 *    it never ends tasks twice.
 * 4. The operation stops or restarts a running agent at most once forward and once for the undo: `before` names the process
 *    that may be restarted, and no other is.
 * 5. DONE and UNDONE are final; advancing them touches nothing.
 * 6. A discard writes nothing before the executors have ended: tasks never live on under a new SlaveInfo. Its undo brings back
 *    the bytes and the agent, not the tasks; the reason says so.
 * 7. A rescue began without an agent, because the old state refuses, and over a reboot would even cost the agent its ID. So only the
 *    agentctl that began it takes it back by itself (a step failed, the agent ended or did not appear), or a word does; the undo brings
 *    back the bytes and starts nothing. Whoever takes it over goes forward: what cannot be written stays open, and an agent that has
 *    ended, is started again or does not appear is kept (the reason says so). While it is open the guard lets no start see the old
 *    state: an undo waits for a settle to end it, and a reboot in its midst turns it round; the rescue begins anew.
 *
 * A crash is simulated by an ops function that returns OPERATION_CRASH: the machine returns OPERATION_CRASHED at once, and the
 * struct is to be thrown away (nothing in it needs freeing) and loaded again.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "protocol/answer.h"

#define OPERATION_CRASH (-2) /* an ops function returns 0, -1 with err set, or this */

/* What is durable. The effect named in brackets comes after the step was saved, and may or may not have happened when
 * the step is loaded again. */
enum operation_step {
	STEP_NONE,       /* nothing saved */
	STEP_PREPARED,   /* request, old and new bytes are in the journal [place guard] */
	STEP_GUARDED,    /* [write new checkpoint; discard and rescue go to STOPPING instead, native writes none] */
	STEP_STOPPING,   /* discard, rescue: [stop the agent, and whatever tries to start it] */
	STEP_CLEANING,   /* discard: no agent runs [run it once so that it ends its executors] */
	STEP_CLEANED,    /* no agent runs; discard: no executor either [write new checkpoint] */
	STEP_CHECKPOINT, /* the new checkpoint is written [write new flags; native: with the temporary ones] */
	STEP_FLAGS,      /* the new flags are written; nothing has been started */
	STEP_RESTARTING, /* [restart]; waits for the new process */
	STEP_TAKING_OUT, /* native: the new process was seen [write new flags, without those it was started with] */
	STEP_STARTED,    /* the new process was seen; waits for keep, undo, its end or the deadline */
	STEP_AMENDING,   /* the agent refused over figures of its own [stop it, write a new checkpoint with them] */
	STEP_KEEPING,    /* decided [native: see to the new checkpoint; remove guard] */
	STEP_DONE,       /* final: the new state */
	STEP_UNDOING,    /* [stop what may have been started with the new state] */
	STEP_UNDO_CHECKPOINT, /* [write old checkpoint] */
	STEP_UNDO_FLAGS,      /* [write old flags] */
	STEP_UNDO_RESTARTING, /* the old bytes are back [start]; waits for a process */
	STEP_UNDO_CLEANING,   /* [remove guard] */
	STEP_UNDONE,          /* final: the old state */
	STEP_STUCK,           /* the old bytes are back, but no agent came up with them; UNDONE once one does */
};
#define STEP_COUNT (STEP_STUCK + 1)
const char *operation_step_name(enum operation_step step); /* "prepared", "undo-restarting"… */
int operation_step_parse(const char *text, enum operation_step *out, struct error *err);
enum operation_fate operation_fate(enum operation_step step);
bool operation_is_final(enum operation_step step); /* DONE or UNDONE */

/* A process, named for good within one boot. pid 0: none. */
struct operation_process {
	int64_t pid;
	int64_t start_ticks;
};
bool operation_process_equal(const struct operation_process *a, const struct operation_process *b);

#define OPERATION_BOOT_ID_SIZE 64
#define OPERATION_REASON_SIZE  512

/* Times are the host's monotonic clock in milliseconds, of the boot named by boot_id. */
struct operation_state {
	enum operation_step step;
	char boot_id[OPERATION_BOOT_ID_SIZE];
	bool discard;                    /* the agent's executors are ended before anything is written */
	bool rescue;                     /* no agent ran when it began: the old state is known to be a bad one */
	bool native;                     /* the agent itself accepts the difference, by temporary flags */
	bool ends_tasks;                 /* native: one of these is --recover_state=false */
	bool amended;                    /* the new checkpoint was made again, from what the agent said */
	bool asked;                      /* the agent was asked to restart (a discard: to stop) */
	struct operation_process before; /* the agent before; zero after a reboot */
	struct operation_process
		started; /* the agent with the new state (STARTED), or with the old one again (UNDO_CLEANING) */
	int64_t start_timeout_ms, verdict_timeout_ms;
	int64_t asked_ms;      /* when the restart (a discard: the stop) was asked for */
	int64_t restart_ticks; /* RESTARTING was entered at that time of now_ticks; 0: not known */
	int64_t seen_ms;       /* when the new process was first seen */
	int64_t deadline_ms;   /* of RESTARTING, STARTED and UNDO_RESTARTING */
	bool kept_by_deadline; /* DONE without a word */
	char reason
		[OPERATION_REASON_SIZE]; /* why it is undone or stuck; of a rescue also why nobody could say that it is healed */
};

/* TRIAL: the new flags and the temporary ones of a native change; only for write_flags. */
enum operation_side { SIDE_OLD, SIDE_NEW, SIDE_TRIAL };

enum operation_agent {
	AGENT_ABSENT,  /* no process (it may be about to start) */
	AGENT_RUNNING, /* process says which */
	AGENT_ENDED,   /* no process, and its supervisor says that it failed and is not being started */
};

struct operation_look {
	enum operation_agent agent;
	struct operation_process process; /* AGENT_RUNNING */
	char said[256];                   /* AGENT_ENDED: exit status and the like, for the reason; may be "" */
};

/* The host. Every function must be safe to repeat: a crash may come before or after its effect. Those that change the
 * host return only when the change is durable (files) or asked for (start, stop, restart). */
struct operation_ops {
	int (*load_state)(void *ctx, struct operation_state *out,
			  struct error *err); /* STEP_NONE when nothing is saved */
	int (*save_state)(void *ctx, const struct operation_state *state, struct error *err);

	/* How many starts the guard was asked for since RESTARTING. Kept apart from the state, because the guard
	 * writes it without the lock. 0 when nothing is saved. */
	int (*load_starts)(void *ctx, int *count, struct error *err);
	int (*save_starts)(void *ctx, int count, struct error *err);

	int (*place_guard)(void *ctx, struct error *err);
	/* starting: called by the guard itself, in the middle of the agent's start. */
	int (*remove_guard)(void *ctx, bool starting, struct error *err);

	/* SIDE_NEW of a native change: unless the agent has written its like. */
	int (*write_checkpoint)(void *ctx, enum operation_side side, struct error *err);
	int (*write_flags)(void *ctx, enum operation_side side, struct error *err);

	/* Runs the agent once with its old flags, so that it ends its executors and then itself; returns when it has. Only called
	 * while no agent runs. What is left of such a run when its caller dies must end by itself. */
	int (*clean_up)(void *ctx, struct error *err);
	/* Restarts the agent if it is `before`, starts it if there is none, leaves any other process alone. */
	int (*restart_agent)(void *ctx, const struct operation_process *before, struct error *err);
	/* Afterwards no agent runs, and none is about to start. */
	int (*stop_agent)(void *ctx, struct error *err);
	/* Starts it unless it runs. */
	int (*start_agent)(void *ctx, struct error *err);
	int (*look)(void *ctx, struct operation_look *out, struct error *err);

	int (*boot_id)(void *ctx, char out[OPERATION_BOOT_ID_SIZE], struct error *err);
	int64_t (*now_ms)(void *ctx);

	/* The agent ended with the new state. Did it refuse because figures of its machine, which no flag gives, are others than
	 * those of the new checkpoint, and nothing else? Looks, and changes nothing. May be NULL: never. */
	int (*may_amend)(void *ctx, bool *yes, struct error *err);
	/* Writes the new checkpoint again, with its figures; what it was made of is in the journal first. */
	int (*amend)(void *ctx, struct error *err);

	/* The clock of operation_process.start_ticks. May be NULL: not known. */
	int64_t (*now_ticks)(void *ctx);
	/* Only for the guard: is a start on its way that was let through for somebody else, who lives and has not asked again? Then the
	 * one that asks now is a second start beside it, and says nothing of the first one's process. May be NULL: never. */
	int (*is_starting)(void *ctx, bool *yes, struct error *err);
};

enum operation_driver {
	OPERATION_BY_APPLY, /* began it and goes forward */
	OPERATION_BY_SETTLE, /* whoever began it is gone: goes back unless the restart was already asked for; a rescue goes forward */
	OPERATION_BY_GUARD, /* the same, in the middle of a start of the agent; used by operation_may_start */
};

enum operation_word { WORD_NONE, WORD_KEEP, WORD_UNDO };

struct operation {
	const struct operation_ops *ops;
	void *ctx;
	enum operation_driver driver;
	struct operation_state state; /* as last saved */
	enum operation_word word;     /* what rollcall said; set it between two advances */
	bool issued;                  /* this life has asked for the (re)start of the present step */
	bool start_again;        /* STUCK: the old state is to be started once more, because somebody asks for it */
	int64_t absent_since_ms; /* since when this life knows of no process that has yet to end (RESTARTING) */
};

struct operation_terms {
	int64_t start_timeout_ms, verdict_timeout_ms;
	bool discard, rescue, native; /* see struct operation_state; one at most */
	bool ends_tasks;              /* native */
};

/* Saves STEP_PREPARED. The journal must already hold request, old and new bytes, durably. ERROR_CONFLICT when no agent
 * runs (there would be nothing to prove the change on), or when one does that is to be rescued. Returns 0, -1 or
 * OPERATION_CRASH. */
int operation_begin(struct operation *op, const struct operation_ops *ops, void *ctx,
		    const struct operation_terms *terms, struct error *err);

/* Loads what is saved; state.step is STEP_NONE when nothing is. Returns 0, -1 or OPERATION_CRASH. */
int operation_load(struct operation *op, const struct operation_ops *ops, void *ctx, enum operation_driver driver,
		   struct error *err);

enum operation_progress {
	OPERATION_ADVANCED, /* one step further: state.step says which; advance again */
	OPERATION_WAITING,  /* for time, the agent or a word: advance again in a moment */
	OPERATION_FINISHED, /* DONE, UNDONE or STUCK (or nothing was saved) */
	OPERATION_FAILED,   /* err says why; the state is unchanged, and advancing again tries again */
	OPERATION_CRASHED,
};

/* At most one effect and one saved step. */
enum operation_progress operation_advance(struct operation *op, struct error *err);

enum operation_start { START_ALLOWED, START_WAIT, START_FAILED, START_CRASHED };

/* The guard's question: may the agent start now? locked: the caller holds the host's lock, and what is left of the operation is
 * settled first. Without the lock only a start that the living apply or settle has asked for is allowed. START_FAILED: err says
 * why, and the agent must not start. */
enum operation_start operation_may_start(const struct operation_ops *ops, void *ctx, bool locked, struct error *err);

#endif
