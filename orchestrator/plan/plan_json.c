/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/plan/plan_json.h"

#include <limits.h>
#include <stdlib.h>

#include "base/alloc.h"

int read_text(const json_t *object, const char *key, char **out, const struct json_place *place, struct error *err)
{
	const char *text;
	if (json_required_string(object, key, &text, place, err) < 0)
		return -1;
	*out = xstrdup(text);
	return 0;
}

int read_optional_text(const json_t *object, const char *key, char **out, const struct json_place *place,
		       struct error *err)
{
	const char *text = NULL;
	if (json_optional_string(object, key, &text, place, err) < 0)
		return -1;
	*out = text == NULL ? NULL : xstrdup(text);
	return 0;
}

int read_number(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *out,
		const struct json_place *place, struct error *err)
{
	int64_t number = 0;
	if (json_required_int(object, key, &number, place, err) < 0)
		return -1;
	if (number < min || number > max) {
		struct json_place here = {.parent = place, .key = key};
		return json_error(&here, err, "%lld is out of range", (long long)number);
	}
	*out = number;
	return 0;
}

int read_int(const json_t *object, const char *key, int min, int *out, const struct json_place *place,
	     struct error *err)
{
	int64_t number = 0;
	if (read_number(object, key, min, INT_MAX, &number, place, err) < 0)
		return -1;
	*out = (int)number;
	return 0;
}

int read_bool(const json_t *object, const char *key, bool *out, const struct json_place *place, struct error *err)
{
	struct json_place here = {.parent = place, .key = key};
	if (!json_is_boolean(json_object_get(object, key)))
		return json_error(&here, err, "must be true or false");
	*out = json_is_true(json_object_get(object, key));
	return 0;
}

int read_array(const json_t *object, const char *key, const json_t **out, const struct json_place *place,
	       struct error *err)
{
	struct json_place here = {.parent = place, .key = key};
	*out = json_object_get(object, key);
	if (!json_is_array(*out))
		return json_error(&here, err, "must be a list");
	return 0;
}

int read_object(const json_t *object, const char *key, const json_t **out, const struct json_place *place,
		struct error *err)
{
	struct json_place here = {.parent = place, .key = key};
	*out = json_object_get(object, key);
	if (!json_is_object(*out))
		return json_error(&here, err, "must be an object");
	return 0;
}

int read_texts(const json_t *object, const char *key, char ***out, size_t *count, const struct json_place *place,
	       struct error *err)
{
	const json_t *array;
	if (read_array(object, key, &array, place, err) < 0)
		return -1;
	struct json_place list = {.parent = place, .key = key};
	*out = xcalloc(json_array_size(array) + 1, sizeof(**out));
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *text = json_string_value(json_array_get(array, i));
		struct json_place here = {.parent = &list, .index = i};
		if (text == NULL)
			return json_error(&here, err, "must be a text");
		(*out)[(*count)++] = xstrdup(text);
	}
	return 0;
}
