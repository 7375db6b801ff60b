/* SPDX-License-Identifier: Apache-2.0 */
/* audit verify: is the ledger what was recorded? By itself, by a head that was noted, by signatures, and by what hosts were given. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "orchestrator/audit/chain.h"
#include "orchestrator/audit/projections.h"
#include "orchestrator/audit/reported.h"
#include "orchestrator/audit/signed_head.h"
#include "orchestrator/audit/witness.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/output.h"

struct verification {
	struct session *session;
	const char *witness, *head, *key, *signed_file, *report; /* NULL: not asked for */
	struct chain chain;
	struct findings_list findings;
	struct witness_counts witnesses;
	int64_t head_seq; /* of the head that was noted; -1: the chain does not have it */
	json_t *signatures;
	struct reported reported;
};

/* Rows that rest on damaged events may not even be readable: the damage is told already. */
static int check_tables(struct verification *verification, struct error *err)
{
	struct error why = ERROR_INIT;
	struct chain *chain = &verification->chain;

	if (projections_check(verification->session->store, chain, &verification->findings, &why) == 0 || !chain->whole)
		return 0;
	return error_set(err, why.kind, "%s", why.text);
}

/* A report shows the beginning of a head, too. */
static int64_t find_head(const struct chain *chain, const char *head)
{
	size_t len = strlen(head);

	if (len == DIGEST_HEX_SIZE - 1)
		return chain_find(chain, head);
	for (int64_t i = 0; i < chain->events; i++)
		if (strncmp(chain->hashes[i], head, len) == 0)
			return chain->seqs[i];
	return -1;
}

#define HEAD_MIN 12

static int check_head(struct verification *verification, struct error *err)
{
	const char *head = verification->head;
	size_t len = strlen(head);

	if (len < HEAD_MIN || len >= DIGEST_HEX_SIZE || strspn(head, "0123456789abcdef") != len)
		return error_set(err, ERROR_USAGE, "--head %s: a hash of 64 hex digits, or its first %d or more", head,
				 HEAD_MIN);
	verification->head_seq = find_head(&verification->chain, head);
	if (verification->head_seq < 0)
		findings_add(&verification->findings, "head", 0,
			     "no event has the hash %.16s…: the chain was computed anew, cut off, or put back to an "
			     "older state since that head was noted; or it is another database's (this one is %s)",
			     head, store_uuid(verification->session->store));
	return 0;
}

static int check_signatures(struct verification *verification, struct error *err)
{
	struct store *store = verification->session->store;

	if (verification->signed_file)
		return signed_head_check_file(verification->signed_file, verification->key, store_uuid(store),
					      &verification->chain, verification->signatures, &verification->findings,
					      err);
	return signed_head_check_events(store, verification->key, &verification->chain, verification->signatures,
					&verification->findings, err);
}

static int check_report(struct verification *verification, struct error *err)
{
	if (reported_check(verification->session->store, verification->report, &verification->chain,
			   &verification->reported, &verification->findings, err) == 0)
		return 0;
	session_blame_file(verification->session, verification->report);
	return -1;
}

static int verify(struct verification *verification)
{
	struct session *session = verification->session;
	const char *where = verification->witness && strcmp(verification->witness, "all") != 0 ? verification->witness
											       : NULL;

	if (chain_check(session->store, &verification->chain, &verification->findings, &session->error) < 0 ||
	    check_tables(verification, &session->error) < 0 ||
	    (verification->head && check_head(verification, &session->error) < 0) ||
	    (verification->key && check_signatures(verification, &session->error) < 0) ||
	    (verification->report && check_report(verification, &session->error) < 0))
		return -1;
	if (!verification->witness)
		return 0;
	return witness_ask(session, where, &verification->chain, &verification->witnesses, &verification->findings);
}

/* ---- what is shown */

