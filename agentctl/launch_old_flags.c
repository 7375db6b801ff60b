/* SPDX-License-Identifier: Apache-2.0 */
/* The flags that gave a checkpoint: those of the last start, with what the checkpoint says where they say something else. */
#include "agentctl/launch_discard.h"
#include "base/json.h"
#include "mesos/attributes.h"
#include "mesos/domain.h"
#include "mesos/pb.h"
#include "mesos/recovery.h"

#define VALUE_MAX (16u << 20)

static void set_attributes(const Mesos__SlaveInfo *checkpoint, struct flags *flags)
{
	struct buffer text = BUFFER_INIT(VALUE_MAX);

	for (size_t i = 0; i < checkpoint->n_attributes; i++) {
		buffer_printf(&text, "%s%s:", i == 0 ? "" : ";", checkpoint->attributes[i]->name);
		attribute_value_text(checkpoint->attributes[i], &text);
	}
	if (text.len > 0)
		flags_set(flags, "attributes", buffer_text(&text));
	else
		flags_remove(flags, "attributes");
	buffer_clear(&text);
}

/* Takes the value. */
static void set_json(struct flags *flags, const char *name, json_t *value)
{
	struct buffer text = BUFFER_INIT(VALUE_MAX);

	json_write(value, false, &text);
	flags_set(flags, name, buffer_text(&text));
	json_decref(value);
	buffer_clear(&text);
}

/* In JSON every resource says its role itself. */
static void set_resources(const Mesos__SlaveInfo *checkpoint, struct flags *flags)
{
	struct resources resources = slaveinfo_resources(checkpoint);

	set_json(flags, "resources", resources_to_json(&resources));
	flags_remove(flags, "default_role");
	resources_clear(&resources);
}

static void set_domain(const Mesos__SlaveInfo *checkpoint, struct flags *flags)
{
	if (checkpoint->domain != NULL)
		set_json(flags, "domain", pb_to_json(checkpoint->domain));
	else
		flags_remove(flags, "domain");
}

static void set_port(const Mesos__SlaveInfo *checkpoint, struct flags *flags)
{
	char port[16];

	snprintf(port, sizeof port, "%d", slaveinfo_port(checkpoint));
	flags_set(flags, "port", port);
	flags_remove(flags, "advertise_port");
}

static void set_parts(const Mesos__SlaveInfo *checkpoint, unsigned parts, struct flags *flags)
{
	if (parts & PART_ATTRIBUTES)
		set_attributes(checkpoint, flags);
	if (parts & PART_RESOURCES)
		set_resources(checkpoint, flags);
	if (parts & PART_DOMAIN)
		set_domain(checkpoint, flags);
	if (parts & PART_PORT)
		set_port(checkpoint, flags);
}

#define ALL_PARTS (PART_HOSTNAME | PART_ATTRIBUTES | PART_RESOURCES | PART_DOMAIN | PART_PORT)

/* The parts in which what these flags give differs from the checkpoint; all when they give nothing. */
static unsigned differing(const Mesos__SlaveInfo *checkpoint, const struct flags *flags, const char *root,
			  const struct detected *detected, const struct mesos_version *version)
{
	struct flags resolved = FLAGS_INIT;
	Mesos__SlaveInfo *info = NULL;
	struct error ignored = ERROR_INIT;
	unsigned parts = ALL_PARTS;

	flags_copy(&resolved, flags);
	if (flags_resolve_files(&resolved, root, &ignored) == 0)
		info = slaveinfo_from_flags(&resolved, detected, version, &ignored);
	if (info != NULL)
		parts = slaveinfo_diff_for(checkpoint, info, version);
	slaveinfo_free(info);
	flags_clear(&resolved);
	return parts;
}

int launch_old_flags(const Mesos__SlaveInfo *checkpoint, const struct flags *base, const char *root,
		     const struct detected *detected, const struct mesos_version *version, struct flags *out,
		     struct error *err)
{
	struct flags flags = FLAGS_INIT;
	unsigned parts;

	flags_copy(&flags, base);
	flags_remove(&flags, "reconfiguration_policy"); /* equal: what fits, fits */
	flags_set(&flags, "hostname", checkpoint->hostname);
	set_parts(checkpoint, differing(checkpoint, &flags, root, detected, version), &flags);
	parts = differing(checkpoint, &flags, root, detected, version);
	if (parts != 0) {
		flags_clear(&flags);
		return error_set(
			err, ERROR_REFUSED,
			"no flags can be found that give the checkpointed %s, so the old executors cannot be ended "
			"by an agent that keeps its ID; stop their tasks first and use "
			"--ignore_checkpointed_state",
			slaveinfo_part_name((enum slaveinfo_part)(parts & ~(parts - 1))));
	}
	flags_set(&flags, "recover", "cleanup");
	*out = flags;
	return 0;
}
