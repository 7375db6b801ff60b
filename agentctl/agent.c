/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/agent.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/process.h"

/* The kernel's own limit for arguments and environment together is 2 MB by default. */
#define PROC_FILE_MAX (4u << 20)

#define VERSION_TIMEOUT_MS 5000

void agent_process_clear(struct agent_process *agent)
{
	free(agent->executable);
	flags_clear(&agent->flags);
	flags_clear(&agent->from_env);
	flags_clear(&agent->from_argv);
	memset(agent, 0, sizeof *agent);
}

/* NUL-terminated strings one after the other, as the kernel shows them, and a list of them. */
struct words {
	struct buffer bytes;
	const char **items;
	size_t count;
};

static void words_clear(struct words *words)
{
	buffer_clear(&words->bytes);
	free(words->items);
	words->items = NULL;
}

/* Files in /proc have no size and may go away while they are read: file_read is for others. */
static bool read_words(long pid, const char *name, struct words *out)
{
	char path[64];
	char chunk[4096];
	ssize_t n;
	int fd;

	memset(out, 0, sizeof *out);
	out->bytes.max = PROC_FILE_MAX;
	snprintf(path, sizeof path, "/proc/%ld/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while ((n = read(fd, chunk, sizeof chunk)) > 0)
		buffer_append(&out->bytes, chunk, (size_t)n);
	close(fd);
	for (size_t at = 0; at < out->bytes.len; at += strlen(out->bytes.data + at) + 1) {
		out->items = xreallocarray(out->items, out->count + 2, sizeof *out->items);
		out->items[out->count++] = out->bytes.data + at;
		out->items[out->count] = NULL;
	}
	return out->count > 0 && n == 0 && !out->bytes.overflow;
}

static bool is_called_agent(const char *program)
{
	const char *slash = strrchr(program, '/');
	const char *name = slash == NULL ? program : slash + 1;

	return strstr(name, "mesos-agent") != NULL || strstr(name, "mesos-slave") != NULL;
}

static char *executable_of(long pid)
{
	char link[64];
	char target[4096];
	ssize_t len;

	snprintf(link, sizeof link, "/proc/%ld/exe", pid);
	len = readlink(link, target, sizeof target - 1);
	if (len < 0)
		return xstrdup("");
	target[len] = '\0';
	return xstrdup(target);
}

/* Only processes of root or of ourselves are believed: what they name is run to ask for its version. */
static bool is_trusted(long pid)
{
	char path[64];
	struct stat info;

	snprintf(path, sizeof path, "/proc/%ld", pid);
	return stat(path, &info) == 0 && (info.st_uid == 0 || info.st_uid == geteuid());
}

static char *without_slash_at_end(const char *path)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	return xstrndup(path, len);
}

static bool same_path(const char *a, const char *b)
{
	char *left = without_slash_at_end(a);
	char *right = without_slash_at_end(b);
	bool same = strcmp(left, right) == 0;

	free(left);
	free(right);
	return same;
}

static bool has_root(const struct words *env, const char *root)
{
	const char *marked = "/";

	for (size_t i = 0; i < env->count; i++)
		if (strncmp(env->items[i], "ROLLCALL_ROOT=", 14) == 0)
			marked = env->items[i] + 14;
	return same_path(marked, root == NULL ? "/" : root);
}

/* A work_dir is meant below root; a process that was told the whole path means the same folder. */
static bool has_work_dir(const struct flags *flags, const struct host_settings *host)
{
	const char *theirs = flags_get(flags, "work_dir");
	char *below;
	bool same;

	if (host->work_dir == NULL)
		return true;
	if (theirs == NULL)
		return false;
	below = path_under(host->root, host->work_dir);
	same = same_path(theirs, host->work_dir) || same_path(theirs, below);
	free(below);
	return same;
}

static void read_flags(const struct words *argv, const struct words *env, struct agent_process *out)
{
	static const char *const nothing[] = {NULL};

	flags_from_process(argv->items, env->items == NULL ? nothing : env->items, &out->flags);
	flags_from_process(argv->items, nothing, &out->from_argv);
	if (env->items != NULL) {
		const char *const program[] = {argv->items[0], NULL};

		flags_from_process(program, env->items, &out->from_env);
	}
}

/* argv[0] names what the operator means by "the agent", also where that is a link to something else. */
static char *program_of(const struct words *argv, long pid)
{
	if (argv->items[0][0] == '/' && is_called_agent(argv->items[0]) && access(argv->items[0], X_OK) == 0)
		return xstrdup(argv->items[0]);
	return executable_of(pid);
}

static bool is_agent_below(const char *root, long pid, const struct words *argv, const struct words *env,
			   struct agent_process *out)
{
	char *executable = executable_of(pid);
	bool called = is_called_agent(argv->items[0]) || is_called_agent(executable);

