/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_APPLY_H
#define AGENTCTL_APPLY_H
/* An operation that rollcall asks for, as a framed request on stdin: a change, or a rescue. */
#include "protocol/request.h"

/* kind: what the request must be. Returns the exit code. */
int apply_requested(enum request_kind kind);

#endif
