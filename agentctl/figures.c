/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/figures.h"

#include <string.h>

/* Is the resource named by --resources? Then the agent does not detect it. */
static bool is_named(const struct flags *flags, const char *root, const struct mesos_version *version,
		     const char *resource)
{
	const char *text = flags == NULL ? NULL : flags_get(flags, "resources");
	struct flags copy = FLAGS_INIT;
	struct resources resources = {.items = NULL, .count = 0};
	bool named = false;

	if (text == NULL)
		return false;
	flags_set(&copy, "resources", text);
	if (flags_resolve_files(&copy, root, NULL) == 0 &&
	    resources_parse(flags_get(&copy, "resources"), NULL, version, &resources, NULL) == 0)
		for (size_t i = 0; i < resources.count; i++)
			named = named || strcmp(resources.items[i]->name, resource) == 0;
	resources_clear(&resources);
	flags_clear(&copy);
	return named;
}

static void take_scalar(const Mesos__SlaveInfo *info, const char *name, double *out)
{
	for (size_t i = 0; i < info->n_resources; i++) {
		const Mesos__Resource *resource = info->resources[i];

		/* A disk with a source of its own is always named. */
		if (strcmp(resource->name, name) != 0 || resource->scalar == NULL || resource->disk != NULL)
			continue;
		*out = resource->scalar->value;
		return;
	}
}

void figures_detect(const char *work_dir, const char *root, const Mesos__SlaveInfo *checkpoint,
		    const struct flags *present, const struct mesos_version *version, struct detected *out)
{
	struct detected detected = DETECTED_UNKNOWN;
	const struct {
		const char *name;
		double *figure;
	} figures[] = {
		{"cpus", &detected.cpus},
		{"mem", &detected.mem_mb},
		{"disk", &detected.disk_mb},
		{"gpus", &detected.gpus},
	};

	detect_machine(work_dir, &detected, NULL);
	if (checkpoint != NULL) {
		detected.hostname = checkpoint->hostname;
		for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
			if (!is_named(present, root, version, figures[i].name))
				take_scalar(checkpoint, figures[i].name, figures[i].figure);
	}
	*out = detected;
}

void figures_measure(const char *work_dir, const Mesos__SlaveInfo *checkpoint, struct detected *out)
{
	struct detected detected = DETECTED_UNKNOWN;

	detect_machine(work_dir, &detected, NULL);
	if (checkpoint != NULL) {
		detected.hostname = checkpoint->hostname;
		take_scalar(checkpoint, "gpus", &detected.gpus);
	}
	*out = detected;
}
