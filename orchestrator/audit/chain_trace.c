/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/audit/chain_trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "orchestrator/ledger/ledger_backend.h"

/* How far from its place an event is looked for, and how many numbers may have been left out. */
#define REACH 1000
#define SHIFT 64

static const char remedy[] =
	"Whoever could write to the database did this: put a backup in its place "
	"(`rollcall inventory backup` makes them) whose head is on a report, a signature or a host you trust";

static const char before_the_first[] = "0000000000000000000000000000000000000000000000000000000000000000";

/* An event of its own memory. */
struct kept {
	struct ledger_entry entry;
	char *texts[5];
};

static void kept_clear(struct kept *kept)
{
	for (size_t i = 0; i < 5; i++)
		free(kept->texts[i]);
	*kept = (struct kept){.texts = {NULL}};
}

static int keep(void *ctx, const struct ledger_entry *entry, struct error *err)
{
	struct kept *kept = ctx;

	(void)err;
	*kept = (struct kept){.entry = *entry,
			      .texts = {ledger_copy_text(entry->actor), ledger_copy_text(entry->run),
					ledger_copy_text(entry->agent_id), ledger_copy_text(entry->kind),
					xstrndup(entry->body ? entry->body : "", entry->body_len)}};
	kept->entry.actor = kept->texts[0];
	kept->entry.run = kept->texts[1];
	kept->entry.agent_id = kept->texts[2];
	kept->entry.kind = kept->texts[3];
	kept->entry.body = kept->texts[4];
	return 1;
}

/* 1: *out is it; 0: there is none; -1. */
static int load(struct store *store, int64_t seq, struct kept *out, struct error *err)
{
	struct store_cursor rows;
	int result;

	if (store_query(store, &rows, err,
			"SELECT seq, time_ms, actor, run, agent, kind, body, hash FROM events WHERE seq >= ?1 "
			"ORDER BY seq LIMIT 1",
			"i", seq) < 0)
		return -1;
	result = ledger_visit_rows(&rows, keep, out, err);
	store_done(&rows);
	return result;
}

/* Was it recorded behind an event with that hash, as number seq? */
static bool follows(const struct ledger_entry *entry, const char *previous, int64_t seq)
{
	struct ledger_entry as_was = *entry;
	char hash[DIGEST_HEX_SIZE];

	as_was.seq = seq;
	ledger_hash(previous, &as_was, hash);
	return strcmp(hash, entry->hash) == 0;
}

/* "event 12 (agent, S1 in r-1, 2026-11-23T12:00:00.000Z)". The caller's. */
static char *name(const struct ledger_entry *entry)
{
	char time[CLOCK_TEXT_MAX];

	return xasprintf("event %" PRId64 " (%s%s%s%s%s, %s)", entry->seq, entry->kind, entry->agent_id ? " of " : "",
			 entry->agent_id ? entry->agent_id : "", entry->run ? " in " : "", entry->run ? entry->run : "",
			 clock_format(entry->time_ms, time));
}

/* ---- what may have happened, most telling first */

static bool explain_gap(const struct trace *trace, const struct ledger_entry *at, struct findings_list *findings)
{
	int64_t first = trace->last_seq + 1, last = at->seq - 1;
	char from[CLOCK_TEXT_MAX], to[CLOCK_TEXT_MAX], *which;

	if (at->seq == first)
		return false;
	if (at->seq < first) {
		findings_add(findings, "inserted", at->seq,
			     "event %" PRId64 " was inserted: the chain begins with event 1. %s", at->seq, remedy);
		return true;
	}
	which = first == last ? xasprintf("event %" PRId64 " was", first)
			      : xasprintf("events %" PRId64 " to %" PRId64 " were", first, last);
	findings_add(findings, "removed", first, "%s removed: recorded between %s and %s. %s", which,
		     trace->last_ms ? clock_format(trace->last_ms, from) : "the beginning",
		     clock_format(at->time_ms, to), remedy);
	free(which);
	return true;
}

/* The hash of the event behind which it was recorded, and its own number then, if that event is still about. */
struct search {
	const struct ledger_entry *entry;
	int64_t found; /* seq of the event it followed; -1: not found */
};

static int try_predecessor(void *ctx, const struct ledger_entry *other, struct error *err)
{
	struct search *search = ctx;

	(void)err;
	for (int64_t seq = search->entry->seq - 3; seq <= search->entry->seq + 3; seq++)
		if (follows(search->entry, other->hash, seq))
			search->found = other->seq;
	if (follows(search->entry, other->hash, other->seq + 1))
		search->found = other->seq;
	return search->found >= 0;
}

