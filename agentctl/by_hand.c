/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/by_hand.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "agentctl/drive.h"
#include "agentctl/self.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/json.h"

/* A settle that only asks for the status holds the lock for moments. */
#define LOCK_TRIES    20
#define LOCK_AGAIN_MS 100
#define NOTE_MAX      65536

int by_hand_check_journal(const struct journal *journal, struct error *err)
{
	if (journal_exists(journal))
		return 0;
	return error_set(
		err, ERROR_USAGE,
		"there is nothing in %s: agentctl has changed no agent from there; check --root and --state-dir",
		journal->dir);
}

static int take_lock(struct by_hand *by_hand, struct error *err)
{
	for (int i = 0;; i++) {
		struct error why = ERROR_INIT;

		if (journal_lock(&by_hand->host.journal, &by_hand->lock, &why) == 0)
			return 0;
		if (why.kind != ERROR_CONFLICT || i >= LOCK_TRIES)
			return error_set(err, why.kind, "%s", why.text);
		usleep(LOCK_AGAIN_MS * 1000);
	}
}

static int check_no_other(const struct by_hand *by_hand, const struct host_settings *settings, struct error *err)
{
	char open[RANDOM_ID_SIZE];

	if (journal_find_open(&by_hand->host.journal, open, err) != 0)
		return -1;
	if (open[0] == '\0')
		return 0;
	return self_say_settle(open, "still open", settings->root, settings->state_dir, err);
}

int by_hand_open(struct by_hand *by_hand, const struct host_settings *settings, bool may_be_first, struct error *err)
{
	char id[RANDOM_ID_SIZE];

	memset(by_hand, 0, sizeof *by_hand);
	by_hand->lock = -1;
	talk_init(&by_hand->talk, -1, STDOUT_FILENO);
	random_id(id);
	real_host_init(&by_hand->host, settings->root, settings->state_dir, id);
	if (!may_be_first && by_hand_check_journal(&by_hand->host.journal, err) != 0)
		return -1;
	if (journal_create(&by_hand->host.journal, err) != 0 || take_lock(by_hand, err) != 0)
		return -1;
	return check_no_other(by_hand, settings, err);
}

void by_hand_clear(struct by_hand *by_hand)
{
	real_host_clear(&by_hand->host);
	talk_clear(&by_hand->talk);
	if (by_hand->lock >= 0)
		close(by_hand->lock);
}

int by_hand_terms(const char *watch, struct operation_terms *out, struct error *err)
{
	int64_t verdict_ms = BY_HAND_VERDICT_MS;

	if (watch != NULL && clock_parse_duration(watch, &verdict_ms, err) != 0)
		return error_prefix(err, "--watch");
	if (verdict_ms < 1000 || verdict_ms > 3600000)
		return error_set(err, ERROR_USAGE, "--watch %s: from 1secs to 1hrs", watch);
	out->start_timeout_ms = BY_HAND_START_MS;
	out->verdict_timeout_ms = verdict_ms;
	return 0;
}

static int write_journal(struct by_hand *by_hand, const json_t *note, struct error *err)
{
	struct real_host *host = &by_hand->host;
	struct buffer text = BUFFER_INIT(NOTE_MAX);
	char *program = NULL;
	int result = -1;

	json_write(note, false, &text);
	if (journal_put(&host->entry, "request", buffer_text(&text), text.len, err) == 0 &&
	    change_save(&host->change, &host->entry, err) == 0)
		result = self_install(&host->journal, &program, err);
	free(program);
	buffer_clear(&text);
	return result;
}

int by_hand_run(struct by_hand *by_hand, struct change *change, const json_t *note, const struct operation_terms *terms)
{
	struct error err = ERROR_INIT;
	struct operation op;

	/* Losing the terminal is no reason to stop half-way. */
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	by_hand->host.change = *change;
	by_hand->host.change_loaded = true;
	memset(change, 0, sizeof *change);
	if (write_journal(by_hand, note, &err) != 0 ||
	    operation_begin(&op, &real_host_ops, &by_hand->host, terms, &err) != 0) {
		if (!journal_has(&by_hand->host.entry, "state"))
			journal_discard(&by_hand->host.entry, NULL);
		return talk_refuse(&by_hand->talk, &err);
	}
	talk_say_accepted(&by_hand->talk, by_hand->host.entry.id);
	return drive(&op, &by_hand->host, &by_hand->talk, false);
}
