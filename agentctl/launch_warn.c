/* SPDX-License-Identifier: Apache-2.0 */
/* The warning the proposal asks for: nobody who reads the agent's log may miss it. */
#include <stdio.h>

#include "agentctl/launch.h"
#include "agentctl/self.h"
#include "base/alloc.h"
#include "base/text.h"

#define WARNING_MAX (8u << 20)
#define RULE        "****************************************************************************\n"

static void list_changes(const struct launch_comparison *comparison, struct buffer *out)
{
	struct slaveinfo_changes changes = {.items = NULL, .count = 0};

	slaveinfo_changes(comparison->checkpoint.info, comparison->after, &changes);
	for (size_t i = 0; i < changes.count; i++) {
		const struct slaveinfo_change *change = &changes.items[i];

		buffer_printf(out, "    %s: %s: %s -> %s\n", slaveinfo_part_name(change->part), change->what,
			      change->before == NULL ? "(none)" : change->before,
			      change->after == NULL ? "(none)" : change->after);
	}
	slaveinfo_changes_clear(&changes);
}

static void name_parts(unsigned parts, struct buffer *out)
{
	const char *separator = "";

	for (unsigned bit = 1; bit <= PART_CHECKPOINT; bit <<= 1) {
		if (!(parts & bit))
			continue;
		buffer_printf(out, "%s%s", separator, slaveinfo_part_name((enum slaveinfo_part)bit));
		separator = ", ";
	}
}

static void describe_change(const struct launch_comparison *comparison, unsigned parts, struct buffer *out)
{
	buffer_printf(out, RULE "WARNING: agentctl launch: agent %s is ", comparison->checkpoint.agent_id);
	if (parts == 0) {
		buffer_puts(out, "what it checkpointed.\n");
		return;
	}
	buffer_puts(out, "not what it checkpointed; different: ");
	name_parts(parts, out);
	buffer_puts(out, ".\n");
	list_changes(comparison, out);
}

static void write_way_back(const struct launch *launch, const char *change, struct buffer *out)
{
	char *words = xasprintf("restore %s", change);
	char *command = self_command(words, launch->root, launch->state_dir);

	buffer_printf(out, "To take this back, end the agent, put its old flags back, and call\n    %s\n", command);
	free(command);
	free(words);
}

static void write_warning(const struct launch *launch, const struct launch_comparison *comparison, const char *change,
			  const char *backup, struct buffer *out)
{
	unsigned parts = slaveinfo_diff_for(comparison->checkpoint.info, comparison->after, &comparison->version);

	describe_change(comparison, parts, out);
	if (change == NULL)
		buffer_printf(out,
			      "The old state is NOT RECOVERED, as --recover_state=false asks (operation %s):\n"
			      "the agent keeps its ID, and its tasks are KILLED%s.\n",
			      launch->operation == NULL ? "of this change" : launch->operation,
			      parts == 0 ? "" : "; the new state replaces the old one on disk");
	else
		buffer_puts(out, "This is ignored as asked: the agent keeps its ID and its tasks, and the new state "
				 "replaces\nthe old one on disk. Tasks that run keep what they were launched with; "
				 "frameworks may have\nseen the old state, and may see offers that an old master got "
				 "wrong.\n");
	buffer_printf(out, "The old slave.info is kept in\n    %s\n", backup);
	if (change != NULL)
		write_way_back(launch, change, out);
	buffer_puts(out, RULE);
}

void launch_warn(const struct launch *launch, const struct launch_comparison *comparison, const char *change,
		 const char *backup)
{
	struct buffer text = BUFFER_INIT(WARNING_MAX);
	char *printable;

	write_warning(launch, comparison, change, backup, &text);
	printable = text_printable(buffer_text(&text), true);
	fputs(printable, stderr);
	free(printable);
	buffer_clear(&text);
}