static json_t *head_to_json(const struct verification *verification)
{
	if (!verification->head)
		return json_null();
	return json_pack("{s:s, s:o}", "head", verification->head, "event",
			 verification->head_seq < 0 ? json_null() : json_integer((json_int_t)verification->head_seq));
}

static json_t *witness_to_json(const struct verification *verification)
{
	const struct witness_counts *counts = &verification->witnesses;

	if (!verification->witness)
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}", "hosts", (json_int_t)counts->hosts, "answered",
			 (json_int_t)counts->answered, "heads", (json_int_t)counts->heads, "known",
			 (json_int_t)counts->known, "others", (json_int_t)counts->others, "newest_event",
			 counts->newest ? json_integer((json_int_t)counts->newest) : json_null());
}

static json_t *report_to_json(const struct verification *verification)
{
	const struct reported *reported = &verification->reported;

	if (!verification->report)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o}", "file", output_text(verification->report), "event",
			 reported->event ? json_integer((json_int_t)reported->event) : json_null(), "recorded",
			 output_time(reported->time_ms), "by", output_text(reported->event ? reported->actor : NULL),
			 "recorded_as", output_text(reported->event ? reported->as : NULL), "recorded_runs",
			 output_text(reported->event ? reported->runs : NULL), "same", reported->same, "not_compared",
			 output_text(*reported->why ? reported->why : NULL));
}

/* Clocks are corrected by fractions of a second all the time. */
#define SET_BACK_MS 2000

static json_t *set_back_to_json(const struct chain *chain)
{
	if (chain->back_ms < SET_BACK_MS)
		return json_null();
	return json_pack("{s:I, s:f}", "event", (json_int_t)chain->back_seq, "seconds", (double)chain->back_ms / 1000);
}

static void print_set_back(const struct chain *chain)
{
	char span[CLOCK_TEXT_MAX];

	if (chain->back_ms >= SET_BACK_MS)
		printf("The clock was set back by %s before event %" PRId64
		       ": events are in the order of their numbers, whatever their times say\n",
		       clock_format_span(chain->back_ms, span), chain->back_seq);
}

static void print_json(const struct verification *verification)
{
	const struct chain *chain = &verification->chain;
	struct store *store = verification->session->store;

	output_json(json_pack("{s:o, s:s, s:b, s:b, s:I, s:s, s:o, s:o, s:o, s:o, s:O, s:o, s:o}", "database",
			      output_text(store_path(store)), "uuid", store_uuid(store), "verified",
			      verification->findings.count == 0, "chain_whole", chain->whole, "events",
			      (json_int_t)chain->events, "head", chain->head, "last_event", output_time(chain->time_ms),
			      "clock_set_back", set_back_to_json(chain), "noted", head_to_json(verification), "witness",
			      witness_to_json(verification), "signatures", verification->signatures, "report",
			      report_to_json(verification), "findings",
			      findings_list_to_json(&verification->findings)));
}

static void print_witness(const struct verification *verification)
{
	const struct witness_counts *counts = &verification->witnesses;

	if (counts->heads == 0)
		printf("%zu of %zu hosts answered; none was given a head by this database yet\n", counts->answered,
		       counts->hosts);
	else
		printf("%zu of %zu hosts answered; of the %zu heads they were given, %zu are in the chain, up to event "
		       "%" PRId64 "\n",
		       counts->answered, counts->hosts, counts->heads, counts->known, counts->newest);
	if (counts->others > 0)
		printf("They also hold %zu heads of other databases: if there was none, this one was put in its place\n",
		       counts->others);
}

static void print_signatures(const struct verification *verification)
{
	const json_t *one;
	size_t i;

	json_array_foreach(verification->signatures, i, one)
	{
		char *signer = text_printable(json_string_value(json_object_get(one, "signer")), false);

		printf("%s: head %.12s of event %lld, signed by %s at %s\n",
		       json_string_value(json_object_get(one, "source")),
		       json_string_value(json_object_get(one, "head")),
		       (long long)json_integer_value(json_object_get(one, "event")), signer,
		       json_string_value(json_object_get(one, "signed")));
		free(signer);
	}
}

