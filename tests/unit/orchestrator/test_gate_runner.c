/* SPDX-License-Identifier: Apache-2.0 */
/* Gates that reach outside: real commands, a real HTTP server; three answers, and nothing left behind. */
#include "tests/support/cmocka.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "orchestrator/driver/gate_runner.h"
#include "tests/support/http_server.h"
#include "tests/support/scratch.h"

struct fixture {
	struct loop *loop;
	struct http *http;
	struct http_access masters;
	struct gate_runner *runner;
	struct gate_question question;
	struct plan_gate gate;
};

static void open_fixture(struct fixture *fixture)
{
	struct error err = ERROR_INIT;

	memset(fixture, 0, sizeof(*fixture));
	fixture->masters = (struct http_access){.user = "rollcall", .password = "s3cret"};
	fixture->loop = loop_new(&err);
	fixture->http = http_new(fixture->loop, &err);
	fixture->runner = gate_runner_new(fixture->loop, fixture->http, &fixture->masters);
	fixture->gate.timeout_ms = 60000;
	fixture->question = (struct gate_question){
		.gate = &fixture->gate,
		.run = "r-1",
		.stage = "canaries",
		.agent_id = "S1",
		.hostname = "node1; touch /tmp/never",
		.ip = "10.0.0.1",
	};
}

static void close_fixture(struct fixture *fixture)
{
	gate_runner_free(fixture->runner);
	http_free(fixture->http);
	loop_free(fixture->loop);
}

static struct gate_result ask(struct fixture *fixture)
{
	int64_t deadline = clock_monotonic_ms() + 60000;
	struct gate_result result;

	gate_runner_start(fixture->runner, 7, &fixture->question);
	while (!gate_runner_next(fixture->runner, &result)) {
		loop_wait(fixture->loop, 1000);
		if (clock_monotonic_ms() > deadline)
			fail_msg("no answer");
	}
	assert_int_equal(result.tag, 7);
	return result;
}

static void expect(struct fixture *fixture, enum gate_answer answer, const char *seen)
{
	struct gate_result result = ask(fixture);

	if (result.answer != answer)
		fail_msg("%s: %s", gate_answer_name(result.answer), result.seen);
	assert_text_has(result.seen, seen);
	free(result.seen);
}

static void expect_of_script(struct fixture *fixture, const char *script, enum gate_answer answer, const char *seen)
{
	const char *argv[] = {"/bin/sh", "-c", script, "check", "${hostname}", "${agent}/${ip}/${other}/$", NULL};

	fixture->gate.kind = GATE_COMMAND;
	fixture->gate.argv = (char **)(uintptr_t)argv;
	fixture->gate.argc = 6;
	expect(fixture, answer, seen);
}

static void test_a_command_has_three_answers(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	expect_of_script(&fixture, "echo fine; exit 0", GATE_PASS, "exit status 0: fine");
	expect_of_script(&fixture, "echo bad >&2; exit 1", GATE_FAIL, "exit status 1: bad");
	expect_of_script(&fixture, "exit 2", GATE_INCONCLUSIVE, "exit status 2");
	expect_of_script(&fixture, "kill -9 $$", GATE_INCONCLUSIVE, "ended by signal 9");
	/* What names the agent is an argument, whatever is in it. */
	expect_of_script(&fixture, "echo \"<$1> <$2>\"", GATE_PASS,
			 "<node1; touch /tmp/never> <S1/10.0.0.1/${other}/$>");
	close_fixture(&fixture);
}

static void test_a_command_gets_a_clean_environment(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	setenv("GATE_TEST_SECRET", "secret", 1);
	expect_of_script(&fixture,
			 "test -z \"$GATE_TEST_SECRET\" || exit 1; echo $ROLLCALL_RUN $ROLLCALL_STAGE $ROLLCALL_AGENT",
			 GATE_PASS, "r-1 canaries S1");
	expect_of_script(&fixture, "ls /proc/self/fd | wc -l | tr -d ' '", GATE_PASS, ": 4");
	unsetenv("GATE_TEST_SECRET");
	close_fixture(&fixture);
}

static void test_output_is_limited_and_printable(void **state)
{
	struct fixture fixture;
	struct gate_result result;
	const char *argv[] = {"/bin/sh", "-c", "printf 'a\\033[2Jb\\nc'; yes | head -c 100000", NULL};

	(void)state;
	open_fixture(&fixture);
	fixture.gate.kind = GATE_COMMAND;
	fixture.gate.argv = (char **)(uintptr_t)argv;
	fixture.gate.argc = 3;
	result = ask(&fixture);
	assert_int_equal(result.answer, GATE_PASS);
	assert_true(strlen(result.seen) < 4096);
	assert_null(strchr(result.seen, '\033'));
	assert_null(strchr(result.seen, '\n'));
	assert_text_has(result.seen, "a?[2Jb c");
	free(result.seen);
	close_fixture(&fixture);
}

