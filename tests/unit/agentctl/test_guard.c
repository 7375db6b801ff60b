/* SPDX-License-Identifier: Apache-2.0 */
/* The guard on systemd (a systemctl of our own stands in PATH and writes down what it was asked) and as a start hook. */
#include "tests/support/cmocka.h"

#include <sys/stat.h>

#include "agentctl/control.h"
#include "agentctl/guard.h"
#include "base/alloc.h"
#include "base/file.h"
#include "tests/support/scratch.h"

struct place {
	char *folder;
	char *asked; /* the file systemctl writes to */
	char *drop_in;
	char *hook;
	struct host_settings systemd;
	struct host_settings commands;
};

static void make_systemctl(const struct place *place)
{
	char *script =
		xasprintf("#!/bin/sh\necho \"$@\" >> %s\n"
			  "case \"$*\" in\n"
			  "*--value*) exit 1;;\n" /* systemd before 230 */
			  "*mesos-slave.service*)\n"
			  "  unknown='MainPID=0\\nResult=success\\nKillMode=control-group\\nActiveState=inactive\\n'\n"
			  "  known='MainPID=12\\nResult=success\\nKillMode=process\\nActiveState=active\\n'\n"
			  "  printf \"$unknown\\n$known\\n$unknown\\n$unknown\";;\n"
			  "*mute.service*) ;;\n"
			  "*show*) printf 'MainPID=0\\nResult=exit-code\\nExecMainStatus=7\\n"
			  "KillMode=process\\nActiveState=failed\\n';;\n"
			  "*refuse*) exit 5;; esac\n",
			  place->asked);
	char *path = scratch_write(place->folder, "systemctl", script);
	char *search = xasprintf("%s:/usr/bin:/bin", place->folder);

	assert_int_equal(chmod(path, 0755), 0);
	setenv("PATH", search, 1);
	free(search);
	free(path);
	free(script);
}

static void make_host(struct host_settings *host, const char *root, enum control_kind control)
{
	host_settings_init(host);
	free(host->root);
	host->root = xstrdup(root);
	host->control = control;
}

static int set_up(void **state)
{
	struct place *place = xcalloc(1, sizeof *place);

	place->folder = scratch_new();
	place->asked = path_join(place->folder, "asked");
	place->drop_in = path_join(place->folder, "etc/systemd/system/a.service.d/zz-rollcall-guard.conf");
	place->hook = path_join(place->folder, "hook");
	make_host(&place->systemd, place->folder, CONTROL_SYSTEMD);
	place->systemd.unit = xstrdup("a.service");
	make_host(&place->commands, place->folder, CONTROL_COMMANDS);
	place->commands.start_hook = xstrdup("/hook");
	make_systemctl(place);
	*state = place;
	return 0;
}

static int tear_down(void **state)
{
	struct place *place = *state;

	host_settings_clear(&place->systemd);
	host_settings_clear(&place->commands);
	scratch_remove(place->folder);
	free(place->asked);
	free(place->drop_in);
	free(place->hook);
	free(place);
	return 0;
}

static void test_drop_in(void **state)
{
	struct place *place = *state;
	struct error err = ERROR_INIT;
	char *text;
	char *wanted = xasprintf("\n[Service]\nExecStartPre=/x/agentctl-1 settle --starting --root %s --state-dir "
				 "/var/lib/rollcall\n",
				 place->folder);

	assert_ok(guard_place(&place->systemd, "/x/agentctl-1", &err), &err);
	text = scratch_read(place->drop_in, NULL);
	assert_text_has(text, wanted);
	free(text);
	text = scratch_read(place->asked, NULL);
	assert_string_equal(text, "daemon-reload\n");
	free(text);
	/* Placing it again is no error, nor is removing it twice. */
	assert_ok(guard_place(&place->systemd, "/x/agentctl-2", &err), &err);
	assert_ok(guard_remove(&place->systemd, false, &err), &err);
	assert_ok(guard_remove(&place->systemd, false, &err), &err);
	assert_false(file_exists(place->drop_in));
	free(wanted);
}

static void test_no_reload_in_the_middle_of_a_start(void **state)
{
	struct place *place = *state;
	struct error err = ERROR_INIT;
	char *asked;

	assert_ok(guard_place(&place->systemd, "/x/agentctl-1", &err), &err);
	assert_ok(guard_remove(&place->systemd, true, &err), &err);
	assert_false(file_exists(place->drop_in));
	asked = scratch_read(place->asked, NULL);
	assert_string_equal(asked, "daemon-reload\n");
	free(asked);
}

static void test_hook(void **state)
{
	struct place *place = *state;
	struct error err = ERROR_INIT;
	char *text;
	char *wanted = xasprintf("/x/agentctl-1\nsettle\n--starting\n--root\n%s\n--state-dir\n/var/lib/rollcall\n",
				 place->folder);

	assert_ok(guard_place(&place->commands, "/x/agentctl-1", &err), &err);
	text = scratch_read(place->hook, NULL);
	assert_string_equal(text, wanted);
	assert_ok(guard_place(&place->commands, "/x/agentctl-2", &err), &err);
	assert_ok(guard_remove(&place->commands, false, &err), &err);
	assert_false(file_exists(place->hook));
	free(text);
	free(wanted);
}

