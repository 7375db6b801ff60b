/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollcall-lab-host: everything a lab's hosts run. It is a program of its own, and static, because a lab has thousands
 * of these processes: libraries that they do not use would take most of their memory.
 */
#include <stdio.h>
#include <string.h>

#include "lab/core/lab.h"
#include "lab/core/roles.h"

static const struct {
	const char *name;
	int (*run)(int argc, const char *const argv[]);
} roles[] = {
	{"mesos-agent", role_agent},   {"mesos-executor", role_executor}, {"sleep", role_task},
	{"systemctl", role_systemctl}, {"journalctl", role_journalctl},   {"session", role_session},
	{"agent", role_agent},         {"manager", role_manager},
};

static int run(const char *name, int argc, const char *const argv[])
{
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		if (strcmp(roles[i].name, name) == 0)
			return roles[i].run(argc, argv);
	}
	return -1;
}

int main(int argc, char *argv[])
{
	const char *const *words = (const char *const *)argv;
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	int status = argc > 0 ? run(slash != NULL ? slash + 1 : words[0], argc, words) : -1;
	if (status < 0 && argc > 1)
		status = run(words[1], argc - 1, words + 1);
	if (status >= 0)
		return status;
	fprintf(stderr,
		LAB_HOST_PROGRAM " is what the hosts of a lab run, by the names mesos-agent, systemctl and others: "
				 "see rollcall-lab --help\n");
	return 2;
}
