/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_RESCUE_H
#define AGENTCTL_RESCUE_H
/* What would make an agent start that refuses its checkpoint. */
#include "agentctl/change.h"

/* by_flags: the flags that fit the checkpoint, instead of the checkpoint that fits the flags. *differs: the parts in which they
 * disagree. ERROR_CONFLICT when there is nothing to rescue, ERROR_REFUSED when it cannot be done so; nothing is touched either
 * way. out must be cleared. */
int rescue_build(const struct facts *facts, bool by_flags, struct change *out, unsigned *differs, struct error *err);

#endif
