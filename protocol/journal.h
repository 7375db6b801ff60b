/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTOCOL_JOURNAL_H
#define PROTOCOL_JOURNAL_H
/*
 * What agentctl keeps on a host, below <root><state_dir> (0700; requests may hold secrets):
 *
 *     lock                          flock: whoever holds it is the one apply or settle at work
 *     epoch, epoch-lock             {"database": …, "epoch": N}: who drives this host, and since when
 *     ended                         one line for each of the last operations whose folder was removed: how they ended
 *     operations/<operation id>/    one operation; it exists once `state` does
 *         request                   the bytes rollcall sent
 *         before/…, after/…         the bytes to write, for either direction, made before anything is changed
 *         state                     struct operation_state as JSON, replaced atomically
 *         starts                    how often the guard was asked (written without the lock)
 *         word                      "keep" or "undo", from a settle that found apply alive
 *         log                       one JSON line per step and effect, for people
 *
 * Everything but the log and the lock is durable when a function returns. Errors: ERROR_SYSTEM and ERROR_UNREACHABLE from the
 * file system, ERROR_CORRUPT for what cannot be read back.
 */
#include <jansson.h>
#include <stdbool.h>

#include "base/buffer.h"
#include "base/digest.h"
#include "base/error.h"
#include "protocol/operation.h"

/* So many operations that have ended are kept. */
#define JOURNAL_KEEP 10

/* Of so many more it is known how they ended. */
#define JOURNAL_RECALL 1000

/* The largest file an operation holds: a request. */
#define JOURNAL_FILE_MAX (17u << 20)

struct journal {
	char *dir; /* <root><state_dir> */
};
/* Names the folder; creates nothing. */
void journal_init(struct journal *journal, const char *root, const char *state_dir);
void journal_clear(struct journal *journal);
/* Has journal_create been there? A folder that holds anything else is none. */
bool journal_exists(const struct journal *journal);
int journal_create(const struct journal *journal, struct error *err);

/* The lock lasts until the descriptor is closed or its holder dies; children do not inherit it over exec. ERROR_CONFLICT
 * when somebody else holds it. */
int journal_lock(const struct journal *journal, int *fd, struct error *err);

/* ---- who drives this host */

#define JOURNAL_DATABASE_SIZE 65
struct journal_epoch {
	char database[JOURNAL_DATABASE_SIZE]; /* "": nobody has yet */
	int64_t epoch;
};
/* May that database with that epoch give orders, after what was seen? Sets *next to what is to be remembered. An older epoch and a
 * foreign database (unless adopt) are ERROR_CONFLICT. Pure. */
int journal_epoch_admit(const struct journal_epoch *seen, const char *database, int64_t epoch, bool adopt,
			struct journal_epoch *next, struct error *err);
int journal_epoch_load(const struct journal *journal, struct journal_epoch *out, struct error *err);
/* Load, admit, save: durable when it returns 0. The lock is not needed to raise an epoch: the one who is at work was admitted
 * before. */
int journal_epoch_raise(const struct journal *journal, const char *database, int64_t epoch, bool adopt,
			struct error *err);

/* ---- operations */

struct journal_entry {
	char id[RANDOM_ID_SIZE];
	char *dir;
};
void journal_entry_init(struct journal_entry *entry, const struct journal *journal, const char *id);
void journal_entry_clear(struct journal_entry *entry);

/* One file of an operation, "after/slave.info". get appends to out. */
int journal_put(const struct journal_entry *entry, const char *name, const void *data, size_t len, struct error *err);
int journal_get(const struct journal_entry *entry, const char *name, struct buffer *out, struct error *err);
bool journal_has(const struct journal_entry *entry, const char *name);
/* Removes an operation that never came to exist (no `state`). */
int journal_discard(const struct journal_entry *entry, struct error *err);

int journal_save_state(const struct journal_entry *entry, const struct operation_state *state, struct error *err);
int journal_load_state(const struct journal_entry *entry, struct operation_state *out, struct error *err);
int journal_save_starts(const struct journal_entry *entry, int count, struct error *err);
int journal_load_starts(const struct journal_entry *entry, int *count, struct error *err);
int journal_save_word(const struct journal_entry *entry, enum operation_word word, struct error *err);
int journal_load_word(const struct journal_entry *entry, enum operation_word *out, struct error *err);
/* Adds a line with the time, what and detail (may be NULL). Never fails: the log is for people. */
void journal_log(const struct journal_entry *entry, const char *what, const char *detail);

/* Calls visit for each operation with its state, until it returns other than 0; returns that. -1 with err when the folder or a
 * state cannot be read. A missing folder has no operations. */
struct operation_state;
typedef int journal_visit(const struct journal_entry *entry, const struct operation_state *state, void *ctx);
int journal_each(const struct journal *journal, journal_visit *visit, void *ctx, struct error *err);
/* Removes the oldest operations that are done or undone, but for the last `keep`; what is open or stuck is never removed and does not
 * count. How they ended is written down first (journal_recall). Best effort: nothing depends on it. The lock is the caller's. */
void journal_prune(const struct journal *journal, size_t keep);
/* How did an operation end whose folder was removed? Sets step (STEP_NONE: not known), kept_by_deadline and reason of *out, and clears
 * the rest. */
int journal_recall(const struct journal *journal, const char *id, struct operation_state *out, struct error *err);
/* The operation that is neither done, undone nor stuck: its ID, or "" when there is none. */
int journal_find_open(const struct journal *journal, char id[RANDOM_ID_SIZE], struct error *err);

#endif
