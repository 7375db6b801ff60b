/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agentctl settle: brings an operation that was interrupted to its end, or says how it ended. What the guard runs before each start
 * of the agent (--starting) is in starting.c.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "agentctl/agentctl.h"
#include "agentctl/by_hand.h"
#include "agentctl/drive.h"
#include "agentctl/settings.h"
#include "agentctl/starting.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "protocol/request.h"

/* Whoever holds the lock without an operation is about to begin one, or to refuse. */
#define BEGIN_TIMEOUT_MS 30000
#define LOOK_EVERY_MS    50

struct settle_options {
	struct settings_options host;
	const char *operation; /* --status OP */
	const char *database;
	int64_t epoch; /* 0: not given */
	bool from_request;
	bool starting;
};

/* What is asked for, from a request or by hand. */
struct settle {
	struct request request;
	struct real_host host;
	struct talk talk;
	bool by_hand;
};

static void settle_clear(struct settle *settle)
{
	request_clear(&settle->request);
	real_host_clear(&settle->host);
	talk_clear(&settle->talk);
}

/* Its folder is gone, but how it ended is remembered: it is told as if the folder were there, with the host as it is. */
static int say_remembered(struct settle *settle, const struct operation_state *state)
{
	struct real_host *host = &settle->host;

	talk_say_status(&settle->talk, settle->request.operation, state->step);
	if (state->step == STEP_NONE)
		return 0;
	change_clear(&host->change);
	host_settings_copy(&host->change.host, &settle->request.host);
	host->change_loaded = true;
	return say_end(&settle->talk, host, state);
}

static int settle_locked(struct settle *settle)
{
	const char *id = settle->request.operation;
	struct operation_state state = {.step = STEP_NONE};
	struct error err = ERROR_INIT;
	struct talk quiet;
	int exit_code = 0;

	if (!journal_has(&settle->host.entry, "state")) {
		if (journal_recall(&settle->host.journal, id, &state, &err) != 0)
			return talk_refuse(&settle->talk, &err);
		return say_remembered(settle, &state);
	}
	if (!settle->request.status_only) {
		if (journal_load_state(&settle->host.entry, &state, &err) != 0)
			return talk_refuse(&settle->talk, &err);
		talk_say_status(&settle->talk, id, state.step);
		return take_over(&settle->host, &settle->talk, false);
	}
	/* What can be settled without waiting is settled first; then the answer is as final as it can be. */
	talk_init(&quiet, -1, -1);
	take_over(&settle->host, &quiet, true);
	talk_clear(&quiet);
	if (journal_load_state(&settle->host.entry, &state, &err) != 0)
		return talk_refuse(&settle->talk, &err);
	talk_say_status(&settle->talk, id, state.step);
	if (operation_fate(state.step) != FATE_OPEN)
		exit_code = take_over(&settle->host, &settle->talk, true);
	return exit_code;
}

/* Another agentctl is at work, on this operation or before it begins one. */
static int settle_beside(struct settle *settle)
{
	struct operation_state state = {.step = STEP_NONE};
	struct error err = ERROR_INIT;

	if (journal_load_state(&settle->host.entry, &state, &err) != 0)
		return talk_refuse(&settle->talk, &err);
	talk_say_status(&settle->talk, settle->request.operation, state.step);
	return settle->request.status_only ? 0 : follow(&settle->host, &settle->talk);
}

static int settle_operation(struct settle *settle)
{
	int64_t deadline = clock_monotonic_ms() + BEGIN_TIMEOUT_MS;
	int lock = -1;

	if (!journal_exists(&settle->host.journal))
		return settle_locked(settle); /* there is nothing that anybody could hold */
	for (;;) {
		struct error err = ERROR_INIT;

		if (journal_lock(&settle->host.journal, &lock, &err) == 0) {
			int exit_code = settle_locked(settle);

			close(lock);
			return exit_code;
		}
		if (err.kind != ERROR_CONFLICT)
			return talk_refuse(&settle->talk, &err);
		if (journal_has(&settle->host.entry, "state"))
			return settle_beside(settle);
		if (clock_monotonic_ms() >= deadline)
			return talk_refuse(&settle->talk, &err);
		usleep(LOOK_EVERY_MS * 1000);
	}
}

/* The epoch is raised, durably, before anything is answered: whoever has an older one cannot begin any more. By hand, nothing is made
 * where no agentctl was before. */
static int raise_epoch(const struct settle *settle, struct error *err)
{
	const struct request *request = &settle->request;

	if (settle->by_hand && !journal_exists(&settle->host.journal))
		return 0;
	if (journal_create(&settle->host.journal, err) != 0)
		return -1;
	if (request->database == NULL)
		return 0;
	return journal_epoch_raise(&settle->host.journal, request->database, request->epoch, request->adopt, err);
}

