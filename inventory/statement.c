/* SPDX-License-Identifier: Apache-2.0 */
/* Statements of a store: prepared once, bound in one place, read through cursors. */
#include <stdarg.h>
#include <string.h>

#include "base/alloc.h"
#include "inventory/store_internal.h"

void statements_finalize(struct store *store)
{
	for (size_t i = 0; i < store->cached; i++)
		sqlite3_finalize(store->cache[i].handle);
	store->cached = 0;
}

void store_forget_statements(struct store *store)
{
	statements_finalize(store);
}

static bool is_free(const struct store_statement *statement, const char *sql)
{
	return !statement->in_use && strcmp(sqlite3_sql(statement->handle), sql) == 0;
}

/* Most often it is the one that was used last. */
static struct store_statement *find_cached(struct store *store, const char *sql)
{
	if (store->last < store->cached && is_free(&store->cache[store->last], sql))
		return &store->cache[store->last];
	for (size_t i = 0; i < store->cached; i++)
		if (is_free(&store->cache[i], sql)) {
			store->last = i;
			return &store->cache[i];
		}
	return NULL;
}

static struct store_statement *new_statement(struct store *store)
{
	struct store_statement *statement;

	if (store->cached == STATEMENT_SLOTS)
		return xcalloc(1, sizeof(*statement));
	statement = &store->cache[store->cached++];
	*statement = (struct store_statement){.kept = true};
	return statement;
}

static void drop_statement(struct store *store, struct store_statement *statement)
{
	sqlite3_finalize(statement->handle);
	statement->handle = NULL;
	if (statement->kept)
		store->cached--; /* only ever the newest: it was not prepared */
	else
		free(statement);
}

static struct store_statement *take_statement(struct store *store, const char *sql, struct error *err)
{
	struct store_statement *statement = find_cached(store, sql);
	const char *rest = NULL;

	if (!statement) {
		statement = new_statement(store);
		if (sqlite3_prepare_v3(store->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement->handle, &rest) !=
		    SQLITE_OK) {
			store_fail(store, err, "preparing a statement");
			drop_statement(store, statement);
			return NULL;
		}
		if (!statement->handle || *rest) {
			error_set(err, ERROR_BUG, "%s: not exactly one statement: %s", store->path, sql);
			drop_statement(store, statement);
			return NULL;
		}
	}
	statement->in_use = true;
	return statement;
}

static void release_statement(struct store_statement *statement)
{
	sqlite3_reset(statement->handle);
	sqlite3_clear_bindings(statement->handle);
	statement->in_use = false;
	if (!statement->kept) {
		sqlite3_finalize(statement->handle);
		free(statement);
	}
}

static int bind_text(sqlite3_stmt *handle, int index, const char *text, sqlite3_destructor_type lifetime)
{
	return text ? sqlite3_bind_text(handle, index, text, -1, lifetime) : sqlite3_bind_null(handle, index);
}

static int bind_slice(sqlite3_stmt *handle, int index, const char *text, size_t len, sqlite3_destructor_type lifetime)
{
	return text ? sqlite3_bind_text64(handle, index, text, len, lifetime, SQLITE_UTF8)
		    : sqlite3_bind_null(handle, index);
}

static int bind_blob(sqlite3_stmt *handle, int index, const void *data, size_t len, sqlite3_destructor_type lifetime)
{
	return data ? sqlite3_bind_blob64(handle, index, data, len, lifetime) : sqlite3_bind_null(handle, index);
}

/* lifetime: of texts and bytes, SQLITE_STATIC when they stay until the statement is done. */
static int bind_one(sqlite3_stmt *handle, int index, char type, va_list *values, sqlite3_destructor_type lifetime)
{
	const void *data;

	switch (type) {
	case 't':
		return bind_text(handle, index, va_arg(*values, const char *), lifetime);
	case 's':
		data = va_arg(*values, const char *);
		return bind_slice(handle, index, data, va_arg(*values, size_t), lifetime);
	case 'i':
		return sqlite3_bind_int64(handle, index, va_arg(*values, int64_t));
	case 'd':
		return sqlite3_bind_int(handle, index, va_arg(*values, int));
	case 'r':
		return sqlite3_bind_double(handle, index, va_arg(*values, double));
	case 'b':
		data = va_arg(*values, const void *);
		return bind_blob(handle, index, data, va_arg(*values, size_t), lifetime);
	default:
		return SQLITE_MISUSE;
	}
}

static int check_count(struct store *store, struct store_statement *statement, size_t given, struct error *err)
{
	size_t wanted = (size_t)sqlite3_bind_parameter_count(statement->handle);

	if (wanted == given)
		return 0;
	return error_set(err, ERROR_BUG, "%s: %zu parameters for a statement with %zu: %s", store->path, given, wanted,
			 sqlite3_sql(statement->handle));
}

