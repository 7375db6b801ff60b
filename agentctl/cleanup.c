/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agentctl/agent.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/process.h"

/* The kernel's own limit for arguments and environment together is 2 MB by default. */
#define WORDS_MAX (4u << 20)

/* Recovery takes seconds. Then each executor has executor_shutdown_grace_period (5 s by default), all at the same time. */
#define TIMEOUT_MS 120000
#define GRACE_FLAG "executor_shutdown_grace_period"

#define CLEANUP_FLAG "--recover=cleanup"
#define SAID_MAX     512

void cleanup_clear(struct cleanup *cleanup)
{
	free(cleanup->executable);
	free(cleanup->directory);
	buffer_clear(&cleanup->argv_bytes);
	buffer_clear(&cleanup->env_bytes);
	free(cleanup->argv);
	free(cleanup->env);
	memset(cleanup, 0, sizeof *cleanup);
}

/* ---- how it was started */

static const char **split_words(const struct buffer *bytes)
{
	const char **words = xcalloc(1, sizeof *words);
	size_t count = 0;

	for (size_t at = 0; at < bytes->len; at += strlen(bytes->data + at) + 1) {
		words = xreallocarray(words, count + 2, sizeof *words);
		words[count++] = bytes->data + at;
		words[count] = NULL;
	}
	return words;
}

static void find_timeout(struct cleanup *cleanup)
{
	static const char *const nothing[] = {NULL};
	struct flags flags = FLAGS_INIT;
	const char *grace;
	int64_t ms = 0;

	flags_from_process(cleanup->argv[0] == NULL ? nothing : cleanup->argv, cleanup->env, &flags);
	grace = flags_get(&flags, GRACE_FLAG);
	if (grace != NULL && clock_parse_duration(grace, &ms, NULL) != 0)
		ms = 0;
	cleanup->timeout_ms = TIMEOUT_MS + ms;
	flags_clear(&flags);
}

/* Both words and arrays are made here: nothing is allocated once the agent was stopped. */
static void finish(struct cleanup *cleanup)
{
	cleanup->argv = split_words(&cleanup->argv_bytes);
	cleanup->env = split_words(&cleanup->env_bytes);
	find_timeout(cleanup);
}

static int read_proc(int64_t pid, const char *name, struct buffer *out, struct error *err)
{
	char path[64];
	char chunk[4096];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof path, "/proc/%lld/%s", (long long)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		while ((n = read(fd, chunk, sizeof chunk)) > 0)
			buffer_append(out, chunk, (size_t)n);
		close(fd);
	}
	if (n < 0 || out->overflow)
		return error_set(err, ERROR_CONFLICT, "cannot read %s: does the agent still run?", path);
	return 0;
}

static char *read_link_of(int64_t pid, const char *name)
{
	char path[64];
	char target[4096];
	ssize_t len;

	snprintf(path, sizeof path, "/proc/%lld/%s", (long long)pid, name);
	len = readlink(path, target, sizeof target - 1);
	return len < 0 ? NULL : xstrndup(target, (size_t)len);
}

/* An agent refuses a flag that is given twice. */
static void copy_arguments(const struct buffer *from, struct buffer *out)
{
	for (size_t at = 0; at < from->len; at += strlen(from->data + at) + 1) {
		const char *word = from->data + at;

		if (strncmp(word, "--recover=", 10) != 0)
			buffer_append(out, word, strlen(word) + 1);
	}
	buffer_append(out, CLEANUP_FLAG, sizeof CLEANUP_FLAG);
}

int cleanup_capture(int64_t pid, struct cleanup *out, struct error *err)
{
	struct cleanup cleanup = {.argv_bytes = BUFFER_INIT(WORDS_MAX), .env_bytes = BUFFER_INIT(WORDS_MAX)};
	struct buffer arguments = BUFFER_INIT(WORDS_MAX);
	int result = read_proc(pid, "cmdline", &arguments, err);

	if (result == 0)
		result = read_proc(pid, "environ", &cleanup.env_bytes, err);
	cleanup.executable = read_link_of(pid, "exe");
	cleanup.directory = read_link_of(pid, "cwd");
	if (result == 0 && (cleanup.executable == NULL || access(cleanup.executable, X_OK) != 0))
		result = error_set(
			err, ERROR_REFUSED,
			"the agent's executable %s is not there any more: it has to be run once more to end the "
			"executors; restart the agent first",
			cleanup.executable == NULL ? "" : cleanup.executable);
	if (result == 0) {
		copy_arguments(&arguments, &cleanup.argv_bytes);
		finish(&cleanup);
		*out = cleanup;
	} else {
		cleanup_clear(&cleanup);
	}
	buffer_clear(&arguments);
	return result;
}

/* ---- in the journal */

int cleanup_save(const struct cleanup *cleanup, const struct journal_entry *entry, struct error *err)
{
	struct buffer place = BUFFER_INIT(16384);
	int result;

	if (cleanup->executable == NULL)
		return 0;
	buffer_append(&place, cleanup->executable, strlen(cleanup->executable) + 1);
	buffer_puts(&place, cleanup->directory == NULL ? "/" : cleanup->directory);
	result = journal_put(entry, "before/agent-argv", cleanup->argv_bytes.data, cleanup->argv_bytes.len, err);
	if (result == 0)
		result = journal_put(entry, "before/agent-environ", buffer_text(&cleanup->env_bytes),
				     cleanup->env_bytes.len, err);
	if (result == 0)
		result = journal_put(entry, "before/agent-place", place.data, place.len, err);
	buffer_clear(&place);
	return result;
}

