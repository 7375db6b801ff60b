/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of runs: every column, by the digest in the event that the row follows from. */
#include <inttypes.h>
#include <string.h>

#include "orchestrator/audit/projections.h"
#include "orchestrator/ledger/ledger_query.h"

/* The newest event about the run itself that has such a digest, or what was found of it when the ledger began. */
#define NEWEST(member)                                                                                                 \
	"SELECT json_extract(CAST(body AS TEXT), '$." member "'), seq FROM events WHERE ((run = ?1 AND agent IS NULL)" \
	" OR (kind = 'database.found' AND json_extract(CAST(body AS TEXT), '$.run') = ?1)) AND "                       \
	"json_extract(CAST(body AS TEXT), '$." member "') IS NOT NULL ORDER BY seq DESC LIMIT 1"

/* 1: it is another one; 0: it is that, or none was recorded (by older versions); -1. */
static int is_another(struct store *store, const char *sql, const char *run, const char *digest, int64_t *seq,
		      struct error *err)
{
	struct store_cursor rows;
	int found;

	if (store_query(store, &rows, err, sql, "t", run) < 0)
		return -1;
	found = store_next(&rows, err);
	if (found > 0) {
		const char *recorded = store_text(&rows, 0);

		*seq = store_int(&rows, 1);
		found = recorded && strcmp(recorded, digest) != 0;
	}
	store_done(&rows);
	return found;
}

static int check_run(struct store *store, const struct run_row *row, struct findings_list *findings, struct error *err)
{
	char digest[DIGEST_HEX_SIZE], before[DIGEST_HEX_SIZE] = "";
	int64_t seq = 0, before_seq = 0;
	int other, other_before;

	run_row_digest(row, digest);
	if (row->before)
		digest_hex(row->before, strlen(row->before), before);
	other = is_another(store, NEWEST("row"), row->id, digest, &seq, err);
	other_before = is_another(store, NEWEST("row_before"), row->id, before, &before_seq, err);
	if (other < 0 || other_before < 0)
		return -1;
	if (other)
		findings_add(
			findings, "projection", seq,
			"the row of run %s is not the one that event %" PRId64
			" wrote: its plan, state, reason, times, stages or epoch were edited, or events are missing",
			row->id, seq);
	if (other_before)
		findings_add(findings, "projection", before_seq,
			     "the cluster's figures from before run %s are not those that event %" PRId64
			     " wrote: they were edited, or events are missing",
			     row->id, before_seq);
	return 0;
}

int projections_check_runs(struct store *store, struct findings_list *findings, struct error *err)
{
	struct ledger *ledger = ledger_open(store, "reader", err);
	struct run_list runs = {NULL, 0};
	int result = ledger ? ledger_list_runs(store, &runs, err) : -1;

	for (size_t i = runs.count; result == 0 && i-- > 0;) {
		struct run_row row;

		result = ledger_load_run(ledger, runs.items[i].row.id, &row, err);
		if (result == 0) {
			result = check_run(store, &row, findings, err);
			run_row_clear(&row);
		}
	}
	run_list_clear(&runs);
	ledger_close(ledger);
	return result;
}
