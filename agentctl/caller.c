/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/caller.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "agentctl/agent.h"
#include "base/process.h"

#define CALLER_FILE "caller"
#define CALLER_MAX  64

void caller_find(struct operation_process *out)
{
	out->pid = getppid();
	out->start_ticks = (int64_t)process_start_ticks((pid_t)out->pid);
}

bool caller_waits(const struct operation_process *caller)
{
	return getppid() == caller->pid;
}

int caller_note(struct real_host *host, struct error *err)
{
	char text[CALLER_MAX];
	int len = snprintf(text, sizeof text, "%" PRId64 " %" PRId64 "\n", host->caller.pid, host->caller.start_ticks);

	return journal_put(&host->entry, CALLER_FILE, text, (size_t)len, err);
}

/* One that is gone, or asks again, starts nothing any more: then the process it started has ended. */
int caller_is_starting(void *ctx, bool *yes, struct error *err)
{
	struct real_host *host = ctx;
	struct operation_process caller = {.pid = 0};
	struct buffer text = BUFFER_INIT(CALLER_MAX);
	int result = 0;

	*yes = false;
	if (journal_has(&host->entry, CALLER_FILE))
		result = journal_get(&host->entry, CALLER_FILE, &text, err);
	if (result == 0 && sscanf(buffer_text(&text), "%" SCNd64 " %" SCNd64, &caller.pid, &caller.start_ticks) == 2)
		*yes = !operation_process_equal(&caller, &host->caller) && agent_runs(&caller);
	buffer_clear(&text);
	return result;
}

int64_t caller_now_ticks(void *ctx)
{
	struct timespec now = {.tv_sec = 0};
	int64_t hz = sysconf(_SC_CLK_TCK);

	(void)ctx;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * hz + now.tv_nsec / (1000000000 / hz);
}
