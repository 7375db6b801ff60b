/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of agents that are stuck: true to what their hosts have said, and once for those of whom it is the same. */
#include "tests/support/cmocka.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/support/report_fixture.h"

#define AGENTS    4
#define OPERATION "0badcafe"
#define COLUMNS   60

static void tell(struct report_fixture *fixture, size_t position, const char *kind, json_t *body)
{
	struct error err = ERROR_INIT;
	const char *id = position < AGENTS ? fixture->plan.agents[position].agent_id : NULL;

	ledger_event(fixture->ledger, kind, REPORT_RUN, id, body);
	assert_ok(ledger_commit(fixture->ledger, &err), &err);
}

/* It never came back. */
static void put_stuck(struct report_fixture *fixture, size_t position, const char *error)
{
	report_fixture_put(fixture, position,
			   &(struct report_agent){.state = "stuck", .error = error, .found_id = "", .from_ms = 1});
	tell(fixture, position, "agent",
	     json_pack("{s:s, s:s, s:s}", "from", "returning", "to", "stuck", "event", "timeout"));
}

static void host_says(struct report_fixture *fixture, size_t position, const char *operation, const char *word)
{
	tell(fixture, position, "host",
	     json_pack("{s:s, s:{s:s}}", "operation", operation, "host_said", "event", word));
}

static void what_the_host_has_kept_is_not_open(void **state)
{
	struct report_fixture fixture;
	char *kept, *open;

	(void)state;
	report_fixture_open(&fixture, AGENTS, "anna@admin1");
	report_fixture_begin(&fixture, "paused", "one is stuck");
	for (size_t i = 0; i < 3; i++)
		put_stuck(&fixture, i, "the master does not list it");
	host_says(&fixture, 0, OPERATION, "done");
	host_says(&fixture, 1, "deadbeef", "done"); /* of an attempt before */
	host_says(&fixture, 2, OPERATION, "status");
	report_fixture_load(&fixture);
	kept = next_steps(fixture.runs.views, &fixture.runs.views->agents[0]);
	assert_text_has(kept, "its operation is over: agentctl has kept the new state");
	assert_null(strstr(kept, "guard"));
	for (size_t i = 1; i < 3; i++) {
		open = next_steps(fixture.runs.views, &fixture.runs.views->agents[i]);
		assert_text_has(open, "still open on the host");
		free(open);
	}
	free(kept);
	report_fixture_close(&fixture);
}

static void the_same_is_said_once(void **state)
{
	struct report_fixture fixture;

	(void)state;
	report_fixture_open(&fixture, AGENTS, "anna@admin1");
	report_fixture_begin(&fixture, "paused", "some are stuck");
	for (size_t i = 0; i < AGENTS; i++)
		put_stuck(&fixture, i, "the master does not list it");
	host_says(&fixture, 1, OPERATION, "done");
	report_fixture_load(&fixture);
	char *text = report_fixture_text(&fixture);
	assert_text_has(text, "(3 agents) are stuck. Of each: its operation is still open");
	assert_text_has(text, "node1.example.com is stuck: its operation is over");
	text[strstr(text, "What to do") - text] = '\0'; /* each agent's own page says it again */
	assert_int_equal(text_count(text, "still open on the host"), 1);
	free(text);
	report_fixture_close(&fixture);
}

/* A stream on a terminal of so many columns: the far end of a pseudo-terminal. */
static FILE *open_terminal(int *near_end)
{
	struct winsize size = {.ws_row = 50, .ws_col = COLUMNS};

	*near_end = posix_openpt(O_RDWR | O_NOCTTY);
	assert_true(*near_end >= 0);
	assert_int_equal(grantpt(*near_end), 0);
	assert_int_equal(unlockpt(*near_end), 0);
	int far_end = open(ptsname(*near_end), O_RDWR | O_NOCTTY);
	assert_true(far_end >= 0);
	assert_int_equal(ioctl(far_end, TIOCSWINSZ, &size), 0);
	FILE *stream = fdopen(far_end, "r+");
	assert_non_null(stream);
	return stream;
}

static void a_terminal_gets_lines_that_fit(void **state)
{
	struct report_fixture fixture;
	char text[4096] = "";
	size_t len = 0;
	int near_end;
	FILE *terminal = open_terminal(&near_end);

	(void)state;
	report_fixture_open(&fixture, AGENTS, "anna@admin1");
	report_fixture_begin(&fixture, "paused", "one is stuck");
	put_stuck(&fixture, 0, "the master does not list it");
	report_fixture_load(&fixture);
	run_view_print_stuck(fixture.runs.views, terminal);
	fflush(terminal);
	for (struct pollfd wait = {.fd = near_end, .events = POLLIN}; poll(&wait, 1, 0) > 0 && len + 1 < sizeof text;) {
		ssize_t got = read(near_end, text + len, sizeof text - 1 - len);

		assert_true(got > 0);
		len += (size_t)got;
	}
	text[len] = '\0';
	assert_text_has(text, "is stuck");
	assert_true(text_count(text, "\n") > 4);
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\r\n") <= COLUMNS);
	fclose(terminal);
	close(near_end);
	report_fixture_close(&fixture);
}

static void a_row_names_its_host_once(void **state)
{
	struct report_fixture fixture;

	(void)state;
	report_fixture_open(&fixture, AGENTS, "anna@admin1");
	report_fixture_begin(&fixture, "paused", "x");
	put_stuck(&fixture, 0, "node0.example.com: no connection to port 22");
	put_stuck(&fixture, 1, "node1.example.com is not what was asked for");
	report_fixture_load(&fixture);
	char *text = report_fixture_text(&fixture);
	char *rows = strstr(text, "AGENT ");
	assert_non_null(rows);
	*strstr(rows, "What went wrong") = '\0';
	assert_int_equal(text_count(rows, "node0.example.com"), 1);
	assert_int_equal(text_count(rows, "node1.example.com"), 2);
	assert_text_has(rows, "no connection to port 22");
	free(text);
	report_fixture_close(&fixture);
}

static void what_is_said_again_and_again(void **state)
{
	struct report_fixture fixture;

	(void)state;
	report_fixture_open(&fixture, AGENTS, "anna@admin1");
	report_fixture_begin(&fixture, "paused", "x");
	for (int i = 0; i < 4; i++)
		tell(&fixture, AGENTS, "run", json_pack("{s:s, s:s}", "state", "paused", "reason", "one is stuck"));
	tell(&fixture, AGENTS, "run", json_pack("{s:s, s:s}", "state", "paused", "reason", "another is"));
	tell(&fixture, AGENTS, "run", json_pack("{s:s, s:s}", "state", "paused", "reason", "one is stuck"));
	report_fixture_load(&fixture);
	char *text = report_fixture_text(&fixture);
	assert_int_equal(text_count(text, "paused: one is stuck"), 2);
	assert_text_has(text, "paused: one is stuck (4 times, the last at ");
	free(text);
	report_fixture_close(&fixture);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_host_has_kept_is_not_open), cmocka_unit_test(the_same_is_said_once),
		cmocka_unit_test(a_terminal_gets_lines_that_fit),     cmocka_unit_test(a_row_names_its_host_once),
		cmocka_unit_test(what_is_said_again_and_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
