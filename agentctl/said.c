/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/said.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/redact.h"
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

/* An agent logs its flags when it starts, and quotes a flag it cannot load: either may hold a secret, and what is said
 * here goes to the workstation, its database and its reports. */
static bool may_hold_secret(const char *line, size_t len)
{
	static const char *const words[] = {"credential", "secret", "passw", "token", "private", "flags at startup"};
	char *text = xstrndup(line, len);
	bool found = false;

	for (size_t i = 0; !found && i < sizeof words / sizeof words[0]; i++)
		found = strcasestr(text, words[i]) != NULL;
	free(text);
	return found;
}

static void redact(const struct buffer *text, struct buffer *out)
{
	for (const char *line = buffer_text(text); *line != '\0';) {
		size_t len = strcspn(line, "\n");

		if (may_hold_secret(line, len))
			buffer_puts(out, "<a line that may hold a secret was left out>");
		else
			buffer_append(out, line, len);
		buffer_putc(out, '\n');
		line += line[len] == '\n' ? len + 1 : len;
	}
}

/* glog keeps a link per level to the newest file. */
void said_capture(struct real_host *host)
{
	static const char *const names[] = {"mesos-agent.INFO", "mesos-slave.INFO", "lt-mesos-agent.INFO"};
	struct buffer tail = BUFFER_INIT(TAIL_MAX + 1), clean = BUFFER_INIT((size_t)8 * TAIL_MAX);
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
		char *safe, *shown;

		redact(&tail, &clean);
		safe = redact_text(buffer_text(&clean));
		shown = text_printable(safe, true);
		free(safe);

		journal_put(&host->entry, "agent-said", shown, strlen(shown), NULL);
		free(shown);
	}
	buffer_clear(&clean);
	buffer_clear(&tail);
}
