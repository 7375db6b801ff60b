/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_FAULTS_H
#define TESTS_SIM_FAULTS_H
/* What may go wrong in the simulated world: by chance, at some moment of a run, or on a host from the beginning. */

/* What may go wrong in a scenario; probabilities in 1/1000 of the occasions named. */
struct faults {
	int rollcall_crash;  /* per commit, before or after it became durable */
	int rollcall_stall;  /* per wait: the process is stopped for seconds or minutes */
	int agentctl_crash;  /* per call of an operation's ops function */
	int parent_dies_too; /* of those crashes */
	int power_cut; /* per operation, at some moment of it; and of the crashes of agentctl, in the midst of an effect */
	int agentctl_killed; /* per operation, at some moment of it, whatever it does or waits for */
	int agent_killed;    /* per operation: the agent ends at some moment of it */
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
	int pushed; /* per host: it writes the new flags and restarts the agent, which refuses, at some moment of the run */
	int rescue_disturbed; /* per step of a rescue: the word to take it back, agentctl's end, or a power cut */
	int undo;             /* per operation: a person at the host takes it back, at some moment of it */
	int gate_unclear;     /* per gate that is asked: no answer that settles it */
	int gate_silent;      /* per gate that is asked: no answer at all */
	int garbled;          /* per line of agentctl's: it is of another operation, or noise */
	int no_space;         /* per host: its disk is full for minutes, from some moment of the run */
	int impostor;         /* per host: another machine registers with its ID, at some moment of the run */
	int master_stale;     /* per run: for minutes its answers are those of one moment */
	int master_hangs;     /* per question: it is never answered */
	int master_slow; /* per run: for minutes each of its answers takes seconds, and is of the moment of the question */
	int master_old;      /* per master that is elected: it keeps its record of an agent that it knows */
	int master_clock;    /* per master that is elected: its clock is another */
	int hidden;          /* per host: for seconds the master does not list it, although it is there */
	int stopped;         /* per host: a person stops its agent for minutes, at some moment of the run */
	int sleeps;          /* per wait: the operator's machine sleeps for up to hours */
	int second_operator; /* per wait: somebody takes the run over while this rollcall still lives */
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
	IS_FAR = 1 << 16,        /* what its agentctl says is on its way for up to two minutes */
	HAS_NAMESAKE = 1 << 17,  /* the master lists another agent of the same hostname, elsewhere */
	LATE_WITH_NEW = 1 << 18, /* its agent registers with the new flags only after minutes */
	IS_LOADED = 1 << 19,     /* each step of its agentctl takes seconds */
	HAS_FIGURES = 1 << 20,   /* its agent refuses the new state until that has the figures it finds itself */
};
#define TRAITS 21

#endif
