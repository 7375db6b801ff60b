/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/agent/agent_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"

#define LINK_NAME "mesos-agent.INFO"

struct agent_log {
	FILE *stream;
};

static struct tm local_now(long *microseconds)
{
	struct timeval now;
	struct tm local;
	gettimeofday(&now, NULL);
	localtime_r(&now.tv_sec, &local);
	*microseconds = (long)now.tv_usec;
	return local;
}

static char *file_name(const char *host)
{
	long microseconds;
	struct tm now = local_now(&microseconds);
	char time[32];
	strftime(time, sizeof(time), "%Y%m%d-%H%M%S", &now);
	return xasprintf("mesos-agent.%s.lab.log.INFO.%s.%ld", host, time, (long)getpid());
}

static void write_head(FILE *stream, const char *host)
{
	long microseconds;
	struct tm now = local_now(&microseconds);
	char time[32];
	strftime(time, sizeof(time), "%Y/%m/%d %H:%M:%S", &now);
	fprintf(stream,
		"Log file created at: %s\nRunning on machine: %s\n"
		"Log line format: [IWEF]mmdd hh:mm:ss.uuuuuu threadid file:line] msg\n",
		time, host);
}

/* The link is replaced, never missing: somebody may be reading. */
static int point_to(const char *folder, const char *name, struct error *err)
{
	char *link = path_join(folder, LINK_NAME), *next = xasprintf("%s.%ld", link, (long)getpid());
	int result = 0;
	unlink(next);
	if (symlink(name, next) < 0 || rename(next, link) < 0)
		result = error_set(err, ERROR_SYSTEM, "cannot make the link %s", link);
	free(link);
	free(next);
	return result;
}

struct agent_log *agent_log_open(const char *root, const char *log_dir, const char *host, struct error *err)
{
	char *folder = path_under(root, log_dir), *name = file_name(host), *path = path_join(folder, name);
	struct agent_log *log = NULL;
	FILE *stream = file_make_dirs(folder, 0755, err) == 0 ? fopen(path, "ae") : NULL;
	if (stream != NULL && point_to(folder, name, err) == 0) {
		log = xcalloc(1, sizeof(*log));
		log->stream = stream;
		write_head(stream, host);
		fflush(stream);
	} else if (stream != NULL) {
		fclose(stream);
	} else {
		error_set(err, ERROR_SYSTEM, "cannot write to %s", path);
	}
	free(folder);
	free(name);
	free(path);
	return log;
}

void agent_log_close(struct agent_log *log)
{
	if (log == NULL)
		return;
	fclose(log->stream);
	free(log);
}

void agent_log_write(struct agent_log *log, char level, const char *place, const char *text)
{
	long microseconds;
	struct tm now = local_now(&microseconds);
	char time[32];
	if (log == NULL)
		return;
	strftime(time, sizeof(time), "%m%d %H:%M:%S", &now);
	fprintf(log->stream, "%c%s.%06ld %5ld %s] %s%s", level, time, microseconds, (long)getpid(), place, text,
		text[0] != '\0' && text[strlen(text) - 1] == '\n' ? "" : "\n");
	fflush(log->stream);
}
