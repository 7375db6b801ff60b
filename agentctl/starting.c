/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/starting.h"

#include <unistd.h>

#include "agentctl/agentctl.h"
#include "agentctl/host_ops.h"
#include "base/clock.h"
#include "base/log.h"

/* systemd gives a start 90 s; whoever is at work needs a few file writes before it says yes. */
#define WAIT_MS       30000
#define LOOK_EVERY_MS 20

static enum operation_start ask(const struct journal *journal, const char *root, const char *state_dir,
				struct error *err)
{
	enum operation_start answer;
	struct real_host host;
	char id[RANDOM_ID_SIZE];
	int lock = -1;
	bool locked = journal_lock(journal, &lock, NULL) == 0;

	if (journal_find_open(journal, id, err) != 0) {
		answer = START_FAILED;
	} else if (id[0] == '\0') {
		answer = START_ALLOWED;
	} else {
		real_host_init(&host, root, state_dir, id);
		answer = operation_may_start(&real_host_ops, &host, locked, err);
		if (answer != START_WAIT)
			journal_log(&host.entry, "guard", answer == START_ALLOWED ? "the agent may start" : err->text);
		real_host_clear(&host);
	}
	if (locked)
		close(lock);
	return answer;
}

static int wait_for_yes(const struct journal *journal, const struct host_settings *host, struct error *err)
{
	int64_t deadline = clock_monotonic_ms() + WAIT_MS;

	for (;;) {
		enum operation_start answer = ask(journal, host->root, host->state_dir, err);

		if (answer == START_ALLOWED)
			return 0;
		if (answer != START_WAIT)
			return error_prefix(err, "the agent must not start now");
		if (clock_monotonic_ms() >= deadline)
			return error_set(
				err, ERROR_REFUSED,
				"the agent must not start now: a change of it is under way and has not asked for "
				"a start in %d s",
				WAIT_MS / 1000);
		usleep(LOOK_EVERY_MS * 1000);
	}
}

int settle_starting(const struct settings_options *given)
{
	struct error err = ERROR_INIT;
	struct host_settings host;
	struct journal journal;
	int result = 0;

	if (settings_from_options(given, &host, &err) != 0)
		return command_fail(&err);
	journal_init(&journal, host.root, host.state_dir);
	if (journal_exists(&journal))
		result = wait_for_yes(&journal, &host, &err);
	journal_clear(&journal);
	host_settings_clear(&host);
	return result == 0 ? 0 : command_fail(&err);
}
