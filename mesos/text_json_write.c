/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON as it stands in the agent's messages. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "mesos/text_json.h"

struct writer {
	struct buffer *out;
	bool old; /* the dialect before 1.7 */
};

static void write_string(const struct writer *w, const char *text, size_t len)
{
	static const char plain[] = "\"\\\b\f\n\r\t";
	static const char letter[] = "\"\\bfnrt";

	buffer_putc(w->out, '"');
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		const char *special = c != 0 ? strchr(plain, c) : NULL;

		if (special != NULL)
			buffer_printf(w->out, "\\%c", letter[special - plain]);
		else if (c == '/' && w->old)
			buffer_puts(w->out, "\\/");
		else if (c < 0x20)
			buffer_printf(w->out, w->old ? "\\u%04x" : "\\u%04X", c);
		else
			buffer_putc(w->out, (char)c);
	}
	buffer_putc(w->out, '"');
}

/* The digits of the shortest decimal that reads back as value, and the place of the point behind the first of them. */
static int shortest_digits(double value, char digits[20], int *exponent)
{
	char text[40];
	int count = 0;

	for (int precision = 0; precision <= 17; precision++) {
		snprintf(text, sizeof(text), "%.*e", precision, value);
		if (strtod(text, NULL) == value)
			break;
	}
	for (const char *p = text; *p != 'e' && *p != '\0'; p++)
		if (*p >= '0' && *p <= '9' && count < 19)
			digits[count++] = *p;
	while (count > 1 && digits[count - 1] == '0')
		count--;
	digits[count] = '\0';
	*exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
	return count;
}

static void write_shortest(const struct writer *w, double value)
{
	char digits[20];
	int exponent, count, point;

	if (signbit(value))
		buffer_putc(w->out, '-');
	value = fabs(value);
	if (value == 0) {
		buffer_puts(w->out, "0.0");
		return;
	}
	count = shortest_digits(value, digits, &exponent);
	point = exponent + 1;
	if (count <= point && point <= 21)
		buffer_printf(w->out, "%s%.*s.0", digits, point - count, "000000000000000000000");
	else if (point > 0 && point <= 21)
		buffer_printf(w->out, "%.*s.%s", point, digits, digits + point);
	else if (point > -6 && point <= 0)
		buffer_printf(w->out, "0.%.*s%s", -point, "000000", digits);
	else if (count == 1)
		buffer_printf(w->out, "%se%d", digits, exponent);
	else
		buffer_printf(w->out, "%c.%se%d", digits[0], digits + 1, exponent);
}

static void write_real(const struct writer *w, double value)
{
	char text[40];

	if (!w->old) {
		write_shortest(w, value);
		return;
	}
	snprintf(text, sizeof(text), "%.15g", value);
	buffer_printf(w->out, "%s%s", text, strpbrk(text, ".e") == NULL ? ".0" : "");
}

static void write_value(const struct writer *w, const json_t *value);

static int by_key(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void write_object(const struct writer *w, const json_t *object)
{
	const char **keys = xmalloc((json_object_size(object) + 1) * sizeof(*keys));
	const char *key;
	json_t *value;
	size_t count = 0;

	json_object_foreach((json_t *)object, key, value) keys[count++] = key;
	qsort(keys, count, sizeof(*keys), by_key);
	buffer_putc(w->out, '{');
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buffer_putc(w->out, ',');
		write_string(w, keys[i], strlen(keys[i]));
		buffer_putc(w->out, ':');
		write_value(w, json_object_get(object, keys[i]));
	}
	buffer_putc(w->out, '}');
	free(keys);
}

static void write_array(const struct writer *w, const json_t *array)
{
	buffer_putc(w->out, '[');
	for (size_t i = 0; i < json_array_size(array); i++) {
		if (i > 0)
			buffer_putc(w->out, ',');
		write_value(w, json_array_get(array, i));
	}
	buffer_putc(w->out, ']');
}

static void write_value(const struct writer *w, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		write_object(w, value);
		break;
	case JSON_ARRAY:
		write_array(w, value);
		break;
	case JSON_STRING:
		write_string(w, json_string_value(value), json_string_length(value));
		break;
	case JSON_INTEGER:
		buffer_printf(w->out, "%" PRId64, (int64_t)json_integer_value(value));
		break;
	case JSON_REAL:
		write_real(w, json_real_value(value));
		break;
	case JSON_TRUE:
		buffer_puts(w->out, "true");
		break;
	case JSON_FALSE:
		buffer_puts(w->out, "false");
		break;
	case JSON_NULL:
		buffer_puts(w->out, "null");
		break;
	}
}

void text_json_write(const json_t *value, const struct mesos_version *version, struct buffer *out)
{
	struct writer writer = {.out = out, .old = !mesos_version_at_least(version, 1, 7)};

	write_value(&writer, value);
}
