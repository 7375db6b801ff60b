/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_LAUNCH_H
#define AGENTCTL_LAUNCH_H
/*
 * agentctl launch: what the agent's unit starts instead of the agent. It becomes the agent (exec), after it has brought the
 * checkpoint in line with the flags where that was allowed.
 *
 *     launch.c           the command line: what is wished, which program, which flags; exec
 *     launch_compare.c   checkpoint against flags, as that agent would compare them
 *     launch_judge.c     what is to be done about a difference: pure
 *     launch_prepare.c   doing it, with the host's lock held
 *
 * What must stay true whatever ends it at any moment:
 * 1. slave.info is replaced atomically, and only by what the agent's present flags give.
 * 2. Tasks are never alive under a SlaveInfo that came from a state that was not recovered: they end before it is written.
 * 3. An operation that ends tasks is carried out once: it is on disk as open before, and as done after.
 * 4. While an apply is open on this host nothing is written: its guard decides.
 */
#include "agentctl/launch_judge.h"
#include "agentctl/launch_state.h"
#include "mesos/flags.h"

struct launch {
	/* the command line */
	const char *root, *state_dir;
	unsigned ignore;
	bool recover_state;
	const char *operation; /* NULL: once per change */
	bool master_checked;
	const char *const *argv; /* the agent's */

	/* worked out */
	struct flags flags;    /* as given */
	struct flags resolved; /* file:// values read */
	char *work_dir;        /* absolute; NULL: the agent needs none (--help), or says itself that it lacks one */
	struct launch_state state;
};
void launch_clear(struct launch *launch);

/* The flags of launch->argv and the environment, and what follows from them. */
int launch_read_flags(struct launch *launch, const char *const env[], struct error *err);

struct launch_comparison {
	struct checkpoint_state checkpoint; /* info NULL: there is none */
	struct detected detected;
	Mesos__SlaveInfo *after; /* what the flags give */
	enum recovery_policy policy;
	struct mesos_version version;
	bool rebooted;
};
void launch_comparison_clear(struct launch_comparison *comparison);
/* Without a checkpoint after is NULL. ERROR_USAGE and ERROR_CORRUPT: flags with which the agent does not start, a checkpoint that it
 * does not read; it says so itself, and touches nothing. */
int launch_compare(const struct launch *launch, struct launch_comparison *out, struct error *err);

/* Brings the checkpoint in line with the flags where that is allowed. Returns 0 when the agent may start, else the exit code. */
int launch_prepare(const struct launch *launch);

/* Says prominently what is accepted, where the old bytes are, and under which ID it can be taken back (NULL: tasks are ended, it
 * cannot). */
void launch_warn(const struct launch *launch, const struct launch_comparison *comparison, const char *change,
		 const char *backup);

#endif
