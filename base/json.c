/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/suggest.h"

#undef json_error /* the analyzer's wrapper is for callers */

#define PLACE_MAX 512 /* bytes of a path in an error; deeper ones are cut */

json_t *json_parse(const char *source, const char *text, size_t len, struct error *err)
{
	json_error_t why;
	json_t *value = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	if (value == NULL)
		error_set(err, ERROR_USAGE, "%s:%d:%d: %s", source, why.line, why.column, why.text);
	return value;
}

json_t *json_read_file(const char *path, size_t max, struct error *err)
{
	struct buffer text = BUFFER_INIT(max);
	json_t *value = NULL;
	if (file_read(path, &text, err) == 0)
		value = json_parse(path, buffer_text(&text), text.len, err);
	buffer_clear(&text);
	return value;
}

static int append_chunk(const char *chunk, size_t len, void *out)
{
	return buffer_append(out, chunk, len);
}

int json_write(const json_t *value, bool indent, struct buffer *out)
{
	size_t before = out->len;
	size_t flags = JSON_ENCODE_ANY | (indent ? JSON_INDENT(2) : JSON_COMPACT);
	if (json_dump_callback(value, append_chunk, out, flags) == 0)
		return 0;
	out->len = before;
	if (out->data != NULL)
		out->data[before] = '\0';
	return -1;
}

/* Appends "rules[0].attributes"; the root has no name of its own. */
static void write_place(const struct json_place *place, struct buffer *out)
{
	if (place == NULL || place->parent == NULL)
		return;
	write_place(place->parent, out);
	if (place->key == NULL)
		buffer_printf(out, "[%zu]", place->index);
	else
		buffer_printf(out, "%s%s", out->len > 0 ? "." : "", place->key);
}

static const char *source_of(const struct json_place *place)
{
	while (place != NULL && place->parent != NULL)
		place = place->parent;
	return place != NULL ? place->source : NULL;
}

char *json_place_text(const struct json_place *place)
{
	struct buffer path = BUFFER_INIT(PLACE_MAX);
	write_place(place, &path);
	const char *source = source_of(place);
	char *text = xasprintf("%s%s%s", source != NULL ? source : "", source != NULL && path.len > 0 ? ": " : "",
			       buffer_text(&path));
	buffer_clear(&path);
	return text;
}

int json_error(const struct json_place *place, struct error *err, const char *format, ...)
{
	char message[ERROR_TEXT_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	struct buffer path = BUFFER_INIT(PLACE_MAX);
	write_place(place, &path);
	const char *source = source_of(place);
	error_set(err, ERROR_USAGE, "%s%s%s%s%s", source != NULL ? source : "", source != NULL ? ": " : "",
		  buffer_text(&path), path.len > 0 ? ": " : "", message);
	buffer_clear(&path);
	return -1;
}

static bool is_allowed(const char *key, const char *const allowed[])
{
	for (size_t i = 0; allowed[i] != NULL; i++)
		if (strcmp(key, allowed[i]) == 0)
			return true;
	return false;
}

int json_check_keys(const json_t *object, const char *const allowed[], const struct json_place *place,
		    struct error *err)
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		struct suggestion suggestion = {.word = key, .closest = NULL, .distance = 0};
		if (is_allowed(key, allowed))
			continue;
		for (size_t i = 0; allowed[i] != NULL; i++) /* costs much more than to compare */
			suggestion_offer(&suggestion, allowed[i]);
		if (suggestion.closest == NULL)
			return json_error(place, err, "unknown key \"%s\"", key);
		return json_error(place, err, "unknown key \"%s\"; did you mean \"%s\"?", key, suggestion.closest);
	}
	return 0;
}

static const char *article_and_type(json_type type)
{
	switch (type) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "a whole number";
	case JSON_REAL:
		return "a number with a fraction";
	case JSON_TRUE:
	case JSON_FALSE:
		return "true or false";
	case JSON_NULL:
		break;
	}
	return "null";
}

static int wrong_type(const char *key, const json_t *value, json_type wanted, const struct json_place *place,
		      struct error *err)
{
	const struct json_place here = {.parent = place, .source = NULL, .key = key, .index = 0};
	return json_error(&here, err, "must be %s, but it is %s", article_and_type(wanted),
			  article_and_type(json_typeof(value)));
}

/* The member, or NULL: *failed then tells a wrong type from a member that is not there (null counts as that). */
static const json_t *member(const json_t *object, const char *key, json_type wanted, const struct json_place *place,
			    bool *failed, struct error *err)
{
	const json_t *value = json_object_get(object, key);
	*failed = false;
	if (value == NULL || json_is_null(value))
		return NULL;
	if (json_typeof(value) == wanted || (wanted == JSON_TRUE && json_is_false(value)))
		return value;
	*failed = true;
	wrong_type(key, value, wanted, place, err);
	return NULL;
}

static int missing(const char *key, json_type wanted, const struct json_place *place, struct error *err)
{
	return json_error(place, err, "\"%s\" is missing: it must be %s", key, article_and_type(wanted));
}

int json_required_string(const json_t *object, const char *key, const char **out, const struct json_place *place,
			 struct error *err)
{
	bool failed;
	const json_t *value = member(object, key, JSON_STRING, place, &failed, err);
	if (value == NULL)
		return failed ? -1 : missing(key, JSON_STRING, place, err);
	*out = json_string_value(value);
	return 0;
}

int json_optional_string(const json_t *object, const char *key, const char **out, const struct json_place *place,
			 struct error *err)
{
	bool failed;
	const json_t *value = member(object, key, JSON_STRING, place, &failed, err);
	if (value != NULL)
		*out = json_string_value(value);
	return failed ? -1 : 0;
}

int json_required_int(const json_t *object, const char *key, int64_t *out, const struct json_place *place,
		      struct error *err)
{
	bool failed;
	const json_t *value = member(object, key, JSON_INTEGER, place, &failed, err);
	if (value == NULL)
		return failed ? -1 : missing(key, JSON_INTEGER, place, err);
	*out = json_integer_value(value);
	return 0;
}

int json_optional_int(const json_t *object, const char *key, int64_t *out, const struct json_place *place,
		      struct error *err)
{
	bool failed;
	const json_t *value = member(object, key, JSON_INTEGER, place, &failed, err);
	if (value != NULL)
		*out = json_integer_value(value);
	return failed ? -1 : 0;
}

int json_optional_bool(const json_t *object, const char *key, bool *out, const struct json_place *place,
		       struct error *err)
{
	bool failed;
	const json_t *value = member(object, key, JSON_TRUE, place, &failed, err);
	if (value != NULL)
		*out = json_is_true(value);
	return failed ? -1 : 0;
}

int json_optional_object(const json_t *object, const char *key, const json_t **out, const struct json_place *place,
			 struct error *err)
{
	bool failed;
	const json_t *value = member(object, key, JSON_OBJECT, place, &failed, err);
	if (value != NULL)
		*out = value;
	return failed ? -1 : 0;
}

int json_optional_array(const json_t *object, const char *key, const json_t **out, const struct json_place *place,
			struct error *err)
{
	bool failed;
	const json_t *value = member(object, key, JSON_ARRAY, place, &failed, err);
	if (value != NULL)
		*out = value;
	return failed ? -1 : 0;
}
