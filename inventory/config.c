/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a config document. */
#include "inventory/config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "inventory/config_internal.h"
#include "inventory/document.h"

static const char *const section_names[SECTION_COUNT] = {
	[SECTION_ATTRIBUTES] = "attributes",
	[SECTION_RESOURCES] = "resources",
	[SECTION_FLAGS] = "flags",
};

static void rule_clear(struct config_rule *rule)
{
	free(rule->where);
	selector_free(rule->match);
	for (int section = 0; section < SECTION_COUNT; section++) {
		struct config_settings *settings = &rule->sections[section];

		for (size_t i = 0; i < settings->count; i++) {
			free(settings->items[i].where);
			free(settings->items[i].name);
			free(settings->items[i].value);
		}
		free(settings->items);
	}
	free(rule->domain.where);
	free(rule->domain.region);
	free(rule->domain.zone);
}

void config_free(struct config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->count; i++)
		rule_clear(&config->rules[i]);
	free(config->rules);
	free(config->name);
	config_csv_free(config->csv);
	free(config);
}

const char *config_name(const struct config *config)
{
	return config->name;
}

size_t config_rule_count(const struct config *config)
{
	return config->count;
}

/* Text, numbers and booleans as they stand on an agent's command line. NULL: of another type. The caller's. */
static char *value_text(const json_t *value)
{
	char *dumped, *text;

	if (json_is_string(value))
		return xstrdup(json_string_value(value));
	if (!json_is_number(value) && !json_is_boolean(value))
		return NULL;
	/* 15 digits: 0.1 stays 0.1 */
	dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	text = xstrdup(dumped);
	free(dumped);
	return text;
}

/* A value with variables is checked as far as that goes now; the rest when an agent's values are put in. */
static int check_setting(const struct config_csv *csv, enum config_section section, const char *name, const char *value,
			 const struct json_place *place, struct error *err)
{
	struct error why = ERROR_INIT;
	const char *known = value;

	if (value && document_check_text(value, csv, place, err) < 0)
		return -1;
	if (value && document_is_variable(value))
		known = NULL;
	if (config_check_value(section, name, known, &mesos_version_newest, &why) < 0)
		return json_error(place, err, "%s", why.text);
	return 0;
}

static int read_setting(struct config_rule *rule, enum config_section section, const char *name, const json_t *value,
			const struct json_place *place, struct error *err)
{
	struct config_settings *settings = &rule->sections[section];
	struct config_setting *setting;
	char *text = NULL;

	if (!json_is_null(value)) {
		text = value_text(value);
		if (!text)
			return json_error(place, err, "must be a text, a number, true, false, or null to remove it");
	}
	if (check_setting(rule->csv, section, name, text, place, err) < 0) {
		free(text);
		return -1;
	}
	settings->items = xreallocarray(settings->items, settings->count + 1, sizeof(*settings->items));
	setting = &settings->items[settings->count++];
	*setting = (struct config_setting){.where = json_place_text(place), .name = xstrdup(name), .value = text};
	return 0;
}

static int read_section(struct config_rule *rule, enum config_section section, const json_t *object,
			const struct json_place *place, struct error *err)
{
	struct json_place here = {.parent = place, .key = section_names[section]};
	const json_t *members = NULL;
	const char *name;
	json_t *value;

	if (json_optional_object(object, section_names[section], &members, place, err) < 0)
		return -1;
	json_object_foreach((json_t *)(uintptr_t)members, name, value)
	{
		struct json_place item = {.parent = &here, .key = name};

		if (read_setting(rule, section, name, value, &item, err) < 0)
			return -1;
	}
	return 0;
}

static int read_domain_name(const struct config_rule *rule, const json_t *object, const char *key, char **out,
			    const struct json_place *place, struct error *err)
{
	struct json_place here = {.parent = place, .key = key};
	struct error why = ERROR_INIT;
	const char *text = NULL;

	if (json_optional_string(object, key, &text, place, err) < 0)
		return -1;
	if (!text)
		return 0;
	if (document_check_text(text, rule->csv, &here, err) < 0)
		return -1;
	if (config_check_domain_name(text, &why) < 0)
		return json_error(&here, err, "%s", why.text);
	*out = xstrdup(text);
	return 0;
}

static int read_domain(struct config_rule *rule, const json_t *object, const struct json_place *place,
		       struct error *err)
{
	static const char *const keys[] = {"region", "zone", NULL};
	struct json_place here = {.parent = place, .key = "domain"};
	const json_t *domain = json_object_get(object, "domain");

