/* SPDX-License-Identifier: Apache-2.0 */
/* rollcall config add: a document, and the CSV that goes with it, become the next version of a config. */
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "inventory/config.h"
#include "inventory/config_csv.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/output.h"
#include "orchestrator/session_ledger.h"

struct addition {
	const char *path, *csv_path, *message;
	struct buffer text, csv;
};

struct announced {
	struct session *session;
	const char *name;
};

static json_t *version_json(const struct config_version *version)
{
	return json_pack("{s:s,s:I,s:s,s:o,s:o}", "name", version->name, "version", (json_int_t)version->version,
			 "sha256", version->sha256, "csv_sha256",
			 output_text(*version->csv_sha256 ? version->csv_sha256 : NULL), "message",
			 output_text(version->message));
}

static int print_version(const struct session *session, const struct config_version *version, const char *message,
			 bool added)
{
	if (session->json) {
		json_t *document = version_json(version);

		json_object_update_new(document, json_pack("{s:b,s:o,s:o}", "added", added, "author",
							   output_text(version->author), "created",
							   output_time(version->created_ms)));
		return output_json(document);
	}
	if (added)
		printf("%s@%lld added (SHA-256 %.12s…%s%.12s%s)\n", version->name, (long long)version->version,
		       version->sha256, *version->csv_sha256 ? ", its CSV " : "", version->csv_sha256,
		       *version->csv_sha256 ? "…" : "");
	else
		printf("%s@%lld is the same document, nothing was added%s\n", version->name,
		       (long long)version->version, message ? ", and the message was not kept" : "");
	return 0;
}

static int read_file(struct session *session, const char *path, struct buffer *out)
{
	if (file_read(path, out, &session->error) == 0)
		return 0;
	session_blame_file(session, path);
	return -1;
}

/* Who added what, in the chain that nobody can edit. Within config_add's transaction: the newest version is the new one. */
static int describe(void *ctx, struct ledger *ledger, struct error *err)
{
	const struct announced *announced = ctx;
	struct config_version version = {.name = NULL};

	if (config_find(session_store(announced->session), announced->name, &version, err) < 0)
		return -1;
	json_t *body = version_json(&version);
	json_object_set_new(body, "created_ms", json_integer(version.created_ms));
	ledger_event(ledger, "config.added", NULL, NULL, body);
	config_version_clear(&version);
	return 0;
}

static int add_source(struct session *session, const struct config_source *source, const char *message,
		      struct config_version *version, bool *added)
{
	struct config *config = config_parse(source, &session->error);
	struct announced announced = {.session = session};
	struct deed deed = {.session = session, .describe = describe, .ctx = &announced};
	int result;

	if (!config)
		return -1;
	announced.name = config_name(config);
	deed_announce(&deed);
	result = config_add(session_store(session), source, session_actor(session), message, clock_wall_ms(), version,
			    added, &session->error);
	deed_end(&deed);
	config_free(config);
	return result;
}

static int add(struct session *session, struct addition *addition)
{
	struct config_version version;
	struct config_source source = {.name = addition->path};
	bool added;

	/* It is part of an event, and those are JSON. */
	if (addition->message && !text_is_utf8(addition->message))
		return error_set(&session->error, ERROR_USAGE,
				 "--message must be UTF-8; write it without other characters");
	if (read_file(session, addition->path, &addition->text) < 0 ||
	    (addition->csv_path && read_file(session, addition->csv_path, &addition->csv) < 0) ||
	    !session_new_store(session))
		return -1;
	source.bytes = buffer_text(&addition->text);
	source.len = addition->text.len;
	if (addition->csv_path) {
		source.csv_name = addition->csv_path;
		source.csv = buffer_text(&addition->csv);
		source.csv_len = addition->csv.len;
	}
	if (add_source(session, &source, addition->message, &version, &added) < 0)
		return -1;
	print_version(session, &version, addition->message, added);
	config_version_clear(&version);
	return 0;
}

int command_config_add(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	struct addition addition = {.text = BUFFER_INIT(CONFIG_MAX), .csv = BUFFER_INIT(CONFIG_CSV_MAX)};
	const struct option own[] = {
		{"message", 'm', OPTION_STRING, &addition.message, "TEXT", "why, for those who read the versions later",
		 0, 0},
		{"csv", 0, OPTION_STRING, &addition.csv_path, "FILE",
		 "values by hostname or id for ${csv.COLUMN}; kept with the version", 0, 0},
		{.name = NULL},
	};
	struct arguments operands = {NULL, 0};
	int parsed = command_parse(session, self, argc, argv, own, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0) {
		addition.path = operands.items[0];
		result = add(session, &addition);
	}
	buffer_clear(&addition.text);
	buffer_clear(&addition.csv);
	arguments_clear(&operands);
	return result;
}
