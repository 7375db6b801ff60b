/* SPDX-License-Identifier: Apache-2.0 */
/* rollcall config import: the common part of what is running, as a config's document. */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "inventory/config_common.h"
#include "orchestrator/choose.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/output.h"

struct import {
	struct session *session;
	struct agent_list agents;
	struct config_subject *subjects; /* those whose host answered a survey */
	size_t count;
};

static void import_clear(struct import *import)
{
	for (size_t i = 0; i < import->count; i++)
		config_subject_clear(&import->subjects[i]);
	free(import->subjects);
	agent_list_clear(&import->agents);
}

static int load(struct import *import, const char *where)
{
	if (choose_agents(import->session, where, &import->agents) < 0)
		return -1;
	import->subjects = xcalloc(import->agents.count + 1, sizeof(*import->subjects));
	for (size_t i = 0; i < import->agents.count; i++) {
		int found = config_subject_load(session_store(import->session), &import->agents.items[i],
						&import->subjects[import->count], &import->session->error);

		if (found < 0)
			return -1;
		import->count += (size_t)found;
	}
	if (import->count > 0)
		return 0;
	return error_set(&import->session->error, ERROR_USAGE,
			 "%zu agents match --from, and none of their hosts has answered a survey; "
			 "`rollcall inventory survey` asks them",
			 import->agents.count);
}

static int import_config(struct import *import, const char *from, const char *name)
{
	size_t left_out;
	json_t *document;

	if (!from)
		return error_set(
			&import->session->error, ERROR_USAGE,
			"--from is missing: it chooses the agents to read, for instance --from \"rack = 'r1'\"");
	if (load(import, from) < 0)
		return -1;
	document = config_common(session_store(import->session), name, from, import->subjects, import->count,
				 &import->session->error);
	if (!document)
		return -1;
	output_json(document);
	left_out = import->agents.count - import->count;
	output_told(import->session, stderr, "what %zu agent%s in common; `rollcall config add` takes it\n",
		    import->count, import->count == 1 ? " has" : "s have");
	if (left_out > 0)
		fprintf(stderr, "left out, as %s never answered a survey: %zu agent%s\n",
			left_out == 1 ? "its host" : "their hosts", left_out, left_out == 1 ? "" : "s");
	return left_out > 0;
}

int command_config_import(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	const char *from = NULL;
	const struct option own[] = {
		{"from", 0, OPTION_STRING, &from, "EXPR", "the agents to read (required); it becomes the rule's match",
		 0, 0},
		{.name = NULL},
	};
	struct arguments operands = {NULL, 0};
	struct import import = {.session = session};
	int parsed = command_parse(session, self, argc, argv, own, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0)
		result = import_config(&import, from, operands.count ? operands.items[0] : "imported");
	import_clear(&import);
	arguments_clear(&operands);
	return result;
}
