/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_LAUNCH_JUDGE_H
#define AGENTCTL_LAUNCH_JUDGE_H
/* What launch does about a difference between checkpoint and flags. No I/O. */
#include "mesos/checkpoint.h"
#include "mesos/recovery.h"

struct launch_question {
	const struct checkpoint_state *checkpoint; /* with an info */
	const Mesos__SlaveInfo *after;             /* what the flags give, with the checkpoint's ID */
	struct recovery_rules rules;               /* policy and version are the agent's; ignore is the operator's */
	bool discard;                              /* the old state is not to be recovered … */
	bool discard_unchanged;                    /* … not even when nothing differs */
	bool rebooted;                             /* since the checkpoint was written */
};

enum launch_action {
	LAUNCH_START,   /* the agent as it is: it keeps its ID, or says itself why not */
	LAUNCH_REWRITE, /* the checkpoint first */
	LAUNCH_DISCARD, /* end the old executors, then the checkpoint */
	LAUNCH_REFUSE,
};

struct launch_judgement {
	enum launch_action action;
	unsigned differs;     /* enum slaveinfo_part bits */
	bool agent_accepts;   /* the agent would start without a rewrite, too (additive) */
	struct buffer bytes;  /* REWRITE, DISCARD: the new slave.info */
	struct buffer reason; /* REFUSE: what the agent itself would say, and what would allow it */
};
void launch_judgement_clear(struct launch_judgement *judgement);

/* out must be cleared. */
void launch_judge(const struct launch_question *question, struct launch_judgement *out);

#endif
