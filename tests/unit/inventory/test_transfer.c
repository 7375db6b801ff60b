/* SPDX-License-Identifier: Apache-2.0 */
/* A database as JSON lines and back; every cut and every changed byte of an export is found. */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "inventory/agents.h"
#include "inventory/cluster.h"
#include "inventory/config.h"
#include "inventory/transfer.h"
#include "tests/support/cmocka.h"
#include "tests/support/fleet.h"
#include "tests/support/scratch.h"

#define EXPORT_MAX (4u << 20)

static const struct fleet_agent fleet[] = {
	{.id = "m-S1", .hostname = "a", .attributes = "rack:r1;it's:\"quoted\"", .used = "mem:512"},
	{.id = "m-S2", .hostname = "b\xc3\xa4", .region = "eu", .zone = "a"},
};
static const char document[] = "{\"name\": \"web\", \"rules\": [{\"attributes\": {\"rack\": \"r\xc3\xbc\"}}]}\n\n";

struct fixture {
	char *folder, *path, *copy;
	struct store *store;
	struct buffer exported;
	struct error err;
};

static int setup(void **state)
{
	struct fixture *fixture = xcalloc(1, sizeof(*fixture));
	const struct config_source source = {.name = "web.json", .bytes = document, .len = strlen(document)};
	struct config_version version;
	bool added;
	int64_t cluster;

	fixture->folder = scratch_new();
	fixture->path = path_join(fixture->folder, "rollcall.db");
	fixture->copy = path_join(fixture->folder, "copy.db");
	fixture->exported = (struct buffer)BUFFER_INIT(EXPORT_MAX);
	fixture->store = store_open(fixture->path, true, &fixture->err);
	assert_ok(cluster_id(fixture->store, "lab", &cluster, &fixture->err), &fixture->err);
	fleet_sync(fixture->store, cluster, fleet, 2);
	assert_ok(config_add(fixture->store, &source, "me", "text that is no UTF-8: \xff", 1, &version, &added,
			     &fixture->err),
		  &fixture->err);
	config_version_clear(&version);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	buffer_clear(&fixture->exported);
	store_close(fixture->store);
	scratch_remove(fixture->folder);
	free(fixture->path);
	free(fixture->copy);
	free(fixture);
	return 0;
}

static int64_t export_into(struct store *store, struct buffer *out, struct error *err)
{
	FILE *file = tmpfile();
	char piece[4096];
	int64_t rows = 0;
	size_t got;

	assert_ok(transfer_export(store, file, &rows, err), err);
	rewind(file);
	buffer_reset(out);
	while ((got = fread(piece, 1, sizeof(piece), file)) > 0)
		buffer_append(out, piece, got);
	fclose(file);
	return rows;
}

static int import_bytes(struct fixture *fixture, const char *bytes, size_t len, int64_t *rows)
{
	FILE *file = tmpfile();
	int result;

	error_clear(&fixture->err);
	if (len > 0)
		assert_int_equal(fwrite(bytes, 1, len, file), len);
	rewind(file);
	result = transfer_import("export.jsonl", file, fixture->copy, rows, &fixture->err);
	fclose(file);
	return result;
}

/* What was exported, imported and exported again is the same, byte for byte. */
static void test_round_trip(void **state)
{
	struct fixture *fixture = *state;
	struct buffer again = BUFFER_INIT(EXPORT_MAX);
	int64_t rows = export_into(fixture->store, &fixture->exported, &fixture->err), imported = 0;
	struct config_version version;
	struct store *copy;

	assert_ok(import_bytes(fixture, buffer_text(&fixture->exported), fixture->exported.len, &imported),
		  &fixture->err);
	assert_int_equal(imported, rows);
	copy = store_open(fixture->copy, false, &fixture->err);
	assert_non_null(copy);
	assert_string_equal(store_uuid(copy), store_uuid(fixture->store));
	assert_ok(config_find(copy, "web", &version, &fixture->err), &fixture->err);
	assert_string_equal(version.document, document);
	assert_string_equal(version.message, "text that is no UTF-8: \xff");
	config_version_clear(&version);
	export_into(copy, &again, &fixture->err);
	assert_int_equal(again.len, fixture->exported.len);
	assert_memory_equal(buffer_text(&again), buffer_text(&fixture->exported), again.len);
	buffer_clear(&again);
	store_close(copy);
}

