/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoint against flags. What the agent would detect is measured, not believed: it is about to measure it, too. */
#include <string.h>

#include "agentctl/agent.h"
#include "agentctl/facts.h"
#include "agentctl/launch.h"
#include "base/alloc.h"
#include "base/file.h"

void launch_comparison_clear(struct launch_comparison *comparison)
{
	checkpoint_state_clear(&comparison->checkpoint);
	slaveinfo_free(comparison->after);
	memset(comparison, 0, sizeof *comparison);
}

/* Two things nobody can find out in a static program: the reverse lookup of the agent's address, and its GPUs. The checkpoint knows
 * what they were. */
static void detect(const struct launch *launch, const Mesos__SlaveInfo *checkpoint, struct detected *out)
{
	struct detected found = DETECTED_UNKNOWN;
	char *work_dir = path_under(launch->root, launch->work_dir);

	detect_machine(work_dir, &found, NULL);
	found.hostname = checkpoint->hostname;
	for (size_t i = 0; i < checkpoint->n_resources; i++)
		if (strcmp(checkpoint->resources[i]->name, "gpus") == 0 && checkpoint->resources[i]->scalar != NULL)
			found.gpus = checkpoint->resources[i]->scalar->value;
	free(work_dir);
	*out = found;
}

static int read_policy(const struct launch *launch, enum recovery_policy *out, struct error *err)
{
	const char *policy = flags_get(&launch->resolved, "reconfiguration_policy");

	*out = POLICY_EQUAL;
	return policy == NULL ? 0 : recovery_policy_parse(policy, out, err);
}

static Mesos__SlaveInfo *build(const struct launch *launch, const struct launch_comparison *comparison,
			       struct error *err)
{
	Mesos__SlaveInfo *info = slaveinfo_from_flags(&launch->resolved, &comparison->detected, &comparison->version,
						      err);

	if (info != NULL)
		slaveinfo_set_id(info, comparison->checkpoint.agent_id);
	return info;
}

static bool is_the_same(const struct launch_comparison *comparison)
{
	return comparison->after != NULL &&
	       slaveinfo_diff_for(comparison->checkpoint.info, comparison->after, &comparison->version) == 0;
}

/* Running the agent for its version takes longer than all the rest: only when something depends on it. */
static int ask_version(const struct launch *launch, struct mesos_version *out, struct error *err)
{
	struct agent_process agent = {.executable = (char *)launch->argv[0]};
	struct error cause = ERROR_INIT;
	char *version = agent_version(&agent, out, &cause);

	free(version);
	if (version != NULL)
		return 0;
	return error_set(err, ERROR_UNREACHABLE,
			 "the flags do not give the checkpointed state, and what may be done about it depends on the "
			 "agent's version: %s",
			 cause.text);
}

static int read_boot(const struct launch *launch, struct launch_comparison *comparison, struct error *err)
{
	char boot_id[OPERATION_BOOT_ID_SIZE];

	if (boot_id_read(launch->root, boot_id, err) != 0)
		return -1;
	comparison->rebooted = comparison->checkpoint.boot_id != NULL &&
			       strcmp(comparison->checkpoint.boot_id, boot_id) != 0;
	return 0;
}

static int compare(const struct launch *launch, struct launch_comparison *out, struct error *err)
{
	out->version = mesos_version_newest;
	if (checkpoint_read(launch->root, launch->work_dir, &out->checkpoint, err) != 0)
		return -1;
	if (out->checkpoint.info == NULL)
		return 0;
	detect(launch, out->checkpoint.info, &out->detected);
	if (read_boot(launch, out, err) != 0 || read_policy(launch, &out->policy, err) != 0)
		return -1;
	out->after = build(launch, out, NULL);
	if (is_the_same(out))
		return 0;
	slaveinfo_free(out->after);
	out->after = NULL;
	if (ask_version(launch, &out->version, err) != 0)
		return -1;
	out->after = build(launch, out, err);
	return out->after == NULL ? -1 : 0;
}

int launch_compare(const struct launch *launch, struct launch_comparison *out, struct error *err)
{
	struct launch_comparison comparison;

	memset(&comparison, 0, sizeof comparison);
	if (compare(launch, &comparison, err) != 0) {
		launch_comparison_clear(&comparison);
		return -1;
	}
	*out = comparison;
	return 0;
}
