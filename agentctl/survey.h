/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_SURVEY_H
#define AGENTCTL_SURVEY_H
/* The facts as a document (schema/inspect.schema.json) and as text for people. */
#include <jansson.h>
#include <stdio.h>

#include "agentctl/facts.h"

/* A copy of flags in which values of flags that hold secrets are "<redacted>", and user:password in URLs. out must be empty. */
void flags_redact(const struct flags *flags, struct flags *out);

json_t *survey_to_json(const struct facts *facts);
void survey_print(const json_t *survey, FILE *stream);

#endif
