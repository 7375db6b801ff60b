/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/exec_log.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"

#define PATIENCE_MS 60000
#define LINES_MAX   ((size_t)64 << 20)

void exec_logs_init(struct exec_logs *logs, struct loop *loop, struct transport *transport, size_t count)
{
	*logs = (struct exec_logs){.loop = loop, .transport = transport, .count = count};
	logs->logs = xcalloc(count, sizeof(*logs->logs));
	for (size_t i = 0; i < count; i++)
		buffer_init(&logs->logs[i].lines, LINES_MAX);
}

void exec_logs_clear(struct exec_logs *logs)
{
	for (size_t i = 0; i < logs->count; i++)
		buffer_clear(&logs->logs[i].lines);
	free(logs->logs);
	*logs = (struct exec_logs){.count = 0};
}

static void note(struct exec_log *log, const struct exec_event *event)
{
	switch (event->kind) {
	case EXEC_CONNECTED:
		log->connected = true;
		snprintf(log->host_key, sizeof(log->host_key), "%s", event->text);
		break;
	case EXEC_LINE:
		buffer_append(&log->lines, event->text, event->len);
		buffer_putc(&log->lines, '\n');
		log->line_count++;
		break;
	case EXEC_CLOSED:
		log->closed++;
		log->exit_status = event->exit_status;
		log->delivered = event->delivered;
		log->error = event->error;
		snprintf(log->errors, sizeof(log->errors), "%s", event->text);
		break;
	}
}

void exec_logs_turn(struct exec_logs *logs, int timeout_ms)
{
	struct exec_event event;
	loop_wait(logs->loop, timeout_ms);
	while (transport_next(logs->transport, &event)) {
		if (event.tag < logs->count)
			note(&logs->logs[event.tag], &event);
	}
}

static bool all_closed(const struct exec_logs *logs)
{
	for (size_t i = 0; i < logs->count; i++) {
		if (logs->logs[i].closed == 0)
			return false;
	}
	return true;
}

bool exec_logs_wait(struct exec_logs *logs)
{
	int64_t end = clock_monotonic_ms() + PATIENCE_MS;
	while (!all_closed(logs) && clock_monotonic_ms() < end)
		exec_logs_turn(logs, 1000);
	return all_closed(logs);
}

bool exec_logs_wait_for_lines(struct exec_logs *logs, size_t index, int count)
{
	int64_t end = clock_monotonic_ms() + PATIENCE_MS;
	while (logs->logs[index].line_count < count && logs->logs[index].closed == 0 && clock_monotonic_ms() < end)
		exec_logs_turn(logs, 1000);
	return logs->logs[index].line_count >= count;
}
