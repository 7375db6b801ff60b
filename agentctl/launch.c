/* SPDX-License-Identifier: Apache-2.0 */
/* agentctl launch: the command line, and becoming the agent. */
#include "agentctl/launch.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "agentctl/agentctl.h"
#include "base/alloc.h"
#include "base/log.h"
#include "mesos/host.h"

#define ENV_IGNORE     "AGENTCTL_IGNORE_CHECKPOINTED_STATE"
#define ENV_RECOVER    "AGENTCTL_RECOVER_STATE"
#define IGNORE_DEFAULT "[\"domains\"]"

extern char **environ;

void launch_clear(struct launch *launch)
{
	flags_clear(&launch->flags);
	flags_clear(&launch->resolved);
	free(launch->work_dir);
	launch_state_clear(&launch->state);
	memset(launch, 0, sizeof *launch);
}

/* ---- flags */

static void trim(struct flags *flags, const char *name)
{
	const char *value = flags_get(flags, name);
	char *copy;

	if (value == NULL)
		return;
	copy = xstrndup(value, strcspn(value, " \t\r\n"));
	flags_set(flags, name, copy);
	free(copy);
}

static bool is_true(const struct flags *flags, const char *name)
{
	const char *value = flags_get(flags, name);

	return value != NULL && (strcmp(value, "true") == 0 || strcmp(value, "1") == 0);
}

/* Does this command line start an agent that recovers? */
static bool recovers(const struct flags *flags)
{
	const char *recover = flags_get(flags, "recover");

	return !is_true(flags, "help") && !is_true(flags, "version") &&
	       (recover == NULL || strcmp(recover, "cleanup") != 0);
}

/* The agent sees its work_dir as a path from where it stands, or with our root before it. */
static char *find_work_dir(const char *given, const char *root)
{
	size_t len = strlen(root);
	char *here = given[0] == '/' ? NULL : getcwd(NULL, 0);
	char *path = here == NULL ? xstrdup(given) : xasprintf("%s/%s", here, given);
	char *below;

	free(here);
	while (len > 0 && root[len - 1] == '/')
		len--;
	if (len == 0 || strncmp(path, root, len) != 0 || path[len] != '/')
		return path;
	below = xstrdup(path + len);
	free(path);
	return below;
}

int launch_read_flags(struct launch *launch, const char *const env[], struct error *err)
{
	const char *work_dir;

	flags_from_process(launch->argv, env, &launch->flags);
	flags_copy(&launch->resolved, &launch->flags);
	if (!recovers(&launch->flags))
		return 0;
	if (flags_resolve_files(&launch->resolved, launch->root, err) != 0)
		return -1;
	trim(&launch->resolved, "master");
	work_dir = flags_get(&launch->resolved, "work_dir");
	if (work_dir == NULL || work_dir[0] == '\0')
		return error_set(
			err, ERROR_USAGE,
			"neither the arguments of %s nor MESOS_WORK_DIR say where its state is; is it a wrapper? "
			"launch belongs before the agent itself",
			launch->argv[0]);
	launch->work_dir = find_work_dir(work_dir, launch->root);
	launch_state_init(&launch->state, launch->root, launch->state_dir, launch->work_dir);
	return 0;
}

/* ---- the command line */

struct launch_options {
	const char *ignore, *recover;
};

static int parse_wish(const struct launch_options *given, struct launch *launch, struct error *err)
{
	const char *ignore = given->ignore != NULL ? given->ignore : getenv(ENV_IGNORE);
	const char *recover = given->recover != NULL ? given->recover : getenv(ENV_RECOVER);

	if (recovery_ignore_parse(ignore != NULL ? ignore : IGNORE_DEFAULT, &launch->ignore, err) != 0)
		return error_prefix(err, "%s", given->ignore != NULL ? "--ignore_checkpointed_state" : ENV_IGNORE);
	launch->recover_state = recover == NULL || strcmp(recover, "true") == 0;
	if (!launch->recover_state && strcmp(recover, "false") != 0)
		return error_set(err, ERROR_USAGE, "%s is true or false, not '%s'",
				 given->recover != NULL ? "--recover_state" : ENV_RECOVER, recover);
	if (launch->root[0] != '/' || launch->state_dir[0] != '/')
		return error_set(err, ERROR_USAGE, "--root and --state-dir take a path from /");
	return 0;
}

/* Where the agent's own words begin. */
static int find_agent(int argc, const char *const argv[])
{
	int at = 0;

	while (at < argc && strcmp(argv[at], "--") != 0)
		at++;
	return at;
}

static int take_agent(int argc, const char *const argv[], int at, struct launch *launch, struct error *err)
{
	if (at + 1 >= argc)
		return error_set(err, ERROR_USAGE, "say which agent: agentctl launch [options] -- mesos-agent ARGS...");
	launch->argv = argv + at + 1; /* main's argv ends with NULL */
	return 0;
}

/* ---- becoming the agent */

static int become(const struct launch *launch, const struct sigaction *child)
{
	struct error err = ERROR_INIT;

	/* The agent must find everything as launch was given it. */
	sigaction(SIGCHLD, child, NULL);
	execvp(launch->argv[0], (char *const *)launch->argv);
	error_errno(&err, ERROR_UNREACHABLE, errno, "cannot run %s", launch->argv[0]);
	return command_fail(&err);
}

static int run(struct launch *launch)
{
	struct sigaction child;
	struct error err = ERROR_INIT;
	int exit_code = 0;

	sigaction(SIGCHLD, NULL, &child);
	if (launch_read_flags(launch, (const char *const *)environ, &err) == 0)
		exit_code = launch_prepare(launch);
	else
		log_warning("the agent is started as it is, and says itself what is wrong: %s", err.text);
	return exit_code != 0 ? exit_code : become(launch, &child);
}

int command_launch(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct launch_options given = {.ignore = NULL};
	struct launch launch = {.root = "/", .state_dir = HOST_STATE_DIR};
	const struct option options[] = {
		{"ignore_checkpointed_state", 0, OPTION_STRING, &given.ignore, "JSON",
		 "which differences are accepted: an array of resources, attributes, domains, or [\"none\"]; default: " IGNORE_DEFAULT,
		 0, 0},
		{"recover_state", 0, OPTION_STRING, &given.recover, "BOOL",
		 "false: keep the ID, replace the state, kill the tasks; once per operation; default: true", 0, 0},
		{"operation", 0, OPTION_STRING, &launch.operation, "NAME",
		 "name of a state that is not recovered; default: every change is one", 0, 0},
		{"master-checked", 0, OPTION_FLAG, &launch.master_checked, NULL,
		 "every master is known to be 1.5 or later, and to have a domain if the agent has one: none is asked",
		 0, 0},
		{"root", 0, OPTION_STRING, &launch.root, "DIR", ROOT_HELP, 0, 0},
		{"state-dir", 0, OPTION_STRING, &launch.state_dir, "DIR", STATE_DIR_HELP, 0, 0},
		{NULL, 0, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
	};
	struct error err = ERROR_INIT;
	int agent = find_agent(argc, argv);
	int exit_code = 0;

	(void)ctx;
	if (!command_open(agent, argv, self, options, &exit_code))
		return exit_code;
	if (take_agent(argc, argv, agent, &launch, &err) == 0 && parse_wish(&given, &launch, &err) == 0)
		exit_code = run(&launch);
	else
		exit_code = command_fail(&err);
	launch_clear(&launch);
	return exit_code;
}
