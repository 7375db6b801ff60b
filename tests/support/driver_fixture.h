/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_DRIVER_FIXTURE_H
#define TESTS_SUPPORT_DRIVER_FIXTURE_H
/*
 * The real driver with hosts and a master that do what a test tells them to. Time passes only in the driver's wait, which then lets
 * each host take one step. Everything a host is asked and told is kept for the test to look at.
 */
#include "orchestrator/driver/driver.h"
#include "protocol/request.h"
#include "remote/transport_simulated.h"

#define FIXTURE_RUN    "r-1"
#define FIXTURE_AGENTS 3
#define FIXTURE_GATES  8

/* What a host does with an apply. */
enum behaviour {
	BEHAVES,          /* starts the new state, is registered, is kept */
	REFUSES,          /* as its first word */
	REFUSES_LATER,    /* after "accepted" */
	UNREACHABLE,      /* the connection is refused */
	LOSES_REQUEST,    /* the connection breaks before the request arrives */
	LOSES_CONNECTION, /* the connection breaks after "accepted"; the operation goes on */
	TALKS_NONSENSE,   /* a line that is no answer; the operation goes on */
	TALKS_OF_OTHERS,  /* an answer about another operation; the operation goes on */
	DIES_LOUDLY, /* ends without its last word, with bytes that are no UTF-8 on stderr; the operation goes on */
	UNDOES,      /* the new state does not come up, the old one does */
	UNDOES_LATE, /* it is proven and told to keep the new state, and its agent ends just then: the old one is put back */
	SAYS_NOTHING,
};

struct fixture_exec {
	uint64_t exec;
	char word[16];
	struct request request;
	char *bytes;
	char *received; /* words, one after the other */
	bool open;
};

struct fixture_host {
	enum behaviour behaviour;
	bool once; /* the second apply behaves */
	struct fixture_exec *execs;
	size_t exec_count;

	/* its operation */
	char operation[RANDOM_ID_SIZE];
	enum { HOST_IDLE, HOST_STARTING, HOST_STARTED, HOST_KEPT, HOST_UNDONE } step;
	int changed;            /* times the new state was started */
	bool no_process;        /* its final word names none, once */
	int read_only;          /* so many questions it cannot answer */
	const char *agent_said; /* what agentctl quotes of the agent's log; NULL: nothing */

	/* the master's record */
	bool active, deactivated;
	bool is_new;
	int64_t reregistered_ns;
};

struct fixture {
	struct plan plan;
	struct transport_target targets[FIXTURE_AGENTS];
	char names[FIXTURE_AGENTS][8];
	struct ledger *ledger;
	struct transport *transport;
	struct master_source *master;
	struct fixture_host hosts[FIXTURE_AGENTS];
	int64_t now;
	int ids;
	bool master_fails;
	bool master_hangs;         /* it answers when it no longer does */
	int64_t asked_ms;          /* when it was asked what it has not answered yet; 0: nothing */
	int64_t answers_lie_about; /* an answer is so old when it is read */
	int interrupts;
	bool settles;                                                                   /* the next life only settles */
	int failovers;                                                                  /* another master leads since */
	void (*on_snapshot)(struct fixture *fixture, struct master_snapshot *snapshot); /* the last word on an answer */

	/* gates that are asked outside */
	enum gate_answer gate_answer;
	bool gates_silent;
	int gates_asked;
	uint64_t gate_tags[FIXTURE_GATES]; /* of the open questions */
	size_t gate_count;
	void (*on_gate)(struct fixture *fixture, const struct gate_question *question);

	void (*on_wait)(struct fixture *fixture); /* before the hosts' step */
	void (*on_exec)(struct fixture *fixture, struct fixture_host *host, const struct fixture_exec *exec);
	struct error err;
};

void fixture_open(struct fixture *fixture);
void fixture_close(struct fixture *fixture);
/* One life of the driver: fresh transport and master, the same ledger and hosts. */
int fixture_drive(struct fixture *fixture);
/* One that dies at the at-th call of the commits' hook, which is called before and after each; true: it has ended before. */
bool fixture_drive_until(struct fixture *fixture, int at);
/* Its row, owned by the caller. */
struct run_agent fixture_row(struct fixture *fixture, size_t agent);
struct run_row fixture_run(struct fixture *fixture);
size_t fixture_count(const struct fixture *fixture, const char *word);
/* The n-th conversation with an agent's host; the test fails when there was none. */
const struct fixture_exec *fixture_exec(const struct fixture *fixture, size_t agent, size_t n);

/* What the ledger says of an agent and of the run; reason NULL: there must be none. */
void fixture_expect_state(struct fixture *fixture, size_t agent, const char *state);
void fixture_expect_error(struct fixture *fixture, size_t agent, const char *words);
void fixture_expect_run(struct fixture *fixture, const char *state, const char *reason);
/* Every agent is done, proven, was changed once, and the chain holds. */
void fixture_expect_done(struct fixture *fixture);

/* ---- for the fixture's own files */
extern const struct simulated_hosts fixture_simulated_hosts;
void fixture_host_step(struct fixture *fixture, struct fixture_host *host);
struct master_source *fixture_master_new(struct fixture *fixture);

#endif
