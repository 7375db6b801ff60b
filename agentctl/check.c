/* SPDX-License-Identifier: Apache-2.0 */
/* agentctl check: would an agent with these flags recover this checkpoint and keep its ID? Writes nothing. */
#include <string.h>

#include "agentctl/agentctl.h"
#include "agentctl/facts.h"
#include "agentctl/figures.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "mesos/checkpoint.h"
#include "mesos/flag_types.h"
#include "mesos/recovery.h"

#define FLAGS_MAX  (16u << 20)
#define ANSWER_MAX (256u << 20)

struct check_options {
	const char *root, *work_dir, *checkpoint, *flags;
	const char *policy, *ignore, *recover_state, *agent_version;
	bool as_json;
};

struct check {
	struct checkpoint_state checkpoint;
	struct flags flags;
	struct recovery_rules rules;
};

static void check_clear(struct check *check)
{
	checkpoint_state_clear(&check->checkpoint);
	flags_clear(&check->flags);
}

static int read_file_checkpoint(const char *path, struct checkpoint_state *out, struct error *err)
{
	struct buffer bytes = BUFFER_INIT(CHECKPOINT_MAX);
	int result = file_read(path, &bytes, err);

	if (result == 0) {
		out->info = checkpoint_parse(path, buffer_text(&bytes), bytes.len, err);
		result = out->info == NULL ? -1 : 0;
	}
	buffer_clear(&bytes);
	return result;
}

static int read_checkpoint(const struct check_options *given, struct checkpoint_state *out, struct error *err)
{
	if ((given->work_dir == NULL) == (given->checkpoint == NULL))
		return error_set(err, ERROR_USAGE, "give either --work-dir or --checkpoint");
	if (given->checkpoint != NULL)
		return read_file_checkpoint(given->checkpoint, out, err);
	if (checkpoint_read(given->root, given->work_dir, out, err) != 0)
		return -1;
	if (out->info == NULL)
		return error_set(err, ERROR_USAGE,
				 "%s holds no checkpoint (no meta/slaves/latest): an agent would register as a new one",
				 given->work_dir);
	return 0;
}

static int read_flags(const struct check_options *given, struct flags *out, struct error *err)
{
	json_t *object;
	int result;

	if (given->flags == NULL)
		return error_set(err, ERROR_USAGE, "give the flags with --flags FILE.json");
	object = json_read_file(given->flags, FLAGS_MAX, err);
	if (object == NULL)
		return -1;
	result = flags_from_json(object, given->flags, out, err);
	json_decref(object);
	if (result != 0)
		return -1;
	flags_trim(out);
	return flags_resolve_files(out, given->root, err);
}

static int parse_bool(const char *text, bool *out, struct error *err)
{
	*out = strcmp(text, "true") == 0;
	if (!*out && strcmp(text, "false") != 0)
		return error_set(err, ERROR_USAGE, "--recover-state is true or false, not '%s'", text);
	return 0;
}

/* What is not given by an option may be a flag; both unset: a stock agent's default. */
static int read_rules(const struct check_options *given, const struct flags *flags, struct recovery_rules *out,
		      struct error *err)
{
	const char *policy = given->policy != NULL ? given->policy : flags_get(flags, "reconfiguration_policy");
	struct recovery_rules rules = RECOVERY_STOCK;

	if (policy != NULL && recovery_policy_parse(policy, &rules.policy, err) != 0)
		return -1;
	if (given->ignore != NULL && recovery_ignore_parse(given->ignore, &rules.ignore, err) != 0)
		return -1;
	if (given->recover_state != NULL && parse_bool(given->recover_state, &rules.recover_state, err) != 0)
		return -1;
	if (given->agent_version != NULL && mesos_version_parse(given->agent_version, &rules.version, err) != 0)
		return -1;
	*out = rules;
	return 0;
}

static void print_json(bool accepted, unsigned differs, const char *message)
{
	struct buffer text = BUFFER_INIT(ANSWER_MAX);
	json_t *object = json_object();

	json_object_set_new(object, "accepted", json_boolean(accepted));
	json_object_set_new(object, "differs", slaveinfo_parts_to_json(differs));
	json_object_set_new(object, "message", message[0] != '\0' ? json_string(message) : json_null());
	json_write(object, true, &text);
	puts(buffer_text(&text));
	json_decref(object);
	buffer_clear(&text);
}

/* What differs, field by field, before the agent's own words, which hold two whole SlaveInfos. */
static void print_changes(const Mesos__SlaveInfo *before, const Mesos__SlaveInfo *after)
{
	struct slaveinfo_changes changes = {.count = 0};

	slaveinfo_changes(before, after, &changes);
	for (size_t i = 0; i < changes.count; i++) {
		const struct slaveinfo_change *change = &changes.items[i];
		char *row = xasprintf("%s %s: %s \u2192 %s", slaveinfo_part_name(change->part), change->what,
				      change->before != NULL ? change->before : "(none)",
				      change->after != NULL ? change->after : "(none)");
		char *shown = text_printable(row, false);

		printf("  %s\n", shown);
		free(shown);
		free(row);
	}
	slaveinfo_changes_clear(&changes);
}

