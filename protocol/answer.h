/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTOCOL_ANSWER_H
#define PROTOCOL_ANSWER_H
/*
 * What agentctl says while it works: one JSON object per line on stdout. The last line of apply and settle is one of
 * the final ones. A line rollcall cannot parse is a broken conversation: the operation's fate is then unknown and asked for.
 *
 *   {"event":"accepted","operation":ID}             the journal is durable; from here on the operation exists
 *   {"event":"step","step":"guarded"}                progress: guarded, checkpoint, flags, stopping (a discard: guarded,
 *                                                    agent-stopping, agent-cleaning, agent-cleaned, checkpoint…)
 *   {"event":"started","pid":N,"start_ticks":N,"boot_id":…,"flags":{…},"slave_info":"<base64>","away_ms":N}
 *                                                    the agent's process is there: its effective flags (secrets
 *                                                    as "<redacted>"), and the checkpoint on disk; with
 *                                                    "amended":true when the agent refused over figures of its
 *                                                    machine, and the checkpoint was made again with them
 *   {"event":"done","kept_by":"rollcall"|"deadline"|"operator"} final: the new state is kept, the guard is gone; with the
 *                                                    process as it runs, like started; of a rescue whose agent ended
 *                                                    while nobody watched it also "reason" and "agent_said", like undone
 *   {"event":"undone","reason":…,"agent_said":…}     final: the old bytes are back, the agent was started with them;
 *                                                    with pid, start_ticks, flags, slave_info of the agent as it runs,
 *                                                    and "restarted":false when it was never restarted
 *   {"event":"refused","kind":"refused"|"conflict"|"usage"|"corrupt"|"system","reason":…}
 *                                                    final: nothing was changed; with "findings", everything that
 *                                                    stood in the way: [{"code":…,"severity":…,"text":…}, …]
 *   {"event":"stuck","reason":…}                     final: agentctl could bring neither state up; both are in the journal
 *   {"event":"status","operation":ID,"state":"absent"|"open"|"done"|"undone"|"stuck","step":…}   settle's first line
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "mesos/flags.h"
#include "mesos/slaveinfo.h"

#define ANSWER_LINE_MAX (8u << 20)

enum answer_event {
	ANSWER_ACCEPTED,
	ANSWER_STEP,
	ANSWER_STARTED,
	ANSWER_DONE,
	ANSWER_UNDONE,
	ANSWER_REFUSED,
	ANSWER_STUCK,
	ANSWER_STATUS,
};

enum operation_fate { FATE_ABSENT, FATE_OPEN, FATE_DONE, FATE_UNDONE, FATE_STUCK };

struct answer {
	enum answer_event event;
	char *operation;
	char *step;
	char *reason;
	char *agent_said;
	enum error_kind kind;     /* REFUSED */
	json_t *findings;         /* REFUSED: an array, NULL: it says nothing of the kind */
	enum operation_fate fate; /* STATUS */
	bool amended;             /* STARTED, DONE: the SlaveInfo has figures the agent itself gave */
	bool kept_by_deadline;    /* DONE without a word from rollcall */
	bool kept_by_operator; /* DONE without an agent that was started: of agentctl restore, for what launch has written */
	int64_t pid;
	int64_t start_ticks;
	bool restarted; /* UNDONE: its process is not the one from before the operation; true when agentctl does not say */
	int64_t away_ms; /* from the agent's end to its new process, by the host's monotonic clock */
	char *boot_id;
	struct flags flags;     /* effective, secrets redacted */
	Mesos__SlaveInfo *info; /* the checkpoint on disk; NULL when absent */
};

void answer_clear(struct answer *answer);
/* One line without the newline. */
int answer_parse(const char *line, size_t len, struct answer *out, struct error *err);
/* Appends the line with its newline. */
void answer_write(const struct answer *answer, struct buffer *out);

#endif
