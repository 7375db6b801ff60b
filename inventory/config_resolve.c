/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a config and an agent to edits of the agent's flags. All rules that match are merged first, so that what an
 * earlier rule says and a later one takes back leaves no trace in the flag's text.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "inventory/config_internal.h"
#include "inventory/document.h"
#include "mesos/attributes.h"
#include "mesos/resources.h"

/* As in config_check.c: far above any real flag. */
#define FLAG_MAX (1u << 20)

/* Settings whose strings belong to the config. */
struct wanted {
	struct config_setting *items;
	size_t count;
};

struct resolution {
	const struct config_csv *csv;
	const struct agent_record *agent;
	const struct flags *effective;
	const struct mesos_version *version;
	struct wanted sections[SECTION_COUNT];
	const struct config_domain *domain; /* NULL: no rule speaks of it */
	struct config_edits edits;
};

void config_edits_clear(struct config_edits *edits)
{
	for (size_t i = 0; i < edits->count; i++) {
		free(edits->items[i].flag);
		free(edits->items[i].before);
		free(edits->items[i].after);
	}
	free(edits->items);
	*edits = (struct config_edits){.items = NULL};
}

static void want(struct wanted *wanted, const struct config_setting *setting)
{
	for (size_t i = 0; i < wanted->count; i++)
		if (strcmp(wanted->items[i].name, setting->name) == 0) {
			wanted->items[i] = *setting;
			return;
		}
	wanted->items = xreallocarray(wanted->items, wanted->count + 1, sizeof(*wanted->items));
	wanted->items[wanted->count++] = *setting;
}

static int merge_rules(struct resolution *resolution, const struct config *config, struct store *store,
		       struct error *err)
{
	for (size_t i = 0; i < config->count; i++) {
		const struct config_rule *rule = &config->rules[i];
		int matches = rule->match ? selector_matches(rule->match, store, resolution->agent->row, err) : 1;

		if (matches < 0)
			return -1;
		if (!matches)
			continue;
		resolution->edits.rules++;
		for (int section = 0; section < SECTION_COUNT; section++)
			for (size_t j = 0; j < rule->sections[section].count; j++)
				want(&resolution->sections[section], &rule->sections[section].items[j]);
		if (rule->domain.where)
			resolution->domain = &rule->domain;
	}
	return 0;
}

/* after NULL or empty: the flag goes. before and after that are equal are no edit. */
static void add_edit(struct resolution *resolution, const char *flag, const char *after)
{
	struct config_edits *edits = &resolution->edits;
	const char *before = flags_get(resolution->effective, flag);

	if (before && after ? strcmp(before, after) == 0 : !before && !after)
		return;
	edits->items = xreallocarray(edits->items, edits->count + 1, sizeof(*edits->items));
	edits->items[edits->count++] = (struct config_edit){
		.flag = xstrdup(flag),
		.before = before ? xstrdup(before) : NULL,
		.after = after ? xstrdup(after) : NULL,
	};
}

/* The value with this agent's facts put in, checked again as a whole. *out is the caller's; NULL: to be removed. */
static int value_for(const struct resolution *resolution, enum config_section section,
		     const struct config_setting *setting, char **out, struct error *err)
{
	const struct agent_view *view = &resolution->agent->view;
	struct buffer value = BUFFER_INIT(FLAG_MAX);

	*out = NULL;
	if (!setting->value)
		return 0;
	if (document_expand_text(setting->value, resolution->agent, resolution->csv, &value, err) < 0) {
		buffer_clear(&value);
		return error_prefix(err, "%s", setting->where);
	}
	if (config_check_value(section, setting->name, buffer_text(&value), resolution->version, err) < 0) {
		buffer_clear(&value);
		return error_prefix(err, "%s: agent %s (%s)", setting->where, view->hostname, view->id);
	}
	*out = buffer_take(&value);
	return 0;
}

typedef int edit_function(const char *text, const char *name, const char *value, const struct mesos_version *version,
			  struct buffer *out, struct error *err);

/* Applies every setting of a section to the text of its flag, one after the other. *text is replaced. */
static int edit_text(const struct resolution *resolution, enum config_section section, edit_function *edit, char **text,
		     struct error *err)
{
	const struct agent_view *view = &resolution->agent->view;
	const struct wanted *wanted = &resolution->sections[section];

	for (size_t i = 0; i < wanted->count; i++) {
		struct buffer edited = BUFFER_INIT(FLAG_MAX);
		char *value;
		int result = value_for(resolution, section, &wanted->items[i], &value, err);

		if (result < 0)
			return -1;
		result = edit(*text, wanted->items[i].name, value, resolution->version, &edited, err);
		free(value);
		if (result < 0) {
			buffer_clear(&edited);
			return error_prefix(err, "%s: agent %s (%s)", wanted->items[i].where, view->hostname, view->id);
		}
		free(*text);
		*text = buffer_take(&edited);
	}
	return 0;
}

/* The same attributes in another spelling are no change. */
static bool same_attributes(const struct resolution *resolution, const char *before, const char *after)
{
	struct attributes a = {NULL, 0}, b = {NULL, 0};
	bool same = attributes_parse(before, resolution->version, &a, NULL) == 0 &&
		    attributes_parse(after, resolution->version, &b, NULL) == 0 &&
		    attributes_equal(&a, &b, resolution->version) && attributes_equal(&b, &a, resolution->version);

	attributes_clear(&a);
	attributes_clear(&b);
	return same;
}

/* The same resources in another spelling are no change. */
static bool same_resources(const struct resolution *resolution, const char *before, const char *after)
{
	struct resources a = {NULL, 0}, b = {NULL, 0};
	bool same = resources_parse(before, NULL, resolution->version, &a, NULL) == 0 &&
		    resources_parse(after, NULL, resolution->version, &b, NULL) == 0 && resources_equal(&a, &b);

	resources_clear(&a);
	resources_clear(&b);
	return same;
}

