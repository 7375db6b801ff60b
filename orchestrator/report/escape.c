/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/report/escape.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

#define NOTHING "\u2013"

static const char *html_entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void escape_html(struct buffer *out, const char *text)
{
	char *shown = text_printable(text ? text : NOTHING, true);

	for (const char *at = shown; *at; at++) {
		const char *entity = html_entity(*at);

		if (entity)
			buffer_puts(out, entity);
		else
			buffer_putc(out, *at);
	}
	free(shown);
}

/* These characters are in no JSON document but inside its strings. */
static void add_script_char(struct buffer *out, char c)
{
	if (c == '<' || c == '>' || c == '&')
		buffer_printf(out, "\\u%04x", (unsigned)(unsigned char)c);
	else
		buffer_putc(out, c);
}

static int add_script_bytes(const char *bytes, size_t len, void *ctx)
{
	for (size_t i = 0; i < len; i++)
		add_script_char(ctx, bytes[i]);
	return 0;
}

void escape_script(struct buffer *out, const json_t *document)
{
	json_dump_callback(document, add_script_bytes, out, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY);
}

/* Spreadsheets look past white space, and take some of these only there. */
static bool is_formula(const char *text)
{
	if (*text == '\t' || *text == '\r' || *text == '\n')
		return true;
	text += strspn(text, " ");
	return *text && strchr("=+-@|%", *text);
}

void escape_csv(struct buffer *out, const char *text)
{
	/* Full-width forms of the same characters count for some spreadsheets, too. */
	static const char *const wide[] = {"\uff1d", "\uff0b", "\uff0d", "\uff20"};
	char *shown = text_printable(text ? text : "", true);
	bool guarded = is_formula(text ? text : "") || is_formula(shown);

	for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
		guarded = guarded || strncmp(shown, wide[i], strlen(wide[i])) == 0;
	buffer_puts(out, guarded ? "\"'" : "\"");
	for (const char *at = shown; *at; at++) {
		if (*at == '"')
			buffer_putc(out, '"');
		buffer_putc(out, *at);
	}
	buffer_putc(out, '"');
	free(shown);
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

/* Where readers of Markdown find an address without being told: "://" and "www.". */
static bool begins_link(const char *begin, const char *at)
{
	if (*at == ':')
		return at[1] == '/' && at[2] == '/';
	return *at == '.' && at - begin >= 3 && strncasecmp(at - 3, "www", 3) == 0;
}

/* Somebody who is called, or another ticket; both are looked for in the page that Markdown became, so the text is parted there. */
static bool begins_mention(const char *begin, const char *at)
{
	bool inside = at > begin && is_word(at[-1]);

	return !inside && ((*at == '@' && is_word(at[1])) || (*at == '#' && isdigit((unsigned char)at[1])));
}

/* Character references are never markup. */
static void add_markdown_char(struct buffer *out, const char *begin, const char *at)
{
	if (*at == '\n')
		buffer_putc(out, ' ');
	else if (strchr("&<>|`", *at) || begins_link(begin, at))
		buffer_printf(out, "&#%d;", *at);
	else if (strchr("\\*_[](){}#!~^$", *at))
		buffer_printf(out, "\\%c", *at);
	else
		buffer_putc(out, *at);
	if (begins_mention(begin, at))
		buffer_puts(out, "<!-- -->");
}

void escape_markdown(struct buffer *out, const char *text)
{
	char *shown = text_printable(text ? text : NOTHING, true);
	const char *at = shown;

	/* At the beginning of a line these would make a list, a quotation or a rule. */
	if (*at && strchr("-+=>", *at))
		buffer_printf(out, "&#%d;", *at++);
	for (; *at; at++)
		add_markdown_char(out, shown, at);
	free(shown);
}