static void test_leaves_foreign_files_alone(void **state)
{
	struct place *place = *state;
	struct error err = ERROR_INIT;
	char *text;

	free(scratch_write(place->folder, "hook", "/usr/local/bin/check-disk\n"));
	assert_int_equal(guard_place(&place->commands, "/x/agentctl-1", &err), -1);
	assert_error(&err, ERROR_REFUSED, "not agentctl's");
	/* There is no guard of ours to remove: the operation that could not place it can end. */
	assert_int_equal(guard_remove(&place->commands, false, &err), 0);
	text = scratch_read(place->hook, NULL);
	assert_string_equal(text, "/usr/local/bin/check-disk\n");
	free(text);
}

static void test_refuses_paths_that_would_be_read_otherwise(void **state)
{
	static const char *const paths[] = {"/x y/agentctl", "/x%h/agentctl", "/x\nExecStart=/bin/sh", "/x\"y"};
	struct place *place = *state;

	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		struct error err = ERROR_INIT;

		assert_int_equal(guard_place(&place->systemd, paths[i], &err), -1);
		assert_error(&err, ERROR_REFUSED, "cannot stand in the guard");
		assert_false(file_exists(place->drop_in));
	}
}

static void test_systemd_status(void **state)
{
	struct place *place = *state;
	struct control_status status;
	struct error err = ERROR_INIT;

	assert_ok(control_status(&place->systemd, &status, &err), &err);
	assert_true(status.known && status.failed && !status.active);
	assert_string_equal(status.kill_mode, "process");
	assert_string_equal(status.said, "a.service: exit-code, status 7");
}

/* All the usual names in one question; the order of the properties is systemd's own. */
static void test_systemd_unit_is_found(void **state)
{
	struct place *place = *state;
	struct control_status status = {.known = false};
	struct host_settings host;
	char *asked;

	make_host(&host, place->folder, CONTROL_UNKNOWN);
	control_discover(&host, &status);
	assert_int_equal(host.control, CONTROL_SYSTEMD);
	assert_string_equal(host.unit, "mesos-slave.service");
	assert_true(status.known && status.active && !status.failed);
	assert_int_equal(status.main_pid, 12);
	assert_string_equal(status.kill_mode, "process");
	assert_string_equal(status.said, "");
	asked = scratch_read(place->asked, NULL);
	assert_ptr_equal(strchr(asked, '\n'), asked + strlen(asked) - 1);
	free(asked);
	host_settings_clear(&host);
}

static void test_systemd_says_nothing(void **state)
{
	struct place *place = *state;
	struct control_status status = {.known = false};
	struct error err = ERROR_INIT;

	free(place->systemd.unit);
	place->systemd.unit = xstrdup("mute.service");
	assert_int_equal(control_status(&place->systemd, &status, &err), -1);
	assert_error(&err, ERROR_UNREACHABLE, "says nothing of mute.service");
	assert_false(status.known);
}

static void test_systemd_says_no(void **state)
{
	struct place *place = *state;
	struct error err = ERROR_INIT;

	free(place->systemd.unit);
	place->systemd.unit = xstrdup("refuse.service");
	assert_int_equal(systemd_call(&place->systemd, "start", true, &err), -1);
	assert_error(&err, ERROR_SYSTEM, "status 5");
}

static void test_what_must_be_given(void **state)
{
	struct place *place = *state;
	struct host_settings host;
	struct error err = ERROR_INIT;

	make_host(&host, "/", CONTROL_UNKNOWN);
	assert_int_equal(control_check(&host, &err), -1);
	assert_error(&err, ERROR_USAGE, "control");
	host_settings_clear(&host);
	assert_ok(control_check(&place->systemd, &err), &err);
	assert_int_equal(control_check(&place->commands, &err), -1);
	assert_error(&err, ERROR_USAGE, "start and stop");
	place->commands.start = xcalloc(1, sizeof(char *));
	place->commands.stop = xcalloc(1, sizeof(char *));
	assert_ok(control_check(&place->commands, &err), &err);
	free(place->commands.start_hook);
	place->commands.start_hook = NULL;
	assert_int_equal(control_check(&place->commands, &err), -1);
	assert_error(&err, ERROR_USAGE, "cost the agent its ID");
}

#define WITH_HOST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_HOST(test_drop_in),
		WITH_HOST(test_no_reload_in_the_middle_of_a_start),
		WITH_HOST(test_hook),
		WITH_HOST(test_leaves_foreign_files_alone),
		WITH_HOST(test_refuses_paths_that_would_be_read_otherwise),
		WITH_HOST(test_systemd_status),
		WITH_HOST(test_systemd_unit_is_found),
		WITH_HOST(test_systemd_says_nothing),
		WITH_HOST(test_systemd_says_no),
		WITH_HOST(test_what_must_be_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
