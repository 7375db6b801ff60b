/* SPDX-License-Identifier: Apache-2.0 */
/* What an agent would refuse, or what would cost it its ID, found before it is written anywhere. */
#include <stdlib.h>
#include <string.h>

#include "base/redact.h"
#include "inventory/config_internal.h"
#include "mesos/attributes.h"
#include "mesos/flag_types.h"
#include "mesos/resources.h"

/* Far above any real flag value; an environment file's line must stay below it too. */
#define VALUE_MAX (256u << 10)

static const struct {
	const char *name;
	const char *reason;
} forbidden[] = {
	{"hostname", "the master shuts an agent down that comes back with its ID and another hostname"},
	{"hostname_lookup", "it changes the hostname, and the master shuts such an agent down"},
	{"ip", "the master shuts an agent down that comes back with its ID and another IP"},
	{"ip_discovery_command", "it changes the IP, and the master shuts such an agent down"},
	{"advertise_ip", "the master shuts an agent down that comes back with its ID and another IP"},
	{"advertise_port", "the master would see the agent under another port"},
	{"work_dir", "the checkpoint lies in it: with another work_dir the agent registers as a new one"},
	{"runtime_dir", "running containers are found through it: with another one the agent loses its tasks"},
	{"launcher", "running containers belong to the old launcher: with another one the agent loses its tasks"},
	{"recover", "anything but reconnect ends the agent's tasks"},
	{"master", "the agent would register with another cluster"},
	{"ignore_checkpointed_state", "say it with --ignore when the rollout is planned"},
	{"recover_state", "say it with --discard when the rollout is planned"},
	{"attributes", "write them under \"attributes\", so that only those that are named change"},
	{"resources", "write them under \"resources\", so that only those that are named change"},
	{"domain", "write it under \"domain\""},
};

static bool has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

int config_check_flag(const char *name, struct error *err)
{
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
		if (strcmp(name, forbidden[i].name) == 0)
			return error_set(err, ERROR_USAGE, "--%s cannot be changed by a config: %s", name,
					 forbidden[i].reason);
	if (flag_is_secret(name))
		return error_set(err, ERROR_USAGE,
				 "--%s holds a secret, and secrets are never stored here; change it on the hosts",
				 name);
	if (name[0] < 'a' || name[0] > 'z' || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(name))
		return error_set(
			err, ERROR_USAGE,
			"\"%s\" is no name of a flag: write it as on the agent's command line, without the dashes",
			name);
	return 0;
}

int config_check_domain_name(const char *name, struct error *err)
{
	if (!*name)
		return error_set(err, ERROR_USAGE, "must not be empty");
	if (has_control(name))
		return error_set(err, ERROR_USAGE, "must not contain control characters");
	return 0;
}

/* Marks that end a name or a value in the flag's text: the agent would read something else than what was meant. */
static int check_marks(const char *what, const char *text, const char *marks, struct error *err)
{
	const char *mark = strpbrk(text, marks);

	if (mark)
		return error_set(err, ERROR_USAGE, "the %s \"%s\" must not contain \"%c\"", what, text, *mark);
	return 0;
}

static int check_attribute(const char *name, const char *value, const struct mesos_version *version, struct error *err)
{
	struct buffer text = BUFFER_INIT(VALUE_MAX);
	int result = -1;

	if (!*name)
		return error_set(err, ERROR_USAGE, "an attribute must have a name");
	if (check_marks("name", name, ":;", err) < 0 || (value && check_marks("value", value, ";", err) < 0))
		return -1;
	if (!value)
		return 0;
	if (!value[strspn(value, " ")])
		return error_set(err, ERROR_USAGE,
				 "the value is empty, and an agent does not start with \"%s:\" "
				 "(to remove the attribute write null)",
				 name);
	result = attributes_edit("", name, value, version, &text, err);
	buffer_clear(&text);
	return result;
}

/* What Mesos' own resources are made of; an agent would take another kind and nobody could use it. */
static int check_kind(const char *name, const char *value, struct error *err)
{
	static const char *const scalars[] = {"cpus", "mem", "disk", "gpus"};
	size_t len = strcspn(name, "(");
	bool number = strchr("[{", value[strspn(value, " ")]) == NULL;

	for (size_t i = 0; i < sizeof(scalars) / sizeof(scalars[0]); i++)
		if (strlen(scalars[i]) == len && memcmp(scalars[i], name, len) == 0 && !number)
			return error_set(err, ERROR_USAGE, "%s must be a number, not \"%s\"", name, value);
	if (len == 5 && memcmp(name, "ports", len) == 0 && value[strspn(value, " ")] != '[')
		return error_set(err, ERROR_USAGE, "%s must be ranges such as [31000-32000], not \"%s\"", name, value);
	return 0;
}

static int check_resource(const char *name, const char *value, const struct mesos_version *version, struct error *err)
{
	struct buffer text = BUFFER_INIT(VALUE_MAX);
	int result;

	if (!*name)
		return error_set(err, ERROR_USAGE, "a resource must have a name");
	if (check_marks("name", name, ":;[]{}\"", err) < 0 || (value && check_marks("value", value, ";:\"", err) < 0))
		return -1;
	if (!value)
		return 0;
	if (check_kind(name, value, err) < 0)
		return -1;
	result = resources_edit("", name, value, version, &text, err);
	buffer_clear(&text);
	return result;
}

/* Documents are kept for good. */
static int check_password(const char *name, const char *value, struct error *err)
{
	char *shown = value ? redact_urls(value) : NULL;
	bool holds = shown && strcmp(shown, value) != 0;

	free(shown);
	if (!holds)
		return 0;
	return error_set(
		err, ERROR_USAGE,
		"the URL of --%s holds a user or password, and secrets are never stored here; change it on the hosts",
		name);
}

int config_check_value(enum config_section section, const char *name, const char *value,
		       const struct mesos_version *version, struct error *err)
{
	if (has_control(name) || (value && has_control(value)))
		return error_set(err, ERROR_USAGE, "must not contain control characters");
	if (value && strlen(value) > VALUE_MAX / 2)
		return error_set(err, ERROR_USAGE, "the value is longer than %u bytes", VALUE_MAX / 2);
	if (section == SECTION_ATTRIBUTES)
		return check_attribute(name, value, version, err);
	if (section == SECTION_RESOURCES)
		return check_resource(name, value, version, err);
	if (config_check_flag(name, err) < 0 || check_password(name, value, err) < 0)
		return -1;
	if (!value || strncmp(value, "file://", strlen("file://")) == 0)
		return 0;
	return flag_check_value(name, value, err);
}
