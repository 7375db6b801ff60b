/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/file.h"
#include "lab/host/service.h"

#define ENVIRONMENT_FILE_MAX (4u << 20)

static void set_env(struct strings *env, const char *name, const char *value)
{
	char *assignment = xasprintf("%s=%s", name, value);
	strings_set_env(env, assignment);
	free(assignment);
}

static int read_environment_file(const struct service *service, const char *path, struct strings *env,
				 struct error *err)
{
	bool optional = *path == '-';
	struct buffer text = BUFFER_INIT(ENVIRONMENT_FILE_MAX);
	char *full = path_under(service->root, path + (optional ? 1 : 0));
	int result = file_read(full, &text, optional ? NULL : err);
	if (result == 0)
		environment_file_parse(buffer_text(&text), env);
	free(full);
	buffer_clear(&text);
	return optional ? 0 : result;
}

/* What the unit says, over what marks the process as the lab's. */
static int make_environment(const struct service *service, struct strings *env, struct error *err)
{
	char *path = xasprintf("%s/usr/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
			       service->root);
	set_env(env, "PATH", path);
	set_env(env, "LANG", "C.UTF-8");
	free(path);
	for (size_t i = 0; i < service->unit.environment.count; i++)
		strings_set_env(env, service->unit.environment.items[i]);
	for (size_t i = 0; i < service->unit.environment_files.count; i++) {
		if (read_environment_file(service, service->unit.environment_files.items[i], env, err) < 0)
			return -1;
	}
	set_env(env, "HOME", service->root);
	set_env(env, "ROLLCALL_LAB", service->lab->id);
	set_env(env, "ROLLCALL_ROOT", service->root);
	set_env(env, "ROLLCALL_UNIT", LAB_UNIT);
	return 0;
}

/* The host's own file where it has one: a unit says /usr/bin/mesos-agent and means the host's. */
static char *find_program(const struct service *service, const char *path)
{
	char *own = path_under(service->root, path);
	if (access(own, X_OK) == 0)
		return own;
	free(own);
	return xstrdup(path);
}

static void __attribute__((noreturn)) become(char *program, char **argv, char **env, const char *root, int log)
{
	int null = open("/dev/null", O_RDONLY);
	setsid();
	dup2(null, 0);
	dup2(log, 1);
	dup2(log, 2);
	if (chdir(root) < 0)
		_exit(200); /* systemd's EXIT_CHDIR */
	events_reset_signals();
	argv[0] = program; /* who looks at the process finds the host's own file by it */
	execve(program, argv, env);
	_exit(203); /* systemd's EXIT_EXEC */
}

pid_t service_spawn(const struct service *service, const struct strings *argv, struct error *err)
{
	struct strings env = {.items = NULL};
	if (make_environment(service, &env, err) < 0) {
		strings_clear(&env);
		return -1;
	}
	char *program = find_program(service, argv->items[0]);
	char *log_path = path_join(service->root, "var/log/mesos-agent.log");
	int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	pid_t pid = log < 0 ? -1 : fork();
	if (pid == 0)
		become(program, argv->items, env.items, service->root, log);
	if (pid < 0)
		error_errno(err, ERROR_SYSTEM, errno, "cannot start %s", program);
	if (log >= 0)
		close(log);
	free(log_path);
	free(program);
	strings_clear(&env);
	return pid;
}
