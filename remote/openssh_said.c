/* SPDX-License-Identifier: Apache-2.0 */
/* What ssh says of itself at LogLevel=DEBUG1, line by line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "remote/openssh_exec.h"

#define LINE_MAX_LEN 4096

static bool begins(const char *line, const char *with)
{
	return strncmp(line, with, strlen(with)) == 0;
}

static void read_debug(struct openssh_said *said, const char *line)
{
	static const char key[] = "Server host key: ", status[] = "Exit status ";
	if (begins(line, key)) {
		const char *fingerprint = strstr(line, "SHA256:");
		snprintf(said->host_key, sizeof(said->host_key), "%s", fingerprint != NULL ? fingerprint : "");
	} else if (begins(line, "Sending command: ")) {
		said->started = true;
	} else if (begins(line, status)) {
		said->exit_status = (int)strtol(line + strlen(status), NULL, 10);
	} else if (strstr(line, "rtype exit-signal") != NULL) {
		said->signalled = true;
	}
}

/* News that is no reason for anything. */
static bool is_chatter(const char *line)
{
	static const char *const chatter[] = {"OpenSSH_",         "Transferred: ", "Bytes per second: ",
					      "Killed by signal", "@@@@",          "Warning: Permanently added",
					      "Agent pid"};
	for (size_t i = 0; i < sizeof(chatter) / sizeof(chatter[0]); i++) {
		if (begins(line, chatter[i]))
			return true;
	}
	return line[0] == '\0';
}

static void read_line(struct openssh_said *said, char *line)
{
	static const char debug[] = "debug1: ";
	line[strcspn(line, "\r")] = '\0';
	if (begins(line, debug))
		read_debug(said, line + strlen(debug));
	else if (begins(line, "Authenticated to "))
		said->authenticated = true;
	else if (!is_chatter(line))
		snprintf(said->complaint, sizeof(said->complaint), "%s", line);
}

void openssh_said_add(struct openssh_said *said, const char *data, size_t len)
{
	while (len > 0) {
		const char *newline = memchr(data, '\n', len);
		size_t part = newline != NULL ? (size_t)(newline - data) : len;
		if (said->line.max == 0)
			buffer_init(&said->line, LINE_MAX_LEN);
		buffer_append(&said->line, data, part); /* of a line that does not fit the beginning is enough */
		if (newline == NULL)
			return;
		char *line = buffer_take(&said->line);
		buffer_init(&said->line, LINE_MAX_LEN);
		read_line(said, line);
		free(line);
		data += part + 1;
		len -= part + 1;
	}
}
