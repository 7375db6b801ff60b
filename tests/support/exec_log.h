/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_EXEC_LOG_H
#define TESTS_SUPPORT_EXEC_LOG_H
/* What a transport told of some execs, for tests to look at. The tag of an exec is its index in the logs. */
#include <stdbool.h>

#include "base/buffer.h"
#include "remote/loop.h"
#include "remote/transport.h"

struct exec_log {
	bool connected;
	char host_key[128];
	struct buffer lines; /* each with a newline */
	int line_count;
	int closed; /* how often: 1 in the end */
	int exit_status;
	bool delivered;
	struct error error;
	char errors[EXEC_STDERR_MAX + 1]; /* the end of stderr */
};

struct exec_logs {
	struct loop *loop;
	struct transport *transport;
	struct exec_log *logs;
	size_t count;
};

void exec_logs_init(struct exec_logs *logs, struct loop *loop, struct transport *transport, size_t count);
void exec_logs_clear(struct exec_logs *logs);

/* Runs the loop until every exec is closed; or until one has so many lines. False when 60 s were not enough. */
bool exec_logs_wait(struct exec_logs *logs);
bool exec_logs_wait_for_lines(struct exec_logs *logs, size_t index, int count);
/* Runs the loop once, at most so long, and notes what was told. */
void exec_logs_turn(struct exec_logs *logs, int timeout_ms);

#endif
