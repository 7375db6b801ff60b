/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_AUDIT_SENTENCE_H
#define ORCHESTRATOR_AUDIT_SENTENCE_H
/* An event in words. */
#include <jansson.h>
#include <stdbool.h>

/* body: of an event of that kind, parsed; NULL: it cannot be read. The caller's, one line. */
char *event_sentence(const char *kind, const json_t *body);

/* Has that kind, or one below it ("run": "run.created"), a sentence of its own? */
bool event_kind_has_sentence(const char *kind);
/* Of a rescue's intent: "checkpoint fits the flags: rack r1 → r9". NULL: it does not say. The caller's. */
char *rescue_change_text(const json_t *intent);

#endif
