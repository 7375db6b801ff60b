/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/live_lines.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/term.h"
#include "base/text.h"

/* Rows that the lines take now: terminals break what no longer fits when they are made narrower. */
static size_t rows_drawn(const struct live_lines *live)
{
	size_t width = (size_t)term_width(stderr), height = (size_t)term_height(stderr), rows = 0;

	if (width >= live->width)
		return live->drawn;
	for (size_t i = 0; i < live->drawn; i++)
		rows += live->widths[i] > width ? (live->widths[i] + width - 1) / width : 1;
	return rows < height ? rows : height;
}

void live_erase(struct live_lines *live)
{
	for (size_t rows = rows_drawn(live); rows > 0; rows--)
		buffer_puts(&live->frame, "\033[1A\033[2K");
	live->drawn = 0;
}

void live_write(struct live_lines *live)
{
	fwrite(buffer_text(&live->frame), 1, live->frame.len, stderr);
	fflush(stderr);
	buffer_reset(&live->frame);
}

/* ---- a line that fits */

/* Of a name that is too long so much stays at least: its beginning and its end tell it from others. */
#define NAME_MIN  16
/* A reason takes as many lines; what is longer than that is in `rollout status`. */
#define LINES_MAX 3
/* So many lines are kept free for what comes last. */
#define KEPT_FREE 8
#define INDENT    "    "

/* The first so many columns of a text; returns their bytes. */
static size_t bytes_of(const char *text, size_t columns)
{
	size_t bytes = 0, width = 0;
	uint32_t code;

	while (text[bytes]) {
		size_t step = text_decode(text + bytes, &code);

		width += text_char_width(code);
		if (width > columns)
			break;
		bytes += step;
	}
	return bytes;
}

/* Columns that are only there to line up with other lines go first. */
static void close_gaps(char *text)
{
	char *to = text + strspn(text, " ");

	for (const char *from = to; *from; from++)
		if (from[0] != ' ' || from[1] != ' ' || from[2] != ' ')
			*to++ = *from;
	*to = '\0';
}

/* Then the name at its beginning, in the middle. The caller's. */
static char *shorten_name(const char *text, size_t room)
{
	size_t lead = strspn(text, " "), len = strcspn(text + lead, " "), width = text_width(text);
	char *name = xstrndup(text + lead, len), *shown;
	size_t own = text_width(name), over = width > room ? width - room : 0;

	if (over == 0 || own <= NAME_MIN) {
		free(name);
		return xstrdup(text);
	}
	size_t keep = own > over + NAME_MIN ? own - over - 1 : NAME_MIN - 1, tail = keep / 2;
	size_t head = bytes_of(name, keep - tail), rest = bytes_of(name, own - tail);

	shown = xasprintf("%.*s%.*s\u2026%s%s", (int)lead, text, (int)head, name, name + rest, text + lead + len);
	free(name);
	return shown;
}

/* So many lines may this text take. What is indented is a detail, and leaves room for what is not. */
static size_t lines_for(const struct live_lines *live, const char *text)
{
	size_t height = (size_t)term_height(stderr), kept = text[0] == ' ' ? KEPT_FREE : 1;
	size_t left = height > live->drawn + kept ? height - live->drawn - kept : 1;

	return left < LINES_MAX ? left : LINES_MAX;
}

/* At the last space that fits, if there is one in the second half. */
static size_t break_at(const char *text, size_t room)
{
	size_t bytes = bytes_of(text, room), at = bytes;

	if (text[bytes] == '\0')
		return bytes;
	while (at > bytes / 2 && text[at] != ' ')
		at--;
	return at > bytes / 2 ? at : bytes;
}

static void draw_line(struct live_lines *live, const char *indent, const char *text, size_t bytes, bool cut)
{
	char *line = xasprintf("%s%.*s%s", indent, (int)bytes, text, cut ? "\u2026" : "");

	if (live->drawn < LIVE_LINES_MAX) {
		buffer_printf(&live->frame, "%s\n", line);
		live->widths[live->drawn++] = text_width(line);
	}
	free(line);
}

static void draw_wrapped(struct live_lines *live, const char *text, size_t room)
{
	size_t lines = lines_for(live, text);

	for (size_t i = 0; i < lines && (*text || i == 0); i++) {
		size_t own = i == 0 ? room : room - strlen(INDENT);
		bool last = i + 1 == lines && text_width(text) > own;
		size_t bytes = last ? bytes_of(text, own - 1) : break_at(text, own);

		draw_line(live, i == 0 ? "" : INDENT, text, bytes, last);
		text += bytes;
		text += strspn(text, " ");
	}
}

void live_draw(struct live_lines *live, const char *text)
{
	size_t width = (size_t)term_width(stderr), room = width > 2 * sizeof(INDENT) ? width - 1 : 2 * sizeof(INDENT);
	char *shown = text_printable(text, false), *shorter;

	live->width = width;
	if (text_width(shown) > room)
		close_gaps(shown);
	shorter = shown[0] == ' ' ? shorten_name(shown, room) : xstrdup(shown);
	draw_wrapped(live, shorter, room);
	free(shorter);
	free(shown);
}
