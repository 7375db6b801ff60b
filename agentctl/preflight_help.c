/* SPDX-License-Identifier: Apache-2.0 */
/* Which flags an agent knows: its --help lists each at the start of a line, "  --name=VALUE" or "  --[no-]name". */
#include <string.h>

#include "agentctl/preflight.h"
#include "base/alloc.h"
#include "base/process.h"

#define HELP_TIMEOUT_MS 5000
/* A real one has 60 KB. */
#define HELP_MAX        (1u << 20)

void known_flags_clear(struct known_flags *known)
{
	for (size_t i = 0; i < known->count; i++)
		free(known->names[i]);
	free(known->names);
	memset(known, 0, sizeof *known);
}

bool known_flags_have(const struct known_flags *known, const char *name)
{
	for (size_t i = 0; i < known->count; i++)
		if (strcmp(known->names[i], name) == 0)
			return true;
	return false;
}

static void take_line(const char *line, struct known_flags *out)
{
	size_t len;

	line += strspn(line, " ");
	if (strncmp(line, "--", 2) != 0)
		return;
	line += 2;
	if (strncmp(line, "[no-]", 5) == 0)
		line += 5;
	len = strspn(line, "abcdefghijklmnopqrstuvwxyz0123456789_");
	if (len == 0 || (line[len] != '=' && line[len] != ' ' && line[len] != '\n' && line[len] != '\0'))
		return;
	out->names = xreallocarray(out->names, out->count + 1, sizeof *out->names);
	out->names[out->count++] = xstrndup(line, len);
}

void known_flags_parse(const char *help, struct known_flags *out)
{
	while (help != NULL && *help != '\0') {
		const char *newline = strchr(help, '\n');

		/* Descriptions are far to the right; an example in one is no flag. */
		if (strspn(help, " ") <= 4)
			take_line(help, out);
		help = newline == NULL ? NULL : newline + 1;
	}
}

void known_flags_ask(const char *executable, struct known_flags *out)
{
	const char *const argv[] = {executable, "--help", NULL};
	struct buffer text = BUFFER_INIT(HELP_MAX);
	int status = -1;

	/* Some versions end with 1 after it. */
	if (process_run(argv, NULL, HELP_TIMEOUT_MS, &text, &text, &status, NULL) == 0)
		known_flags_parse(buffer_text(&text), out);
	buffer_clear(&text);
}
