/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/audit/signed_head.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "orchestrator/audit/event_query.h"
#include "orchestrator/audit/signature.h"
#include "orchestrator/audit/statement.h"
#include "orchestrator/output.h"

struct examination {
	const char *key, *database;
	const struct chain *chain;
	json_t *checked;
	struct findings_list *findings;
	char *folder; /* where what the ledger holds is put for ssh-keygen */
};

static void compare(const struct examination *examination, const char *source, const struct statement *said)
{
	int64_t seq = chain_find(examination->chain, said->head);

	if (strcmp(said->database, examination->database) != 0)
		findings_add(examination->findings, "signature", 0,
			     "%s: signed for another database (%s; this one is %s)", source, said->database,
			     examination->database);
	else if (seq < 0)
		findings_add(examination->findings, "signature", said->seq,
			     "%s: the head %.12s of event %" PRId64
			     " was signed by %s, and no event has that hash now: the "
			     "chain was computed anew, cut off, or put back to an older state since",
			     source, said->head, said->seq, said->by);
	else if (seq != said->seq)
		findings_add(examination->findings, "signature", seq,
			     "%s: signed as event %" PRId64 ", and the chain has that hash as event %" PRId64, source,
			     said->seq, seq);
}

static int examine(const struct examination *examination, const char *source, const char *path, const char *signature,
		   struct error *err)
{
	struct buffer text = BUFFER_INIT(STATEMENT_MAX), signer = BUFFER_INIT(8192), why = BUFFER_INIT(4096);
	struct statement said;
	int good = file_read(path, &text, err);

	if (good == 0)
		good = signature_check(path, signature, examination->key, &signer, &why, err);
	if (good == 0)
		findings_add(examination->findings, "signature", 0,
			     "%s: not signed by a key of %s (ssh-keygen says: %s)", source, examination->key,
			     buffer_text(&why));
	if (good > 0 && statement_read(source, buffer_text(&text), &said, err) < 0)
		good = -1;
	if (good > 0) {
		compare(examination, source, &said);
		json_array_append_new(examination->checked,
				      json_pack("{s:o, s:o, s:I, s:s, s:o}", "source", output_text(source), "signer",
						output_text(buffer_text(&signer)), "event", (json_int_t)said.seq,
						"head", said.head, "signed", output_time(said.signed_ms)));
	}
	buffer_clear(&text);
	buffer_clear(&signer);
	buffer_clear(&why);
	return good < 0 ? -1 : 0;
}

int signed_head_check_file(const char *path, const char *key, const char *database, const struct chain *chain,
			   json_t *checked, struct findings_list *findings, struct error *err)
{
	const struct examination examination = {
		.key = key, .database = database, .chain = chain, .checked = checked, .findings = findings};
	char *signature = xasprintf("%s.sig", path);
	int result = file_exists(signature) ? examine(&examination, path, path, signature, err)
					    : error_set(err, ERROR_USAGE, "%s: is not there; it is the signature of %s",
							signature, path);

	free(signature);
	return result;
}

/* ---- what the ledger holds */

static int put_file(const char *path, const char *text, struct error *err)
{
	return file_replace(path, text, strlen(text), NULL, err);
}

static int examine_event(void *ctx, const struct event_row *row, struct error *err)
{
	const struct examination *examination = ctx;
	json_t *body = json_loadb(row->entry.body, row->entry.body_len, 0, NULL);
	const char *statement = json_string_value(json_object_get(body, "statement"));
	const char *signature = json_string_value(json_object_get(body, "signature"));
	char *source = xasprintf("event %" PRId64, row->entry.seq);
	char *path = path_join(examination->folder, "head"),
	     *signature_path = path_join(examination->folder, "head.sig");
	int result = -1;

	if (!statement || !signature) {
		findings_add(examination->findings, "signature", row->entry.seq, "%s holds no signature", source);
		result = 0;
	} else if (put_file(path, statement, err) == 0 && put_file(signature_path, signature, err) == 0) {
		result = examine(examination, source, path, signature_path, err);
	}
	unlink(path);
	unlink(signature_path);
	free(path);
	free(signature_path);
	free(source);
	json_decref(body);
	return result;
}

int signed_head_check_events(struct store *store, const char *key, const struct chain *chain, json_t *checked,
			     struct findings_list *findings, struct error *err)
{
	const struct event_filter filter = {.kind = "audit.signed"};
	const char *tmp = getenv("TMPDIR");
	struct examination examination = {
		.key = key, .database = store_uuid(store), .chain = chain, .checked = checked, .findings = findings};
	size_t before = findings->count;
	int result;

	examination.folder = xasprintf("%s/rollcall-audit-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(examination.folder)) {
		free(examination.folder);
		return error_set(err, ERROR_SYSTEM, "no folder could be made below %s", tmp && *tmp ? tmp : "/tmp");
	}
	result = event_query(store, &filter, examine_event, &examination, err);
	rmdir(examination.folder);
	free(examination.folder);
	if (result == 0 && json_array_size(checked) == 0 && findings->count == before)
		findings_add(findings, "signature", 0,
			     "the ledger holds no signed head (`rollcall audit sign` makes one): nothing was checked "
			     "with %s",
			     key);
	return result;
}
