/* SPDX-License-Identifier: Apache-2.0 */
/* The policies and options of a restarting agent, and what it says. compatibility.c holds the two stock comparisons. */
#include "mesos/recovery.h"

#include <string.h>

#include "base/alloc.h"
#include "mesos/compatibility.h"
#include "mesos/pb.h"
#include "mesos/resource.h"
#include "mesos/text_json.h"

#define MESSAGE_MAX (16u << 20) /* two SlaveInfos of the largest checkpoint in text form */

/* ---- options */

int recovery_policy_parse(const char *text, enum recovery_policy *out, struct error *err)
{
	if (strcmp(text, "equal") == 0)
		*out = POLICY_EQUAL;
	else if (strcmp(text, "additive") == 0)
		*out = POLICY_ADDITIVE;
	else
		return error_set(err, ERROR_USAGE,
				 "'%s' is no reconfiguration policy; there are 'equal' and 'additive'", text);
	return 0;
}

static const struct {
	const char *name;
	unsigned part;
} ignorable[] = {
	{"resources", PART_RESOURCES},
	{"attributes", PART_ATTRIBUTES},
	{"domains", PART_DOMAIN},
};
#define IGNORABLE_COUNT (sizeof(ignorable) / sizeof(ignorable[0]))
#define PARTS_THERE_ARE "\"resources\", \"attributes\" and \"domains\", or \"none\" alone"

static int add_part(const char *name, unsigned *parts, bool *none, struct error *err)
{
	if (strcmp(name, "none") == 0) {
		*none = true;
		return 0;
	}
	for (size_t i = 0; i < IGNORABLE_COUNT; i++) {
		if (strcmp(name, ignorable[i].name) == 0) {
			*parts |= ignorable[i].part;
			return 0;
		}
	}
	return error_set(err, ERROR_USAGE, "'%s' cannot be ignored: there are " PARTS_THERE_ARE, name);
}

static int check_none(bool none, unsigned parts, struct error *err)
{
	if (none && parts != 0)
		return error_set(err, ERROR_USAGE, "'none' stands beside others: there are " PARTS_THERE_ARE);
	return 0;
}

int recovery_ignore_parse(const char *json_text, unsigned *parts, struct error *err)
{
	struct error cause = ERROR_INIT;
	json_t *array = text_json_parse(json_text, &cause);
	unsigned found = 0;
	bool none = false;
	int rc = 0;

	if (!json_is_array(array) || json_array_size(array) == 0)
		rc = error_set(err, ERROR_USAGE, "'%s' is no JSON array of what to ignore: there are " PARTS_THERE_ARE,
			       json_text);
	for (size_t i = 0; rc == 0 && i < json_array_size(array); i++) {
		const char *name = json_string_value(json_array_get(array, i));

		rc = add_part(name != NULL ? name : "", &found, &none, err);
	}
	if (rc == 0)
		rc = check_none(none, found, err);
	if (rc == 0)
		*parts = found;
	json_decref(array);
	return rc;
}

/* An operator may say "domain" and "attribute" as well; in the flag's own form only the agent's words count. */
static int add_part_or_singular(const char *name, unsigned *parts, bool *none, struct error *err)
{
	for (size_t i = 0; i < IGNORABLE_COUNT; i++) {
		size_t len = strlen(ignorable[i].name) - 1;

		if (strlen(name) == len && strncmp(name, ignorable[i].name, len) == 0)
			return add_part(ignorable[i].name, parts, none, err);
	}
	return add_part(name, parts, none, err);
}

int recovery_ignore_parse_list(const char *text, unsigned *parts, struct error *err)
{
	unsigned found = 0;
	bool none = false;

	for (;;) {
		size_t len = strcspn(text, ",");
		char *name = xstrndup(text, len);
		int rc = add_part_or_singular(name, &found, &none, err);

		free(name);
		if (rc != 0)
			return -1;
		if (text[len] == '\0')
			break;
		text += len + 1;
	}
	if (check_none(none, found, err) != 0)
		return -1;
	*parts = found;
	return 0;
}

