/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_COMMANDS_COMMANDS_H
#define ORCHESTRATOR_COMMANDS_COMMANDS_H
/*
 * Every command of rollcall. Each has a file of its own and is named in the table of table.c.
 *
 * A command gets the words behind its name, and the session as ctx. It starts with command_parse, does its work, and
 * returns 0 (done) or 1 (done, but some agents failed or differ). On failure it returns -1 with session->error set;
 * main prints that once and maps its kind to the exit code. What a command prints for people or, with --json, for
 * programs goes to stdout; progress and messages go to stderr.
 */
#include "base/options.h"
#include "orchestrator/session.h"

/* In the order in which the overview lists them; ends with a name that is NULL. */
extern const struct command commands[];

int command_init(int argc, const char *const argv[], const struct command *self, void *ctx);

int command_inventory_sync(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_inventory_survey(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_inventory_list(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_inventory_show(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_inventory_history(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_inventory_diff(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_inventory_drift(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_inventory_check(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_inventory_backup(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_inventory_export(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_inventory_import(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_inventory_ignore(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_inventory_unignore(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_inventory_ignores(int argc, const char *const argv[], const struct command *self, void *ctx);

int command_config_add(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_config_list(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_config_diff(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_config_render(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_config_import(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_config_show(int argc, const char *const argv[], const struct command *self, void *ctx);

int command_rollout_plan(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_rollout_simulate(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_rollout_start(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_rollout_status(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_rollout_watch(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_rollout_pause(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_rollout_abort(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_rollout_retry(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_rollout_settle(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_rollout_rollback(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_rollout_resume(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_rollout_list(int argc, const char *const argv[], const struct command *self, void *ctx);

int command_observer_add(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_observer_list(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_observer_remove(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_observer_test(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_observer_queue(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_observer_deliver(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_webhook_add(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_webhook_list(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_webhook_remove(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_webhook_test(int argc, const char *const argv[], const struct command *self, void *ctx);

int command_rescue(int argc, const char *const argv[], const struct command *self, void *ctx);

int command_audit_report(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_audit_verify(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_audit_log(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_audit_export(int argc, const char *const argv[], const struct command *self, void *ctx);
int command_audit_sign(int argc, const char *const argv[], const struct command *self, void *ctx);

#endif
