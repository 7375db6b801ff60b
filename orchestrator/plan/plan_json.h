/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_PLAN_JSON_H
#define ORCHESTRATOR_PLAN_JSON_H
/* Members of our documents, read strictly: what plan_parse.c and the files beside it share. Texts are copied. Each: 0, or -1
 * with ERROR_USAGE that names the place. */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"

int read_text(const json_t *object, const char *key, char **out, const struct json_place *place, struct error *err);
/* null and a missing member: NULL. */
int read_optional_text(const json_t *object, const char *key, char **out, const struct json_place *place,
		       struct error *err);
int read_number(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *out,
		const struct json_place *place, struct error *err);
int read_int(const json_t *object, const char *key, int min, int *out, const struct json_place *place,
	     struct error *err);
int read_bool(const json_t *object, const char *key, bool *out, const struct json_place *place, struct error *err);
/* Borrowed from the document. */
int read_array(const json_t *object, const char *key, const json_t **out, const struct json_place *place,
	       struct error *err);
int read_object(const json_t *object, const char *key, const json_t **out, const struct json_place *place,
		struct error *err);
/* On failure too, *out and *count are what was read so far, for the caller to free. */
int read_texts(const json_t *object, const char *key, char ***out, size_t *count, const struct json_place *place,
	       struct error *err);

#endif