static void test_a_command_that_cannot_be_started(void **state)
{
	struct fixture fixture;
	const char *argv[] = {"/nowhere/at/all", NULL};

	(void)state;
	open_fixture(&fixture);
	fixture.gate.kind = GATE_COMMAND;
	fixture.gate.argv = (char **)(uintptr_t)argv;
	fixture.gate.argc = 1;
	expect(&fixture, GATE_INCONCLUSIVE, "could not be started");
	close_fixture(&fixture);
}

static long read_pid(const char *folder)
{
	char *path = path_join(folder, "pid");
	struct buffer text = BUFFER_INIT(64);
	struct error err = ERROR_INIT;
	long pid;

	assert_ok(file_read(path, &text, &err), &err);
	pid = strtol(buffer_text(&text), NULL, 10);
	buffer_clear(&text);
	free(path);
	return pid;
}

/* Until nobody has that number any more; a killed process may be a zombie of init for a moment. */
static void expect_gone(long pid)
{
	int64_t deadline = clock_monotonic_ms() + 60000;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%ld/exe", pid);
	for (;;) {
		char target[64];

		if (kill((pid_t)pid, 0) < 0 && errno == ESRCH)
			return;
		if (readlink(path, target, sizeof(target)) < 0)
			return; /* a zombie */
		if (clock_monotonic_ms() > deadline)
			fail_msg("process %ld still runs", pid);
		usleep(10000);
	}
}

/* Its time is up, or nobody wants to know any more: it ends, and what it has started with it. */
static void test_a_command_leaves_nothing_behind(void **state)
{
	char *folder = scratch_new();
	char *script = xasprintf("sleep 1000 & echo $! > %s/pid.new; mv %s/pid.new %s/pid; wait", folder, folder,
				 folder);
	char *path = path_join(folder, "pid");
	struct fixture fixture;
	const char *argv[] = {"/bin/sh", "-c", script, NULL};

	(void)state;
	open_fixture(&fixture);
	/* So long that it has begun, however slow this machine is just now. */
	for (fixture.gate.timeout_ms = 250; access(path, R_OK) < 0; fixture.gate.timeout_ms *= 2)
		expect_of_script(&fixture, script, GATE_INCONCLUSIVE, "it has not ended within ");
	expect_gone(read_pid(folder));
	unlink(path);
	fixture.gate.timeout_ms = 60000;
	fixture.gate.argv = (char **)(uintptr_t)argv;
	fixture.gate.argc = 3;
	gate_runner_start(fixture.runner, 8, &fixture.question);
	while (access(path, R_OK) < 0)
		loop_wait(fixture.loop, 10);
	long pid = read_pid(folder);
	gate_runner_cancel(fixture.runner, 8);
	expect_gone(pid);
	close_fixture(&fixture);
	free(path);
	free(script);
	scratch_remove(folder);
}

/* A child that holds the output open is not waited for. */
static void test_a_command_that_leaves_a_daemon(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	expect_of_script(&fixture, "sleep 1000 & exit 1", GATE_FAIL, "exit status 1");
	close_fixture(&fixture);
}

/* ---- HTTP */

static void answer_http(struct http_server *server, const struct server_request *request, int fd)
{
	static const char metrics[] = "{\"master/tasks_lost\": 3.0, \"master/odd\": \"x\"}";

	(void)server;
	/* Our credentials are for masters, and for nobody else. */
	assert_true(strncmp(request->path, "/health", 7) != 0 || !strstr(request->head, "Authorization:"));
	if (strcmp(request->path, "/health/10.0.0.1") == 0)
		server_answer(fd, "204 No Content", "", "", 0);
	else if (strcmp(request->path, "/metrics/snapshot") == 0 &&
		 !strstr(request->head, "Authorization: Basic cm9sbGNhbGw6czNjcmV0"))
		server_answer(fd, "401 Unauthorized", "", "", 0);
	else if (strcmp(request->path, "/metrics/snapshot") == 0)
		server_answer(fd, "200 OK", "Content-Type: application/json\r\n", metrics, sizeof(metrics) - 1);
	else
		server_answer(fd, "503 Service Unavailable", "", "", 0);
}