static int find_predecessor(struct store *store, const struct ledger_entry *entry, int64_t *seq, struct error *err)
{
	struct search search = {.entry = entry, .found = -1};
	struct store_cursor rows;
	int result;

	*seq = 0;
	if (follows(entry, before_the_first, 1))
		return 0;
	if (store_query(
		    store, &rows, err,
		    "SELECT seq, time_ms, actor, run, agent, kind, '', hash FROM events WHERE seq BETWEEN ?1 AND ?2 "
		    "ORDER BY seq",
		    "ii", entry->seq - REACH, entry->seq + REACH) < 0)
		return -1;
	result = ledger_visit_rows(&rows, try_predecessor, &search, err);
	store_done(&rows);
	*seq = search.found;
	return result < 0 ? -1 : 0;
}

static int explain_place(struct store *store, const struct ledger_entry *at, struct findings_list *findings,
			 struct error *err)
{
	struct kept first = {.texts = {NULL}};
	int64_t seq;
	char *what, *whom;

	if (find_predecessor(store, at, &seq, err) < 0)
		return -1;
	if (seq < 0)
		return 0;
	what = name(at);
	if (seq < at->seq && load(store, seq + 1, &first, err) > 0) {
		whom = name(&first.entry);
		findings_add(findings, "inserted", first.entry.seq,
			     "%s was inserted: %s was recorded right behind event %" PRId64 ". %s", whom, what, seq,
			     remedy);
		free(whom);
	} else {
		findings_add(findings, "moved", at->seq,
			     "%s is not in its place: it was recorded behind event %" PRId64 ". %s", what, seq, remedy);
	}
	kept_clear(&first);
	free(what);
	return 1;
}

/* One of the next events follows from what is before it: what is between was put there. */
static int explain_insertion(struct store *store, const struct trace *trace, const struct ledger_entry *at,
			     struct findings_list *findings, struct error *err)
{
	for (int64_t seq = at->seq + 1; seq <= at->seq + SHIFT; seq++) {
		struct kept next = {.texts = {NULL}};
		int found = load(store, seq, &next, err);
		bool fits = found > 0 && (follows(&next.entry, trace->last_hash, trace->last_seq + 1) ||
					  follows(&next.entry, trace->last_hash, next.entry.seq));
		char *what = fits ? name(at) : NULL, *behind = fits ? name(&next.entry) : NULL;

		if (fits)
			findings_add(findings, "inserted", at->seq,
				     "%s was inserted: %s was recorded right behind event %" PRId64 ". %s", what,
				     behind, trace->last_seq, remedy);
		free(what);
		free(behind);
		kept_clear(&next);
		if (found <= 0 || fits)
			return found < 0 ? -1 : fits;
	}
	return 0;
}

/* By how much the numbers were lowered behind the break; 0: they were not. */
static int64_t find_shift(const struct ledger_entry *at, const struct ledger_entry *next)
{
	for (int64_t shift = 1; shift <= SHIFT; shift++)
		if (follows(next, at->hash, next->seq + shift))
			return shift;
	return 0;
}

static void explain_content(const struct trace *trace, const struct ledger_entry *at, const struct ledger_entry *next,
			    struct findings_list *findings)
{
	char computed[DIGEST_HEX_SIZE], *what = name(at);
	int64_t shift = next ? find_shift(at, next) : 0;

	ledger_hash(trace->last_hash, at, computed);
	if (shift)
		findings_add(findings, "removed", at->seq,
			     "%" PRId64
			     " event%s %s removed before %s, and those behind it were given lower numbers. %s",
			     shift, shift == 1 ? "" : "s", shift == 1 ? "was" : "were", what, remedy);
	else if (next && follows(next, computed, next->seq))
		findings_add(findings, "hash", at->seq,
			     "the hash of %s was changed: its content still is what the event behind it rests on. %s",
			     what, remedy);
	else
		findings_add(
			findings, "changed", at->seq,
			"%s was changed after it was recorded%s: its hash is %.12s, and its content gives %.12s%s. %s",
			what, trace->last_seq ? " (or the one before it, and given a new hash)" : "", at->hash,
			computed, next ? "" : "; it is the last one", remedy);
	free(what);
}

static int explain(struct store *store, const struct trace *trace, const struct ledger_entry *at,
		   struct findings_list *findings, struct error *err)
{
	struct kept next = {.texts = {NULL}};
	int told;

	if (explain_gap(trace, at, findings))
		return 0;
	told = explain_place(store, at, findings, err);
	if (told == 0)
		told = explain_insertion(store, trace, at, findings, err);
	if (told == 0) {
		int found = load(store, at->seq + 1, &next, err);

		told = found < 0 ? -1 : 1;
		if (found >= 0)
			explain_content(trace, at, found ? &next.entry : NULL, findings);
	}
	kept_clear(&next);
	return told < 0 ? -1 : 0;
}

int trace_explain(struct store *store, const struct trace *trace, struct findings_list *findings, struct error *err)
{
	struct kept at = {.texts = {NULL}};
	int result = load(store, trace->seq, &at, err);

	if (result > 0)
		result = explain(store, trace, &at.entry, findings, err);
	kept_clear(&at);
	return result < 0 ? -1 : 0;
}
