/* SPDX-License-Identifier: Apache-2.0 */
#include "base/term.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DEFAULT_WIDTH  80
#define DEFAULT_HEIGHT 24

static bool color_forbidden;

void term_forbid_color(void)
{
	color_forbidden = true;
}

bool term_has_color(FILE *stream)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");
	if (color_forbidden || (no_color != NULL && no_color[0] != '\0'))
		return false;
	return term != NULL && strcmp(term, "dumb") != 0 && isatty(fileno(stream)) == 1;
}

int term_width(FILE *stream)
{
	struct winsize size;
	if (ioctl(fileno(stream), TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return DEFAULT_WIDTH;
	return size.ws_col;
}

int term_height(FILE *stream)
{
	struct winsize size;
	if (ioctl(fileno(stream), TIOCGWINSZ, &size) < 0 || size.ws_row == 0)
		return DEFAULT_HEIGHT;
	return size.ws_row;
}

const char *term_on(FILE *stream, enum term_style style)
{
	static const char *const codes[] = {
		[TERM_PLAIN] = "",         [TERM_BOLD] = "\033[1m",    [TERM_DIM] = "\033[2m",
		[TERM_GREEN] = "\033[32m", [TERM_YELLOW] = "\033[33m", [TERM_RED] = "\033[31m",
	};
	return term_has_color(stream) ? codes[style] : "";
}

const char *term_off(FILE *stream)
{
	return term_has_color(stream) ? "\033[0m" : "";
}