static int read_request(struct settle *settle, struct error *err)
{
	struct buffer bytes = BUFFER_INIT(REQUEST_MAX);
	struct request request;
	int result = request_read(STDIN_FILENO, &bytes, err);

	if (result == 0)
		result = request_parse(buffer_text(&bytes), bytes.len, &request, err);
	buffer_clear(&bytes);
	if (result != 0)
		return -1;
	request_clear(&settle->request);
	settle->request = request;
	settle->talk.epoch = request.epoch;
	if (request.kind != REQUEST_SETTLE)
		return error_set(err, ERROR_USAGE, "the request on standard input is none for settle");
	return 0;
}

static int stop_at_stuck(const struct journal_entry *entry, const struct operation_state *state, void *ctx)
{
	if (operation_fate(state->step) != FATE_STUCK)
		return 0;
	memcpy(ctx, entry->id, RANDOM_ID_SIZE);
	return 1;
}

static int find_operation(const struct journal *journal, char id[RANDOM_ID_SIZE], struct error *err)
{
	if (journal_find_open(journal, id, err) != 0)
		return -1;
	if (id[0] == '\0' && journal_each(journal, stop_at_stuck, id, err) < 0)
		return -1;
	return 0;
}

static int read_operation(const char *given, const struct journal *journal, char id[RANDOM_ID_SIZE], struct error *err)
{
	if (given == NULL)
		return find_operation(journal, id, err);
	if (strlen(given) != RANDOM_ID_SIZE - 1 || strspn(given, "0123456789abcdef") != RANDOM_ID_SIZE - 1)
		return error_set(err, ERROR_USAGE, "'%s' is no operation: it has %d hex digits", given,
				 RANDOM_ID_SIZE - 1);
	memcpy(id, given, RANDOM_ID_SIZE);
	return 0;
}

/* By hand: without an operation it is the open one, or one that is stuck; an epoch goes with the database that drives the host. */
static int read_options(const struct settle_options *given, struct settle *settle, struct error *err)
{
	struct journal_epoch seen = {.epoch = 0};
	struct host_settings host;
	struct journal journal;
	char id[RANDOM_ID_SIZE] = "";
	int result = 0;

	if (settings_from_options(&given->host, &host, err) != 0)
		return -1;
	host_settings_clear(&settle->request.host);
	settle->request.host = host;
	settle->by_hand = true;
	settle->request.status_only = given->operation != NULL;
	journal_init(&journal, host.root, host.state_dir);
	if (given->host.root != NULL || given->host.state_dir != NULL || given->epoch > 0)
		result = by_hand_check_journal(&journal, err);
	if (result == 0)
		result = read_operation(given->operation, &journal, id, err);
	if (result == 0 && given->epoch > 0) {
		result = journal_epoch_load(&journal, &seen, err);
		if (result == 0 && given->database == NULL && seen.database[0] == '\0')
			result = error_set(err, ERROR_USAGE,
					   "no database drives this host yet: give --database with --epoch");
		if (result == 0)
			settle->request.database = xstrdup(given->database != NULL ? given->database : seen.database);
	}
	settle->request.epoch = given->epoch;
	memcpy(settle->request.operation, id, sizeof id);
	journal_clear(&journal);
	return result;
}

static int run(const struct settle_options *given)
{
	struct error err = ERROR_INIT;
	struct settle settle;
	int exit_code;
	int result;

	memset(&settle, 0, sizeof settle);
	request_init(&settle.request, REQUEST_SETTLE);
	talk_init(&settle.talk, given->from_request ? STDIN_FILENO : -1, STDOUT_FILENO);
	result = given->from_request ? read_request(&settle, &err) : read_options(given, &settle, &err);
	if (result == 0)
		real_host_init(&settle.host, settle.request.host.root, settle.request.host.state_dir,
			       settle.request.operation);
	if (result != 0 || raise_epoch(&settle, &err) != 0) {
		exit_code = talk_refuse(&settle.talk, &err);
	} else if (settle.request.operation[0] == '\0') {
		log_warning("no operation is open on this host: there is nothing to settle");
		exit_code = 0;
	} else {
		exit_code = settle_operation(&settle);
	}
	settle_clear(&settle);
	return exit_code;
}

int command_settle(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct settle_options given = {.operation = NULL};
	const struct option options[] = {
		{"status", 0, OPTION_STRING, &given.operation, "OPERATION",
		 "say what became of an operation, do not wait for it", 0, 0},
		{"epoch", 0, OPTION_INT, &given.epoch, "N", "refuse orders of older epochs from now on", 1, INT64_MAX},
		{"database", 0, OPTION_STRING, &given.database, "UUID", "the database the epoch belongs to", 0, 0},
		{"root", 0, OPTION_STRING, &given.host.root, "DIR", ROOT_HELP, 0, 0},
		{"state-dir", 0, OPTION_STRING, &given.host.state_dir, "DIR", STATE_DIR_HELP, 0, 0},
		{"starting", 0, OPTION_FLAG, &given.starting, NULL, "may the agent start? (what the guard runs)", 0, 0},
		{"request", 0, OPTION_FLAG, &given.from_request, NULL, "read a framed request on standard input", 0, 0},
		{NULL, 0, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
	};
	int exit_code = 0;

	(void)ctx;
	if (!command_open(argc, argv, self, options, &exit_code))
		return exit_code;
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	return given.starting ? settle_starting(&given.host) : run(&given);
}
