/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_COMMANDS_COMMANDS_H
#define LAB_COMMANDS_COMMANDS_H
/* What an operator types. Each returns an exit code, or -1 with err set. */
#include "base/error.h"
#include "base/options.h"

#define LAB_PROGRAM "rollcall-lab"

/* Passed to every command as its ctx. */
struct lab_session {
	struct error error;
};

int command_up(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_down(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_status(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_break(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_framework(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_role(int argc, const char *const argv[], const struct command *self, void *ctx); /* master, front… */

/* Parses and checks the operands. 0: go on; 1: help was printed, return 0; -1: err is set. */
int command_begin(const struct command *self, int argc, const char *const argv[], const struct option *options,
		  struct arguments *operands, struct error *err);

#endif
