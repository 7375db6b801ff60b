/* SPDX-License-Identifier: Apache-2.0 */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#define STATUS_TIMEOUT 124 /* what timeout(1) says */
#define STATUS_SIGNAL  128 /* what shells add */

/* How often a running child is looked at. pidfd_open would wait without that, but kernels before 5.3 lack it. */
#define LOOK_EVERY_MS 10

/* How the child is set up; everything is prepared before the fork, because nothing may be allocated after it. */
struct launch {
	const char *const *argv;
	const char *const *env;
	bool own_session;
	int out; /* the child's stdout and stderr; -1: /dev/null */
	int errout;
};

extern char **environ;

/* A child starts as from a login shell: nothing ignored, nothing blocked. */
static void reset_signals(void)
{
	struct sigaction action = {.sa_handler = SIG_DFL};
	for (int number = 1; number < NSIG; number++)
		sigaction(number, &action, NULL); /* fails for KILL and STOP, which are at their default anyway */
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void close_from(int first)
{
#ifdef SYS_close_range
	if (syscall(SYS_close_range, (unsigned int)first, ~0U, 0) == 0)
		return;
#endif
	struct rlimit limit = {.rlim_cur = 1024};
	getrlimit(RLIMIT_NOFILE, &limit);
	int end = limit.rlim_cur < 65536 ? (int)limit.rlim_cur : 65536;
	for (int fd = first; fd < end; fd++)
		close(fd);
}

/* Puts stdin, stdout, stderr and the report pipe at 0 to 3. All are first moved above 3, so that none is overwritten
 * before it is used. */
static bool place_descriptors(const struct launch *launch, int report)
{
	int null = open("/dev/null", O_RDWR);
	int wanted[4] = {null, launch->out >= 0 ? launch->out : null, launch->errout >= 0 ? launch->errout : null,
			 report};
	for (int i = 0; i < 4; i++) {
		wanted[i] = fcntl(wanted[i], F_DUPFD, 4);
		if (wanted[i] < 0)
			return false;
	}
	for (int i = 0; i < 4; i++) {
		if (dup2(wanted[i], i) < 0)
			return false;
	}
	close_from(4);
	return fcntl(3, F_SETFD, FD_CLOEXEC) == 0;
}

/* In the child; never returns. The parent learns from the pipe why exec failed; success closes it. */
static void __attribute__((noreturn)) become(const struct launch *launch, int report)
{
	if (launch->own_session)
		setsid();
	else
		setpgid(0, 0);
	reset_signals();
	int why;
	if (place_descriptors(launch, report)) {
		report = 3;
		/* exec takes its strings as non-const for historical reasons and does not change them */
		execvpe(launch->argv[0], (char *const *)(uintptr_t)launch->argv,
			launch->env != NULL ? (char *const *)(uintptr_t)launch->env : environ);
	}
	why = errno;
	ssize_t put = write(report, &why, sizeof(why));
	_exit(put == (ssize_t)sizeof(why) ? 127 : 126);
}

static int read_report(int fd)
{
	int why = 0;
	ssize_t got;
	do
		got = read(fd, &why, sizeof(why));
	while (got < 0 && errno == EINTR);
	return got == (ssize_t)sizeof(why) ? why : 0;
}

static int reap(pid_t pid)
{
	int status = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return status;
}

/* Whoever started us may have had SIGCHLD ignored; then the kernel would throw our children's statuses away. */
static void want_statuses(void)
{
	struct sigaction now;
	if (sigaction(SIGCHLD, NULL, &now) == 0 && now.sa_handler == SIG_IGN) {
		now.sa_handler = SIG_DFL;
		sigaction(SIGCHLD, &now, NULL);
	}
}

static int start(const struct launch *launch, pid_t *pid, struct error *err)
{
	int report[2];
	want_statuses();
	if (pipe2(report, O_CLOEXEC) < 0)
		return error_errno(err, ERROR_SYSTEM, errno, "cannot start %s: pipe", launch->argv[0]);
	pid_t child = fork();
	if (child == 0)
		become(launch, report[1]);
	int why = child < 0 ? errno : 0;
	close(report[1]);
	if (child > 0)
		why = read_report(report[0]);
	close(report[0]);
	if (why != 0) {
		if (child > 0)
			reap(child);
		return error_errno(err, ERROR_SYSTEM, why, "cannot start %s", launch->argv[0]);
	}
	*pid = child;
	return 0;
}

/* One of the child's streams: a pipe we read, and where its bytes go. */
struct stream {
	int read_end;
	int write_end;
	struct buffer *to;
};

static void stream_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int stream_open(struct stream *stream, struct buffer *to, struct error *err)
{
	int ends[2];
	if (to == NULL)
		return 0;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, ERROR_SYSTEM, errno, "cannot make a pipe");
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	*stream = (struct stream){.read_end = ends[0], .write_end = ends[1], .to = to};
	return 0;
}

