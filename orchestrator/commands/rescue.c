/* SPDX-License-Identifier: Apache-2.0 */
/* rollcall rescue: starts agents that refuse their checkpoint since somebody changed their flags. */
#include "orchestrator/rescue/rescue.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "inventory/moment.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/outgoing/deliver.h"
#include "orchestrator/output.h"

/* An agent that the master gave up longer ago than this was taken away, not lost. */
#define SINCE_DEFAULT   "7d"
#define PARALLEL        10
#define PARALLEL_MAX    500
/* As for plans: the beginning of a hash is enough. */
#define HASH_PREFIX_MIN 6

struct rescue_words {
	struct rescue_options options;
	const char *yes;
};

/* What was shown is what is done: another proposal is shown first. */
static int check_hash(struct rescue *rescue, const char *yes)
{
	struct session *session = rescue->session;
	size_t len = strlen(yes);

	if (len < HASH_PREFIX_MIN || strspn(yes, "0123456789abcdef") != len)
		return error_set(&session->error, ERROR_USAGE,
				 "--yes %s: give the hash of the proposal (or %d digits of it or more), as `rollcall "
				 "rescue` shows it without --yes",
				 yes, HASH_PREFIX_MIN);
	if (strncmp(rescue->hash, yes, len) == 0)
		return 0;
	char *look = rescue_command(rescue, false);

	error_set(
		&session->error, ERROR_REFUSED,
		"--yes %s: the proposal is %.12s now. Either yours was mistyped or shown for another choice of agents, or "
		"hosts have changed since it was shown, or some are rescued already; look at it again: `%s`",
		yes, rescue->hash, look);
	free(look);
	return -1;
}

static int show(const struct rescue *rescue, bool carried_out)
{
	if (rescue->session->json)
		return output_json(rescue_to_json(rescue, carried_out));
	rescue_print(rescue, carried_out);
	return 0;
}

static int carry_out(struct rescue *rescue, const char *yes)
{
	int result = 0;

	if (check_hash(rescue, yes) < 0)
		return -1;
	if (rescue_count_foreign(rescue) > 0 && !rescue->options.adopt)
		return error_set(&rescue->session->error, ERROR_REFUSED,
				 "%zu of these hosts are driven by another database: --adopt takes them over, when "
				 "nobody uses that one any more",
				 rescue_count_foreign(rescue));
	if (rescue_count_ahead(rescue) > 0 && !rescue->options.adopt)
		return error_set(&rescue->session->error, ERROR_REFUSED,
				 "%zu of these hosts have obeyed this database since the copy was made that it was "
				 "restored from: --adopt goes on from there",
				 rescue_count_ahead(rescue));
	if (rescue_count_acts(rescue) > 0 && rescue_carry_out(rescue) < 0)
		return -1;
	show(rescue, true);
	deliver_after_run(rescue->session, true);
	for (size_t i = 0; i < rescue->count; i++)
		if (rescue->hosts[i].act != RESCUE_NONE && rescue->hosts[i].end != RESCUE_DONE)
			result = 1;
	return result;
}

static int look_and_act(struct session *session, const struct rescue_words *words)
{
	struct rescue rescue;
	int result = rescue_look(&rescue, session, &words->options);

	if (result == 0 && words->yes)
		result = carry_out(&rescue, words->yes);
	else if (result == 0)
		result = show(&rescue, false);
	if (result == 0 && rescue_count_refused(&rescue) > 0)
		result = 1;
	rescue_clear(&rescue);
	return result;
}

static int read_since(struct session *session, struct rescue_words *words)
{
	const char *since = words->options.since ? words->options.since : SINCE_DEFAULT;

	return moment_parse("--since", since, clock_wall_ms(), &words->options.since_ms, &session->error);
}

int command_rescue(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	struct rescue_words words = {.options = {.parallel = PARALLEL}};
	const struct option own[] = {
		{"flags", 0, OPTION_FLAG, &words.options.by_flags, NULL,
		 "make the flags fit the checkpoint, instead of the checkpoint the flags", 0, 0},
		{"yes", 0, OPTION_STRING, &words.yes, "HASH", "do what was shown under that hash", 0, 0},
		{"parallel", 0, OPTION_INT, &words.options.parallel, "N", "hosts at a time (default 10)", 1,
		 PARALLEL_MAX},
		{"since", 0, OPTION_STRING, &words.options.since, "TIME",
		 "leave agents alone that the master lists no longer since before then: a date, or how long ago (default 7d)",
		 0, 0},
		{"adopt", 0, OPTION_FLAG, &words.options.adopt, NULL,
		 "also hosts that another database, or this one before it was restored from a copy, has driven", 0, 0},
		{.name = NULL},
	};
	struct arguments operands = {NULL, 0};
	int parsed = command_parse(session, self, argc, argv, own, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0) {
		words.options.where = operands.count > 0 ? operands.items[0] : NULL;
		result = read_since(session, &words);
		if (result == 0)
			result = look_and_act(session, &words);
	}
	arguments_clear(&operands);
	return result;
}
