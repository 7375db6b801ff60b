/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_DRIVER_LOCK_H
#define ORCHESTRATOR_DRIVER_LOCK_H
/*
 * One driver at a time: a lock on a file beside the database ("<database>.driver.lock"). The kernel releases it when its
 * holder ends, however it ends; what the file says (a line for people, a line of JSON) is only for whoever is refused.
 *
 * A holder that hangs keeps its lock. Whoever takes it over puts a new file in its place: the old holder's next commit
 * fails, because another epoch is there, and hosts refuse what it still sends, for the same reason.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct driver_lock;

/* ERROR_CONFLICT names the holder: process, host, operator, run, plan, and since when; and says how to end it. */
struct driver_lock *driver_lock_take(const char *database_path, const char *actor, int64_t now_ms, struct error *err);
/* The same, from a holder that hangs, too. */
struct driver_lock *driver_lock_take_over(const char *database_path, const char *actor, int64_t now_ms,
					  struct error *err);
/* Says in the file which run is being driven, and what it is ("plan 0123456789ab, web-tier@3"; NULL: nothing to say). */
int driver_lock_note(struct driver_lock *lock, const char *run, const char *what, struct error *err);
void driver_lock_release(struct driver_lock *lock); /* NULL is fine */

/* Who holds it, as far as the file tells; texts can be printed as they are. */
struct driver_holder {
	char *run; /* NULL: none yet */
	char *what;
	char *actor; /* "anna@admin1" */
	char *host;
	long pid;
	char *since;  /* "2026-11-23T12:25:03.120Z" */
	bool here;    /* on this machine */
	bool stopped; /* the process is, by a signal or a debugger; only known here */
};
void driver_holder_clear(struct driver_holder *holder);

/* Does somebody hold it just now? Takes nothing that outlasts the call. holder (may be NULL) is filled, the caller's to
 * clear, only if somebody does. */
bool driver_lock_is_held(const char *database_path, struct driver_holder *holder);

#endif