static int resolve_section(struct resolution *resolution, enum config_section section, const char *flag,
			   edit_function *edit, struct error *err)
{
	const struct agent_view *view = &resolution->agent->view;
	const char *before = flags_get(resolution->effective, flag);
	char *text;

	if (!resolution->sections[section].count)
		return 0;
	if (before && strncmp(before, "file://", 7) == 0)
		return error_set(
			err, ERROR_USAGE,
			"agent %s (%s) reads --%s from %s; a config can only edit a flag that holds its value itself",
			view->hostname, view->id, flag, before);
	text = xstrdup(before ? before : "");
	if (edit_text(resolution, section, edit, &text, err) < 0) {
		free(text);
		return -1;
	}
	if (!before || !(section == SECTION_RESOURCES ? same_resources : same_attributes)(resolution, before, text))
		add_edit(resolution, flag, *text ? text : NULL);
	free(text);
	return 0;
}

/* {"fault_domain":{"region":{"name":R},"zone":{"name":Z}}}; NULL members when text is no such thing. */
static void read_domain(const char *text, char **region, char **zone)
{
	json_t *root = text ? json_loads(text, 0, NULL) : NULL;
	const json_t *domain = json_object_get(root, "fault_domain");
	const char *r = json_string_value(json_object_get(json_object_get(domain, "region"), "name"));
	const char *z = json_string_value(json_object_get(json_object_get(domain, "zone"), "name"));

	*region = r ? xstrdup(r) : NULL;
	*zone = z ? xstrdup(z) : NULL;
	json_decref(root);
}

static char *domain_text(const char *region, const char *zone)
{
	json_t *root = json_pack("{s:{s:{s:s},s:{s:s}}}", "fault_domain", "region", "name", region, "zone", "name",
				 zone);
	char *dumped = json_dumps(root, JSON_COMPACT), *text = xstrdup(dumped);

	free(dumped);
	json_decref(root);
	return text;
}

/* What the rule says of one half of the domain replaces what the agent has. */
static int domain_half(const struct resolution *resolution, const char *wanted, char **have, struct error *err)
{
	const struct agent_view *view = &resolution->agent->view;
	struct buffer value = BUFFER_INIT(FLAG_MAX);

	if (!wanted)
		return 0;
	if (document_expand_text(wanted, resolution->agent, resolution->csv, &value, err) < 0) {
		buffer_clear(&value);
		return error_prefix(err, "%s", resolution->domain->where);
	}
	if (config_check_domain_name(buffer_text(&value), err) < 0) {
		buffer_clear(&value);
		return error_prefix(err, "%s: agent %s (%s)", resolution->domain->where, view->hostname, view->id);
	}
	free(*have);
	*have = buffer_take(&value);
	return 0;
}

static int edit_domain(struct resolution *resolution, char **region, char **zone, struct error *err)
{
	const struct config_domain *domain = resolution->domain;
	const struct agent_view *view = &resolution->agent->view;
	char *old_region = *region ? xstrdup(*region) : NULL, *old_zone = *zone ? xstrdup(*zone) : NULL;
	int result = 0;

	if (domain_half(resolution, domain->region, region, err) < 0 ||
	    domain_half(resolution, domain->zone, zone, err) < 0) {
		result = -1;
	} else if (!*region || !*zone) {
		result = error_set(err, ERROR_USAGE,
				   "%s: agent %s (%s) has no domain yet, so the config must give both region and zone",
				   domain->where, view->hostname, view->id);
	} else if (!old_region || !old_zone || strcmp(old_region, *region) != 0 || strcmp(old_zone, *zone) != 0) {
		char *text = domain_text(*region, *zone);

		add_edit(resolution, "domain", text);
		free(text);
	}
	free(old_region);
	free(old_zone);
	return result;
}

static int resolve_domain(struct resolution *resolution, struct error *err)
{
	char *region, *zone;
	int result;

	if (!resolution->domain)
		return 0;
	if (resolution->domain->removed) {
		add_edit(resolution, "domain", NULL);
		return 0;
	}
	read_domain(flags_get(resolution->effective, "domain"), &region, &zone);
	result = edit_domain(resolution, &region, &zone, err);
	free(region);
	free(zone);
	return result;
}

static int resolve_flags(struct resolution *resolution, struct error *err)
{
	const struct wanted *wanted = &resolution->sections[SECTION_FLAGS];

	for (size_t i = 0; i < wanted->count; i++) {
		char *value;

		if (value_for(resolution, SECTION_FLAGS, &wanted->items[i], &value, err) < 0)
			return -1;
		add_edit(resolution, wanted->items[i].name, value);
		free(value);
	}
	return 0;
}

int config_resolve(const struct config *config, struct store *store, const struct agent_record *agent,
		   const struct flags *effective, const struct mesos_version *version, struct config_edits *out,
		   struct error *err)
{
	struct resolution resolution = {.csv = config->csv, .agent = agent, .effective = effective, .version = version};
	int result = merge_rules(&resolution, config, store, err);

	if (result == 0)
		result = resolve_section(&resolution, SECTION_ATTRIBUTES, "attributes", attributes_edit, err);
	if (result == 0)
		result = resolve_section(&resolution, SECTION_RESOURCES, "resources", resources_edit, err);
	if (result == 0)
		result = resolve_domain(&resolution, err);
	if (result == 0)
		result = resolve_flags(&resolution, err);
	for (int section = 0; section < SECTION_COUNT; section++)
		free(resolution.sections[section].items);
	if (result < 0)
		config_edits_clear(&resolution.edits);
	else
		*out = resolution.edits;
	return result;
}
