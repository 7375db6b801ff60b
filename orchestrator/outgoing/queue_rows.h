/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_OUTGOING_QUEUE_ROWS_H
#define ORCHESTRATOR_OUTGOING_QUEUE_ROWS_H
/* How a message ends; for queue.c and project.c. */
#include <stdint.h>

#include "base/error.h"
#include "inventory/store.h"

/* Inside of a transaction. The one behind it in its lane may be sent from now on. */
int outgoing_end(struct store *store, int64_t number, const char *outcome, int64_t now_ms, struct error *err);

#endif
