/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_RESCUE_H
#define AGENTCTL_RESCUE_H
/* What would make an agent start that refuses its checkpoint. */
#include "agentctl/change.h"

/* What a request of rollcall asks for: an agent that comes and goes is waited for until it is gone. ERROR_CONFLICT when one
 * stays, or when the host is not as it was seen. */
int rescue_for_request(const struct request *request, struct change *out, struct error *err);

/* by_flags: the flags that fit the checkpoint, instead of the checkpoint that fits the flags. *differs: the parts in which they
 * disagree. ERROR_CONFLICT when there is nothing to rescue, ERROR_REFUSED when it cannot be done so; nothing is touched either
 * way. out must be cleared. */
int rescue_build(const struct facts *facts, bool by_flags, struct change *out, unsigned *differs, struct error *err);

#endif
