/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_GATE_RUNNER_H
#define ORCHESTRATOR_GATE_RUNNER_H
/* Gates that reach outside, on the loop: commands, HTTP checks, the master's metrics. What struct driver_backends wants. */
#include "orchestrator/driver/gate.h"
#include "remote/http.h"
#include "remote/loop.h"

struct gate_runner;
/* All three are borrowed for its life. masters: how those want to be asked for their metrics, NULL: nothing is needed; nobody else
 * is shown any of it. */
struct gate_runner *gate_runner_new(struct loop *loop, struct http *http, const struct http_access *masters);
void gate_runner_free(struct gate_runner *runner); /* ends what is under way; NULL is fine */

/* Never answers from inside; tag names the question in gate_runner_next and gate_runner_cancel. */
void gate_runner_start(struct gate_runner *runner, uint64_t tag, const struct gate_question *question);
bool gate_runner_next(struct gate_runner *runner, struct gate_result *out);
void gate_runner_cancel(struct gate_runner *runner, uint64_t tag);

#endif