static void print_text(const struct verdict *verdict, const Mesos__SlaveInfo *before, const Mesos__SlaveInfo *after)
{
	json_t *parts = slaveinfo_parts_to_json(verdict->differs);
	const json_t *part;
	size_t i;

	fputs(verdict->accepted ? "accepted: the agent would recover and keep its ID" : "refused", stdout);
	if (json_array_size(parts) > 0)
		fputs("; differs: ", stdout);
	json_array_foreach(parts, i, part) printf("%s%s", i == 0 ? "" : ", ", json_string_value(part));
	putchar('\n');
	if (verdict->differs)
		print_changes(before, after);
	if (verdict->message.len > 0)
		printf("\nThe agent would say:\n%s\n", buffer_text(&verdict->message));
	json_decref(parts);
}

static int print_verdict(const struct check_options *given, const struct verdict *verdict,
			 const Mesos__SlaveInfo *before, const Mesos__SlaveInfo *after)
{
	if (given->as_json)
		print_json(verdict->accepted, verdict->differs, buffer_text(&verdict->message));
	else
		print_text(verdict, before, after);
	return verdict->accepted ? 0 : 3;
}

/* The agent of this very host detects what this machine has. A copy of another host's files can only be asked itself. */
static bool is_of_this_host(const struct check_options *given, const struct checkpoint_state *checkpoint)
{
	char boot_id[OPERATION_BOOT_ID_SIZE];

	return checkpoint->boot_id != NULL && boot_id_read(given->root, boot_id, NULL) == 0 &&
	       strcmp(checkpoint->boot_id, boot_id) == 0;
}

static void detect(const struct check_options *given, const struct check *check, struct detected *out)
{
	char *work_dir = given->work_dir == NULL ? xstrdup("/") : path_under(given->root, given->work_dir);

	if (is_of_this_host(given, &check->checkpoint))
		figures_measure(work_dir, check->checkpoint.info, out);
	else
		figures_detect(work_dir, given->root, check->checkpoint.info, NULL, &check->rules.version, out);
	free(work_dir);
}

/* Returns the exit code, or -1. */
static int judge(const struct check_options *given, const struct check *check, struct error *err)
{
	struct verdict verdict = {.accepted = false, .message = BUFFER_INIT(ANSWER_MAX)};
	struct detected detected;
	Mesos__SlaveInfo *after;
	int exit_code = -1;

	detect(given, check, &detected);
	after = flags_check_values(&check->flags, err) == 0
			? slaveinfo_from_flags(&check->flags, &detected, &check->rules.version, err)
			: NULL;
	if (after != NULL) {
		recovery_check(check->checkpoint.info, after, &check->checkpoint.reserved, &check->rules, &verdict);
		exit_code = print_verdict(given, &verdict, check->checkpoint.info, after);
	} else if (given->as_json) {
		/* Bad input all the same, but the agent's words belong on stdout, too. */
		print_json(false, 0, err->text);
	}
	slaveinfo_free(after);
	verdict_clear(&verdict);
	return exit_code;
}

static int run(const struct check_options *given, struct error *err)
{
	struct check check;
	int exit_code = -1;

	memset(&check, 0, sizeof check);
	if (read_checkpoint(given, &check.checkpoint, err) == 0 && read_flags(given, &check.flags, err) == 0 &&
	    read_rules(given, &check.flags, &check.rules, err) == 0)
		exit_code = judge(given, &check, err);
	check_clear(&check);
	return exit_code;
}

/* Whatever is wrong with what was given, a missing file included, is bad input: only 0 and 3 are verdicts. */
static int fail(const struct error *err)
{
	int exit_code = command_fail(err);

	return exit_code == 3 || exit_code == 4 ? 2 : exit_code;
}

int command_check(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct check_options given = {.root = NULL};
	const struct option options[] = {
		{"work-dir", 0, OPTION_STRING, &given.work_dir, "DIR",
		 "the agent's work_dir: checks its reservations, too", 0, 0},
		{"checkpoint", 0, OPTION_STRING, &given.checkpoint, "FILE", "the bytes of a slave.info", 0, 0},
		{"flags", 0, OPTION_STRING, &given.flags, "FILE.json", "an object of flag name to string", 0, 0},
		{"policy", 0, OPTION_STRING, &given.policy, "POLICY", "equal (the default) or additive", 0, 0},
		{"ignore-checkpointed-state", 0, OPTION_STRING, &given.ignore, "JSON",
		 "parts that may differ: an array of resources, attributes, domains, or [\"none\"]", 0, 0},
		{"recover-state", 0, OPTION_STRING, &given.recover_state, "BOOL", "false: the old state is replaced", 0,
		 0},
		{"agent-version", 0, OPTION_STRING, &given.agent_version, "V",
		 "the agent's version; default: the newest rules, 1.12", 0, 0},
		{"root", 0, OPTION_STRING, &given.root, "DIR", "a prefix for the work_dir and for file:// values", 0,
		 0},
		{"json", 0, OPTION_FLAG, &given.as_json, NULL, "one JSON document (schema/check.schema.json)", 0, 0},
		{NULL, 0, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
	};
	struct error err = ERROR_INIT;
	int exit_code = 0;

	(void)ctx;
	if (!command_open(argc, argv, self, options, &exit_code))
		return exit_code;
	exit_code = run(&given, &err);
	return exit_code < 0 ? fail(&err) : exit_code;
}
