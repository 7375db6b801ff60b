/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/life.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/process.h"

/* The agent's default. */
#define RECOVERY_TIMEOUT_MS 900000
#define ENVIRON_MAX         (1u << 20)

static int64_t time_of(const struct stat *info)
{
	return (int64_t)info->st_mtim.tv_sec * 1000 + info->st_mtim.tv_nsec / 1000000;
}

static int64_t last_logged(const struct facts *facts)
{
	static const char *const names[] = {"mesos-agent.INFO", "mesos-slave.INFO", "lt-mesos-agent.INFO"};
	const char *dir = flags_get(&facts->store.flags, "log_dir");
	int64_t newest = 0;

	for (size_t i = 0; dir != NULL && dir[0] == '/' && i < sizeof names / sizeof names[0]; i++) {
		char *below = path_join(dir, names[i]);
		char *path = path_under(facts->host.root, below);
		struct stat info;

		if (stat(path, &info) == 0 && time_of(&info) > newest)
			newest = time_of(&info);
		free(path);
		free(below);
	}
	return newest;
}

/* The executor was told when it was launched, by the agent of that time. */
static int64_t timeout_of(long pid)
{
	static const char name[] = "MESOS_RECOVERY_TIMEOUT=";
	struct buffer text = BUFFER_INIT(ENVIRON_MAX);
	char chunk[4096];
	char path[64];
	int64_t ms = 0;
	ssize_t n = 0;
	int fd;

	snprintf(path, sizeof path, "/proc/%ld/environ", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && (n = read(fd, chunk, sizeof chunk)) > 0)
		buffer_append(&text, chunk, (size_t)n);
	if (fd >= 0)
		close(fd);
	for (size_t at = 0; at < text.len; at += strlen(text.data + at) + 1)
		if (strncmp(text.data + at, name, sizeof name - 1) == 0 &&
		    clock_parse_duration(text.data + at + sizeof name - 1, &ms, NULL) != 0)
			ms = 0;
	buffer_clear(&text);
	return ms;
}

bool *life_find_alive(const struct checkpoint_state *checkpoint)
{
	bool *alive = xcalloc(checkpoint->task_count + 1, sizeof *alive);

	for (size_t i = 0; i < checkpoint->task_count; i++) {
		const struct checkpoint_task *task = &checkpoint->tasks[i];

		alive[i] = !task->completed && task->executor_pid > 0 && agent_pid_runs(task->executor_pid);
	}
	return alive;
}

static void count_tasks(const struct facts *facts, const bool alive[], struct life *out)
{
	for (size_t i = 0; i < facts->checkpoint.task_count; i++) {
		const struct checkpoint_task *task = &facts->checkpoint.tasks[i];
		int64_t timeout_ms;

		if (task->completed)
			continue;
		out->tasks++;
		if (!alive[i])
			continue;
		out->alive++;
		timeout_ms = timeout_of(task->executor_pid);
		if (timeout_ms > 0 && (out->timeout_ms == 0 || timeout_ms < out->timeout_ms))
			out->timeout_ms = timeout_ms;
	}
}

void life_read(const struct facts *facts, const bool alive[], struct life *out)
{
	const char *flag = flags_get(&facts->store.flags, "recovery_timeout");
	int64_t now = clock_wall_ms();

	memset(out, 0, sizeof *out);
	if (facts->checkpoint.agent_id == NULL)
		return;
	count_tasks(facts, alive, out);
	if (out->timeout_ms == 0 && (flag == NULL || clock_parse_duration(flag, &out->timeout_ms, NULL) != 0))
		out->timeout_ms = RECOVERY_TIMEOUT_MS;
	out->seen_earliest_ms = facts->checkpoint.written_ms;
	out->seen_latest_ms = last_logged(facts);
	if (out->seen_latest_ms < out->seen_earliest_ms)
		out->seen_latest_ms = now;
	out->left_least_ms = out->seen_earliest_ms == 0 ? 0 : out->seen_earliest_ms + out->timeout_ms - now;
	out->left_most_ms = out->seen_latest_ms + out->timeout_ms - now;
}

static void print_span(struct buffer *out, int64_t ms)
{
	buffer_printf(out, "%lld min %02lld s", (long long)(ms / 60000), (long long)(ms / 1000 % 60));
}

void life_print(const struct life *life, struct buffer *out)
{
	char from[CLOCK_TEXT_MAX];
	char to[CLOCK_TEXT_MAX];

	buffer_printf(out, "executors: of %zu task%s that had not ended, %zu %s an executor that still runs\n",
		      life->tasks, life->tasks == 1 ? "" : "s", life->alive, life->alive == 1 ? "has" : "have");
	if (life->alive == 0)
		return;
	buffer_puts(out, "recovery_timeout: ");
	print_span(out, life->timeout_ms);
	buffer_printf(out,
		      "; the last agent ended between %s (its last checkpoint) and %s (the last line of its log): ",
		      life->seen_earliest_ms == 0 ? "an unknown time" : clock_format(life->seen_earliest_ms, from),
		      clock_format(life->seen_latest_ms, to));
	if (life->left_most_ms <= 0) {
		buffer_puts(out, "the executors must be about to end\n");
		return;
	}
	if (life->left_least_ms > 0)
		print_span(out, life->left_least_ms);
	else
		buffer_puts(out, "nothing");
	buffer_puts(out, " to ");
	print_span(out, life->left_most_ms);
	buffer_puts(out, " are left\n");
}
