/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading JSON as the agent does. The place an error names is where its parser stands, which depends on what it puts
 * back, so this reader has the same single character of putting back.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "mesos/text_json.h"

#define DEPTH_MAX  200
#define NUMBER_MAX 400 /* no double needs more characters than this to be written down */
#define AT_END     (-1)

struct reader {
	const char *at;
	int last;
	bool put_back;
	int line;
	bool out_of_range;
};

static int next_char(struct reader *in)
{
	if (in->put_back) {
		in->put_back = false;
		return in->last;
	}
	if (*in->at == '\0') {
		in->last = AT_END;
		return AT_END;
	}
	if (in->last == '\n')
		in->line++;
	in->last = (unsigned char)*in->at++;
	return in->last;
}

static void put_back(struct reader *in)
{
	in->put_back = in->last != AT_END;
}

static void skip_space(struct reader *in)
{
	int c;

	do
		c = next_char(in);
	while (c == ' ' || c == '\t' || c == '\n' || c == '\r');
	put_back(in);
}

static bool expect(struct reader *in, int wanted)
{
	skip_space(in);
	if (next_char(in) == wanted)
		return true;
	put_back(in);
	return false;
}

static bool expect_word(struct reader *in, const char *rest)
{
	for (; *rest != '\0'; rest++) {
		if (next_char(in) != *rest) {
			put_back(in);
			return false;
		}
	}
	return true;
}

/* ---- strings */

static int read_hex4(struct reader *in)
{
	int value = 0;

	for (int i = 0; i < 4; i++) {
		int c = next_char(in);

		if (c >= '0' && c <= '9')
			value = value * 16 + c - '0';
		else if (c >= 'A' && c <= 'F')
			value = value * 16 + c - 'A' + 10;
		else if (c >= 'a' && c <= 'f')
			value = value * 16 + c - 'a' + 10;
		else {
			put_back(in);
			return -1;
		}
	}
	return value;
}

static void put_utf8(struct buffer *out, int c)
{
	if (c < 0x80) {
		buffer_putc(out, (char)c);
		return;
	}
	if (c < 0x800) {
		buffer_putc(out, (char)(0xc0 | (c >> 6)));
	} else {
		if (c < 0x10000) {
			buffer_putc(out, (char)(0xe0 | (c >> 12)));
		} else {
			buffer_putc(out, (char)(0xf0 | (c >> 18)));
			buffer_putc(out, (char)(0x80 | ((c >> 12) & 0x3f)));
		}
		buffer_putc(out, (char)(0x80 | ((c >> 6) & 0x3f)));
	}
	buffer_putc(out, (char)(0x80 | (c & 0x3f)));
}

static bool read_code_point(struct reader *in, struct buffer *out)
{
	int c = read_hex4(in), low;

	if (c < 0 || (c >= 0xdc00 && c <= 0xdfff))
		return false;
	if (c >= 0xd800 && c <= 0xdbff) {
		bool escape = next_char(in) == '\\';

		escape = escape && next_char(in) == 'u';
		if (!escape) {
			put_back(in);
			return false;
		}
		low = read_hex4(in);
		if (low < 0xdc00 || low > 0xdfff)
			return false;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	put_utf8(out, c);
	return true;
}

static bool read_escape(struct reader *in, struct buffer *out)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char meaning[] = "\"\\/\b\f\n\r\t";
	int c = next_char(in);
	const char *found;

	if (c == 'u')
		return read_code_point(in, out);
	found = c > 0 ? strchr(letters, c) : NULL;
	if (found == NULL)
		return false;
	buffer_putc(out, meaning[found - letters]);
	return true;
}

/* After the opening quote. */
static bool read_string(struct reader *in, struct buffer *out)
{
	for (;;) {
		int c = next_char(in);

		if (c == '"')
			return true;
		if (c < ' ') {
			put_back(in);
			return false;
		}
		if (c != '\\')
			buffer_putc(out, (char)c);
		else if (!read_escape(in, out))
			return false;
	}
}

/* ---- values */

static json_t *read_value(struct reader *in, int depth);

static json_t *make_number(struct reader *in, const char *text)
{
	char *end;
	double real;
	intmax_t whole;

	errno = 0;
	whole = strtoimax(text, &end, 10);
	if (errno == 0 && *end == '\0')
		return json_integer(whole);
	real = strtod(text, &end);
	if (*end != '\0')
		return NULL;
	if (!isfinite(real)) {
		in->out_of_range = true;
		return NULL;
	}
	return json_real(real);
}

