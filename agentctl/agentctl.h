/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_AGENTCTL_H
#define AGENTCTL_AGENTCTL_H
/* The commands, one file each; each returns the program's exit code. */
#include "base/options.h"
#include "mesos/host.h"

/* What options say of themselves that several commands have. */
#define ROOT_HELP      "a prefix for every path; default: /"
#define STATE_DIR_HELP "agentctl's own folder; default: " HOST_STATE_DIR
#define STORE_HELP     "where its flags are: envfile:, defaults:, directory: or external: and a PATH"

int command_inspect(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_check(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_apply(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_rescue(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_restore(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_settle(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_launch(int argc, const char *const argv[], const struct command *self, void *ctx);

/* What every command starts with: options and operands from argv. Returns true when the command is to go on; else
 * *exit_code says with what to end (help was printed, or the error was). */
bool command_open(int argc, const char *const argv[], const struct command *self, const struct option *options,
		  int *exit_code);
/* For a command with operands; the caller clears them when it is to go on. */
bool command_open_with(int argc, const char *const argv[], const struct command *self, const struct option *options,
		       struct arguments *operands, int *exit_code);
/* Prints the error to stderr; returns its exit code. */
int command_fail(const struct error *err);

#endif