static struct store_statement *prepare(struct store *store, const char *sql, const char *types, va_list *values,
				       sqlite3_destructor_type lifetime, struct error *err)
{
	struct store_statement *statement = take_statement(store, sql, err);

	if (!statement)
		return NULL;
	if (check_count(store, statement, strlen(types), err) < 0)
		goto fail;
	for (int i = 0; types[i]; i++) {
		int code = bind_one(statement->handle, i + 1, types[i], values, lifetime);

		if (code != SQLITE_OK) {
			error_set(err, ERROR_BUG, "%s: parameter %d (type %c) cannot be bound: %s", store->path, i + 1,
				  types[i], sqlite3_errstr(code));
			goto fail;
		}
	}
	return statement;
fail:
	release_statement(statement);
	return NULL;
}

int store_run(struct store *store, struct error *err, const char *sql, const char *types, ...)
{
	struct store_statement *statement;
	va_list values;
	int code;

	va_start(values, types);
	statement = prepare(store, sql, types, &values, SQLITE_STATIC, err);
	va_end(values);
	if (!statement)
		return -1;
	while ((code = sqlite3_step(statement->handle)) == SQLITE_ROW)
		; /* an INSERT … RETURNING or a PRAGMA may say something nobody asked for */
	if (code != SQLITE_DONE)
		store_fail(store, err, "writing to it");
	release_statement(statement);
	return code == SQLITE_DONE ? 0 : -1;
}

static int start_query(struct store *store, struct store_cursor *cursor, struct error *err, const char *sql,
		       const char *types, va_list *values)
{
	struct store_statement *statement = prepare(store, sql, types, values, SQLITE_TRANSIENT, err);

	if (!statement)
		return -1;
	*cursor = (struct store_cursor){.store = store, .statement = statement};
	return 0;
}

int store_query(struct store *store, struct store_cursor *cursor, struct error *err, const char *sql, const char *types,
		...)
{
	va_list values;
	int result;

	va_start(values, types);
	result = start_query(store, cursor, err, sql, types, &values);
	va_end(values);
	return result;
}

static int bind_value(sqlite3_stmt *handle, int index, const struct store_value *value)
{
	switch (value->type) {
	case STORE_INT:
		return sqlite3_bind_int64(handle, index, value->integer);
	case STORE_REAL:
		return sqlite3_bind_double(handle, index, value->real);
	case STORE_TEXT:
		return bind_text(handle, index, value->text, SQLITE_TRANSIENT);
	case STORE_NULL:
		break;
	}
	return sqlite3_bind_null(handle, index);
}

int store_query_values(struct store *store, struct store_cursor *cursor, struct error *err, const char *sql,
		       const struct store_value *values, size_t count)
{
	struct store_statement *statement = take_statement(store, sql, err);

	if (!statement)
		return -1;
	if (check_count(store, statement, count, err) < 0)
		goto fail;
	for (size_t i = 0; i < count; i++)
		if (bind_value(statement->handle, (int)i + 1, &values[i]) != SQLITE_OK) {
			store_fail(store, err, "binding a value");
			goto fail;
		}
	*cursor = (struct store_cursor){.store = store, .statement = statement};
	return 0;
fail:
	release_statement(statement);
	return -1;
}

int store_next(struct store_cursor *cursor, struct error *err)
{
	int code = sqlite3_step(cursor->statement->handle);

	if (code == SQLITE_ROW)
		return 1;
	if (code == SQLITE_DONE)
		return 0;
	return store_fail(cursor->store, err, "reading from it");
}

void store_done(struct store_cursor *cursor)
{
	if (cursor->statement)
		release_statement(cursor->statement);
	cursor->statement = NULL;
}

const char *store_text(const struct store_cursor *cursor, int column)
{
	return (const char *)sqlite3_column_text(cursor->statement->handle, column);
}

int64_t store_int(const struct store_cursor *cursor, int column)
{
	return sqlite3_column_int64(cursor->statement->handle, column);
}

double store_real(const struct store_cursor *cursor, int column)
{
	return sqlite3_column_double(cursor->statement->handle, column);
}

const void *store_blob(const struct store_cursor *cursor, int column, size_t *len)
{
	const void *data = sqlite3_column_blob(cursor->statement->handle, column);

	*len = (size_t)sqlite3_column_bytes(cursor->statement->handle, column);
	if (!data && !store_is_null(cursor, column))
		return ""; /* SQLite gives NULL for bytes of length 0 */
	return data;
}

bool store_is_null(const struct store_cursor *cursor, int column)
{
	return sqlite3_column_type(cursor->statement->handle, column) == SQLITE_NULL;
}

int store_find_int(struct store *store, int64_t *out, struct error *err, const char *sql, const char *types, ...)
{
	struct store_cursor rows;
	va_list values;
	int result;

	va_start(values, types);
	result = start_query(store, &rows, err, sql, types, &values);
	va_end(values);
	if (result < 0)
		return -1;
	result = store_next(&rows, err);
	if (result > 0)
		*out = store_int(&rows, 0);
	store_done(&rows);
	return result;
}

int store_find_text(struct store *store, char **out, struct error *err, const char *sql, const char *types, ...)
{
	struct store_cursor rows;
	va_list values;
	int result;

	va_start(values, types);
	result = start_query(store, &rows, err, sql, types, &values);
	va_end(values);
	if (result < 0)
		return -1;
	result = store_next(&rows, err);
	if (result > 0) {
		const char *text = store_text(&rows, 0);

		*out = xstrdup(text ? text : "");
	}
	store_done(&rows);
	return result;
}
