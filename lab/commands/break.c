/* SPDX-License-Identifier: Apache-2.0 */
/* rollcall-lab break: arms and heals faults. What they are and who carries them out is the table in core/faults.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/term.h"
#include "lab/agent/agent.h"
#include "lab/commands/commands.h"
#include "lab/commands/masters.h"
#include "lab/core/faults.h"
#include "lab/core/link.h"
#include "lab/host/manager.h"
#include "lab/host/unit.h"

#define ASK_TIMEOUT_MS  5000
#define ENVIRONMENT_MAX (4u << 20)

struct wish {
	const char *dir, *span, *match;
	int64_t after, amount;
	bool list;
};

static void print_list(void)
{
	static const char *const titles[] = {[FAULT_ON_HOST] = "Faults of a host (break HOST FAULT)",
					     [FAULT_ON_MASTER] = "Faults of the master (break master FAULT)"};
	for (int target = FAULT_ON_HOST; target <= FAULT_ON_MASTER; target++) {
		static const char *const headings[] = {"FAULT", "--after COUNTS", "--amount SAYS", "WHAT HAPPENS"};
		struct table *table = table_new(headings, 4);
		printf("%s\n", titles[target]);
		for (const struct fault_kind *kind = fault_kinds; kind->name != NULL; kind++) {
			const char *const cells[] = {kind->name, kind->after != NULL ? kind->after : "",
						     kind->amount != NULL ? kind->amount : "", kind->explanation};
			if (kind->target == (enum fault_target)target)
				table_add(table, cells);
		}
		table_print(table, stdout);
		table_free(table);
		putchar('\n');
	}
	puts("none          heals all of a target's faults");
}

/* NUL-separated words of a file in /proc. */
static void read_words(const char *path, struct strings *out)
{
	struct buffer text = BUFFER_INIT(ENVIRONMENT_MAX);
	if (file_read(path, &text, NULL) == 0) {
		for (size_t at = 0; at < text.len; at += strlen(text.data + at) + 1)
			strings_add(out, text.data + at);
	}
	buffer_clear(&text);
}

static long running_agent(const struct lab *lab, const char *host)
{
	json_t *answer = control_ask(lab, "supervisor", json_pack("{ss}", "type", "status"), ASK_TIMEOUT_MS, NULL);
	json_t *unit = json_object_get(json_object_get(answer, "hosts"), host);
	long pid = (long)json_integer_value(json_object_get(unit, "pid"));
	json_decref(answer);
	return pid;
}

/* The flags the agent runs with now, or those it would be started with. */
static void remember_flags(const struct lab *lab, const char *host, char digest[DIGEST_HEX_SIZE])
{
	struct strings argv = {.items = NULL}, env = {.items = NULL};
	struct flags flags = FLAGS_INIT;
	long pid = running_agent(lab, host);
	if (pid > 0) {
		char path[64];
		snprintf(path, sizeof(path), "/proc/%ld/cmdline", pid);
		read_words(path, &argv);
		snprintf(path, sizeof(path), "/proc/%ld/environ", pid);
		read_words(path, &env);
	} else {
		struct buffer text = BUFFER_INIT(ENVIRONMENT_MAX);
		char *path = lab_path(lab, "hosts/%s/etc/default/mesos-agent", host);
		if (file_read(path, &text, NULL) == 0)
			environment_file_parse(buffer_text(&text), &env);
		buffer_clear(&text);
		free(path);
	}
	static const char *const nothing[] = {NULL};
	flags_from_process(argv.items != NULL ? (const char *const *)argv.items : nothing,
			   env.items != NULL ? (const char *const *)env.items : nothing, &flags);
	agent_flags_digest(&flags, digest);
	flags_clear(&flags);
	strings_clear(&argv);
	strings_clear(&env);
}

static int parse_span(const char *text, int64_t *ms, struct error *err)
{
	if (clock_parse_duration(text, ms, NULL) == 0)
		return 0;
	*ms = unit_parse_span(text);
	return *ms >= 0
		       ? 0
		       : error_set(err, ERROR_USAGE, "--for takes a time such as 500ms, 5s or 2mins, not \"%s\"", text);
}

static int check_match(const char *fault, const char *match, struct error *err)
{
	if (strcmp(fault, "cut") == 0 || strcmp(fault, "refuse-role") == 0)
		return 0;
	if (strcmp(fault, "config-manager") != 0)
		return error_set(err, ERROR_USAGE, "only the faults cut, config-manager and refuse-role take --match");
	return manager_is_known(match)
		       ? 0
		       : error_set(err, ERROR_USAGE, "--match names puppet, chef or salt, not \"%s\"", match);
}