	free(executable);
	if (!called || !is_trusted(pid) || !has_root(env, root))
		return false;
	read_flags(argv, env, out);
	if (env->items == NULL)
		agent_ask_flags(root, out);
	if (flags_get(&out->flags, "work_dir") == NULL)
		return false;
	out->process.pid = pid;
	out->process.start_ticks = (int64_t)process_start_ticks((pid_t)pid);
	out->executable = program_of(argv, pid);
	return agent_runs(&out->process);
}

/* An agent of this host, whatever its work_dir. out must be cleared, and stays so when it is none. */
static bool agent_read(const char *root, long pid, struct agent_process *out)
{
	struct words argv;
	struct words env;
	bool found = false;

	memset(&env, 0, sizeof env);
	/* The name is looked at first: of most processes nothing else is read. */
	if (read_words(pid, "cmdline", &argv)) {
		read_words(pid, "environ", &env);
		found = is_agent_below(root, pid, &argv, &env, out);
	}
	words_clear(&argv);
	words_clear(&env);
	if (!found)
		agent_process_clear(out);
	return found;
}

static bool is_number(const char *text)
{
	return text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
}

/* Two processes with one work_dir are an agent and a child that it has forked and that has not called exec yet: the
 * older one is the agent. With two work_dirs they are two agents. */
static int take_older(struct agent_process *agent, struct agent_process *other, struct error *err)
{
	if (!same_path(flags_get(&agent->flags, "work_dir"), flags_get(&other->flags, "work_dir")))
		return error_set(err, ERROR_CONFLICT,
				 "two agents run on this host (processes %lld and %lld): say which with work_dir",
				 (long long)agent->process.pid, (long long)other->process.pid);
	if (other->process.start_ticks < agent->process.start_ticks ||
	    (other->process.start_ticks == agent->process.start_ticks && other->process.pid < agent->process.pid)) {
		struct agent_process swap = *agent;

		*agent = *other;
		*other = swap;
	}
	return 0;
}

/* One process of /proc: the agent, another one, or none. */
static int look_at(const struct host_settings *host, long pid, struct agent_process *agent, struct error *err)
{
	struct agent_process seen = {.executable = NULL};
	int result = 0;

	if (!agent_read(host->root, pid, &seen))
		return 0;
	if (!has_work_dir(&seen.flags, host)) {
		agent->other = pid;
	} else if (agent->process.pid == 0) {
		seen.other = agent->other;
		*agent = seen;
		return 0;
	} else {
		seen.other = agent->other;
		result = take_older(agent, &seen, err);
	}
	agent_process_clear(&seen);
	return result;
}

int agent_find(const struct host_settings *host, struct agent_process *out, bool *found, struct error *err)
{
	DIR *proc = opendir("/proc");
	struct agent_process agent = {.executable = NULL};
	struct dirent *item;
	int result = 0;

	if (proc == NULL)
		return error_errno(err, ERROR_SYSTEM, errno, "cannot read /proc");
	while (result == 0 && (item = readdir(proc)) != NULL)
		if (is_number(item->d_name))
			result = look_at(host, strtol(item->d_name, NULL, 10), &agent, err);
	closedir(proc);
	if (result == 0)
		*found = agent.process.pid != 0;
	if (result == 0 && agent.process.pid != 0)
		*out = agent;
	else
		agent_process_clear(&agent);
	return result;
}

/* A zombie has ended, but has start ticks. */
static char state_of(int64_t pid)
{
	char path[64];
	char text[1024];
	const char *end;
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 'X';
	n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	end = strrchr(text, ')');
	return end != NULL && end[1] == ' ' ? end[2] : 'X';
}

bool agent_pid_runs(int64_t pid)
{
	char state = state_of(pid);

	return state != 'Z' && state != 'X' && state != 'x';
}

bool agent_runs(const struct operation_process *process)
{
	return process->pid != 0 && (int64_t)process_start_ticks((pid_t)process->pid) == process->start_ticks &&
	       agent_pid_runs(process->pid);
}

char *agent_version(const struct agent_process *agent, struct mesos_version *out, struct error *err)
{
	const char *const argv[] = {agent->executable, "--version", NULL};
	struct buffer text = BUFFER_INIT(4096);
	char *version = NULL;
	int status = -1;

	if (process_run(argv, NULL, VERSION_TIMEOUT_MS, &text, NULL, &status, err) == 0) {
		const char *start = buffer_text(&text);

		if (strncmp(start, "mesos ", 6) == 0)
			start += 6;
		version = xstrndup(start, strcspn(start, " \t\r\n"));
		if (status != 0 || mesos_version_parse(version, out, err) != 0) {
			error_set(err, ERROR_UNREACHABLE, "%s --version does not say which version it is",
				  agent->executable);
			free(version);
			version = NULL;
		}
	}
	buffer_clear(&text);
	return version;
}
