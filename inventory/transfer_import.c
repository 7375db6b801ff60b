/* SPDX-License-Identifier: Apache-2.0 */
/* Coming in: into a new file of the export's own schema, in one transaction; then the file is brought up to date and
 * gets its name. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/json.h"
#include "inventory/store_internal.h"
#include "inventory/transfer.h"

struct reader {
	const char *source;
	FILE *in;
	char *line;
	size_t room;
	int64_t number; /* of the line, from 1 */
	struct digest_state digest;
	struct store *store;
	sqlite3_stmt *insert; /* for the table of the last row */
	char *insert_sql;
	int64_t rows;
	struct error *err;
};

static int bad_line(struct reader *reader, const char *what)
{
	return error_set(reader->err, ERROR_CORRUPT, "%s:%lld: %s; export it again", reader->source,
			 (long long)reader->number, what);
}

/* The next line as a document, its bytes added to the digest unless it is the last. NULL with the error set. */
static json_t *read_line(struct reader *reader)
{
	json_t *document;
	ssize_t len = getline(&reader->line, &reader->room, reader->in);

	reader->number++;
	if (len < 0) {
		bad_line(reader, "the export ends before its last line");
		return NULL;
	}
	document = json_loadb(reader->line, (size_t)len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	if (!json_is_object(document)) {
		json_decref(document);
		bad_line(reader, "no JSON object");
		return NULL;
	}
	if (!json_object_get(document, "end"))
		digest_add(&reader->digest, reader->line, (size_t)len);
	return document;
}

static int read_header(struct reader *reader, int64_t *schema)
{
	json_t *header = read_line(reader);
	bool known = header && json_integer_value(json_object_get(header, "rollcall_export")) == 1;

	*schema = json_integer_value(json_object_get(header, "schema"));
	json_decref(header);
	if (known && *schema > 0)
		return 0;
	error_clear(reader->err);
	return error_set(reader->err, ERROR_USAGE, "%s: no export of rollcall", reader->source);
}

/* ---- one row */

/* Only names that the schema has become part of the SQL. */
static bool has_column(struct reader *reader, const char *table, const char *column)
{
	int64_t found = 0;

	return store_find_int(reader->store, &found, reader->err,
			      "SELECT count(*) FROM pragma_table_info(?1) WHERE name = ?2", "tt", table, column) > 0 &&
	       found == 1;
}

static char *insert_text(struct reader *reader, const char *table, json_t *row)
{
	struct buffer columns = BUFFER_INIT(100000), places = BUFFER_INIT(100000);
	const char *name;
	json_t *value;
	char *sql = NULL;
	bool known = strncmp(table, "sqlite_", 7) != 0 && json_object_size(row) > 0;

	json_object_foreach(row, name, value)
	{
		known = known && has_column(reader, table, name);
		buffer_printf(&columns, "%s\"%s\"", columns.len ? ", " : "", name);
		buffer_printf(&places, "%s?", places.len ? ", " : "");
	}
	if (known)
		sql = xasprintf("INSERT INTO main.\"%s\" (%s) VALUES (%s)", table, buffer_text(&columns),
				buffer_text(&places));
	else
		bad_line(reader, "a table or a column that its schema does not have");
	buffer_clear(&columns);
	buffer_clear(&places);
	return sql;
}

/* The statement for rows like this one; kept while the next row is alike. */
static int prepare_insert(struct reader *reader, const char *table, json_t *row)
{
	char *sql = insert_text(reader, table, row);

	if (!sql)
		return -1;
	if (reader->insert_sql && strcmp(sql, reader->insert_sql) == 0) {
		free(sql);
		sqlite3_reset(reader->insert);
		return 0;
	}
	sqlite3_finalize(reader->insert);
	free(reader->insert_sql);
	reader->insert_sql = sql;
	reader->insert = NULL;
	if (sqlite3_prepare_v2(reader->store->handle, sql, -1, &reader->insert, NULL) != SQLITE_OK)
		return store_fail(reader->store, reader->err, "importing");
	return 0;
}

/* {"base64": …} or {"text_base64": …} */
static int bind_wrapped(struct reader *reader, int index, const json_t *value)
{
	const char *blob = json_string_value(json_object_get(value, "base64"));
	const char *text = json_string_value(json_object_get(value, "text_base64"));
	unsigned char *data = NULL;
	size_t len = 0;
	int code;

	if ((!blob && !text) || base64_decode(blob ? blob : text, &data, &len, NULL) < 0)
		return bad_line(reader, "a value that is no base64");
	if (blob)
		code = sqlite3_bind_blob64(reader->insert, index, len ? (const void *)data : "", len, SQLITE_TRANSIENT);
	else
		code = sqlite3_bind_text64(reader->insert, index, (const char *)data, len, SQLITE_TRANSIENT,
					   SQLITE_UTF8);
	free(data);
	return code == SQLITE_OK ? 0 : store_fail(reader->store, reader->err, "importing");
}

static int bind_value(struct reader *reader, int index, const json_t *value)
{
	int code;

	switch (json_typeof(value)) {
	case JSON_INTEGER:
		code = sqlite3_bind_int64(reader->insert, index, json_integer_value(value));
		break;
	case JSON_REAL:
		code = sqlite3_bind_double(reader->insert, index, json_real_value(value));
		break;
	case JSON_STRING:
		code = sqlite3_bind_text64(reader->insert, index, json_string_value(value), json_string_length(value),
					   SQLITE_TRANSIENT, SQLITE_UTF8);
		break;
	case JSON_NULL:
		code = sqlite3_bind_null(reader->insert, index);
		break;
	case JSON_OBJECT:
		return bind_wrapped(reader, index, value);
	default:
		return bad_line(reader, "a value that no column can have");
	}
	return code == SQLITE_OK ? 0 : store_fail(reader->store, reader->err, "importing");
}

static int insert_row(struct reader *reader, const char *table, json_t *row)
{
	const char *name;
	json_t *value;
	int index = 1;

	if (prepare_insert(reader, table, row) < 0)
		return -1;
	json_object_foreach(row, name, value)
	{
		if (bind_value(reader, index++, value) < 0)
			return -1;
	}
	reader->rows++;
	if (sqlite3_step(reader->insert) == SQLITE_DONE)
		return 0;
	if ((sqlite3_errcode(reader->store->handle) & 0xff) == SQLITE_CONSTRAINT)
		return bad_line(reader, sqlite3_errmsg(reader->store->handle));
	return store_fail(reader->store, reader->err, "importing");
}

/* ---- all of it */

static int check_end(struct reader *reader, const json_t *end)
{
	const char *wanted = json_string_value(json_object_get(end, "sha256"));
	unsigned char digest[DIGEST_SIZE];
	char hash[DIGEST_HEX_SIZE];

	digest_finish(&reader->digest, digest);
	hex_encode(digest, sizeof(digest), hash);
	if (!wanted || strcmp(hash, wanted) != 0 || json_integer_value(json_object_get(end, "rows")) != reader->rows)
		return bad_line(reader, "the lines are not those that were exported");
	if (getc(reader->in) != EOF) {
		reader->number++;
		return bad_line(reader, "there is something behind its last line");
	}
	return 0;
}

static int read_rows(struct reader *reader)
{
	for (;;) {
		json_t *line = read_line(reader), *row = json_object_get(line, "row");
		const char *table = json_string_value(json_object_get(line, "table"));
		bool last = json_object_get(line, "end") != NULL;
		int result = -1;

		if (!line)
			return -1;
		if (last)
			result = check_end(reader, line);
		else if (table && json_is_object(row))
			result = insert_row(reader, table, row);
		else
			bad_line(reader, "neither a row nor the end");
		json_decref(line);
		if (result < 0 || last)
			return result;
	}
}

static int fill(struct reader *reader)
{
	struct store *store = reader->store;
	int result = store_begin(store, reader->err);

	if (result == 0)
		result = store_run(store, reader->err, "PRAGMA defer_foreign_keys = ON", "");
	if (result == 0)
		result = read_rows(reader);
	sqlite3_finalize(reader->insert);
	reader->insert = NULL;
	free(reader->insert_sql);
	reader->insert_sql = NULL;
	if (result == 0)
		result = store_commit(store, reader->err);
	store_rollback(store);
	return result;
}

/* Opening it once more brings the schema up to date; closing it leaves one file. */
static int finish(const char *part, const char *path, struct error *err)
{
	struct store *store = store_open(part, false, err);
	char *folder = path_dir(path);
	int result = store ? 0 : -1;

	store_close(store);
	if (result == 0 && link(part, path) < 0)
		result = errno == EEXIST
				 ? error_set(err, ERROR_REFUSED, "%s: is there already and was left as it is", path)
				 : error_errno(err, ERROR_SYSTEM, errno, "%s: cannot be created", path);
	if (result == 0)
		result = file_sync_dir(folder, err);
	free(folder);
	return result;
}

static void remove_part(const char *part)
{
	static const char *const more[] = {"", "-wal", "-shm"};

	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		char *name = xasprintf("%s%s", part, more[i]);

		unlink(name);
		free(name);
	}
}

static int import_into(struct reader *reader, const char *part, const char *path)
{
	int64_t schema = 0;
	int result;

	if (read_header(reader, &schema) < 0)
		return -1;
	reader->store = store_create_at(part, schema, reader->err);
	if (!reader->store)
		return error_prefix(reader->err, "%s", reader->source);
	result = fill(reader);
	store_close(reader->store);
	return result == 0 ? finish(part, path, reader->err) : -1;
}

int transfer_import(const char *source, FILE *in, const char *path, int64_t *rows, struct error *err)
{
	struct reader reader = {.source = source, .in = in, .err = err};
	char id[RANDOM_ID_SIZE], *part;
	int result;

	if (file_exists(path))
		return error_set(err, ERROR_REFUSED,
				 "%s: is there already and was left as it is; name a new database with --db", path);
	random_id(id);
	part = xasprintf("%s.%.8s.part", path, id);
	digest_start(&reader.digest);
	result = import_into(&reader, part, path);
	remove_part(part);
	free(part);
	free(reader.line);
	if (result == 0)
		*rows = reader.rows;
	return result;
}
