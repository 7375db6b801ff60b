/* SPDX-License-Identifier: Apache-2.0 */
/* rollcall config list: the newest version of every config, or all versions of one. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/term.h"
#include "inventory/config.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/output.h"

static json_t *versions_json(const struct config_versions *versions)
{
	json_t *array = json_array();

	for (size_t i = 0; i < versions->count; i++) {
		const struct config_version *version = &versions->items[i];

		json_array_append_new(
			array, json_pack("{s:s,s:I,s:s,s:o,s:o,s:o,s:o}", "name", version->name, "version",
					 (json_int_t)version->version, "sha256", version->sha256, "csv_sha256",
					 output_text(*version->csv_sha256 ? version->csv_sha256 : NULL), "author",
					 output_text(version->author), "created", output_time(version->created_ms),
					 "message", output_text(version->message)));
	}
	return array;
}

static void print_table(const struct config_versions *versions)
{
	static const char *const headings[] = {"CONFIG", "VERSION", "CREATED", "AUTHOR", "SHA-256", "MESSAGE"};
	struct table *table = table_new(headings, 6);

	table_align_right(table, 1);
	for (size_t i = 0; i < versions->count; i++) {
		const struct config_version *version = &versions->items[i];
		char number[32], time[CLOCK_TEXT_MAX], digest[16];
		const char *cells[] = {version->name, number, time, version->author, digest, version->message};

		snprintf(number, sizeof(number), "%" PRId64, version->version);
		clock_format(version->created_ms, time);
		snprintf(digest, sizeof(digest), "%.12s", version->sha256);
		table_add(table, cells);
	}
	table_print(table, stdout);
	table_free(table);
}

static int list_configs(struct session *session, const char *name)
{
	struct config_versions versions;

	if (!session_store(session) || config_list(session_store(session), name, &versions, &session->error) < 0)
		return -1;
	if (session->json)
		output_json(json_pack("{s:o}", "configs", versions_json(&versions)));
	else if (versions.count)
		print_table(&versions);
	else
		output_told(session, stderr, "there is no config yet; `rollcall config add FILE` adds one\n");
	config_versions_clear(&versions);
	return 0;
}

int command_config_list(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	struct arguments operands = {NULL, 0};
	int parsed = command_parse(session, self, argc, argv, NULL, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0)
		result = list_configs(session, operands.count ? operands.items[0] : NULL);
	arguments_clear(&operands);
	return result;
}
