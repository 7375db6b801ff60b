/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agentctl apply: makes one change of the agent; agentctl rescue --request: starts one that refuses. The work is done by a child in a session of its own; the parent watches, and
 * settles what is left when the child is killed.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agentctl/agentctl.h"
#include "agentctl/apply.h"
#include "agentctl/drive.h"
#include "agentctl/preflight.h"
#include "agentctl/rescue.h"
#include "agentctl/self.h"
#include "base/alloc.h"
#include "base/log.h"
#include "protocol/request.h"

/* A settle that only asks for the status holds the lock for moments. */
#define LOCK_TRIES    20
#define LOCK_AGAIN_MS 100

struct apply {
	enum request_kind kind; /* that is expected */
	struct request request;
	struct buffer bytes; /* of the request */
	struct real_host host;
	struct talk talk;
	struct findings findings; /* what stands in the way, or is worth knowing */
};

static void apply_clear(struct apply *apply)
{
	request_clear(&apply->request);
	buffer_clear(&apply->bytes);
	real_host_clear(&apply->host);
	talk_clear(&apply->talk);
	findings_clear(&apply->findings);
}

static bool exists(const struct apply *apply)
{
	return journal_has(&apply->host.entry, "state");
}

/* The same operation must mean the same request. */
static int check_same_request(const struct apply *apply, struct error *err)
{
	struct buffer stored = BUFFER_INIT(JOURNAL_FILE_MAX);
	int result = journal_get(&apply->host.entry, "request", &stored, err);

	if (result == 0 && (stored.len != apply->bytes.len ||
			    memcmp(buffer_text(&stored), buffer_text(&apply->bytes), stored.len) != 0))
		result = error_set(err, ERROR_CONFLICT,
				   "the operation %s exists on this host with another request: an operation is never "
				   "changed",
				   apply->request.operation);
	buffer_clear(&stored);
	return result;
}

/* A request that comes again when its operation is long forgotten must not be carried out a second time. */
static int check_is_new(const struct apply *apply, struct error *err)
{
	struct operation_state state = {.step = STEP_NONE};

	if (journal_recall(&apply->host.journal, apply->request.operation, &state, err) != 0)
		return -1;
	if (state.step == STEP_NONE)
		return 0;
	return error_set(err, ERROR_CONFLICT,
			 "the operation %s ended on this host long ago (%s): an operation is never carried out twice",
			 apply->request.operation, operation_step_name(state.step));
}

static int check_no_other(const struct apply *apply, struct error *err)
{
	char open[RANDOM_ID_SIZE];

	if (journal_find_open(&apply->host.journal, open, err) != 0)
		return -1;
	if (open[0] == '\0')
		return 0;
	return self_say_settle(open, "still open", apply->request.host.root, apply->request.host.state_dir, err);
}

static int build_change(struct apply *apply, struct error *err)
{
	struct facts facts;
	int result;

	memset(&facts, 0, sizeof facts);
	if (facts_gather(&apply->request.host, &facts, err) != 0)
		return -1;
	result = change_build(&facts, &apply->request, &apply->host.change, err);
	preflight_request(&facts, &apply->request, &apply->findings);
	if (result == 0)
		result = findings_judge(&apply->findings, err);
	facts_clear(&facts);
	return result;
}

/* Everything that may refuse, and everything that a start needs in memory or in the journal. */
static int prepare(struct apply *apply, struct error *err)
{
	struct real_host *host = &apply->host;
	char *program = NULL;
	int result = apply->kind == REQUEST_RESCUE ? rescue_for_request(&apply->request, &host->change, err)
						   : build_change(apply, err);

	if (result != 0)
		return -1;
	host->change_loaded = true;
	journal_discard(&host->entry, NULL); /* what a crash before PREPARED has left */
	if (journal_put(&host->entry, "request", buffer_text(&apply->bytes), apply->bytes.len, err) != 0 ||
	    change_save(&host->change, &host->entry, err) != 0 || self_install(&host->journal, &program, err) != 0)
		return -1;
	free(program);
	return 0;
}

static int begin(struct apply *apply, struct operation *op, struct error *err)
{
	const struct request *request = &apply->request;
	const struct operation_terms terms = {
		.start_timeout_ms = request->start_timeout_ms,
		.verdict_timeout_ms = request->verdict_timeout_ms,
		.discard = request->mechanism == MECHANISM_DISCARD,
		.native = request->mechanism == MECHANISM_NATIVE,
		.ends_tasks = !request->recover_state,
		.rescue = apply->kind == REQUEST_RESCUE,
	};

	if (journal_epoch_raise(&apply->host.journal, request->database, request->epoch, request->adopt, err) != 0 ||
	    check_is_new(apply, err) != 0 || check_no_other(apply, err) != 0 || prepare(apply, err) != 0)
		return -1;
	return operation_begin(op, &real_host_ops, &apply->host, &terms, err);
}

static int refuse(struct apply *apply, const struct error *why)
{
	json_t *findings = findings_to_json(&apply->findings);
	int exit_code = talk_refuse_for(&apply->talk, why, findings);

	json_decref(findings);
	return exit_code;
}

