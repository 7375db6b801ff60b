/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_AUDIT_REPORTED_HEADS_H
#define ORCHESTRATOR_AUDIT_REPORTED_HEADS_H
/*
 * Reports of several runs that have more than one head. A report's mark names the head of its first run; until all of them were read as of
 * one moment, another process's event between two of them gave the later ones a newer head, and such a report is as genuine.
 */
#include "base/buffer.h"
#include "inventory/store.h"
#include "orchestrator/report/reports.h"

/*
 * made is the report of these runs under the first one's head, and file the one to be verified. Where file has another head for a run, and
 * that is a later event's of before until_ms, the run and those behind it get that head, and made is written anew.
 */
int reported_take_heads(struct store *store, enum report_format format, int64_t until_ms, const struct buffer *file,
			struct report_runs *runs, struct buffer *made, struct error *err);

/* How many bytes at their beginning are the same. */
size_t reported_common(const struct buffer *one, const struct buffer *other);

#endif
