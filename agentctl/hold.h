/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_HOLD_H
#define AGENTCTL_HOLD_H
/*
 * Keeping configuration management from writing the flag store while an operation is open, in each tool's own way:
 *
 * Puppet: the lock file of `puppet agent --disable`, agent_disabled.lock, with a reason that names the operation. It outlives a crash of
 * agentctl, and whoever ends the operation takes it away. One that is there already is somebody else's, and stays.
 * Chef: its run lock is held (flock); a run that begins meanwhile waits for it. It goes with the agentctl that holds it.
 * Salt, Ansible and CFEngine have nothing of the kind on the host.
 */
#include <jansson.h>
#include <stdbool.h>

#include "agentctl/facts.h"
#include "base/digest.h"

struct hold {
	char *puppet; /* its state folder, below root; NULL: nothing to hold there */
	char *chef;   /* its run lock, below root; NULL: the same */
	char operation[RANDOM_ID_SIZE];
	bool has_chef_lock; /* chef_lock is open */
	int chef_lock;
};
void hold_clear(struct hold *hold);

/* What manages files of the store, and how it is held. ERROR_REFUSED when it cannot be, ERROR_CONFLICT when it is in the middle
 * of a run. out must be cleared; it may come back empty: nothing manages them. */
int hold_find(const struct facts *facts, const char *operation, struct hold *out, struct error *err);

json_t *hold_to_json(const struct hold *hold);
/* Without one: empty. */
void hold_from_json(const json_t *object, struct hold *out);

/* Both may be repeated. ERROR_CONFLICT: the tool has begun a run; nothing is held then. */
int hold_place(struct hold *hold, const char *root, struct error *err);
int hold_release(struct hold *hold, const char *root, struct error *err);

#endif
