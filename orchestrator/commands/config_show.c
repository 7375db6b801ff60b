/* SPDX-License-Identifier: Apache-2.0 */
/* rollcall config show: the bytes of one version. */
#include <stdio.h>

#include "base/json.h"
#include "inventory/config.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/output.h"

static int print_json(const struct config_version *version, struct error *err)
{
	json_t *document = json_parse(version->name, version->document, version->document_len, err);

	if (!document)
		return -1;
	return output_json(json_pack("{s:s,s:I,s:s,s:o,s:o,s:o,s:o,s:o,s:o}", "name", version->name, "version",
				     (json_int_t)version->version, "sha256", version->sha256, "author",
				     output_text(version->author), "created", output_time(version->created_ms),
				     "message", output_text(version->message), "document", document, "csv_sha256",
				     output_text(*version->csv_sha256 ? version->csv_sha256 : NULL), "csv",
				     output_text(version->csv)));
}

static int print_csv(const struct config_version *version, struct error *err)
{
	if (!version->csv)
		return error_set(err, ERROR_USAGE, "config %s@%lld has no CSV", version->name,
				 (long long)version->version);
	fwrite(version->csv, 1, version->csv_len, stdout);
	return 0;
}

static int show_config(struct session *session, const char *reference, bool csv)
{
	struct config_version version;
	int result = 0;

	if (!session_store(session) || config_find(session_store(session), reference, &version, &session->error) < 0)
		return -1;
	if (csv && !session->json)
		result = print_csv(&version, &session->error);
	else if (session->json)
		result = print_json(&version, &session->error);
	else
		fwrite(version.document, 1, version.document_len, stdout);
	config_version_clear(&version);
	return result;
}

int command_config_show(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	bool csv = false;
	const struct option own[] = {
		{"csv", 0, OPTION_FLAG, &csv, NULL, "the CSV that was added with it, instead of the document", 0, 0},
		{.name = NULL},
	};
	struct arguments operands = {NULL, 0};
	int parsed = command_parse(session, self, argc, argv, own, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0)
		result = show_config(session, operands.items[0], csv);
	arguments_clear(&operands);
	return result;
}