int cleanup_load(const struct journal_entry *entry, struct cleanup *out, struct error *err)
{
	struct cleanup cleanup = {.argv_bytes = BUFFER_INIT(WORDS_MAX), .env_bytes = BUFFER_INIT(WORDS_MAX)};
	struct buffer place = BUFFER_INIT(16384);
	int result = 0;

	if (!journal_has(entry, "before/agent-place"))
		return 0;
	if (journal_get(entry, "before/agent-place", &place, err) != 0 ||
	    journal_get(entry, "before/agent-argv", &cleanup.argv_bytes, err) != 0 ||
	    journal_get(entry, "before/agent-environ", &cleanup.env_bytes, err) != 0)
		result = -1;
	else if (strlen(buffer_text(&place)) >= place.len)
		result = error_set(err, ERROR_CORRUPT, "%s/before/agent-place is cut", entry->dir);
	if (result == 0) {
		cleanup.executable = xstrdup(buffer_text(&place));
		cleanup.directory = xstrdup(place.data + strlen(place.data) + 1);
		finish(&cleanup);
		*out = cleanup;
	} else {
		cleanup_clear(&cleanup);
	}
	buffer_clear(&place);
	return result;
}

/* ---- running it */

static void __attribute__((noreturn)) become_agent(const struct cleanup *cleanup, pid_t parent, int said)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* Nobody else would know of it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(126);
	setpgid(0, 0);
	signal(SIGHUP, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	dup2(null, 0);
	if (!cleanup->aloud) {
		dup2(said, 1);
		dup2(said, 2);
	}
	if (cleanup->directory != NULL && chdir(cleanup->directory) != 0 && chdir("/") != 0)
		_exit(126);
	execvpe(cleanup->executable, (char *const *)(uintptr_t)cleanup->argv, (char *const *)(uintptr_t)cleanup->env);
	_exit(127);
}

/* Keeps the end of what it says: the last line has the reason. */
static void listen_once(int fd, int timeout_ms, char said[SAID_MAX])
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	char chunk[SAID_MAX / 2];
	size_t have = strlen(said);
	ssize_t n;

	if (poll(&wait, 1, timeout_ms) <= 0)
		return;
	n = read(fd, chunk, sizeof chunk);
	if (n <= 0) {
		poll(NULL, 0, timeout_ms); /* it has closed them: only its end is of interest now */
		return;
	}
	if (have + (size_t)n >= SAID_MAX) {
		memmove(said, said + have - SAID_MAX / 4, SAID_MAX / 4);
		have = SAID_MAX / 4;
	}
	for (ssize_t i = 0; i < n; i++)
		said[have++] = chunk[i] >= ' ' && chunk[i] < 127 ? chunk[i] : ' ';
	said[have] = '\0';
}

static int wait_for_end(pid_t pid, int fd, int64_t timeout_ms, char said[SAID_MAX], struct error *err)
{
	int64_t deadline = clock_monotonic_ms() + timeout_ms;
	int status = 0;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (clock_monotonic_ms() >= deadline) {
			kill(-pid, SIGKILL);
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return error_set(err, ERROR_SYSTEM,
					 "the agent, run with " CLEANUP_FLAG ", has not ended its executors in %lld s",
					 (long long)(timeout_ms / 1000));
		}
		listen_once(fd, 20, said);
	}
	listen_once(fd, 0, said);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return error_set(err, ERROR_SYSTEM, "the agent, run with " CLEANUP_FLAG ", ended with %s %d%s%s",
			 WIFEXITED(status) ? "status" : "signal",
			 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), said[0] != '\0' ? ": … " : "",
			 said);
}

int cleanup_run_agent(const struct cleanup *cleanup, struct error *err)
{
	char said[SAID_MAX] = "";
	pid_t parent = getpid();
	int pipes[2];
	int result;
	pid_t pid;

	if (cleanup->executable == NULL)
		return error_set(err, ERROR_CORRUPT, "the journal does not say how the agent was started");
	if (pipe2(pipes, O_CLOEXEC) != 0)
		return error_errno(err, ERROR_SYSTEM, errno, "cannot make a pipe");
	pid = fork();
	if (pid == 0)
		become_agent(cleanup, parent, pipes[1]);
	close(pipes[1]);
	if (pid < 0)
		result = error_errno(err, ERROR_SYSTEM, errno, "cannot start a process");
	else
		result = wait_for_end(pid, pipes[0], cleanup->timeout_ms, said, err);
	close(pipes[0]);
	return result;
}

/* Its word alone would be a thin ground for giving the agent another SlaveInfo. */
int cleanup_check_executors(const struct checkpoint_state *now, struct error *err)
{
	for (size_t i = 0; i < now->task_count; i++) {
		const struct checkpoint_task *task = &now->tasks[i];
		struct operation_process process = {.pid = task->executor_pid};

		if (task->completed || task->executor_pid <= 0)
			continue;
		process.start_ticks = (int64_t)process_start_ticks((pid_t)process.pid);
		if (process.start_ticks != 0 && agent_runs(&process))
			return error_set(err, ERROR_SYSTEM,
					 "the executor of task %s (process %lld) still runs after the agent was run "
					 "with " CLEANUP_FLAG,
					 task->task_id, (long long)process.pid);
	}
	return 0;
}

int cleanup_run(const struct cleanup *cleanup, const struct host_settings *host, struct error *err)
{
	struct checkpoint_state now;
	int result = cleanup_run_agent(cleanup, err);

	memset(&now, 0, sizeof now);
	if (result == 0)
		result = checkpoint_read(host->root, host->work_dir, &now, err);
	if (result == 0)
		result = cleanup_check_executors(&now, err);
	checkpoint_state_clear(&now);
	return result;
}