json_t *recovery_ignore_to_json(unsigned parts)
{
	json_t *array = json_array();

	for (size_t i = 0; i < IGNORABLE_COUNT; i++)
		if (parts & ignorable[i].part)
			json_array_append_new(array, json_string(ignorable[i].name));
	if (json_array_size(array) == 0)
		json_array_append_new(array, json_string("none"));
	return array;
}

/* ---- the verdict */

void verdict_clear(struct verdict *verdict)
{
	buffer_clear(&verdict->message);
	verdict->accepted = false;
	verdict->differs = 0;
}

/* In memory an agent has every SlaveInfo in post-refinement form, and prints it so. */
static Mesos__SlaveInfo *in_memory(const Mesos__SlaveInfo *info, const Mesos__SlaveInfo *id_from)
{
	Mesos__SlaveInfo *copy = slaveinfo_copy(info);

	for (size_t i = 0; i < copy->n_resources; i++)
		resource_upgrade(copy->resources[i]);
	if (copy->id == NULL && id_from->id != NULL)
		slaveinfo_set_id(copy, id_from->id->value);
	return copy;
}

/* before, with what is to be ignored as it is in after. */
static Mesos__SlaveInfo *with_ignored(const Mesos__SlaveInfo *before, const Mesos__SlaveInfo *after, unsigned ignore)
{
	Mesos__SlaveInfo *mixed = slaveinfo_copy(before), *source = slaveinfo_copy(after), swap;

	swap = *mixed;
	if (ignore & PART_RESOURCES) {
		mixed->resources = source->resources;
		mixed->n_resources = source->n_resources;
		source->resources = swap.resources;
		source->n_resources = swap.n_resources;
	}
	if (ignore & PART_ATTRIBUTES) {
		mixed->attributes = source->attributes;
		mixed->n_attributes = source->n_attributes;
		source->attributes = swap.attributes;
		source->n_attributes = swap.n_attributes;
	}
	if (ignore & PART_DOMAIN) {
		mixed->domain = source->domain;
		source->domain = swap.domain;
	}
	slaveinfo_free(source);
	return mixed;
}

static void warn_ignored(unsigned parts, bool discard, struct buffer *out)
{
	const char *separator = "";

	buffer_puts(out, "The agent's ");
	for (unsigned bit = 1; bit <= PART_CHECKPOINT; bit <<= 1) {
		if (!(parts & bit))
			continue;
		buffer_printf(out, "%s%s", separator, slaveinfo_part_name((enum slaveinfo_part)bit));
		separator = ", ";
	}
	buffer_puts(out, " differ from what it checkpointed. ");
	buffer_puts(out,
		    discard ? "The old state is not recovered: the agent keeps its ID, its tasks are killed, and the "
			      "new state replaces the old."
			    : "This is ignored as asked: the agent keeps its ID and its tasks, and the new state "
			      "replaces the old.");
}

static bool is_compatible(const Mesos__SlaveInfo *before, const Mesos__SlaveInfo *after,
			  const struct recovery_rules *rules, struct buffer *message)
{
	Mesos__SlaveInfo *mixed = with_ignored(before, after, rules->ignore);
	bool accepted;

	if (rules->policy == POLICY_ADDITIVE)
		accepted = compatible_additive(mixed, after, &rules->version, message);
	else
		accepted = compatible_equal(mixed, after, before, &rules->version, message);
	slaveinfo_free(mixed);
	return accepted;
}

void recovery_check(const Mesos__SlaveInfo *before, const Mesos__SlaveInfo *after, const struct resources *checkpointed,
		    const struct recovery_rules *rules, struct verdict *out)
{
	Mesos__SlaveInfo *old = in_memory(before, before), *new = in_memory(after, before);
	unsigned accepted_parts;

	buffer_init(&out->message, MESSAGE_MAX);
	out->differs = slaveinfo_diff_for(old, new, &rules->version);
	accepted_parts = rules->recover_state ? out->differs & rules->ignore : out->differs;
	out->accepted = checkpointed == NULL ||
			compatible_reservations(new, checkpointed, &rules->version, &out->message);
	if (out->accepted && rules->recover_state)
		out->accepted = is_compatible(old, new, rules, &out->message);
	if (out->accepted && accepted_parts != 0)
		warn_ignored(accepted_parts, !rules->recover_state, &out->message);
	slaveinfo_free(old);
	slaveinfo_free(new);
}
