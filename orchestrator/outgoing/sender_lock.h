/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_OUTGOING_SENDER_LOCK_H
#define ORCHESTRATOR_OUTGOING_SENDER_LOCK_H
/* One sender for each cluster of a database. The kernel releases the lock when its holder ends, however it ends. */
#include <stdint.h>

#include "base/error.h"

/* The file descriptor that holds it, to be closed; -1 with err: -1 with ERROR_CONFLICT when somebody else holds it. */
int sender_lock(const char *database_path, int64_t cluster, struct error *err);

#endif
