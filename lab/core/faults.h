/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_CORE_FAULTS_H
#define LAB_CORE_FAULTS_H
/*
 * Everything that can be broken, as one table (faults.c): what it is called, what it breaks, who in the lab carries it
 * out, and what it means. An armed fault is a file, DIR/faults/TARGET/NAME.json; whoever carries faults looks there at
 * the moment it matters, so that a fault survives any crash of the lab's own roles. Daemons are told of a change
 * (faults_announce), which makes `break` take effect before it returns.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "lab/core/lab.h"

enum fault_target { FAULT_ON_HOST, FAULT_ON_MASTER };

enum fault_carrier {
	CARRIED_BY_FRONT,      /* who accepts the host's SSH connections */
	CARRIED_BY_AGENT,      /* the agent, when it starts */
	CARRIED_BY_EXECUTOR,   /* executors, when they lose their agent */
	CARRIED_BY_SUPERVISOR, /* who plays the host's power and systemd */
	CARRIED_BY_MASTER,
};

struct fault_kind {
	const char *name; /* NULL ends the table */
	enum fault_target target;
	enum fault_carrier carrier;
	const char *after;      /* what --after counts; NULL: not taken */
	int64_t default_for_ms; /* 0: until healed */
	const char *explanation;
	const char *amount;     /* what --amount says; NULL: not taken */
	int64_t default_amount; /* milliseconds are of the lab's time, except on the network */
};
extern const struct fault_kind fault_kinds[];
const struct fault_kind *fault_kind_find(enum fault_target target, const char *name);
const char *fault_carrier_name(enum fault_carrier carrier);

#define FAULT_MASTER "master" /* the only master as a target; of several, "master:2". Others are hosts' names */
enum fault_target fault_target_of(const char *target);

struct fault {
	const struct fault_kind *kind;
	char id[RANDOM_ID_SIZE]; /* of this arming: whoever counts starts again when it changes */
	int64_t after;           /* 0: at once */
	int64_t amount;          /* how slow, how late: what the kind says */
	int64_t armed_ms;        /* clock_wall_ms */
	int64_t until_ms;        /* 0: until healed */
	char match[128];         /* only commands that contain this; "": every command */
	char memory
		[DIGEST_HEX_SIZE]; /* agent-exit: the flags that still work, as a digest; config-manager: which; "" else */
};

/* The faults of one target that are armed and have not expired. */
struct fault_set {
	struct fault *items;
	size_t count;
};
void fault_set_load(const struct lab *lab, const char *target, struct fault_set *out); /* out must be cleared */
void fault_set_clear(struct fault_set *set);
/* NULL when it is not armed or has expired meanwhile. */
const struct fault *fault_set_find(const struct fault_set *set, const char *name);
/* How many ms until the first of them expires; -1: none does. */
int64_t fault_set_next_expiry(const struct fault_set *set);

/* One fault, straight from its file. */
bool fault_is_armed(const struct lab *lab, const char *target, const char *name, struct fault *out);

/* Arming again replaces. id and armed_ms are set here. */
int fault_arm(const struct lab *lab, const char *target, struct fault *fault, struct error *err);
/* name NULL: all of the target's. */
int fault_heal(const struct lab *lab, const char *target, const char *name, struct error *err);

/* Counts an occasion and says whether the fault strikes now: not before `after` occasions have passed. The count lies
 * beside the fault, for carriers that do not live as long as it does. */
bool fault_strikes(const struct lab *lab, const char *target, const struct fault *fault);

/* Tells the daemons that carry faults, and the host's agent; waits until each has looked. The silent are not waited
 * for. */
void faults_announce(const struct lab *lab, const char *target);

#endif
