/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <string.h>

#include "base/alloc.h"

struct range {
	uint32_t first, last;
};

static const struct range combining[] = {
	{0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a}, {0x064b, 0x065f},
	{0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
};

static const struct range wide[] = {
	{0x1100, 0x115f}, {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},   {0x4e00, 0x9fff},
	{0xa000, 0xa4cf}, {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},
	{0xffe0, 0xffe6}, {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
};

/* C0, DEL and C1; zero-width and direction marks, with which a text can show something else than it says. */
static const struct range controls[] = {
	{0x00, 0x1f},     {0x7f, 0x9f},     {0x00ad, 0x00ad}, {0x061c, 0x061c}, {0x180e, 0x180e},   {0x200b, 0x200f},
	{0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
};

static bool in_ranges(uint32_t code, const struct range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (code >= ranges[i].first && code <= ranges[i].last)
			return true;
	}
	return false;
}

#define IN(code, table) in_ranges(code, table, sizeof(table) / sizeof((table)[0]))

size_t text_char_width(uint32_t code)
{
	if (code < 0x300)
		return 1;
	if (IN(code, combining))
		return 0;
	return IN(code, wide) ? 2 : 1;
}

bool text_is_control(uint32_t code)
{
	return code == UINT32_MAX || IN(code, controls);
}

/* Bytes of the character that a lead byte starts, with the lead's own bits; 0: no lead byte. */
static size_t lead(unsigned char byte, uint32_t *bits)
{
	if (byte < 0x80) {
		*bits = byte;
		return 1;
	}
	if (byte >= 0xc2 && byte < 0xe0) {
		*bits = byte & 0x1fU;
		return 2;
	}
	if (byte >= 0xe0 && byte < 0xf0) {
		*bits = byte & 0x0fU;
		return 3;
	}
	*bits = byte & 0x07U;
	return byte >= 0xf0 && byte < 0xf5 ? 4 : 0;
}

size_t text_decode(const char *text, uint32_t *code)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000}; /* below it: an overlong form */
	const unsigned char *bytes = (const unsigned char *)text;
	uint32_t value;
	size_t len = lead(bytes[0], &value);
	*code = UINT32_MAX;
	for (size_t i = 1; i < len; i++) {
		if ((bytes[i] & 0xc0) != 0x80) /* the NUL at the end stops us here too */
			return 1;
		value = value << 6 | (bytes[i] & 0x3fU);
	}
	bool surrogate = value >= 0xd800 && value <= 0xdfff;
	if (len == 0 || value < smallest[len] || value > 0x10ffff || surrogate)
		return 1;
	*code = value;
	return len;
}

bool text_is_utf8(const char *text)
{
	uint32_t code = 0;

	while (*text && code != UINT32_MAX)
		text += text_decode(text, &code);
	return code != UINT32_MAX;
}

size_t text_width(const char *text)
{
	size_t width = 0;
	while (*text != '\0') {
		uint32_t code;
		text += text_decode(text, &code);
		width += text_char_width(code);
	}
	return width;
}

char *text_printable(const char *text, bool keep_newlines)
{
	char *copy = xmalloc(strlen(text) + 1); /* never longer: '?' is one byte */
	char *out = copy;
	while (*text != '\0') {
		uint32_t code;
		size_t len = text_decode(text, &code);
		bool newline = code == '\n' || code == '\r';
		if (text_is_control(code) && !(newline && keep_newlines)) {
			*out++ = '?';
		} else {
			memcpy(out, text, len);
			out += len;
		}
		text += len;
	}
	*out = '\0';
	return copy;
}

void text_single_quote(const char *word, struct buffer *out)
{
	buffer_putc(out, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			buffer_puts(out, "'\\''");
		else
			buffer_putc(out, *word);
	}
	buffer_putc(out, '\'');
}
