/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MESOS_TEXT_JSON_H
#define MESOS_TEXT_JSON_H
/*
 * JSON in the agent's own dialect. Flags are read as it reads them: "01" and "1." are numbers, a later key replaces an
 * earlier one, and the error is the agent's, word for word. Values inside its messages are written as it writes them:
 * keys sorted, no spaces, 4 as a double is 4.0.
 */
#include <jansson.h>

#include "base/buffer.h"
#include "base/error.h"
#include "mesos/version.h"

/* NULL with ERROR_USAGE: "syntax error at line 1 near: …". Nesting beyond 200 is a syntax error too. */
json_t *text_json_parse(const char *text, struct error *err);

/* Before 1.7 agents escaped slashes and cut doubles to 15 digits. */
void text_json_write(const json_t *value, const struct mesos_version *version, struct buffer *out);

#endif
