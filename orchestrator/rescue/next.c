/* SPDX-License-Identifier: Apache-2.0 */
/* What to do next: commands that can be pasted, and a sentence for each host that is not as it should be. */
#include <stdio.h>

#include "base/alloc.h"
#include "orchestrator/output.h"
#include "orchestrator/rescue/rescue.h"

#define COMMAND_MAX 65536

void rescue_name(const struct rescue *rescue, char out[RESCUE_NAME_SIZE])
{
	snprintf(out, RESCUE_NAME_SIZE, "rescue-%.12s", rescue->hash);
}

/* With the options that choose the same hosts; the hash only means them. */
static char *command(const struct rescue *rescue, bool by_flags, bool yes)
{
	const struct rescue_options *options = &rescue->options;
	struct buffer text = BUFFER_INIT(COMMAND_MAX);

	output_program(rescue->session, &text);
	buffer_puts(&text, " rescue");
	if (by_flags)
		buffer_puts(&text, " --flags");
	if (options->adopt || (yes && rescue_count_foreign(rescue) + rescue_count_ahead(rescue) > 0))
		buffer_puts(&text, " --adopt");
	if (options->since) {
		buffer_puts(&text, " --since ");
		output_shell_word(options->since, &text);
	}
	if (options->where) {
		buffer_putc(&text, ' ');
		output_shell_word(options->where, &text);
	}
	if (yes)
		buffer_printf(&text, " --yes %.12s", rescue->hash);
	return buffer_take(&text);
}

char *rescue_command(const struct rescue *rescue, bool yes)
{
	return command(rescue, rescue->options.by_flags, yes);
}

static char *again(const struct rescue *rescue, const char *before)
{
	char *look = rescue_command(rescue, false), *text = xasprintf("%s: `%s`", before, look);

	free(look);
	return text;
}

/* Its agent ended once more, and its host has the old files. */
static char *other_way(const struct rescue *rescue)
{
	bool flags = !rescue->options.by_flags;
	char *other = command(rescue, flags, false);
	char *text = xasprintf("its agent ended again, and its files are as they were: its log on the host says why. "
			       "`%s` shows the other way, that the %s",
			       other, flags ? "flags give way" : "checkpoint gives way");

	free(other);
	return text;
}

static char *after_failure(const struct rescue *rescue, const struct rescue_host *host)
{
	if (host->returned)
		return xasprintf("missing tasks ended while no agent ran, or their executors have not reconnected: "
				 "`rollcall inventory show %s` shows which run",
				 host->agent->view.hostname);
	if (host->ended)
		return again(rescue,
			     "its agent ends with the new state, too: its log on the host says why. Put flags into its "
			     "store that it starts with, and look again");
	if (host->settled)
		return again(rescue,
			     "the operation has ended, and the master does not list its agent as running: its log on "
			     "the host says why; look whether it needs more");
	if (!host->has_final)
		return again(rescue, "nothing was changed there: when its host can be reached, look again");
	switch (host->final) {
	case ANSWER_DONE:
		return xstrdup("its agent runs and goes on trying: its log on the host says why the master does not "
			       "list it");
	case ANSWER_UNDONE:
		return other_way(rescue);
	case ANSWER_STUCK:
		return again(rescue, "neither state brought its agent up: when its host is mended, look again");
	default:
		return again(rescue, "its host has refused: put right what it says, and look again");
	}
}

char *rescue_next(const struct rescue *rescue, const struct rescue_host *host)
{
	if (rescue_host_is_refused(host))
		return again(rescue, "nothing was done there: put right what is said of it, and look again");
	if (host->act == RESCUE_NONE)
		return NULL;
	if (host->end == RESCUE_FAILED)
		return after_failure(rescue, host);
	if (host->end != RESCUE_DONE)
		return again(rescue, "how it ended its host knows; look again");
	return NULL;
}