static int make_fault(const struct lab *lab, const char *target, const struct wish *wish, const char *name,
		      struct fault *out, struct error *err)
{
	bool on_master = fault_target_of(target) == FAULT_ON_MASTER;
	const struct fault_kind *kind = fault_kind_find(on_master ? FAULT_ON_MASTER : FAULT_ON_HOST, name);
	int64_t span = kind != NULL ? kind->default_for_ms : 0;
	if (kind == NULL)
		return error_set(err, ERROR_USAGE, "\"%s\" is no fault of %s: rollcall-lab break --list names them",
				 name, on_master ? "the master" : "a host");
	if (strcmp(name, "redirect") == 0 && lab->master_count > 1)
		return error_set(err, ERROR_USAGE,
				 "of several masters those that do not lead redirect by themselves: ask one of them");
	if (strcmp(name, "zookeeper-down") == 0 && lab->zookeeper == NULL)
		return error_set(err, ERROR_USAGE,
				 "this lab has no ZooKeeper: rollcall-lab up --masters 3 makes one that has");
	if (wish->after > 0 && kind->after == NULL)
		return error_set(err, ERROR_USAGE, "the fault %s does not take --after", name);
	if (wish->amount > 0 && kind->amount == NULL)
		return error_set(err, ERROR_USAGE, "the fault %s does not take --amount", name);
	if (wish->match == NULL && strcmp(name, "refuse-role") == 0)
		return error_set(err, ERROR_USAGE, "the fault refuse-role wants --match ROLE");
	if (wish->match != NULL && check_match(name, wish->match, err) < 0)
		return -1;
	if (wish->span != NULL && parse_span(wish->span, &span, err) < 0)
		return -1;
	*out = (struct fault){.kind = kind,
			      .after = wish->after,
			      .amount = wish->amount > 0 ? wish->amount : kind->default_amount,
			      .until_ms = span > 0 ? clock_wall_ms() + span : 0};
	if (wish->match != NULL && strlen(wish->match) >= sizeof(out->match))
		return error_set(err, ERROR_USAGE, "--match takes at most %zu bytes", sizeof(out->match) - 1);
	snprintf(out->match, sizeof(out->match), "%s", wish->match != NULL ? wish->match : "");
	if (strcmp(name, "agent-exit") == 0)
		remember_flags(lab, target, out->memory);
	if (strcmp(name, "config-manager") == 0)
		return manager_prepare(lab, target, out->match, sizeof(out->match), err);
	return 0;
}

static int change_one(const struct lab *lab, const char *target, const char *name, const struct wish *wish,
		      struct error *err)
{
	struct fault fault = {.kind = NULL};
	int result;
	if (strcmp(name, "none") == 0)
		result = fault_heal(lab, target, NULL, err);
	else if ((result = make_fault(lab, target, wish, name, &fault, err)) == 0)
		result = fault_arm(lab, target, &fault, err);
	if (result < 0)
		return -1;
	faults_announce(lab, target);
	if (strcmp(name, "none") == 0 && fault_target_of(target) == FAULT_ON_HOST)
		manager_remove(lab, target);
	if (fault.kind == NULL)
		printf("%s: healed\n", target);
	else
		printf("%s: %s: %s\n", target, name, fault.kind->explanation);
	return 0;
}

/* Of several masters "master" is the one that leads now; to heal it heals them all. */
static int change_leader(const struct lab *lab, const char *name, const struct wish *wish, struct error *err)
{
	if (strcmp(name, "none") != 0) {
		const char *leader = masters_leader(lab, ASK_TIMEOUT_MS);
		if (leader == NULL)
			return error_set(err, ERROR_UNREACHABLE, "no master leads now: name one, such as %s",
					 lab->masters[0].role);
		return change_one(lab, leader, name, wish, err);
	}
	int result = 0;
	for (size_t i = 0; i < lab->master_count && result == 0; i++)
		result = change_one(lab, lab->masters[i].role, name, wish, err);
	return result;
}

static int change(const struct lab *lab, const struct arguments *operands, const struct wish *wish, struct error *err)
{
	const char *target = operands->items[0], *name = operands->items[1];
	if (lab->master_count > 1 && strcmp(target, FAULT_MASTER) == 0)
		return change_leader(lab, name, wish, err);
	if (lab_master_find(lab, target) == NULL && lab_host_find(lab, target) == NULL)
		return error_set(err, ERROR_USAGE, "the lab in %s has no %s \"%s\": rollcall-lab status lists them",
				 lab->dir, fault_target_of(target) == FAULT_ON_MASTER ? "master" : "host", target);
	return change_one(lab, target, name, wish, err);
}

static int break_one(const struct arguments *operands, const struct wish *wish, struct error *err)
{
	if (operands->count != 2)
		return error_set(err, ERROR_USAGE,
				 "break takes a host (or master) and a fault; rollcall-lab break --list explains them");
	struct lab *lab = lab_load(wish->dir, err);
	int result = lab != NULL ? change(lab, operands, wish, err) : -1;
	lab_free(lab);
	return result;
}

int command_break(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct lab_session *session = ctx;
	struct wish wish = {.dir = "lab"};
	const struct option options[] = {
		{"dir", 'd', OPTION_STRING, &wish.dir, "DIR", "the lab's folder (./lab)", 0, 0},
		{"list", 'l', OPTION_FLAG, &wish.list, NULL, "explain all faults", 0, 0},
		{"after", 0, OPTION_INT, &wish.after, "N", "strike only after N of what the list says it counts", 0,
		 INT64_MAX},
		{"amount", 0, OPTION_INT, &wish.amount, "N", "how much: what the list says", 0, 1000000000},
		{"for", 0, OPTION_STRING, &wish.span, "T", "heal by itself after T (500ms, 5s, 2mins)", 0, 0},
		{"match", 0, OPTION_STRING, &wish.match, "TEXT",
		 "cut: only a command that contains TEXT; config-manager: who (puppet); refuse-role: the role", 0, 0},
		{NULL, 0, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
	};
	struct arguments operands = {.items = NULL};
	int result = command_begin(self, argc, argv, options, &operands, &session->error);
	if (result == 0 && wish.list)
		print_list();
	else if (result == 0)
		result = break_one(&operands, &wish, &session->error);
	arguments_clear(&operands);
	return result < 0 ? -1 : 0;
}
