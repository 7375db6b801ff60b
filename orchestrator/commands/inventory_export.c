/* SPDX-License-Identifier: Apache-2.0 */
/* rollcall inventory export and import: the whole database as JSON lines, and back. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "inventory/transfer.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/output.h"
#include "orchestrator/session_ledger.h"

static bool is_stream(const char *path)
{
	return !path || strcmp(path, "-") == 0;
}

/* New, and nobody else's to read. */
static FILE *create(const char *path, struct error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (file)
		return file;
	if (errno == EEXIST)
		error_set(err, ERROR_REFUSED, "%s: is there already and was left as it is; name another file", path);
	else
		error_errno(err, ERROR_UNREACHABLE, errno, "%s: cannot be created", path);
	if (fd >= 0)
		close(fd);
	return NULL;
}

static int close_written(FILE *file, const char *path, struct error *err)
{
	int synced = fsync(fileno(file));

	if (fclose(file) == 0 && synced == 0)
		return 0;
	return error_errno(err, ERROR_SYSTEM, errno, "%s: could not be written", path);
}

static int export_to_file(struct session *session, struct store *store, const char *path, int64_t *rows)
{
	FILE *file = create(path, &session->error);
	int result;

	if (!file)
		return -1;
	result = transfer_export(store, file, rows, &session->error);
	if (close_written(file, path, &session->error) < 0)
		result = -1;
	if (result < 0)
		unlink(path);
	return result;
}

static int print_rows(const struct session *session, const char *file, const char *database, int64_t rows,
		      const char *direction)
{
	if (session->json)
		return output_json(json_pack("{s:o,s:o,s:I}", "database", output_text(database), "file",
					     output_text(file), "rows", (json_int_t)rows));
	printf("%s: %" PRId64 " rows %s %s\n", file, rows, direction, database);
	return 0;
}

int command_inventory_export(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	struct arguments operands = {NULL, 0};
	int parsed = command_parse(session, self, argc, argv, NULL, &operands);
	const char *path = parsed == 0 && operands.count ? operands.items[0] : NULL;
	struct store *store = parsed == 0 ? session_store(session) : NULL;
	int64_t rows = 0;
	int result = parsed <= 0 ? -1 : 0;

	if (store && is_stream(path))
		result = transfer_export(store, stdout, &rows, &session->error);
	else if (store)
		result = export_to_file(session, store, path, &rows);
	if (store && result == 0 && !is_stream(path))
		result = print_rows(session, path, store_path(store), rows, "of");
	arguments_clear(&operands);
	return result;
}

/* The events that came along end with the one that says so. */
static int record_import(struct session *session, const char *path, int64_t rows)
{
	struct ledger *ledger = session_ledger(session);
	int result = -1;

	if (ledger) {
		ledger_event(ledger, "database.imported", NULL, NULL,
			     json_pack("{s:o, s:I}", "file", output_text(is_stream(path) ? "stdin" : path), "rows",
				       (json_int_t)rows));
		result = ledger_commit(ledger, &session->error);
	}
	ledger_close(ledger);
	return result;
}

static int import(struct session *session, const char *path)
{
	const char *database = session_database_path(session);
	FILE *file = is_stream(path) ? stdin : fopen(path, "re");
	int64_t rows = 0;
	int result;

	if (!database)
		return -1;
	if (!file)
		return error_errno(&session->error, ERROR_UNREACHABLE, errno, "%s: cannot be read", path);
	result = transfer_import(is_stream(path) ? "stdin" : path, file, database, &rows, &session->error);
	if (file != stdin)
		fclose(file);
	if (result < 0 || record_import(session, path, rows) < 0)
		return -1;
	return print_rows(session, path, database, rows, "into");
}

int command_inventory_import(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	struct arguments operands = {NULL, 0};
	int parsed = command_parse(session, self, argc, argv, NULL, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0)
		result = import(session, operands.items[0]);
	arguments_clear(&operands);
	return result;
}