static json_t *read_number(struct reader *in)
{
	struct buffer text = BUFFER_INIT(NUMBER_MAX);
	json_t *number = NULL;
	int c;

	for (c = next_char(in); c > 0 && strchr("0123456789+-.eE", c) != NULL; c = next_char(in))
		buffer_putc(&text, (char)c);
	put_back(in);
	if (text.len > 0 && !text.overflow)
		number = make_number(in, buffer_text(&text));
	buffer_clear(&text);
	return number;
}

static json_t *read_array(struct reader *in, int depth)
{
	json_t *array = depth > 0 ? json_array() : NULL;
	json_t *item;

	if (array == NULL || expect(in, ']'))
		return array;
	do {
		item = read_value(in, depth - 1);
		if (item == NULL)
			goto fail;
		json_array_append_new(array, item);
	} while (expect(in, ','));
	if (expect(in, ']'))
		return array;
fail:
	json_decref(array);
	return NULL;
}

static bool read_member(struct reader *in, json_t *object, int depth)
{
	struct buffer key = BUFFER_INIT(SIZE_MAX / 2);
	json_t *value = NULL;

	if (expect(in, '"') && read_string(in, &key) && expect(in, ':'))
		value = read_value(in, depth - 1);
	if (value != NULL)
		json_object_set_new_nocheck(object, buffer_text(&key), value);
	buffer_clear(&key);
	return value != NULL;
}

static json_t *read_object(struct reader *in, int depth)
{
	json_t *object = depth > 0 ? json_object() : NULL;

	if (object == NULL || expect(in, '}'))
		return object;
	do {
		if (!read_member(in, object, depth))
			goto fail;
	} while (expect(in, ','));
	if (expect(in, '}'))
		return object;
fail:
	json_decref(object);
	return NULL;
}

static json_t *read_string_value(struct reader *in)
{
	struct buffer text = BUFFER_INIT(SIZE_MAX / 2);
	json_t *string = NULL;

	if (read_string(in, &text))
		string = json_stringn_nocheck(buffer_text(&text), text.len);
	buffer_clear(&text);
	return string;
}

static json_t *read_value(struct reader *in, int depth)
{
	int c;

	skip_space(in);
	c = next_char(in);
	switch (c) {
	case 'n':
		return expect_word(in, "ull") ? json_null() : NULL;
	case 'f':
		return expect_word(in, "alse") ? json_false() : NULL;
	case 't':
		return expect_word(in, "rue") ? json_true() : NULL;
	case '"':
		return read_string_value(in);
	case '[':
		return read_array(in, depth);
	case '{':
		return read_object(in, depth);
	default:
		put_back(in);
		return (c >= '0' && c <= '9') || c == '-' ? read_number(in) : NULL;
	}
}

static int syntax_error(struct reader *in, struct error *err)
{
	struct buffer near = BUFFER_INIT(ERROR_TEXT_MAX);
	int line = in->line;
	int c;

	while ((c = next_char(in)) != AT_END && c != '\n')
		if (c >= ' ')
			buffer_putc(&near, (char)c);
	error_set(err, ERROR_USAGE, "syntax error at line %d near: %s", line, buffer_text(&near));
	buffer_clear(&near);
	return -1;
}

json_t *text_json_parse(const char *text, struct error *err)
{
	struct reader in = {.at = text, .last = AT_END, .put_back = false, .line = 1, .out_of_range = false};
	json_t *value = read_value(&in, DEPTH_MAX);
	const char *end = text + strlen(text);

	if (value == NULL) {
		if (in.out_of_range)
			error_set(err, ERROR_USAGE, "Value out of range");
		else
			syntax_error(&in, err);
		return NULL;
	}
	while (end > text && strchr(" \t\n\r", end[-1]) != NULL)
		end--;
	/* A character the agent put back counts as read, here as there. */
	if (in.at != end) {
		error_set(err, ERROR_USAGE, "Parsed JSON included non-whitespace trailing characters: %.*s",
			  in.at < end ? (int)(end - in.at) : (int)strlen(in.at), in.at);
		json_decref(value);
		return NULL;
	}
	return value;
}
