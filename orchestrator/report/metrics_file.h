/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_REPORT_METRICS_FILE_H
#define ORCHESTRATOR_REPORT_METRICS_FILE_H
/* The metrics of a run in a file, while it is driven: replaced whole, at most every few seconds, and at the end. */
#include "inventory/store.h"
#include "orchestrator/driver/driver.h"

struct metrics_file;

/* Everything is borrowed. path NULL: no file, and what it is told goes straight on to next. */
struct metrics_file *metrics_file_new(struct store *store, const struct plan *plan, const char *run, const char *path,
				      const struct driver_observer *next);
/* For driver_run: tells next everything, and writes. Borrowed. */
const struct driver_observer *metrics_file_observer(const struct metrics_file *file);
/* Writes a last time, from the database; NULL is fine. */
void metrics_file_free(struct metrics_file *file);

#endif
