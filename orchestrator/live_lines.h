/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_LIVE_LINES_H
#define ORCHESTRATOR_LIVE_LINES_H
/*
 * Lines at the end of a terminal's stderr that are drawn anew again and again, with what is settled scrolling by above
 * them. What is to be shown is gathered in a frame, so that nothing flickers:
 *
 *   live_erase → buffer_printf(&live.frame, …) for what stays → live_draw for each line → live_write
 */
#include <stddef.h>

#include "base/buffer.h"

/* As many as any terminal has; lines beyond are not drawn. */
#define LIVE_LINES_MAX 256

struct live_lines {
	struct buffer frame;
	size_t drawn; /* lines on the terminal that live_erase takes away */
	size_t width; /* columns of the terminal when they were drawn */
	size_t widths
		[LIVE_LINES_MAX]; /* … and of each line: a terminal that has become narrower since has broken them */
};

void live_erase(struct live_lines *live);
/* One text, in as many lines as the terminal's width wants: up to three, so that a reason is never cut where it can be read on. An
 * indented text is a detail that begins with a name: the name is shortened in the middle before anything else, and it takes one line
 * where the terminal's height leaves no more. */
void live_draw(struct live_lines *live, const char *text);
void live_write(struct live_lines *live);

#endif