/* Bytes beyond the buffer's maximum are read and dropped, so that the child does not stall; `overflow` tells. */
static void stream_drain(struct stream *stream)
{
	char chunk[8192];
	while (stream->read_end >= 0) {
		ssize_t got = read(stream->read_end, chunk, sizeof(chunk));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return;
		if (got <= 0) {
			stream_close(&stream->read_end);
			return;
		}
		size_t room = stream->to->max - stream->to->len;
		size_t keep = (size_t)got < room ? (size_t)got : room;
		buffer_append(stream->to, chunk, keep);
		if (keep < (size_t)got)
			stream->to->overflow = true;
	}
}

static bool ended(pid_t pid, int *status)
{
	int raw;
	if (waitpid(pid, &raw, WNOHANG) != pid)
		return false;
	*status = WIFSIGNALED(raw) ? STATUS_SIGNAL + WTERMSIG(raw) : WEXITSTATUS(raw);
	return true;
}

static void kill_group(pid_t pid)
{
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	reap(pid);
}

/* Until the child ends, not until its pipes close: a daemon it left behind may hold them for ever. */
static int supervise(pid_t pid, struct stream streams[2], int timeout_ms)
{
	int64_t deadline = clock_monotonic_ms() + timeout_ms;
	int status = STATUS_TIMEOUT;
	while (!ended(pid, &status)) {
		int64_t left = deadline - clock_monotonic_ms();
		if (timeout_ms >= 0 && left <= 0) {
			kill_group(pid);
			break;
		}
		struct pollfd polls[2] = {{.fd = streams[0].read_end, .events = POLLIN},
					  {.fd = streams[1].read_end, .events = POLLIN}};
		poll(polls, 2, LOOK_EVERY_MS);
		stream_drain(&streams[0]);
		stream_drain(&streams[1]);
	}
	stream_drain(&streams[0]);
	stream_drain(&streams[1]);
	return status;
}

int process_run(const char *const argv[], const char *const env[], int timeout_ms, struct buffer *out,
		struct buffer *errout, int *status, struct error *err)
{
	struct stream streams[2] = {{-1, -1, NULL}, {-1, -1, NULL}};
	pid_t pid;
	int result = stream_open(&streams[0], out, err);
	if (result == 0)
		result = stream_open(&streams[1], errout, err);
	if (result == 0) {
		struct launch launch = {.argv = argv,
					.env = env,
					.own_session = false,
					.out = streams[0].write_end,
					.errout = streams[1].write_end};
		result = start(&launch, &pid, err);
	}
	stream_close(&streams[0].write_end);
	stream_close(&streams[1].write_end);
	if (result == 0)
		*status = supervise(pid, streams, timeout_ms);
	stream_close(&streams[0].read_end);
	stream_close(&streams[1].read_end);
	return result;
}

int process_detach(const char *const argv[], const char *const env[], pid_t *pid, struct error *err)
{
	struct launch launch = {.argv = argv, .env = env, .own_session = true, .out = -1, .errout = -1};
	pid_t child;
	if (start(&launch, &child, err) < 0)
		return -1;
	if (pid != NULL)
		*pid = child;
	return 0;
}

/* The second field, the name in parentheses, may itself hold spaces and parentheses: count from the last ')'. */
unsigned long long process_start_ticks(pid_t pid)
{
	char path[64], text[2048];
	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t got = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (got <= 0)
		return 0;
	text[got] = '\0';
	const char *at = strrchr(text, ')');
	for (int field = 2; at != NULL && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at != NULL ? strtoull(at, NULL, 10) : 0;
}
