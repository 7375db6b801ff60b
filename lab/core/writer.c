/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/core/writer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void begin_value(struct writer *writer)
{
	if (writer->comma)
		buffer_putc(writer->out, ',');
	writer->comma = true;
}

void writer_open(struct writer *writer, char bracket)
{
	begin_value(writer);
	buffer_putc(writer->out, bracket);
	writer->comma = false;
}

void writer_close(struct writer *writer, char bracket)
{
	buffer_putc(writer->out, bracket);
	writer->comma = true;
}

static void put_quoted(struct buffer *out, const char *text)
{
	buffer_putc(out, '"');
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '"' || c == '\\')
			buffer_printf(out, "\\%c", c);
		else if (c == '\n')
			buffer_puts(out, "\\n");
		else if (c < 0x20)
			buffer_printf(out, "\\u%04x", c);
		else
			buffer_putc(out, *text);
	}
	buffer_putc(out, '"');
}

void writer_key(struct writer *writer, const char *key)
{
	begin_value(writer);
	put_quoted(writer->out, key);
	buffer_putc(writer->out, ':');
	writer->comma = false;
}

void writer_string(struct writer *writer, const char *text)
{
	begin_value(writer);
	put_quoted(writer->out, text);
}

/* The shortest decimal that reads back as the same double, with a point in it. */
void writer_number(struct writer *writer, double number)
{
	char text[40];
	begin_value(writer);
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, number);
		if (strtod(text, NULL) == number)
			break;
	}
	buffer_puts(writer->out, text);
	if (strpbrk(text, ".eni") == NULL)
		buffer_puts(writer->out, ".0");
}

void writer_int(struct writer *writer, int64_t number)
{
	begin_value(writer);
	buffer_printf(writer->out, "%" PRId64, number);
}

void writer_bool(struct writer *writer, bool value)
{
	begin_value(writer);
	buffer_puts(writer->out, value ? "true" : "false");
}

void writer_raw(struct writer *writer, const char *json)
{
	begin_value(writer);
	buffer_puts(writer->out, json);
}

void writer_put_string(struct writer *writer, const char *key, const char *text)
{
	writer_key(writer, key);
	writer_string(writer, text);
}

void writer_put_number(struct writer *writer, const char *key, double number)
{
	writer_key(writer, key);
	writer_number(writer, number);
}

void writer_put_int(struct writer *writer, const char *key, int64_t number)
{
	writer_key(writer, key);
	writer_int(writer, number);
}

void writer_put_bool(struct writer *writer, const char *key, bool value)
{
	writer_key(writer, key);
	writer_bool(writer, value);
}

void writer_put_raw(struct writer *writer, const char *key, const char *json)
{
	writer_key(writer, key);
	writer_raw(writer, json);
}
