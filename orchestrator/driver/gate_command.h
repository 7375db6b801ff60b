/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_GATE_COMMAND_H
#define ORCHESTRATOR_GATE_COMMAND_H
/*
 * A gate's command: started from an argument list, never through a shell, with nothing of our environment but what is named
 * here (PATH, HOME, LANG, TZ) and ROLLCALL_RUN, ROLLCALL_STAGE, ROLLCALL_AGENT, ROLLCALL_HOSTNAME; waited for on the loop.
 * Exit 0 passes, 1 fails; every other end, its time being up and failing to start are inconclusive.
 */
#include <stdint.h>

#include "orchestrator/driver/gate.h"
#include "remote/loop.h"

struct gate_command;
/* argv: NULL-terminated, its ${…} replaced already. done is called once, from loop_wait, never from here; seen is the
 * callee's. */
struct gate_command *gate_command_start(struct loop *loop, const char *const argv[],
					const struct gate_question *question,
					void (*done)(void *ctx, enum gate_answer answer, char *seen), void *ctx);
/* Ends it with all it has started, if it still runs; done is not called. NULL is fine. Due after done, too. */
void gate_command_free(struct gate_command *command);

#endif
