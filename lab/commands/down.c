/* SPDX-License-Identifier: Apache-2.0 */
/* rollcall-lab down: ends every process of a lab, whichever of its parts have crashed, and removes its folder. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "lab/commands/commands.h"
#include "lab/core/files.h"
#include "lab/core/lab.h"
#include "lab/core/processes.h"

#define REMOVERS 4 /* removing files is mostly waiting for the disk */

/* The hosts' folders, by several processes at once; what one of them cannot remove is left to the caller. */
static void remove_hosts(const struct lab *lab)
{
	pid_t pids[REMOVERS];
	for (size_t part = 0; part < REMOVERS; part++) {
		pids[part] = fork();
		if (pids[part] != 0)
			continue;
		for (size_t i = part; i < lab->host_count; i += REMOVERS)
			files_remove_tree(lab_host_root(lab, lab->hosts[i].name), NULL);
		_exit(0);
	}
	for (size_t part = 0; part < REMOVERS; part++) {
		if (pids[part] > 0)
			waitpid(pids[part], NULL, 0);
	}
}

static int remove_all(const struct lab *lab, struct error *err)
{
	remove_hosts(lab);
	return files_remove_tree(lab->dir, err);
}

static int down(const char *dir, bool keep, struct error *err)
{
	struct lab *lab = lab_load(dir, err);
	struct process_list left = {.pids = NULL};
	if (lab == NULL)
		return -1;
	processes_kill_lab(lab);
	processes_of_lab(lab, &left);
	int result = 0;
	if (left.count > 0)
		result = error_set(err, ERROR_SYSTEM,
				   "%zu processes of the lab in %s cannot be ended, the first is %ld", left.count,
				   lab->dir, (long)left.pids[0]);
	else if (!keep)
		result = remove_all(lab, err);
	if (result == 0)
		printf(keep ? "The lab in %s has ended; its files are kept.\n" : "The lab in %s is gone.\n", lab->dir);
	process_list_clear(&left);
	lab_free(lab);
	return result;
}

int command_down(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct lab_session *session = ctx;
	const char *dir = "lab";
	bool keep = false;
	const struct option options[] = {
		{"dir", 'd', OPTION_STRING, &dir, "DIR", "the lab's folder (./lab)", 0, 0},
		{"keep", 'k', OPTION_FLAG, &keep, NULL, "keep its files: logs, checkpoints, journals", 0, 0},
		{NULL, 0, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
	};
	struct arguments operands = {.items = NULL};
	int result = command_begin(self, argc, argv, options, &operands, &session->error);
	if (result == 0)
		result = down(dir, keep, &session->error);
	arguments_clear(&operands);
	return result < 0 ? -1 : 0;
}
