/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the guard runs before each start of the agent. Several may ask at once (a supervisor, and a start command whose agentctl was
 * killed): one after the other, under a lock of their own, and each for the process that runs it and will start the agent. Whoever
 * asks for a process that is gone starts nothing.
 */
#include "agentctl/starting.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "agentctl/agentctl.h"
#include "agentctl/caller.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

/* systemd gives a start 90 s; whoever is at work needs a few file writes before it says yes. */
#define WAIT_MS       30000
#define LOOK_EVERY_MS 20

/* The descriptor, -1 without an error when somebody else asks just now. */
static int lock_guards(const struct journal *journal, struct error *err)
{
	char *path = path_join(journal->dir, "guard-lock");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0) {
		error_errno(err, ERROR_SYSTEM, errno, "cannot open %s", path);
	} else if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK)
			error_errno(err, ERROR_SYSTEM, errno, "cannot lock %s", path);
		close(fd);
		fd = -1;
	}
	free(path);
	return fd;
}

/* One start of the agent that is asked for. */
struct start {
	const struct journal *journal;
	const struct host_settings *host;
	struct operation_process caller;
	char operation[RANDOM_ID_SIZE]; /* open when we first asked; "": none */
};

static enum operation_start ask_operation(const struct start *start, bool locked, struct error *err)
{
	enum operation_start answer;
	struct real_host host;

	real_host_init(&host, start->host->root, start->host->state_dir, start->operation);
	host.caller = start->caller;
	answer = operation_may_start(&real_host_ops, &host, locked, err);
	if (answer == START_ALLOWED && caller_note(&host, err) != 0)
		answer = START_FAILED;
	if (answer != START_WAIT)
		journal_log(&host.entry, "guard", answer == START_ALLOWED ? "the agent may start" : err->text);
	real_host_clear(&host);
	return answer;
}

/* Whoever has waited asks on for the same operation: how it ended says whether this start is still wanted. */
static enum operation_start ask(struct start *start, struct error *err)
{
	enum operation_start answer;
	int lock = -1;
	bool locked = journal_lock(start->journal, &lock, NULL) == 0;

	if (start->operation[0] == '\0' && journal_find_open(start->journal, start->operation, err) != 0)
		answer = START_FAILED;
	else if (start->operation[0] == '\0')
		answer = START_ALLOWED;
	else
		answer = ask_operation(start, locked, err);
	if (locked)
		close(lock);
	return answer;
}

static enum operation_start ask_in_turn(struct start *start, struct error *err)
{
	enum operation_start answer = START_WAIT;
	struct error why = ERROR_INIT;
	int guards;

	if (!caller_waits(&start->caller)) {
		error_set(err, ERROR_REFUSED, "whoever wanted to start the agent (process %lld) is gone",
			  (long long)start->caller.pid);
		return START_FAILED;
	}
	guards = lock_guards(start->journal, &why);
	if (guards >= 0) {
		answer = ask(start, err);
		close(guards);
	} else if (why.kind != ERROR_NONE) {
		*err = why;
		answer = START_FAILED;
	}
	return answer;
}

static int wait_for_yes(struct start *start, struct error *err)
{
	int64_t deadline = clock_monotonic_ms() + WAIT_MS;

	for (;;) {
		enum operation_start answer = ask_in_turn(start, err);

		if (answer == START_ALLOWED)
			return 0;
		if (answer != START_WAIT)
			return error_prefix(err, "the agent must not start now");
		if (clock_monotonic_ms() >= deadline)
			return error_set(
				err, ERROR_REFUSED,
				"the agent must not start now: a change of it is under way and has not asked for "
				"this start in %d s",
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
	if (journal_exists(&journal)) {
		struct start start = {.journal = &journal, .host = &host};

		caller_find(&start.caller);
		result = wait_for_yes(&start, &err);
	}
	journal_clear(&journal);
	host_settings_clear(&host);
	return result == 0 ? 0 : command_fail(&err);
}
