/* SPDX-License-Identifier: Apache-2.0 */
/* A report of several runs has one head, and is what the database gives again, although others write events while it is made and after. */
#include "tests/support/cmocka.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "orchestrator/audit/reported.h"
#include "tests/support/report_fixture.h"

#define OTHER_RUN "r-20261123-2"

static const char *const names[] = {REPORT_RUN, OTHER_RUN};

static void put_other_run(struct report_fixture *fixture)
{
	struct error err = ERROR_INIT;
	struct run_row run;

	assert_ok(ledger_find_run(fixture->store, REPORT_RUN, &run, &err), &err);
	memcpy(run.id, OTHER_RUN, sizeof OTHER_RUN);
	ledger_put_run(fixture->ledger, &run);
	ledger_event(fixture->ledger, "run.created", OTHER_RUN, NULL, NULL);
	assert_ok(ledger_commit(fixture->ledger, &err), &err);
	run_row_clear(&run);
}

static void open_two_runs(struct report_fixture *fixture)
{
	report_fixture_open(fixture, 1, "anna@admin1");
	report_fixture_begin(fixture, "done", NULL);
	report_fixture_put(fixture, 0, &(struct report_agent){.state = "done", .from_ms = 1000, .until_ms = 4000});
	put_other_run(fixture);
}

/* Another process, which surveys hosts meanwhile. */
static void write_event(struct report_fixture *fixture)
{
	struct error err = ERROR_INIT;

	ledger_event(fixture->ledger, "inventory.survey", NULL, "S0", NULL);
	assert_ok(ledger_commit(fixture->ledger, &err), &err);
}

static struct store *open_again(const struct report_fixture *fixture)
{
	struct error err = ERROR_INIT;
	struct store *reader = store_open(store_path(fixture->store), false, &err);

	assert_non_null(reader);
	return reader;
}

/* Is the file what this database gives? The last word on it, and what speaks against it; the caller's. */
static char *verify(struct store *store, const char *path)
{
	struct error err = ERROR_INIT;
	struct findings_list findings = {.count = 0};
	struct reported found;
	struct chain chain;
	char *text;

	assert_ok(chain_check(store, &chain, &findings, &err), &err);
	assert_ok(reported_check(store, path, &chain, &found, &findings, &err), &err);
	text = xasprintf("%s%s", found.same ? "same" : found.why, findings.count ? findings.items[0].text : "");
	findings_list_clear(&findings);
	chain_clear(&chain);
	return text;
}

static char *write_and_say(struct report_fixture *fixture, struct store *reader, const struct report_runs *runs,
			   enum report_format format)
{
	struct error err = ERROR_INIT;
	struct buffer out = BUFFER_INIT(REPORT_MAX);
	char *path = path_join(fixture->folder, "report"), *said;

	report_write(runs, format, &out);
	assert_ok(file_replace(path, buffer_text(&out), out.len, NULL, &err), &err);
	write_event(fixture);
	said = verify(reader, path);
	free(path);
	buffer_clear(&out);
	return said;
}

static void write_and_verify(struct report_fixture *fixture, struct store *reader, const struct report_runs *runs,
			     enum report_format format)
{
	char *said = write_and_say(fixture, reader, runs, format);

	assert_string_equal(said, "same");
	free(said);
}

static void an_event_between_two_runs(void **state)
{
	struct report_fixture fixture;
	struct report_runs runs = {NULL, 0};
	struct error err = ERROR_INIT;

	(void)state;
	open_two_runs(&fixture);
	struct store *reader = open_again(&fixture);
	assert_ok(store_begin_reading(reader, &err), &err);
	assert_ok(report_runs_add(&runs, reader, REPORT_RUN, clock_wall_ms(), &err), &err);
	write_event(&fixture); /* which reading does not hinder */
	assert_ok(report_runs_add(&runs, reader, OTHER_RUN, clock_wall_ms(), &err), &err);
	store_rollback(reader);
	assert_string_equal(runs.views[0].head, runs.views[1].head);
	for (int format = REPORT_TEXT; format < REPORT_FORMAT_COUNT; format++)
		if (format != REPORT_CSV) /* which names no head, and rests on its event */
			write_and_verify(&fixture, reader, &runs, (enum report_format)format);
	report_runs_clear(&runs);
	store_close(reader);
	report_fixture_close(&fixture);
}

/* Such a report has two heads: the mark names the first. The second one is to be that of a later event, and of no earlier one. */
static void as_versions_wrote_it_that_read_run_by_run(void **state)
{
	struct report_fixture fixture;
	struct report_runs runs = {NULL, 0};
	struct error err = ERROR_INIT;

	(void)state;
	open_two_runs(&fixture);
	struct store *reader = open_again(&fixture);
	assert_ok(report_runs_add(&runs, reader, REPORT_RUN, clock_wall_ms(), &err), &err);
	write_event(&fixture);
	assert_ok(report_runs_add(&runs, reader, OTHER_RUN, clock_wall_ms(), &err), &err);
	assert_string_not_equal(runs.views[0].head, runs.views[1].head);
	for (int format = REPORT_TEXT; format < REPORT_FORMAT_COUNT; format++)
		if (format != REPORT_CSV)
			write_and_verify(&fixture, reader, &runs, (enum report_format)format);
	memcpy(runs.views[1].head, runs.views[0].run_hash, sizeof runs.views[1].head);
	char *said = write_and_say(&fixture, reader, &runs, REPORT_HTML);
	assert_text_has(said, "is not the report of what the database holds");
	free(said);
	report_runs_clear(&runs);
	store_close(reader);
	report_fixture_close(&fixture);
}

static void loading_reads_one_moment(void **state)
{
	struct report_fixture fixture;
	struct report_runs runs = {NULL, 0};
	struct error err = ERROR_INIT;

	(void)state;
	open_two_runs(&fixture);
	/* It begins its own, which must not be within another one … */
	assert_ok(store_begin_reading(fixture.store, &err), &err);
	assert_int_equal(report_runs_load(&runs, fixture.store, names, 2, REPORT_NOW_MS, &err), -1);
	assert_error(&err, ERROR_BUG, "open already");
	store_rollback(fixture.store);
	/* … and leaves none behind. */
	assert_ok(report_runs_load(&runs, fixture.store, names, 2, REPORT_NOW_MS, &err), &err);
	assert_int_equal(runs.count, 2);
	write_event(&fixture);
	report_runs_clear(&runs);
	assert_int_equal(report_runs_load(&runs, fixture.store, (const char *const[]){"r-none"}, 1, 1, &err), -1);
	write_event(&fixture);
	report_runs_clear(&runs);
	report_fixture_close(&fixture);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_between_two_runs),
		cmocka_unit_test(as_versions_wrote_it_that_read_run_by_run),
		cmocka_unit_test(loading_reads_one_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
