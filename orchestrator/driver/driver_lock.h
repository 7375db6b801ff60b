/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_DRIVER_LOCK_H
#define ORCHESTRATOR_DRIVER_LOCK_H
/*
 * One driver at a time: a lock on a file beside the database ("<database>.driver.lock"). The kernel releases it when its
 * holder ends, however it ends; what the file says is only for whoever is refused.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct driver_lock;

/* ERROR_CONFLICT names the holder: process, host, operator, run, and since when. */
struct driver_lock *driver_lock_take(const char *database_path, const char *actor, int64_t now_ms, struct error *err);
/* Says in the file which run is being driven. */
int driver_lock_note(struct driver_lock *lock, const char *run, struct error *err);
/* Does somebody hold it just now? Takes nothing that outlasts the call. */
bool driver_lock_is_held(const char *database_path);
void driver_lock_release(struct driver_lock *lock); /* NULL is fine */

#endif