static int work_locked(struct apply *apply)
{
	struct error err = ERROR_INIT;
	struct operation op;

	if (exists(apply)) {
		if (check_same_request(apply, &err) != 0)
			return talk_refuse(&apply->talk, &err);
		talk_say_accepted(&apply->talk, apply->request.operation);
		return take_over(&apply->host, &apply->talk, false);
	}
	if (begin(apply, &op, &err) != 0) {
		if (!exists(apply))
			journal_discard(&apply->host.entry, NULL);
		return refuse(apply, &err);
	}
	talk_say_accepted(&apply->talk, apply->request.operation);
	return drive(&op, &apply->host, &apply->talk, false);
}

static int lock_or_follow(struct apply *apply, int *lock, struct error *err)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		err->kind = ERROR_NONE;
		if (journal_lock(&apply->host.journal, lock, err) == 0)
			return 0;
		if (err->kind != ERROR_CONFLICT || exists(apply))
			return -1;
		usleep(LOCK_AGAIN_MS * 1000);
	}
	return -1;
}

static int work(struct apply *apply)
{
	struct error err = ERROR_INIT;
	int lock = -1;
	int exit_code;

	/* A repeated request is judged by its epoch too. Under the lock it is judged again, before anything begins. */
	if (journal_create(&apply->host.journal, &err) != 0 ||
	    journal_epoch_raise(&apply->host.journal, apply->request.database, apply->request.epoch,
				apply->request.adopt, &err) != 0)
		return talk_refuse(&apply->talk, &err);
	if (lock_or_follow(apply, &lock, &err) != 0) {
		struct error other = ERROR_INIT;

		if (err.kind != ERROR_CONFLICT || !exists(apply))
			return talk_refuse(&apply->talk, &err);
		if (check_same_request(apply, &other) != 0)
			return talk_refuse(&apply->talk, &other);
		talk_say_accepted(&apply->talk, apply->request.operation);
		return follow(&apply->host, &apply->talk);
	}
	exit_code = work_locked(apply);
	close(lock);
	return exit_code;
}

/* The child was killed: nobody else knows as soon as we do. */
static int settle_after(struct apply *apply)
{
	struct error err = ERROR_INIT;
	int lock = -1;
	int exit_code = 4;

	if (!exists(apply)) {
		error_set(&err, ERROR_SYSTEM, "agentctl was killed before it changed anything");
		return talk_refuse(&apply->talk, &err);
	}
	if (journal_lock(&apply->host.journal, &lock, &err) != 0)
		return follow(&apply->host, &apply->talk);
	exit_code = take_over(&apply->host, &apply->talk, false);
	close(lock);
	return exit_code;
}

static int watch(struct apply *apply, pid_t child)
{
	siginfo_t end = {.si_pid = 0};

	while (waitid(P_PID, (id_t)child, &end, WEXITED) != 0)
		if (errno != EINTR)
			return 4;
	if (end.si_code == CLD_EXITED)
		return end.si_status;
	return settle_after(apply);
}

static int run(struct apply *apply)
{
	pid_t child;

	/* Losing the connection is no reason to stop half-way. */
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	child = fork();
	if (child < 0) {
		struct error err = ERROR_INIT;

		error_errno(&err, ERROR_SYSTEM, errno, "cannot start a process");
		return talk_refuse(&apply->talk, &err);
	}
	if (child > 0)
		return watch(apply, child);
	setsid();
	_exit(work(apply));
}

static int read_request(struct apply *apply, struct error *err)
{
	struct request request;

	if (request_read(STDIN_FILENO, &apply->bytes, err) != 0 ||
	    request_parse(buffer_text(&apply->bytes), apply->bytes.len, &request, err) != 0)
		return -1;
	request_clear(&apply->request);
	apply->request = request;
	apply->talk.epoch = request.epoch;
	if (request.kind != apply->kind)
		return error_set(err, ERROR_USAGE, "the request on standard input is none for %s",
				 apply->kind == REQUEST_RESCUE ? "rescue" : "apply");
	return 0;
}

int command_apply(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	bool implied = true;
	const struct option options[] = {
		{"request", 0, OPTION_FLAG, &implied, NULL, "read a framed request on standard input (always so)", 0,
		 0},
		{NULL, 0, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
	};
	int exit_code = 0;

	(void)ctx;
	if (!command_open(argc, argv, self, options, &exit_code))
		return exit_code;
	return apply_requested(REQUEST_APPLY);
}

int apply_requested(enum request_kind kind)
{
	struct error err = ERROR_INIT;
	struct apply apply;
	int exit_code;

	memset(&apply, 0, sizeof apply);
	apply.kind = kind;
	request_init(&apply.request, kind);
	buffer_init(&apply.bytes, REQUEST_MAX);
	talk_init(&apply.talk, STDIN_FILENO, STDOUT_FILENO);
	if (read_request(&apply, &err) == 0) {
		real_host_init(&apply.host, apply.request.host.root, apply.request.host.state_dir,
			       apply.request.operation);
		exit_code = run(&apply);
	} else {
		exit_code = talk_refuse(&apply.talk, &err);
	}
	apply_clear(&apply);
	return exit_code;
}
