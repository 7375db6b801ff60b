/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/detach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"

#define WORD_MAX 256

/* ---- the parent */

static char *read_word(int fd)
{
	char word[WORD_MAX];
	size_t len = 0;

	while (len < sizeof(word) - 1) {
		ssize_t got = read(fd, word + len, sizeof(word) - 1 - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	word[len] = '\0';
	char *end = strchr(word, '\n');
	if (!end)
		return NULL;
	*end = '\0';
	return xstrdup(word);
}

static void wait_for_child(struct detach *detach, int fd)
{
	int status = 0;

	detach->word = read_word(fd);
	if (detach->word)
		return;
	while (waitpid(detach->child, &status, 0) < 0 && errno == EINTR)
		continue;
	detach->status = WIFEXITED(status) ? WEXITSTATUS(status) : 70;
}

/* ---- the child */

static int replace_descriptor(int fd, int target)
{
	return dup2(fd, target) < 0 ? -1 : 0;
}

static int leave_terminal(struct error *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (setsid() < 0 || null < 0 || replace_descriptor(null, STDIN_FILENO) < 0) {
		error_errno(err, ERROR_SYSTEM, errno, "cannot leave the terminal");
		if (null >= 0)
			close(null);
		return -1;
	}
	close(null);
	return 0;
}

int detach_begin(struct detach *detach, struct error *err)
{
	int ends[2];

	*detach = (struct detach){.pipe = -1};
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, ERROR_SYSTEM, errno, "cannot make a pipe");
	fflush(NULL);
	detach->child = fork();
	if (detach->child < 0) {
		error_errno(err, ERROR_SYSTEM, errno, "cannot make a process");
		close(ends[0]);
		close(ends[1]);
		return -1;
	}
	detach->is_child = detach->child == 0;
	close(ends[detach->is_child ? 0 : 1]);
	if (detach->is_child) {
		detach->pipe = ends[1];
		return leave_terminal(err);
	}
	wait_for_child(detach, ends[0]);
	close(ends[0]);
	return 0;
}

int detach_done(struct detach *detach, const char *word, const char *log, struct error *err)
{
	char line[WORD_MAX];
	int len = snprintf(line, sizeof(line), "%s\n", word);
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return error_errno(err, ERROR_UNREACHABLE, errno, "%s: cannot be opened", log);
	fflush(NULL);
	int result = replace_descriptor(fd, STDOUT_FILENO) < 0 || replace_descriptor(fd, STDERR_FILENO) < 0 ? -1 : 0;
	if (result < 0)
		error_errno(err, ERROR_SYSTEM, errno, "%s: cannot be written to", log);
	else if (write(detach->pipe, line, (size_t)len) != len)
		fprintf(stderr, "the terminal that started this has gone\n");
	close(fd);
	close(detach->pipe);
	detach->pipe = -1;
	return result;
}

void detach_clear(struct detach *detach)
{
	if (detach->pipe >= 0)
		close(detach->pipe);
	free(detach->word);
	*detach = (struct detach){.pipe = -1};
}
