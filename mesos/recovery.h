/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MESOS_RECOVERY_H
#define MESOS_RECOVERY_H
/*
 * What a restarting agent decides: does the SlaveInfo its flags give go with the one it checkpointed? Under the stock
 * policies, and under the proposal's --ignore_checkpointed_state and --recover_state.
 */
#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"
#include "mesos/resources.h"
#include "mesos/slaveinfo.h"
#include "mesos/version.h"

enum recovery_policy { POLICY_EQUAL, POLICY_ADDITIVE };

struct recovery_rules {
	enum recovery_policy policy;
	unsigned ignore;    /* PART_RESOURCES | PART_ATTRIBUTES | PART_DOMAIN */
	bool recover_state; /* false: discard, any SlaveInfo is accepted under the same ID */
	struct mesos_version version;
};
#define RECOVERY_STOCK                                                                                                 \
	{                                                                                                              \
		.policy = POLICY_EQUAL, .ignore = 0, .recover_state = true, .version = { 1, 12, 0 }                    \
	}

int recovery_policy_parse(const char *text, enum recovery_policy *out, struct error *err);
/* A JSON array of "resources", "attributes", "domains", or ["none"] alone. ERROR_USAGE lists them. */
int recovery_ignore_parse(const char *json_text, unsigned *parts, struct error *err);
/* "resources,attributes" or "none": the form --ignore of rollcall takes, which may also be "resource,attribute". */
int recovery_ignore_parse_list(const char *text, unsigned *parts, struct error *err);
json_t *recovery_ignore_to_json(unsigned parts); /* ["attributes","domains"], or ["none"] */

struct verdict {
	bool accepted;
	unsigned differs;      /* enum slaveinfo_part bits */
	struct buffer message; /* what the agent itself would say; empty when accepted without a warning */
};
void verdict_clear(struct verdict *verdict);

/* before: the checkpoint; after: slaveinfo_from_flags of the new flags (its ID may be missing). checkpointed: dynamic
 * reservations and volumes that must still fit (rule 2 of a restarting agent), or NULL. out must be cleared. */
void recovery_check(const Mesos__SlaveInfo *before, const Mesos__SlaveInfo *after, const struct resources *checkpointed,
		    const struct recovery_rules *rules, struct verdict *out);

#endif
