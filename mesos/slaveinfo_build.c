/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SlaveInfo an agent makes of its flags, step by step as it starts: flags are loaded, resources determined, disks
 * looked at, attributes parsed, the hostname found. The first step that fails is what it would say.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "mesos/attributes.h"
#include "mesos/domain.h"
#include "mesos/pb.h"
#include "mesos/resource.h"
#include "mesos/resources.h"
#include "mesos/slaveinfo.h"

#define PORT_DEFAULT  5051
#define PORTS_DEFAULT "[31000-32000]"

struct build {
	const struct flags *flags;
	const struct detected *detected;
	const struct mesos_version *version;
	const char *default_role;
	Mesos__SlaveInfo *info;
};

static int flag_error(const char *flag, const char *value, const char *cause, struct error *err)
{
	return error_set(err, ERROR_USAGE, "Failed to load flag '%s': Failed to load value '%s': %s", flag, value,
			 cause);
}

/* ---- loading flags */

static int load_domain(struct build *b, struct error *err)
{
	const char *text = flags_get(b->flags, "domain");
	struct error cause = ERROR_INIT;

	if (text == NULL)
		return 0;
	b->info->domain = domain_parse(text, &cause);
	return b->info->domain != NULL ? 0 : flag_error("domain", text, cause.text, err);
}

/* A number as a C++ stream reads one into 16 bits: space before it and a sign are allowed, nothing after it. */
static bool parse_port(const char *text, int *out)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (end == text || *end != '\0' || errno != 0 || value > UINT16_MAX || value < -UINT16_MAX)
		return false;
	*out = (uint16_t)value;
	return true;
}

static int load_port(struct build *b, struct error *err)
{
	const char *text = flags_get(b->flags, "port");
	const char *advertised = flags_get(b->flags, "advertise_port");
	int port = PORT_DEFAULT;

	if (text != NULL && !parse_port(text, &port))
		return flag_error("port", text, "Failed to convert into required type", err);
	if (advertised != NULL && !parse_port(advertised, &port))
		return flag_error("advertise_port", advertised, "Failed to convert into required type", err);
	if (port == 0)
		return error_set(err, ERROR_USAGE,
				 "--port=0 lets the agent take any port, so its SlaveInfo is another at every start;"
				 " give it a port of its own");
	b->info->has_port = 1;
	b->info->port = port;
	return 0;
}

static int load_flags(struct build *b, struct error *err)
{
	if (load_domain(b, err) != 0 || load_port(b, err) != 0)
		return -1;
	if (b->info->domain != NULL && b->info->domain->fault_domain == NULL)
		return error_set(err, ERROR_USAGE, "`domain` must define `fault_domain`");
	return 0;
}

/* ---- resources */

static bool names(const struct resources *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i]->name, name) == 0)
			return true;
	return false;
}

/* What is not valid (a default role that cannot be one) is silently left out, as the agent leaves it out. */
static void add_parsed(struct build *b, const char *name, const char *value, struct resources *to)
{
	Mesos__Resource *resource = resource_parse(name, value, b->default_role, b->version, NULL);

	if (resource != NULL && resource_validate(resource, NULL) == 0)
		resources_take(to, resource);
	else
		pb_free(resource);
}

static int add_detected(struct build *b, const char *name, double amount, struct resources *to, struct error *err)
{
	char text[64];

	if (amount < 0)
		return error_set(err, ERROR_USAGE,
				 "The flags leave '%s' to what the agent finds on its host, which is not known here;"
				 " name it in --resources",
				 name);
	snprintf(text, sizeof(text), strcmp(name, "cpus") == 0 ? "%g" : "%.0f", amount);
	add_parsed(b, name, text, to);
	return 0;
}

static bool isolates_gpus(const struct build *b)
{
	const char *isolation = flags_get(b->flags, "isolation");

	for (; isolation != NULL && *isolation != '\0'; isolation += *isolation == ',') {
		size_t len = strcspn(isolation, ",");

		if (len == strlen("gpu/nvidia") && strncmp(isolation, "gpu/nvidia", len) == 0)
			return true;
		isolation += len;
	}
	return false;
}

static int check_gpus(const struct build *b, const struct resources *resources, bool named, struct error *err)
{
	const char *devices = flags_get(b->flags, "nvidia_gpu_devices");
	bool given = resources_scalar(resources, "gpus") > 0;
	const char *text = NULL;

	if (devices != NULL && !isolates_gpus(b))
		text = "'--nvidia_gpus_devices' can only be specified if the `--isolation` flag contains 'gpu/nvidia'";
	else if (!isolates_gpus(b) || b->detected->gpus <= 0)
		return 0;
	else if (devices != NULL && !given)
		text = named ? "'--nvidia_gpus_devices' cannot be specified when '--resources' specifies 0 GPUs"
			     : "'--nvidia_gpus_devices' cannot be set without also setting 'gpus' in '--resources'";
	else if (devices == NULL && given)
		text = "The `gpus` resource cannot be set without also setting `--nvidia_gpu_devices`";
	if (text == NULL)
		return 0;
	return error_set(err, ERROR_USAGE, "Failed to obtain GPU resources: %s", text);
}

/* GPUs are taken out and put back behind what is known by then; where they are isolated and not named they are
 * detected. */
static int add_gpus(struct build *b, bool named, struct resources *resources, struct error *err)
{
	struct resources others = {NULL, 0}, gpus = {NULL, 0};

	if (check_gpus(b, resources, named, err) != 0)
		return -1;
	for (size_t i = 0; i < resources->count; i++) {
		if (strcmp(resources->items[i]->name, "gpus") == 0)
			PB_APPEND(gpus.items, gpus.count, resources->items[i]);
		else
			PB_APPEND(others.items, others.count, resources->items[i]);
	}
	for (size_t i = 0; i < gpus.count; i++)
		PB_APPEND(others.items, others.count, gpus.items[i]);
	free(gpus.items);
	free(resources->items);
	*resources = others;
	if (!named && isolates_gpus(b) && b->detected->gpus > 0)
		return add_detected(b, "gpus", b->detected->gpus, resources, err);
	return 0;
}