	if (!domain)
		return 0;
	rule->domain.where = json_place_text(&here);
	if (json_is_null(domain)) {
		rule->domain.removed = true;
		return 0;
	}
	if (!json_is_object(domain))
		return json_error(&here, err, "must be {\"region\": …, \"zone\": …}, or null to remove it");
	if (json_check_keys(domain, keys, &here, err) < 0 ||
	    read_domain_name(rule, domain, "region", &rule->domain.region, &here, err) < 0 ||
	    read_domain_name(rule, domain, "zone", &rule->domain.zone, &here, err) < 0)
		return -1;
	if (!rule->domain.region && !rule->domain.zone)
		return json_error(&here, err, "needs \"region\", \"zone\" or both (to remove the domain write null)");
	return 0;
}

static int read_match(struct config_rule *rule, const json_t *object, const struct json_place *place, struct error *err)
{
	struct json_place here = {.parent = place, .key = "match"};
	const char *match = NULL;
	char *source;

	if (json_optional_string(object, "match", &match, place, err) < 0)
		return -1;
	if (!match)
		return 0;
	source = json_place_text(&here);
	rule->match = selector_parse(source, match, err);
	free(source);
	return rule->match ? 0 : -1;
}

static int read_rule(struct config_rule *rule, const json_t *object, const struct json_place *place, struct error *err)
{
	static const char *const keys[] = {"match", "attributes", "resources", "domain", "flags", NULL};
	size_t said = 0;

	if (!json_is_object(object))
		return json_error(place, err, "must be an object with \"match\" and what is to be changed");
	rule->where = json_place_text(place);
	if (json_check_keys(object, keys, place, err) < 0 || read_match(rule, object, place, err) < 0 ||
	    read_domain(rule, object, place, err) < 0)
		return -1;
	for (int section = 0; section < SECTION_COUNT; section++) {
		if (read_section(rule, (enum config_section)section, object, place, err) < 0)
			return -1;
		said += rule->sections[section].count;
	}
	if (!said && !rule->domain.where)
		return json_error(place, err,
				  "changes nothing: it needs \"attributes\", \"resources\", \"domain\" or \"flags\"");
	return 0;
}

static int read_rules(struct config *config, const json_t *root, const struct json_place *top, struct error *err)
{
	struct json_place here = {.parent = top, .key = "rules"};
	const json_t *rules = NULL;

	if (json_optional_array(root, "rules", &rules, top, err) < 0)
		return -1;
	if (json_array_size(rules) == 0)
		return json_error(&here, err, "needs at least one rule");
	config->rules = xcalloc(json_array_size(rules), sizeof(*config->rules));
	for (size_t i = 0; i < json_array_size(rules); i++) {
		struct json_place item = {.parent = &here, .index = i};

		config->rules[config->count].csv = config->csv;
		if (read_rule(&config->rules[config->count++], json_array_get(rules, i), &item, err) < 0)
			return -1;
	}
	return 0;
}

static int read_config(struct config *config, const json_t *root, const char *source, struct error *err)
{
	static const char *const keys[] = {"name", "rules", NULL};
	struct json_place top = {.source = source}, name_place = {.parent = &top, .key = "name"};
	const char *name = NULL;

	if (!json_is_object(root))
		return json_error(&top, err, "must be an object with \"name\" and \"rules\"");
	if (json_check_keys(root, keys, &top, err) < 0 || json_required_string(root, "name", &name, &top, err) < 0)
		return -1;
	if (!*name || strlen(name) > 100 || name[0] == '-' ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != strlen(name))
		return json_error(&name_place, err, "must be 1 to 100 letters, digits and . _ - (the first one no -)");
	config->name = xstrdup(name);
	return read_rules(config, root, &top, err);
}

struct config *config_parse(const struct config_source *source, struct error *err)
{
	json_t *root = document_parse(source->name, source->bytes, source->len, err);
	struct config *config;
	int result = 0;

	if (!root)
		return NULL;
	config = xcalloc(1, sizeof(*config));
	if (source->csv) {
		config->csv = config_csv_parse(source->csv_name, source->csv, source->csv_len, err);
		result = config->csv ? 0 : -1;
	}
	if (result < 0 || read_config(config, root, source->name, err) < 0) {
		config_free(config);
		config = NULL;
	}
	json_decref(root);
	return config;
}

struct config *config_open(const struct config_version *version, struct error *err)
{
	char *name = xasprintf("%s@%" PRId64, version->name, version->version), *csv = xasprintf("%s (CSV)", name);
	struct config_source source = {
		.name = name,
		.bytes = version->document,
		.len = version->document_len,
		.csv_name = csv,
		.csv = version->csv,
		.csv_len = version->csv_len,
	};
	struct config *config = config_parse(&source, err);

	free(name);
	free(csv);
	return config;
}
