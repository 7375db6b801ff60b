/* SPDX-License-Identifier: Apache-2.0 */
/* rollcall config add: a document becomes the next version of its config. */
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "inventory/config.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/output.h"

static int print_version(const struct session *session, const struct config_version *version, bool added)
{
	if (session->json)
		return output_json(json_pack(
			"{s:s,s:I,s:s,s:b,s:o,s:o,s:o}", "name", version->name, "version", (json_int_t)version->version,
			"sha256", version->sha256, "added", added, "author", output_text(version->author), "created",
			output_time(version->created_ms), "message", output_text(version->message)));
	if (added)
		printf("%s@%lld added (SHA-256 %.12s…)\n", version->name, (long long)version->version, version->sha256);
	else
		printf("%s@%lld is the same document, nothing was added\n", version->name, (long long)version->version);
	return 0;
}

static int add_file(struct session *session, const char *path, const char *message)
{
	struct buffer text = BUFFER_INIT(CONFIG_MAX);
	struct config_version version;
	bool added;
	int result = -1;

	if (file_read(path, &text, &session->error) == 0 && session_new_store(session))
		result = config_add(session_store(session), path, buffer_text(&text), text.len, session_actor(session),
				    message, clock_wall_ms(), &version, &added, &session->error);
	buffer_clear(&text);
	if (result < 0) {
		session_blame_file(session, path);
		return -1;
	}
	print_version(session, &version, added);
	config_version_clear(&version);
	return 0;
}

int command_config_add(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	const char *message = NULL;
	const struct option own[] = {
		{"message", 'm', OPTION_STRING, &message, "TEXT", "why, for those who read the versions later", 0, 0},
		{.name = NULL},
	};
	struct arguments operands = {NULL, 0};
	int parsed = command_parse(session, self, argc, argv, own, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0)
		result = add_file(session, operands.items[0], message);
	arguments_clear(&operands);
	return result;
}
