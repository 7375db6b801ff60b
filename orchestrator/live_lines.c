/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/live_lines.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/term.h"
#include "base/text.h"

void live_erase(struct live_lines *live)
{
	for (; live->drawn > 0; live->drawn--)
		buffer_puts(&live->frame, "\033[1A\033[2K");
}

void live_write(struct live_lines *live)
{
	fwrite(buffer_text(&live->frame), 1, live->frame.len, stderr);
	fflush(stderr);
	buffer_reset(&live->frame);
}

void live_draw(struct live_lines *live, const char *text)
{
	size_t room = (size_t)term_width(stderr) - 1, width = 0, bytes = 0;
	char *shown = text_printable(text, false);
	uint32_t code;

	while (shown[bytes]) {
		size_t step = text_decode(shown + bytes, &code);

		width += text_char_width(code);
		if (width > room)
			break;
		bytes += step;
	}
	buffer_printf(&live->frame, "%.*s\n", (int)bytes, shown);
	live->drawn++;
	free(shown);
}
