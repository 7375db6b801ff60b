/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts that cannot be reached, and agentctl that cannot be put there. */
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "remote/transport_ssh.h"
#include "tests/support/cmocka.h"
#include "tests/support/http_server.h"
#include "tests/support/scratch.h"
#include "tests/support/ssh_fixture.h"

/* ---- no connection */

static void test_nobody_listens(void **state)
{
	struct ssh_fixture *f = *state;
	struct transport_target target = f->target;
	target.port = closed_port();
	char *text = ssh_fixture_refused(f, &target, ERROR_UNREACHABLE);
	assert_text_has(text, "no connection to 127.0.0.1 port");
	assert_text_has(text, "Connection refused");
	free(text);

	target.address = "no-such-host.invalid";
	text = ssh_fixture_refused(f, &target, ERROR_UNREACHABLE);
	assert_text_has(text, "there is no host \"no-such-host.invalid\"");
	free(text);
}

static void test_somebody_else_listens(void **state)
{
	struct ssh_fixture *f = *state;
	struct transport_target target = f->target;
	struct exec_logs logs;
	struct error err = ERROR_INIT;
	int silent = listen_on_loopback(&target.port); /* the kernel connects, nobody answers */
	struct ssh_transport_options options = {.agentctl = f->agentctl, .connect_timeout_ms = 300};
	struct transport *hasty = transport_ssh_new(f->loop, &options, &err);
	exec_logs_init(&logs, f->loop, hasty, 1);
	int64_t start = clock_monotonic_ms();
	transport_exec(hasty, &target, "echo", "x", 1, 0);
	assert_true(exec_logs_wait(&logs));
	assert_in_range(clock_monotonic_ms() - start, 290, 60000);
	assert_int_equal(logs.logs[0].error.kind, ERROR_UNREACHABLE);
	assert_text_has(logs.logs[0].error.text, "did not answer in time (0.3 s) during the SSH key exchange");
	assert_false(logs.logs[0].delivered);
	exec_logs_clear(&logs);
	transport_free(hasty);
	close(silent);
}

/* ---- no place for agentctl */

static void test_place_that_cannot_be_written(void **state)
{
	struct ssh_fixture *f = *state;
	struct transport_target target = f->target;
	char *directory = xasprintf("%s/known_hosts/below-a-file", f->sshd.folder);
	target.directory = directory;
	char *text = ssh_fixture_refused(f, &target, ERROR_UNREACHABLE);
	assert_text_has(text, "agentctl could not be carried to 127.0.0.1:");
	assert_text_has(text, "Not a directory");
	free(text);
	free(directory);
}

static void test_agentctl_that_is_another_one(void **state)
{
	struct ssh_fixture *f = *state;
	struct error err = ERROR_INIT;
	struct exec_logs logs;
	char *liar = scratch_write(f->sshd.folder, "liar.sh", "#!/bin/sh\necho 1.0\n");
	struct ssh_transport_options options = {.agentctl = liar};
	struct transport *transport = transport_ssh_new(f->loop, &options, &err);
	exec_logs_init(&logs, f->loop, transport, 1);
	transport_exec(transport, &f->target, "echo", "x", 1, 0);
	assert_true(exec_logs_wait(&logs));
	assert_int_equal(logs.logs[0].error.kind, ERROR_UNREACHABLE);
	assert_text_has(logs.logs[0].error.text, "what runs there is not what was carried");
	assert_false(logs.logs[0].delivered);
	exec_logs_clear(&logs);
	transport_free(transport);
	free(liar);
}

static void test_targets_that_could_be_commands(void **state)
{
	static const char *const directories[] = {"/tmp/a b", "/tmp/$(id)", "/tmp/a;id", "relative",
						  "/a/../b",  "",           NULL};
	struct ssh_fixture *f = *state;
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
		struct transport_target target = f->target;
		target.directory = directories[i];
		char *text = ssh_fixture_refused(f, &target, ERROR_USAGE);
		assert_text_has(text, "cannot be the directory of agentctl");
		free(text);
	}
	struct exec_logs logs;
	ssh_fixture_run(f, &f->target, "echo;id", "x", &logs);
	assert_int_equal(logs.logs[0].error.kind, ERROR_BUG);
	exec_logs_clear(&logs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody_listens),
		cmocka_unit_test(test_somebody_else_listens),
		cmocka_unit_test(test_place_that_cannot_be_written),
		cmocka_unit_test(test_agentctl_that_is_another_one),
		cmocka_unit_test(test_targets_that_could_be_commands),
	};
	return cmocka_run_group_tests(tests, ssh_fixture_set_up, ssh_fixture_tear_down);
}
