/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/said.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"

/* A refusal with two SlaveInfos has some KB. */
#define TAIL_MAX 16384

/* The last lines of a file; false when there is none. */
static bool read_tail(const char *path, struct buffer *out)
{
	static char chunk[TAIL_MAX];
	struct stat info;
	ssize_t n = 0;
	off_t from = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return false;
	if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
		from = info.st_size > TAIL_MAX ? info.st_size - TAIL_MAX : 0;
		n = pread(fd, chunk, sizeof chunk, from);
	}
	close(fd);
	if (n > 0) {
		const char *start = from > 0 ? memchr(chunk, '\n', (size_t)n) : chunk;

		start = start == NULL ? chunk : start;
		buffer_append(out, start, (size_t)n - (size_t)(start - chunk));
	}
	return out->len > 0;
}

/* glog keeps a link per level to the newest file. */
void said_capture(struct real_host *host)
{
	static const char *const names[] = {"mesos-agent.INFO", "mesos-slave.INFO", "lt-mesos-agent.INFO"};
	struct buffer tail = BUFFER_INIT(TAIL_MAX + 1);
	bool found = false;

	if (real_host_load(host, NULL) != 0 || host->change.log_dir == NULL)
		return;
	for (size_t i = 0; !found && i < sizeof names / sizeof names[0]; i++) {
		char *below = path_join(host->change.log_dir, names[i]);
		char *path = path_under(host->change.host.root, below);

		found = read_tail(path, &tail);
		free(path);
		free(below);
	}
	if (found) {
		char *shown = text_printable(buffer_text(&tail), true);

		journal_put(&host->entry, "agent-said", shown, strlen(shown), NULL);
		free(shown);
	}
	buffer_clear(&tail);
}
