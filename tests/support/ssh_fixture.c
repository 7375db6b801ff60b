/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/ssh_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "remote/transport_openssh.h"
#include "remote/transport_ssh.h"
#include "tests/support/cmocka.h"
#include "tests/support/scratch.h"

static const char script[] =
	"#!/bin/sh\n"
	"test \"$1\" = --version && { sha256sum \"$0\" | cut -c 1-64; exit 0; }\n"
	"test \"$2\" = --request || exit 99\n"
	"case \"$1\" in\n"
	"echo) read line; echo \"got $line\";;\n"
	"talk) while read word; do\n"
	"	echo \"heard $word\"\n"
	"	test \"$word\" = keep && exit 0\n"
	"	test \"$word\" = undo && exit 3\n"
	"done; exit 9;;\n"
	"sum) head -c 8000000 | sha256sum | cut -c 1-64;;\n"
	"big) seq -f %040000g 1 200;;\n"
	"flood) seq 1 200000;;\n"
	"long) head -c 9000000 /dev/zero | tr '\\000' x; echo;;\n"
	"errors) for i in $(seq 1 100); do echo \"complaint number $i, at some length\" >&2; done; exit 4;;\n"
	"half) printf 'no newline';;\n"
	"kill) echo before; kill -9 $$;;\n"
	"pid) echo $PPID; while read line; do echo \"heard $line\"; done;;\n"
	"*) exit 98;;\n"
	"esac\n";

typedef struct transport *(*make_transport)(struct loop *loop, const struct ssh_transport_options *options,
					    struct error *err);

static int set_up(void **state, make_transport make)
{
	struct ssh_fixture *fixture = xcalloc(1, sizeof(*fixture));
	struct error err = ERROR_INIT;
	char hash[DIGEST_HEX_SIZE];
	sshd_start(&fixture->sshd);
	fixture->agentctl = scratch_write(fixture->sshd.folder, "agentctl.sh", script);
	fixture->directory = xasprintf("%s/there/agentctl", fixture->sshd.folder);
	digest_hex(script, strlen(script), hash);
	fixture->carried = xasprintf("%s/agentctl-%s", fixture->directory, hash);
	fixture->loop = loop_new(&err);
	struct ssh_transport_options options = {.agentctl = fixture->agentctl, .silence_timeout_ms = 6000};
	fixture->transport = make(fixture->loop, &options, &err);
	if (fixture->transport == NULL) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	fixture->target = (struct transport_target){
		.name = "n1",
		.address = "127.0.0.1",
		.port = fixture->sshd.port,
		.user = fixture->sshd.user,
		.identity = fixture->sshd.identity,
		.known_hosts = fixture->sshd.known_hosts,
		.directory = fixture->directory,
	};
	*state = fixture;
	return 0;
}

int ssh_fixture_set_up(void **state)
{
	return set_up(state, transport_ssh_new);
}

int ssh_fixture_set_up_openssh(void **state)
{
	return set_up(state, transport_openssh_new);
}

int ssh_fixture_tear_down(void **state)
{
	struct ssh_fixture *fixture = *state;
	transport_free(fixture->transport);
	loop_free(fixture->loop);
	sshd_stop(&fixture->sshd);
	free(fixture->agentctl);
	free(fixture->directory);
	free(fixture->carried);
	free(fixture);
	return 0;
}

void ssh_fixture_run(struct ssh_fixture *fixture, const struct transport_target *target, const char *word,
		     const char *input, struct exec_logs *logs)
{
	exec_logs_init(logs, fixture->loop, fixture->transport, 1);
	transport_exec(fixture->transport, target, word, input, strlen(input), 0);
	if (!exec_logs_wait(logs))
		fprintf(stderr, "%s: not over after a minute\n", word);
}

char *ssh_fixture_refused(struct ssh_fixture *f, const struct transport_target *target, enum error_kind kind)
{
	struct exec_logs logs;
	ssh_fixture_run(f, target, "echo", "hello\n", &logs);
	const struct exec_log *log = &logs.logs[0];
	if (log->error.kind != kind)
		fail_msg("kind %d, text \"%s\"", log->error.kind, log->error.text);
	assert_int_equal(log->closed, 1);
	assert_int_equal(log->exit_status, -1);
	assert_false(log->delivered);
	assert_int_equal(log->line_count, 0);
	assert_memory_equal(log->error.text, "n1: ", 4);
	char *text = xstrdup(log->error.text);
	exec_logs_clear(&logs);
	return text;
}

void ssh_fixture_works(struct ssh_fixture *f, const struct transport_target *target)
{
	struct exec_logs logs;
	ssh_fixture_run(f, target, "echo", "hello\n", &logs);
	assert_string_equal(logs.logs[0].error.text, "");
	assert_string_equal(buffer_text(&logs.logs[0].lines), "got hello\n");
	exec_logs_clear(&logs);
}