static int add_missing(struct build *b, const struct resources *list, struct resources *resources, struct error *err)
{
	if (!names(list, "cpus") && add_detected(b, "cpus", b->detected->cpus, resources, err) != 0)
		return -1;
	if (add_gpus(b, names(list, "gpus"), resources, err) != 0)
		return -1;
	if (!names(list, "mem") && add_detected(b, "mem", b->detected->mem_mb, resources, err) != 0)
		return -1;
	if (!names(list, "disk") && add_detected(b, "disk", b->detected->disk_mb, resources, err) != 0)
		return -1;
	if (!names(list, "ports"))
		add_parsed(b, "ports", PORTS_DEFAULT, resources);
	return 0;
}

static int determine_resources(struct build *b, struct error *err)
{
	const char *text = flags_get(b->flags, "resources");
	struct resources sum = {NULL, 0}, list = {NULL, 0};
	struct error cause = ERROR_INIT;
	int rc;

	if (text == NULL)
		text = "";
	rc = resources_parse(text, b->default_role, b->version, &sum, &cause);
	if (rc == 0)
		rc = resources_parse_list(text, b->default_role, b->version, &list, &cause);
	if (rc == 0)
		rc = add_missing(b, &list, &sum, &cause);
	resources_clear(&list);
	b->info->resources = sum.items;
	b->info->n_resources = sum.count;
	return rc == 0 ? 0 : error_set(err, ERROR_USAGE, "Failed to determine agent resources: %s", cause.text);
}

/* Whether a PATH or MOUNT is really there only its host knows. */
static int check_disk(const Mesos__Resource *resource, struct error *err)
{
	const Mesos__Resource__DiskInfo__Source *source = resource->disk->source;
	struct buffer text = BUFFER_INIT(ERROR_TEXT_MAX);

	resource_print(resource, &text);
	switch (source->type) {
	case MESOS__RESOURCE__DISK_INFO__SOURCE__TYPE__PATH:
		if (source->path == NULL || source->path->root == NULL)
			error_set(err, ERROR_USAGE, "PATH disk root directory is not specified '%s'",
				  buffer_text(&text));
		break;
	case MESOS__RESOURCE__DISK_INFO__SOURCE__TYPE__MOUNT:
		if (source->mount == NULL || source->mount->root == NULL)
			error_set(err, ERROR_USAGE, "MOUNT disk root directory is not specified '%s'",
				  buffer_text(&text));
		break;
	default:
		error_set(err, ERROR_USAGE, "Unsupported 'DiskInfo.Source.Type' in '%s'", buffer_text(&text));
		break;
	}
	buffer_clear(&text);
	return err->kind == ERROR_NONE ? 0 : -1;
}

static int check_disks(struct build *b, struct error *err)
{
	for (size_t i = 0; i < b->info->n_resources; i++) {
		const Mesos__Resource *resource = b->info->resources[i];
		struct error cause = ERROR_INIT;

		if (resource->disk != NULL && resource->disk->source != NULL && check_disk(resource, &cause) != 0)
			return error_set(err, cause.kind, "%s", cause.text);
	}
	return 0;
}

/* ---- the rest */

static int parse_attributes(struct build *b, struct error *err)
{
	const char *text = flags_get(b->flags, "attributes");
	struct attributes parsed = {NULL, 0};

	if (text != NULL && attributes_parse(text, b->version, &parsed, err) != 0)
		return -1;
	b->info->attributes = parsed.items;
	b->info->n_attributes = parsed.count;
	return 0;
}

static int find_hostname(struct build *b, struct error *err)
{
	const char *hostname = flags_get(b->flags, "hostname");
	const char *lookup = flags_get(b->flags, "hostname_lookup");

	if (hostname == NULL && lookup != NULL && (strcmp(lookup, "false") == 0 || strcmp(lookup, "0") == 0)) {
		hostname = flags_get(b->flags, "advertise_ip");
		if (hostname == NULL)
			hostname = flags_get(b->flags, "ip");
	}
	if (hostname == NULL)
		hostname = b->detected->hostname;
	if (hostname == NULL)
		return error_set(err, ERROR_USAGE,
				 "The flags leave the hostname to what the agent finds on its host, which is not known"
				 " here; give --hostname");
	pb_set_string(&b->info->hostname, hostname);
	return 0;
}

Mesos__SlaveInfo *slaveinfo_from_flags(const struct flags *flags, const struct detected *detected,
				       const struct mesos_version *version, struct error *err)
{
	static const struct detected unknown = DETECTED_UNKNOWN;
	struct build b = {.flags = flags,
			  .detected = detected != NULL ? detected : &unknown,
			  .version = version != NULL ? version : &mesos_version_newest,
			  .default_role = flags_get(flags, "default_role"),
			  .info = pb_new(&mesos__slave_info__descriptor)};

	if (b.default_role == NULL)
		b.default_role = "*";
	b.info->hostname = xstrdup("");
	b.info->has_checkpoint = 1;
	b.info->checkpoint = 1;
	if (load_flags(&b, err) == 0 && determine_resources(&b, err) == 0 && check_disks(&b, err) == 0 &&
	    parse_attributes(&b, err) == 0 && find_hostname(&b, err) == 0)
		return b.info;
	slaveinfo_free(b.info);
	return NULL;
}
