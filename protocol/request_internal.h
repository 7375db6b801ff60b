/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTOCOL_REQUEST_INTERNAL_H
#define PROTOCOL_REQUEST_INTERNAL_H
/* What the request's files share: request.c (reading), request_write.c, request_options.c (members that may be left out). */
#include <jansson.h>

#include "base/json.h"
#include "protocol/request.h"

/* What an apply allows, holds and knows of its master; the mechanism is read already. */
int request_read_options(const json_t *object, struct request *out, const struct json_place *place, struct error *err);
/* Members that say what is so anyway are left out: the bytes are as they were before these members existed. */
void request_put_options(json_t *object, const struct request *request);
void request_clear_options(struct request *request);

#endif
