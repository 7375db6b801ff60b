/* SPDX-License-Identifier: Apache-2.0 */
/* Agents that were proven on their hosts while an old master kept their SlaveInfo: no format says more than that. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "tests/support/report_fixture.h"

#define WHAT_TO_DO                                                                                                      \
	"proven on the host alone, as the master kept the old SlaveInfo. Unless it has failed over since, restart the " \
	"leading master; what it shows then is asked with:\n      rollcall inventory sync\n"

static char *write_text(const struct run_view *view)
{
	char *text = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&text, &len);

	run_view_print_roll(view, true, stream);
	fclose(stream);
	return text;
}

static void open_run(struct report_fixture *fixture, const char *run_state, size_t behind)
{
	report_fixture_open(fixture, 2, "anna@admin1");
	report_fixture_begin(fixture, run_state, NULL);
	for (size_t i = 0; i < 2; i++)
		report_fixture_put(
			fixture, i,
			&(struct report_agent){.state = "done", .behind = i < behind, .from_ms = 1, .until_ms = 2});
	report_fixture_load(fixture);
}

static void the_verdict_says_what_is_not_proven(void **state)
{
	struct report_fixture fixture;

	(void)state;
	open_run(&fixture, "done", 2);
	char *text = write_text(fixture.runs.views);
	assert_text_has(text, "2 of 2: same ID, checkpoint on the host as planned, every task (2) still running. Not "
			      "proven is what the master shows of 2 agents: it still had the old SlaveInfo then");
	assert_null(strstr(text, "SlaveInfo as planned"));
	assert_text_has(text, "  2 agents are " WHAT_TO_DO);
	assert_text_has(text, "host only");
	free(text);
	report_fixture_close(&fixture);

	open_run(&fixture, "done", 1);
	text = write_text(fixture.runs.views);
	assert_text_has(text, "shows of 1 agent:");
	assert_text_has(text, "  1 agent is " WHAT_TO_DO);
	free(text);
	report_fixture_close(&fixture);
}

/* A failover is nothing to advise while agents are away; and where every master has stored all, there is nothing to say. */
static void it_is_said_when_it_is_due(void **state)
{
	struct report_fixture fixture;

	(void)state;
	open_run(&fixture, "paused", 2);
	char *text = write_text(fixture.runs.views);
	assert_null(strstr(text, "rollcall inventory sync"));
	free(text);
	report_fixture_close(&fixture);

	open_run(&fixture, "done", 0);
	text = write_text(fixture.runs.views);
	assert_text_has(text, "2 of 2: same ID, SlaveInfo as planned, every task (2) still running.\n");
	assert_null(strstr(text, "What to do"));
	free(text);
	report_fixture_close(&fixture);
}

static void so_does_every_format(void **state)
{
	struct report_fixture fixture;

	(void)state;
	open_run(&fixture, "done", 1);
	char *text = report_fixture_write(&fixture, report_csv);
	assert_text_has(text, "\"done\",\"host\",\"S0\",\"yes\",\"host\",");
	assert_text_has(text, "\"done\",\"yes\",\"S1\",\"yes\",\"\",");
	free(text);
	text = report_fixture_write(&fixture, report_html);
	assert_text_has(text, "All 2 agents are as planned, the master has yet to store 1 of them");
	assert_text_has(text, "checkpoint on the host as planned");
	free(text);
	text = report_fixture_write(&fixture, report_markdown);
	assert_text_has(text, "checkpoint on the host as planned");
	assert_text_has(text, "restart the leading master");
	free(text);
	report_fixture_close(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_verdict_says_what_is_not_proven),
		cmocka_unit_test(it_is_said_when_it_is_due),
		cmocka_unit_test(so_does_every_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