static void print_report(const struct verification *verification)
{
	const struct reported *reported = &verification->reported;
	char time[CLOCK_TEXT_MAX];

	if (reported->same)
		printf("%s: byte for byte what the database gives\n", verification->report);
	if (reported->event) {
		char *as = text_printable(reported->as, false), *runs = text_printable(reported->runs, false),
		     *actor = text_printable(reported->actor, false);

		printf("%s: recorded as event %" PRId64 " (%s, of %s), by %s at %s\n", verification->report,
		       reported->event, as, runs, actor, clock_format(reported->time_ms, time));
		free(as);
		free(runs);
		free(actor);
	}
	if (reported->event && *reported->why)
		printf("%s: not made once more, because %s\n", verification->report, reported->why);
}

static void print_text(const struct verification *verification)
{
	const struct chain *chain = &verification->chain;
	char time[CLOCK_TEXT_MAX];

	for (size_t i = 0; i < verification->findings.count; i++) {
		char *text = text_printable(verification->findings.items[i].text, false);

		printf("%s: %s\n", verification->findings.items[i].kind, text);
		free(text);
	}
	print_signatures(verification);
	if (verification->witness)
		print_witness(verification);
	if (verification->report)
		print_report(verification);
	if (verification->head && verification->head_seq >= 0)
		printf("%.16s… is the hash of event %" PRId64 "\n", verification->head, verification->head_seq);
	printf("%s: %" PRId64 " events, %s\n", store_path(verification->session->store), chain->events,
	       chain->whole ? "an unbroken chain" : "and the chain is broken");
	if (chain->events)
		printf("The last one was recorded at %s; the head is %s\n", clock_format(chain->time_ms, time),
		       chain->head);
	print_set_back(chain);
	if (verification->findings.count == 0 && !verification->session->quiet && !verification->witness &&
	    !verification->key && !verification->head)
		printf("Whoever can write to the database could have computed the whole chain anew: --head, --key and "
		       "--witness compare it with what was noted elsewhere.\n");
}

static int run(struct verification *verification)
{
	int result;

	if (verification->signed_file && !verification->key)
		return error_set(&verification->session->error, ERROR_USAGE,
				 "--signed needs --key: an allowed_signers file or a public key");
	if (!session_store(verification->session))
		return -1;
	verification->signatures = json_array();
	result = verify(verification);
	if (result == 0 && verification->session->json)
		print_json(verification);
	else if (result == 0)
		print_text(verification);
	if (result == 0 && verification->findings.count)
		result = 1;
	json_decref(verification->signatures);
	findings_list_clear(&verification->findings);
	chain_clear(&verification->chain);
	return result;
}

int command_audit_verify(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct verification verification = {.session = ctx, .head_seq = -1};
	const struct option own[] = {
		{"head", 0, OPTION_STRING, &verification.head, "HASH",
		 "a head that was noted before (a report shows it): is it in the chain?", 0, 0},
		{"key", 0, OPTION_STRING, &verification.key, "FILE",
		 "check the signed heads in the ledger with this allowed_signers file or public key", 0, 0},
		{"report", 0, OPTION_STRING, &verification.report, "FILE",
		 "is this the report that `audit report` wrote, and still what the database says?", 0, 0},
		{"signed", 0, OPTION_STRING, &verification.signed_file, "FILE",
		 "with --key: check this one, which `audit sign` wrote, with FILE.sig", 0, 0},
		{"witness", 0, OPTION_STRING, &verification.witness, "EXPR",
		 "ask the hosts of these agents (`all`: every one) which heads they were given", 0, 0},
		{.name = NULL},
	};
	struct arguments operands = {NULL, 0};
	int parsed = command_parse(ctx, self, argc, argv, own, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0)
		result = run(&verification);
	arguments_clear(&operands);
	return result;
}
