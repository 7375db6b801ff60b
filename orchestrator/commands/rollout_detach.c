/* SPDX-License-Identifier: Apache-2.0 */
/* Runs that are driven by a process of their own (--detach). */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "orchestrator/commands/rollout.h"
#include "orchestrator/output.h"

static char *log_path(struct session *session, const char *run)
{
	return xasprintf("%s.%s.log", session_database_path(session), run);
}

int rollout_go_into_background(struct session *session, struct detach *detach, const char *run)
{
	if (!detach)
		return 0;
	char *log = log_path(session, run);
	int result = detach_done(detach, run, log, &session->error);

	free(log);
	return result;
}

/* In the process that the operator has started: the other one drives now, or has said why not. */
static int tell_detached(struct session *session, const struct detach *detach)
{
	char *log;

	if (!detach->word) {
		fflush(NULL);
		_exit(detach->status); /* with the other one's exit code; it has told the reason */
	}
	log = log_path(session, detach->word);
	if (session->json)
		output_json(json_pack("{s:s, s:I, s:s}", "run", detach->word, "process", (json_int_t)detach->child,
				      "log", log));
	else
		printf("Run %s is driven by process %ld, which writes to %s.\n", detach->word, (long)detach->child,
		       log);
	if (!session->json && !session->quiet)
		output_told(session, stdout,
			    "See it with `rollcall rollout watch %s`; `pause`, `resume` and `abort` work from any "
			    "terminal.\n",
			    detach->word);
	free(log);
	return 0;
}

int rollout_run(struct session *session, bool detached, rollout_work work, void *ctx)
{
	struct detach detach;

	if (!detached)
		return work(session, ctx, NULL);
	int result = detach_begin(&detach, &session->error);
	if (result == 0 && detach.is_child)
		result = work(session, ctx, &detach);
	else if (result == 0)
		result = tell_detached(session, &detach);
	detach_clear(&detach);
	return result;
}
