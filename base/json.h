/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_JSON_H
#define BASE_JSON_H
/*
 * What we need over jansson: documents of ours are read strictly (an unknown key is an error that names it), and every
 * error names the place as a path ("rules[0].attributes.rack").
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

/* Parses text; duplicate keys are refused. On a syntax error: "<source>:LINE:COLUMN: message" with ERROR_USAGE.
 * The caller owns the result. */
json_t *json_parse(const char *source, const char *text, size_t len, struct error *err);
json_t *json_read_file(const char *path, size_t max, struct error *err);

/* Compact or indented text, keys in insertion order, appended to out. */
int json_write(const json_t *value, bool indent, struct buffer *out);

/* Where we are in a document, for error messages: a chain on the stack. */
struct json_place {
	const struct json_place *parent; /* NULL at the root */
	const char *source;              /* file name, at the root */
	const char *key;                 /* or NULL when index is used */
	size_t index;
};
/* "FILE: rules[0].attributes.rack", as errors begin with it. Caller frees. */
char *json_place_text(const struct json_place *place);
int json_error(const struct json_place *place, struct error *err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
#ifdef __clang_analyzer__
#define json_error(...) error_minus_one(json_error(__VA_ARGS__)) /* as in base/error.h */
#endif

/* Every key of object must be in the NULL-terminated list; else ERROR_USAGE naming key and place, with a suggestion. */
int json_check_keys(const json_t *object, const char *const allowed[], const struct json_place *place,
		    struct error *err);

/* Members: required_* fail when missing or of another type; optional_* leave *out alone when the key is missing or
 * null. Strings are borrowed until the document is freed. */
int json_required_string(const json_t *object, const char *key, const char **out, const struct json_place *place,
			 struct error *err);
int json_optional_string(const json_t *object, const char *key, const char **out, const struct json_place *place,
			 struct error *err);
int json_required_int(const json_t *object, const char *key, int64_t *out, const struct json_place *place,
		      struct error *err);
int json_optional_int(const json_t *object, const char *key, int64_t *out, const struct json_place *place,
		      struct error *err);
int json_optional_bool(const json_t *object, const char *key, bool *out, const struct json_place *place,
		       struct error *err);
int json_optional_object(const json_t *object, const char *key, const json_t **out, const struct json_place *place,
			 struct error *err);
int json_optional_array(const json_t *object, const char *key, const json_t **out, const struct json_place *place,
			struct error *err);

#endif
