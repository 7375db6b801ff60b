/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_DRIFT_INTERNAL_H
#define INVENTORY_DRIFT_INTERNAL_H
/* What the files of drift share. */
#include "inventory/drift.h"

/* places[0] has `first` where places[1] has `second`; fix is taken. */
void drift_add_disagreement(struct drift_findings *out, const char *kind, const char *const places[2], const char *what,
			    const char *first, const char *second, char *fix);

/* Between what the agent would be with its flags and its checkpoint, by the verdict of agentctl. */
void drift_compare_checkpoint(const struct survey *survey, struct drift_findings *out);

#endif
