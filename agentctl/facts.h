/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_FACTS_H
#define AGENTCTL_FACTS_H
/* Everything that inspect reports and apply judges by, read once. Nothing is changed. */
#include "agentctl/agent.h"
#include "agentctl/control.h"
#include "agentctl/store.h"
#include "mesos/checkpoint.h"
#include "mesos/recovery.h"
#include "mesos/slaveinfo.h"
#include "protocol/journal.h"

struct facts {
	struct host_settings host; /* with what was found out */
	char boot_id[OPERATION_BOOT_ID_SIZE];

	bool running;
	struct agent_process agent;   /* when running */
	char *version_text;           /* NULL: not known */
	struct mesos_version version; /* the newest rules when not known */

	struct checkpoint_state checkpoint;
	struct error checkpoint_error; /* kind ERROR_NONE: checkpoint is good (its info NULL: there is none) */
	char checkpoint_sha256[DIGEST_HEX_SIZE];

	struct flag_store store;
	struct error store_error;

	struct control_status control;

	struct detected detected; /* hostname borrowed from flags or checkpoint */
};
void facts_clear(struct facts *facts);

/* Fails only when nothing can be said at all (which agent is meant?); what is missing or broken is in the errors above. out must
 * be cleared. */
int facts_gather(const struct host_settings *host, struct facts *out, struct error *err);

/* The boot ID of the host below root. */
int boot_id_read(const char *root, char out[OPERATION_BOOT_ID_SIZE], struct error *err);

/* The flags the agent would have after a restart with that store: what the store says, under what the command line says. */
void facts_predict_flags(const struct facts *facts, const struct flag_store *store, const struct flag_edit *edits,
			 size_t edit_count, struct flags *out);

/* The SlaveInfo those flags give on this host, with the checkpoint's ID. NULL with the agent's own words if it would not start. */
Mesos__SlaveInfo *facts_slaveinfo(const struct facts *facts, const struct flags *flags, struct error *err);

/* What would the agent say if it restarted with these flags? The policy is the flags' own. ERROR_USAGE: it would not start. */
int facts_verdict(const struct facts *facts, const struct flags *flags, struct verdict *out, struct error *err);

#endif
