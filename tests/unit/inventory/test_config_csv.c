/* SPDX-License-Identifier: Apache-2.0 */
/* A config's CSV: what is a table, who finds which row, and what ${csv.COLUMN} becomes. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "inventory/cluster.h"
#include "inventory/config.h"
#include "inventory/config_csv.h"
#include "tests/support/cmocka.h"
#include "tests/support/fleet_fixture.h"
#include "tests/support/scratch.h"

static struct agent_record agent(const char *id, const char *hostname)
{
	return (struct agent_record){.view = {.id = (char *)(uintptr_t)id, .hostname = (char *)(uintptr_t)hostname}};
}

static struct config_csv *parse(const char *text)
{
	struct error err = ERROR_INIT;
	struct config_csv *csv = config_csv_parse("r.csv", text, strlen(text), &err);

	if (!csv)
		fail_msg("%s: %s", text, err.text);
	return csv;
}

static void check_value(const struct config_csv *csv, const char *hostname, const char *column, const char *expected)
{
	struct agent_record found = agent("m-S1", hostname);
	const char *value = config_csv_value(csv, column, strlen(column), &found);

	if (!expected)
		assert_null(value);
	else
		assert_string_equal(value ? value : "(nothing)", expected);
}

static void test_rows_are_found_by_hostname(void **state)
{
	struct config_csv *csv = parse("rack,hostname,mem\nr2,b,2\nr1,a,1\nr3,c,\n");

	(void)state;
	check_value(csv, "a", "rack", "r1");
	check_value(csv, "b", "rack", "r2");
	check_value(csv, "c", "rack", "r3");
	check_value(csv, "b", "mem", "2");
	check_value(csv, "c", "mem", NULL);
	check_value(csv, "d", "rack", NULL);
	check_value(csv, "a", "hall", NULL);
	check_value(csv, "", "rack", NULL);
	assert_true(config_csv_has_column(csv, "mem", 3));
	assert_false(config_csv_has_column(csv, "memory", 3 + 3));
	assert_false(config_csv_has_column(csv, "me", 2));
	config_csv_free(csv);
}

static void test_id_before_hostname(void **state)
{
	struct config_csv *csv = parse("hostname,id,rack\na,m-S1,r1\na,m-S2,r2\n");
	struct agent_record second = agent("m-S2", "a");

	(void)state;
	check_value(csv, "whatever", "rack", "r1");
	assert_string_equal(config_csv_value(csv, "rack", 4, &second), "r2");
	config_csv_free(csv);
}

static void test_spreadsheets(void **state)
{
	struct config_csv *csv = parse("\xef\xbb\xbf\"hostname\",note\r\n"
				       "a,\"one, \"\"two\"\"\r\nthree\"\r\n"
				       "\r\n"
				       "b,\" spaces stay \"\r\n"
				       "c,h\xc3\xa4ll");

	(void)state;
	check_value(csv, "a", "note", "one, \"two\"\r\nthree");
	check_value(csv, "b", "note", " spaces stay ");
	check_value(csv, "c", "note", "h\xc3\xa4ll");
	config_csv_free(csv);
}

static void test_what_is_no_table(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{"", "r.csv:1: a column needs a name"},
		{"rack,mem\nr1,2\n", "r.csv:1: no column is named hostname or id"},
		{"hostname,rack,rack\n", "r.csv:1: there are two columns rack"},
		{"hostname,\na,b\n", "r.csv:1: a column needs a name"},
		{"hostname,a}b\n", "r.csv:1: a column needs a name"},
		{"hostname,rack\na,r1\na,r2\n", "r.csv:3: a second row for a"},
		{"hostname,rack\na\n", "r.csv:2: the row has not as many cells"},
		{"hostname,rack\na,b,c\n", "r.csv:2: the row has not as many cells"},
		{"hostname,rack\n,r1\n", "r.csv:2: the row names no agent"},
		{"hostname,rack\n\"a\nb\",r1\n\"c,r2\n", "r.csv:4: a quote that is never closed"},
		{"hostname,rack\n\"a\"b,r1\n", "r.csv:2: text behind a closing quote"},
		{"hostname,rack\na,\xff\n", "r.csv:2: a byte that is no UTF-8"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error err = ERROR_INIT;

		if (config_csv_parse("r.csv", cases[i].text, strlen(cases[i].text), &err))
			fail_msg("accepted: %s", cases[i].text);
		assert_error(&err, ERROR_USAGE, cases[i].words);
	}
}

static void test_bytes_behind_a_nul(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_null(config_csv_parse("r.csv", "hostname,x\na,\0b\n", 16, &err));
	assert_error(&err, ERROR_USAGE, "r.csv:2: a byte that is no UTF-8");
}

/* ---- in a config */

static const struct fleet_agent fleet[] = {{.id = "m-S1", .hostname = "a"}, {.id = "m-S2", .hostname = "b"}};

#define DOCUMENT "{\"name\": \"w\", \"rules\": [{\"attributes\": {\"rack\": \"x-${csv.rack}\"}}]}"

static int setup(void **state)
{
	return fleet_setup(state, fleet, 2);
}

