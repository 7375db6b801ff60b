/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_AUDIT_SENTENCE_H
#define ORCHESTRATOR_AUDIT_SENTENCE_H
/* An event in words. */
#include <jansson.h>

/* body: of an event of that kind, parsed; NULL: it cannot be read. The caller's, one line. */
char *event_sentence(const char *kind, const json_t *body);

#endif