static void expect_of_url(struct fixture *fixture, const char *url, int status, enum gate_answer answer,
			  const char *seen)
{
	fixture->gate.kind = GATE_HTTP;
	fixture->gate.url = (char *)(uintptr_t)url;
	fixture->gate.status = status;
	expect(fixture, answer, seen);
}

static void test_an_http_check_has_three_answers(void **state)
{
	struct fixture fixture;
	struct http_server server;
	char url[128];

	(void)state;
	open_fixture(&fixture);
	server_start(&server, answer_http, NULL);
	snprintf(url, sizeof(url), "%s/health/${ip}", server.url);
	expect_of_url(&fixture, url, 0, GATE_PASS, "status 204");
	expect_of_url(&fixture, url, 200, GATE_FAIL, "status 204");
	snprintf(url, sizeof(url), "%s/other", server.url);
	expect_of_url(&fixture, url, 0, GATE_FAIL, "status 503");
	expect_of_url(&fixture, url, 503, GATE_PASS, "status 503");
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", closed_port());
	expect_of_url(&fixture, url, 0, GATE_INCONCLUSIVE, "127.0.0.1");
	server_stop(&server);
	close_fixture(&fixture);
}

static void expect_of_metric(struct fixture *fixture, const char *name, double min, double max, enum gate_answer answer,
			     const char *seen)
{
	fixture->gate.kind = GATE_METRIC;
	fixture->gate.metric = (char *)(uintptr_t)name;
	fixture->gate.has_min = min >= 0;
	fixture->gate.has_max = max >= 0;
	fixture->gate.min = min;
	fixture->gate.max = max;
	expect(fixture, answer, seen);
}

static void test_a_metric_has_three_answers(void **state)
{
	struct fixture fixture;
	struct http_server server;

	(void)state;
	open_fixture(&fixture);
	server_start(&server, answer_http, NULL);
	fixture.question.master = server.url;
	expect_of_metric(&fixture, "master/tasks_lost", -1, 3, GATE_PASS, "master/tasks_lost is 3");
	expect_of_metric(&fixture, "master/tasks_lost", -1, 2, GATE_FAIL, "at most 2 is asked for");
	expect_of_metric(&fixture, "master/tasks_lost", 4, -1, GATE_FAIL, "at least 4 is asked for");
	expect_of_metric(&fixture, "master/odd", -1, 3, GATE_INCONCLUSIVE, "no metric master/odd");
	expect_of_metric(&fixture, "master/none", -1, 3, GATE_INCONCLUSIVE, "no metric master/none");
	fixture.masters = (struct http_access){.user = NULL};
	expect_of_metric(&fixture, "master/tasks_lost", -1, 3, GATE_INCONCLUSIVE, "HTTP status 401: our principal");
	fixture.question.master = NULL;
	expect_of_metric(&fixture, "master/tasks_lost", -1, 3, GATE_INCONCLUSIVE, "no master");
	server_stop(&server);
	close_fixture(&fixture);
}

/* Ended in the middle of everything: nothing is answered, and nothing is left. */
static void test_a_runner_that_ends_early(void **state)
{
	struct fixture fixture;
	struct http_server server;
	char url[128];
	const char *argv[] = {"/bin/sleep", "1000", NULL};

	(void)state;
	open_fixture(&fixture);
	server_start(&server, answer_http, NULL);
	snprintf(url, sizeof(url), "%s/other", server.url);
	fixture.gate.kind = GATE_HTTP;
	fixture.gate.url = url;
	gate_runner_start(fixture.runner, 1, &fixture.question);
	gate_runner_start(fixture.runner, 2, &fixture.question);
	gate_runner_cancel(fixture.runner, 1);
	gate_runner_cancel(fixture.runner, 99);
	fixture.gate.kind = GATE_COMMAND;
	fixture.gate.argv = (char **)(uintptr_t)argv;
	fixture.gate.argc = 2;
	gate_runner_start(fixture.runner, 3, &fixture.question);
	close_fixture(&fixture);
	server_stop(&server);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_command_has_three_answers),
		cmocka_unit_test(test_a_command_gets_a_clean_environment),
		cmocka_unit_test(test_output_is_limited_and_printable),
		cmocka_unit_test(test_a_command_that_cannot_be_started),
		cmocka_unit_test(test_a_command_leaves_nothing_behind),
		cmocka_unit_test(test_a_command_that_leaves_a_daemon),
		cmocka_unit_test(test_an_http_check_has_three_answers),
		cmocka_unit_test(test_a_metric_has_three_answers),
		cmocka_unit_test(test_a_runner_that_ends_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
