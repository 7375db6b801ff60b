/* SPDX-License-Identifier: Apache-2.0 */
/* Surveys in the database. */
#include <stdlib.h>

#include "base/alloc.h"
#include "inventory/survey.h"

const char *survey_failure_kind(enum error_kind kind)
{
	switch (kind) {
	case ERROR_USAGE:
		return "usage";
	case ERROR_CORRUPT:
		return "corrupt";
	case ERROR_REFUSED:
		return "refused";
	case ERROR_CONFLICT:
		return "conflict";
	case ERROR_UNREACHABLE:
		return "unreachable";
	case ERROR_INTERRUPTED:
		return "interrupted";
	case ERROR_NONE:
	case ERROR_BUG:
		return "bug";
	case ERROR_SYSTEM:
		break;
	}
	return "system";
}

int survey_store(struct store *store, int64_t agent_row, const void *bytes, size_t len, const char *host_key,
		 int64_t time_ms, struct error *err)
{
	return store_run(store, err,
			 "INSERT INTO surveys (agent, time_ms, document, host_key, drift) VALUES (?1, ?2, ?3, ?4, CASE "
			 "WHEN json_valid(CAST(?3 AS TEXT)) THEN NOT json_extract(CAST(?3 AS TEXT), "
			 "'$.verdict.accepted') END) ON CONFLICT (agent) DO UPDATE SET time_ms = excluded.time_ms, "
			 "document = excluded.document, host_key = excluded.host_key, drift = excluded.drift, "
			 "failed_ms = NULL, failure_kind = NULL, failure = NULL",
			 "iibt", agent_row, time_ms, bytes, len, host_key);
}

int survey_store_failure(struct store *store, int64_t agent_row, const struct error *failure, int64_t time_ms,
			 struct error *err)
{
	return store_run(store, err,
			 "INSERT INTO surveys (agent, failed_ms, failure_kind, failure) VALUES (?1, ?2, ?3, ?4) "
			 "ON CONFLICT (agent) DO UPDATE SET failed_ms = excluded.failed_ms, failure_kind = "
			 "excluded.failure_kind, failure = excluded.failure",
			 "iitt", agent_row, time_ms, survey_failure_kind(failure->kind), failure->text);
}

void survey_record_clear(struct survey_record *record)
{
	free(record->document);
	free(record->host_key);
	free(record->failure_kind);
	free(record->failure);
	*record = (struct survey_record){.time_ms = 0};
}

static char *copy_column(const struct store_cursor *rows, int column)
{
	const char *text = store_text(rows, column);

	return text ? xstrdup(text) : NULL;
}

/* The columns time_ms, host_key, failed_ms, failure_kind, failure and, where it was asked for, document. */
static void read_record(const struct store_cursor *rows, bool with_document, struct survey_record *out)
{
	size_t len = 0;
	const void *document = with_document ? store_blob(rows, 5, &len) : NULL;

	*out = (struct survey_record){
		.time_ms = store_int(rows, 0),
		.host_key = copy_column(rows, 1),
		.failed_ms = store_int(rows, 2),
		.failure_kind = copy_column(rows, 3),
		.failure = copy_column(rows, 4),
		.document = document ? xstrndup(document, len) : NULL,
		.document_len = len,
	};
}

static int load_record(struct store *store, const char *sql, bool with_document, int64_t agent_row,
		       struct survey_record *out, struct error *err)
{
	struct store_cursor rows;
	int found;

	if (store_query(store, &rows, err, sql, "i", agent_row) < 0)
		return -1;
	found = store_next(&rows, err);
	if (found > 0)
		read_record(&rows, with_document, out);
	store_done(&rows);
	return found;
}

#define STATE_COLUMNS "time_ms, host_key, failed_ms, failure_kind, failure"

int survey_load_state(struct store *store, int64_t agent_row, struct survey_record *out, struct error *err)
{
	return load_record(store, "SELECT " STATE_COLUMNS " FROM surveys WHERE agent = ?1", false, agent_row, out, err);
}

int survey_load(struct store *store, int64_t agent_row, struct survey_record *out, struct error *err)
{
	return load_record(store, "SELECT " STATE_COLUMNS ", document FROM surveys WHERE agent = ?1", true, agent_row,
			   out, err);
}