static struct config_source source_of(const char *document, const char *csv)
{
	return (struct config_source){.name = "w.json",
				      .bytes = document,
				      .len = strlen(document),
				      .csv_name = "r.csv",
				      .csv = csv,
				      .csv_len = csv ? strlen(csv) : 0};
}

static struct config_version add(struct fleet_fixture *fixture, const char *csv, bool expected)
{
	struct config_source source = source_of(DOCUMENT, csv);
	struct config_version version;
	bool added;

	assert_ok(config_add(fixture->store, &source, "me", NULL, 1, &version, &added, &fixture->err), &fixture->err);
	assert_int_equal(added, expected);
	return version;
}

static void test_values_reach_the_agent(void **state)
{
	struct fleet_fixture *fixture = *state;
	struct config_version version = add(fixture, "hostname,rack\na,r7\n", true), stored;
	struct config_edits edits;
	struct agent_record agents[2];
	struct flags flags = FLAGS_INIT;
	struct config *config;

	assert_ok(config_find(fixture->store, "w@1", &stored, &fixture->err), &fixture->err);
	assert_string_equal(stored.csv, "hostname,rack\na,r7\n");
	config = config_open(&stored, &fixture->err);
	assert_non_null(config);
	for (size_t i = 0; i < 2; i++)
		fleet_record(fixture->store, fixture->cluster, fleet[i].id, &agents[i]);
	assert_ok(config_resolve(config, fixture->store, &agents[0], &flags, &mesos_version_newest, &edits,
				 &fixture->err),
		  &fixture->err);
	assert_int_equal(edits.count, 1);
	assert_string_equal(edits.items[0].after, "rack:x-r7");
	config_edits_clear(&edits);
	assert_int_equal(config_resolve(config, fixture->store, &agents[1], &flags, &mesos_version_newest, &edits,
					&fixture->err),
			 -1);
	assert_error(&fixture->err, ERROR_USAGE, "the CSV has nothing for agent b (m-S2) in column rack");
	for (size_t i = 0; i < 2; i++)
		agent_record_clear(&agents[i]);
	config_free(config);
	config_version_clear(&stored);
	config_version_clear(&version);
}

static void test_another_csv_is_another_version(void **state)
{
	struct fleet_fixture *fixture = *state;
	struct config_version first = add(fixture, "hostname,rack\na,r1\n", true);
	struct config_version same = add(fixture, "hostname,rack\na,r1\n", false);
	struct config_version second = add(fixture, "hostname,rack\na,r2\n", true);

	assert_int_equal(same.version, 1);
	assert_int_equal(second.version, 2);
	assert_string_equal(first.sha256, second.sha256);
	assert_string_not_equal(first.csv_sha256, second.csv_sha256);
	config_version_clear(&first);
	config_version_clear(&same);
	config_version_clear(&second);
}

static void test_a_changed_csv_is_found(void **state)
{
	struct fleet_fixture *fixture = *state;
	struct config_version version = add(fixture, "hostname,rack\na,r1\n", true);

	config_version_clear(&version);
	assert_ok(store_run(fixture->store, &fixture->err, "DROP TRIGGER config_versions_are_immutable", ""),
		  &fixture->err);
	assert_ok(store_run(fixture->store, &fixture->err, "UPDATE config_versions SET csv = x'61'", ""),
		  &fixture->err);
	assert_int_equal(config_find(fixture->store, "w", &version, &fixture->err), -1);
	assert_error(&fixture->err, ERROR_CORRUPT, "the stored CSV has SHA-256");
	assert_ok(store_run(fixture->store, &fixture->err, "UPDATE config_versions SET csv = NULL", ""), &fixture->err);
	assert_int_equal(config_find(fixture->store, "w", &version, &fixture->err), -1);
	assert_error(&fixture->err, ERROR_CORRUPT, "the stored CSV has SHA-256");
}

static void test_columns_that_are_not_there(void **state)
{
	struct fleet_fixture *fixture = *state;
	struct config_source without = source_of(DOCUMENT, NULL), other = source_of(DOCUMENT, "hostname,hall\n");
	struct config_source broken = source_of(DOCUMENT, "rack\nr1\n");

	assert_null(config_parse(&without, &fixture->err));
	assert_error(&fixture->err, ERROR_USAGE, "w.json: rules[0].attributes.rack: \"${csv.rack}\" needs a CSV");
	assert_null(config_parse(&other, &fixture->err));
	assert_error(&fixture->err, ERROR_USAGE, "the CSV has no column of that name");
	assert_null(config_parse(&broken, &fixture->err));
	assert_error(&fixture->err, ERROR_USAGE, "r.csv:1: no column is named");
}

#define IN_STORE(function) cmocka_unit_test_setup_teardown(function, setup, fleet_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_are_found_by_hostname),
		cmocka_unit_test(test_id_before_hostname),
		cmocka_unit_test(test_spreadsheets),
		cmocka_unit_test(test_what_is_no_table),
		cmocka_unit_test(test_bytes_behind_a_nul),
		IN_STORE(test_values_reach_the_agent),
		IN_STORE(test_another_csv_is_another_version),
		IN_STORE(test_a_changed_csv_is_found),
		IN_STORE(test_columns_that_are_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