static void test_a_database_that_is_there(void **state)
{
	struct fixture *fixture = *state;
	int64_t rows = 0;

	export_into(fixture->store, &fixture->exported, &fixture->err);
	free(scratch_write(fixture->folder, "copy.db", "mine"));
	assert_int_equal(import_bytes(fixture, buffer_text(&fixture->exported), fixture->exported.len, &rows), -1);
	assert_error(&fixture->err, ERROR_REFUSED, "is there already");
	assert_int_equal(rows, 0);
}

static void expect_refused(struct fixture *fixture, const char *bytes, size_t len, const char *what)
{
	int64_t rows = -7;

	if (import_bytes(fixture, bytes, len, &rows) == 0)
		fail_msg("imported: %s", what);
	if (fixture->err.kind != ERROR_CORRUPT && fixture->err.kind != ERROR_USAGE)
		fail_msg("%s: %s", what, fixture->err.text);
	assert_non_null(strstr(fixture->err.text, "export.jsonl"));
	assert_int_equal(rows, -7);
	assert_false(file_exists(fixture->copy)); /* a failure leaves nothing */
}

/* Cut after every line, and in the middle of some. */
static void test_cut_short(void **state)
{
	struct fixture *fixture = *state;
	const char *text;

	export_into(fixture->store, &fixture->exported, &fixture->err);
	text = buffer_text(&fixture->exported);
	for (size_t i = 0; i + 1 < fixture->exported.len; i++)
		if (i == 0 || text[i - 1] == '\n' || i % 997 == 0)
			expect_refused(fixture, text, i, "cut short");
}

/* A byte that was changed anywhere, a line that was taken out, put in twice, or moved. */
static void test_changed(void **state)
{
	struct fixture *fixture = *state;
	struct buffer changed = BUFFER_INIT(EXPORT_MAX);
	const char *text, *line;
	char *bytes;

	export_into(fixture->store, &fixture->exported, &fixture->err);
	text = buffer_text(&fixture->exported);
	bytes = xmemdup(text, fixture->exported.len);
	for (size_t i = 0; i + 1 < fixture->exported.len; i += 211) {
		char old = bytes[i];

		bytes[i] = (char)(old ^ 1);
		expect_refused(fixture, bytes, fixture->exported.len, "a changed byte");
		bytes[i] = old;
	}
	free(bytes);
	line = strstr(text, "{\"table\": \"agents\"");
	if (!line)
		line = strstr(text, "{\"table\":\"agents\"");
	assert_non_null(line);
	size_t at = (size_t)(line - text), len = strcspn(line, "\n") + 1;

	buffer_append(&changed, text, at);
	buffer_append(&changed, text + at + len, fixture->exported.len - at - len);
	expect_refused(fixture, buffer_text(&changed), changed.len, "a missing line");
	buffer_reset(&changed);
	buffer_append(&changed, text, at + len);
	buffer_append(&changed, text + at, fixture->exported.len - at);
	expect_refused(fixture, buffer_text(&changed), changed.len, "a line twice");
	buffer_reset(&changed);
	buffer_append(&changed, text, fixture->exported.len);
	buffer_puts(&changed, "{}\n");
	expect_refused(fixture, buffer_text(&changed), changed.len, "something behind the end");
	buffer_clear(&changed);
}

static void test_no_export(void **state)
{
	static const char *const texts[] = {
		"",
		"\n",
		"{}\n",
		"[]\n",
		"hello\n",
		"{\"rollcall_export\": 2, \"schema\": 1, \"database\": \"00000000000000000000000000000000\"}\n",
		"{\"rollcall_export\": 1, \"schema\": 9999, \"database\": \"00000000000000000000000000000000\"}\n",
		"{\"rollcall_export\": 1, \"schema\": 1, \"database\": \"x\"}\n",
		"{\"rollcall_export\": 1, \"schema\": 1, \"database\": \"00000000000000000000000000000000\"}\n"
		"{\"table\": \"sqlite_master\", \"row\": {\"name\": \"x\"}}\n",
		"{\"rollcall_export\": 1, \"schema\": 1, \"database\": \"00000000000000000000000000000000\"}\n"
		"{\"table\": \"agents; DROP TABLE agents\", \"row\": {\"row\": 1}}\n",
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		expect_refused(fixture, texts[i], strlen(texts[i]), texts[i]);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_round_trip), TEST(test_a_database_that_is_there), TEST(test_cut_short), TEST(test_changed),
		TEST(test_no_export),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
