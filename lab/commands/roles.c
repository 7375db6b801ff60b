/* SPDX-License-Identifier: Apache-2.0 */
/* The daemons of a lab, started by `up` and the supervisor. */
#include "lab/core/roles.h"

#include <string.h>

#include "base/log.h"
#include "lab/commands/commands.h"
#include "lab/core/lab.h"

static const struct {
	const char *name;
	int (*run)(struct lab *lab, struct error *err);
} daemons[] = {
	{"supervisor", role_supervisor},
	{"front", role_front},
	{"master", role_master},
};

static int run_role(const char *name, const char *dir, int64_t number, struct error *err)
{
	struct lab *lab = lab_load(dir, err);
	int result = lab != NULL ? -1 : 0;
	if (lab != NULL && (size_t)number > lab->master_count)
		result = error_set(err, ERROR_USAGE, "the lab in %s has %zu masters", lab->dir, lab->master_count);
	else if (lab != NULL)
		lab->number = (size_t)number - 1;
	for (size_t i = 0; lab != NULL && err->kind == ERROR_NONE && i < sizeof(daemons) / sizeof(daemons[0]); i++) {
		if (strcmp(daemons[i].name, name) == 0)
			result = daemons[i].run(lab, err);
	}
	lab_free(lab);
	return err->kind != ERROR_NONE ? -1 : result;
}

int command_role(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct lab_session *session = ctx;
	const char *dir = "lab";
	int64_t number = 1;
	const struct option options[] = {
		{"dir", 'd', OPTION_STRING, &dir, "DIR", "the lab's folder (./lab)", 0, 0},
		{"number", 0, OPTION_INT, &number, "N", "which of several masters", 1, 99},
		{NULL, 0, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
	};
	struct arguments operands = {.items = NULL};
	int result = command_begin(self, argc, argv, options, &operands, &session->error);
	if (result == 0)
		result = run_role(self->name, dir, number, &session->error);
	arguments_clear(&operands);
	return result < 0 ? -1 : 0;
}
