/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/launch_discard.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "agentctl/cleanup.h"
#include "base/alloc.h"

/* Executors get executor_shutdown_grace_period (5 s by default) each; who gives them longer than this waits for the next start, which goes
 * on where this one ended. */
#define CLEANUP_TIMEOUT_MS 600000

extern char **environ;

/* ---- running it */

static char *variable(const struct flag *flag)
{
	char *text = xasprintf("MESOS_%s=%s", flag->name, flag->value);

	for (char *c = text; *c != '='; c++)
		*c = (char)toupper((unsigned char)*c);
	return text;
}

/* Flags go through the environment: there no secret is for everybody to see. Variables of ours replace those that are there. */
static char **environment(const struct flags *flags)
{
	size_t count = 0;
	char **out;

	while (environ[count] != NULL)
		count++;
	out = xcalloc(count + flags->count + 1, sizeof *out);
	count = 0;
	for (char **item = environ; *item != NULL; item++)
		if (strncmp(*item, "MESOS_", 6) != 0)
			out[count++] = xstrdup(*item);
	for (size_t i = 0; i < flags->count; i++)
		out[count++] = variable(&flags->items[i]);
	return out;
}

static int run_cleanup(const char *program, const struct flags *old, struct error *err)
{
	const char *const argv[] = {program, NULL};
	char **env = environment(old);
	struct cleanup cleanup = {.executable = (char *)(uintptr_t)program,
				  .argv = (const char **)(uintptr_t)argv,
				  .env = (const char **)(uintptr_t)env,
				  .timeout_ms = CLEANUP_TIMEOUT_MS,
				  .aloud = true};
	int result = cleanup_run_agent(&cleanup, err);

	for (char **item = env; *item != NULL; item++)
		free(*item);
	free(env);
	return result;
}

/* ---- all of it */

static int old_flags(const struct launch *launch, const struct launch_comparison *comparison, struct flags *out,
		     struct error *err)
{
	struct flags base = FLAGS_INIT;
	bool found = false;
	int result;

	if (launch_flags_load(&launch->state, comparison->checkpoint.agent_id, &base, &found, err) != 0)
		return -1;
	if (!found)
		flags_copy(&base, &launch->flags);
	flags_set(&base, "work_dir", flags_get(&launch->flags, "work_dir"));
	result = launch_old_flags(comparison->checkpoint.info, &base, launch->root, &comparison->detected,
				  &comparison->version, out, err);
	flags_clear(&base);
	return result;
}

/* The agent that ended the executors must have left the ID and the checkpoint alone. */
static int check_same(const struct checkpoint_state *before, const struct checkpoint_state *now, struct error *err)
{
	if (now->agent_id != NULL && strcmp(now->agent_id, before->agent_id) == 0 &&
	    now->bytes.len == before->bytes.len &&
	    memcmp(buffer_text(&now->bytes), buffer_text(&before->bytes), now->bytes.len) == 0)
		return 0;
	return error_set(err, ERROR_CONFLICT,
			 "the checkpoint of agent %s has changed while its old executors were ended", before->agent_id);
}

static int end_executors(const struct launch *launch, const struct launch_comparison *comparison,
			 const struct flags *old, struct error *err)
{
	struct checkpoint_state now;
	int result;

	memset(&now, 0, sizeof now);
	result = run_cleanup(launch->argv[0], old, err);
	if (result == 0)
		result = checkpoint_read(launch->root, launch->work_dir, &now, err);
	if (result == 0)
		result = check_same(&comparison->checkpoint, &now, err);
	if (result == 0)
		result = cleanup_check_executors(&now, err);
	checkpoint_state_clear(&now);
	return result;
}

/* Executors that cannot be ended are a reason not to go on, whatever kept them. */
int launch_end_executors(const struct launch *launch, const struct launch_comparison *comparison, struct error *err)
{
	struct flags old = FLAGS_INIT;
	struct error why = ERROR_INIT;
	int result;

	/* No process outlives its boot, and what an agent is run for may make it give up its ID then. */
	if (comparison->rebooted)
		return 0;
	if (old_flags(launch, comparison, &old, err) != 0)
		return -1;
	result = end_executors(launch, comparison, &old, &why);
	if (result != 0)
		error_set(err, why.kind == ERROR_SYSTEM ? ERROR_REFUSED : why.kind, "%s", why.text);
	flags_clear(&old);
	return result;
}
