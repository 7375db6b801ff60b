/* SPDX-License-Identifier: Apache-2.0 */
/* audit sign: puts a signature under the ledger's head, in a file to be put away and in the ledger itself. */
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "orchestrator/audit/chain.h"
#include "orchestrator/audit/signature.h"
#include "orchestrator/audit/statement.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/output.h"
#include "orchestrator/session_ledger.h"

static char *default_key(void)
{
	const struct passwd *user = getpwuid(geteuid());
	const char *home = getenv("HOME");

	if (!home || !*home)
		home = user ? user->pw_dir : "/";
	return path_join(home, ".ssh/id_ed25519");
}

/* A chain that does not hold is not signed: the signature would vouch for it. */
static int state_head(struct session *session, struct statement *out)
{
	struct findings_list findings = {NULL, 0};
	struct chain chain;
	int result = chain_check(session->store, &chain, &findings, &session->error);

	if (result < 0)
		return -1;
	if (!chain.whole)
		result = error_set(&session->error, ERROR_CORRUPT, "nothing was signed: %s",
				   findings.count ? findings.items[0].text : "the chain is broken");
	else if (chain.events == 0)
		result = error_set(&session->error, ERROR_USAGE, "the ledger is empty: there is nothing to sign yet");
	*out = (struct statement){.seq = chain.seq, .recorded_ms = chain.time_ms, .signed_ms = clock_wall_ms()};
	snprintf(out->database, sizeof(out->database), "%s", store_uuid(session->store));
	memcpy(out->head, chain.head, sizeof(out->head));
	snprintf(out->by, sizeof(out->by), "%s", session_actor(session));
	findings_list_clear(&findings);
	chain_clear(&chain);
	return result;
}

static int record(struct session *session, const struct statement *statement, const char *text, const char *signature)
{
	struct ledger *ledger = session_ledger(session);
	int result;

	if (!ledger)
		return -1;
	ledger_event(ledger, "audit.signed", NULL, NULL,
		     json_pack("{s:I, s:s, s:o, s:o}", "event", (json_int_t)statement->seq, "head", statement->head,
			       "statement", output_text(text), "signature", output_text(signature)));
	result = ledger_commit(ledger, &session->error);
	ledger_close(ledger);
	return result;
}

static int write_signed(struct session *session, const char *path, const char *key, const struct statement *statement)
{
	struct buffer text = BUFFER_INIT(STATEMENT_MAX), signature = BUFFER_INIT(SIGNATURE_MAX);
	char *signature_path = xasprintf("%s.sig", path);
	int result = -1;

	statement_write(statement, &text);
	if (file_exists(path))
		error_set(&session->error, ERROR_REFUSED,
			  "%s: is there already and was left as it is; --out names another", path);
	else if (file_replace(path, buffer_text(&text), text.len, NULL, &session->error) == 0) {
		result = signature_make(path, key, &session->error);
		if (result < 0)
			unlink(path);
	}
	if (result == 0 && (file_read(signature_path, &signature, &session->error) < 0 ||
			    record(session, statement, buffer_text(&text), buffer_text(&signature)) < 0))
		result = -1;
	free(signature_path);
	buffer_clear(&text);
	buffer_clear(&signature);
	return result;
}

static int print(const struct session *session, const char *path, const struct statement *statement)
{
	if (session->json)
		return output_json(json_pack("{s:o, s:o, s:s, s:I, s:s, s:o}", "file", output_text(path), "signature",
					     json_sprintf("%s.sig", path), "database", statement->database, "event",
					     (json_int_t)statement->seq, "head", statement->head, "signed",
					     output_time(statement->signed_ms)));
	printf("%s and %s.sig: the head %.12s of event %" PRId64 ", signed\n", path, path, statement->head,
	       statement->seq);
	printf("Put both where nobody who can write to the database can change them.\n");
	return 0;
}

static int sign(struct session *session, const char *key, const char *out)
{
	struct statement statement;
	char *usual_key = key ? NULL : default_key(), *path;
	int result;

	if (!session_store(session) || state_head(session, &statement) < 0) {
		free(usual_key);
		return -1;
	}
	path = out ? xstrdup(out) : xasprintf("rollcall-head-%" PRId64 ".txt", statement.seq);
	result = write_signed(session, path, key ? key : usual_key, &statement);
	if (result == 0)
		print(session, path, &statement);
	free(usual_key);
	free(path);
	return result;
}

int command_audit_sign(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	const char *key = NULL, *out = NULL;
	const struct option own[] = {
		{"key", 0, OPTION_STRING, &key, "FILE",
		 "the SSH key to sign with (default: ~/.ssh/id_ed25519); a public key's file when an agent has the "
		 "other half",
		 0, 0},
		{"out", 0, OPTION_STRING, &out, "FILE",
		 "where the statement goes, and its signature beside it as FILE.sig (default: rollcall-head-EVENT.txt)",
		 0, 0},
		{.name = NULL},
	};
	struct arguments operands = {NULL, 0};
	int parsed = command_parse(ctx, self, argc, argv, own, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0)
		result = sign(ctx, key, out);
	arguments_clear(&operands);
	return result;
}
