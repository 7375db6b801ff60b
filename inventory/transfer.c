/* SPDX-License-Identifier: Apache-2.0 */
/* Going out: every table, in the order in which the schema made them, so that what is referred to comes first. */
#include "inventory/transfer.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "inventory/store_internal.h"

struct writer {
	struct store *store;
	FILE *out;
	struct digest_state digest;
	int64_t rows;
	struct error *err;
};

/* Takes the reference. */
static int write_line(struct writer *writer, json_t *line)
{
	char *text = json_dumps(line, JSON_COMPACT);
	size_t len = strlen(text);

	json_decref(line);
	text[len++] = '\n'; /* in the NUL's place */
	digest_add(&writer->digest, text, len);
	len -= fwrite(text, 1, len, writer->out);
	free(text);
	return len ? error_errno(writer->err, ERROR_SYSTEM, errno, "the export could not be written") : 0;
}

static json_t *wrapped(const char *key, const void *data, size_t len)
{
	char *text = base64_encode(data, len);
	json_t *object = json_pack("{s:s}", key, text);

	free(text);
	return object;
}

static json_t *value_of(const struct store_cursor *rows, int column)
{
	sqlite3_stmt *handle = rows->statement->handle;
	const void *data;
	const char *text;
	json_t *string;
	size_t len;

	switch (sqlite3_column_type(handle, column)) {
	case SQLITE_INTEGER:
		return json_integer(store_int(rows, column));
	case SQLITE_FLOAT:
		return json_real(store_real(rows, column));
	case SQLITE_TEXT:
		text = store_text(rows, column);
		len = (size_t)sqlite3_column_bytes(handle, column);
		string = memchr(text, '\0', len) ? NULL : json_stringn(text, len);
		return string ? string : wrapped("text_base64", text, len);
	case SQLITE_BLOB:
		data = store_blob(rows, column, &len);
		return wrapped("base64", data, len);
	default:
		return json_null();
	}
}

static int write_row(struct writer *writer, const char *table, const struct store_cursor *rows)
{
	sqlite3_stmt *handle = rows->statement->handle;
	json_t *row = json_object();

	for (int i = 0; i < sqlite3_column_count(handle); i++)
		json_object_set_new(row, sqlite3_column_name(handle, i), value_of(rows, i));
	writer->rows++;
	return write_line(writer, json_pack("{s:s,s:o}", "table", table, "row", row));
}

/* The name comes from the schema. */
static int write_table(struct writer *writer, const char *table)
{
	char *sql = xasprintf("SELECT * FROM main.\"%s\"", table);
	struct store_cursor rows;
	int more = store_query(writer->store, &rows, writer->err, sql, "");

	free(sql);
	if (more < 0)
		return -1;
	while ((more = store_next(&rows, writer->err)) > 0)
		if (write_row(writer, table, &rows) < 0) {
			more = -1;
			break;
		}
	store_done(&rows);
	return more;
}

/* Agents before what speaks of them: an export is read as a stream. */
static int write_tables(struct writer *writer)
{
	struct store_cursor tables;
	int more;

	if (store_query(
		    writer->store, &tables, writer->err,
		    "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE "
		    "'\\' ORDER BY name NOT IN ('database', 'clusters', 'agents'), name = 'agents', rowid",
		    "") < 0)
		return -1;
	while ((more = store_next(&tables, writer->err)) > 0)
		if (write_table(writer, store_text(&tables, 0)) < 0) {
			more = -1;
			break;
		}
	store_done(&tables);
	return more;
}

static int write_end(struct writer *writer)
{
	unsigned char digest[DIGEST_SIZE];
	char hash[DIGEST_HEX_SIZE];

	digest_finish(&writer->digest, digest);
	hex_encode(digest, sizeof(digest), hash);
	digest_start(&writer->digest);
	if (write_line(writer, json_pack("{s:b,s:I,s:s}", "end", 1, "rows", (json_int_t)writer->rows, "sha256", hash)) <
	    0)
		return -1;
	return fflush(writer->out) == 0
		       ? 0
		       : error_errno(writer->err, ERROR_SYSTEM, errno, "the export could not be written");
}

int transfer_export(struct store *store, FILE *out, int64_t *rows, struct error *err)
{
	struct writer writer = {.store = store, .out = out, .err = err};
	int64_t schema = 0;
	int result = store_begin(store, err);

	if (result < 0)
		return -1;
	digest_start(&writer.digest);
	result = store_find_int(store, &schema, err, "PRAGMA user_version", "") < 0 ? -1 : 0;
	if (result == 0)
		result = write_line(&writer, json_pack("{s:i,s:I,s:s}", "rollcall_export", 1, "schema",
						       (json_int_t)schema, "database", store_uuid(store)));
	if (result == 0)
		result = write_tables(&writer);
	if (result == 0)
		result = write_end(&writer);
	store_rollback(store);
	if (result == 0)
		*rows = writer.rows;
	return result;
}
