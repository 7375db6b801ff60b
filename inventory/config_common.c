/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/config_common.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "inventory/config_internal.h"

static const char *flag_of(const struct config_subject *subject, const char *flag)
{
	return flags_get(&subject->flags, flag);
}

/* "${" means something in a config; here it is meant as it stands. */
static json_t *plain_text(const char *text)
{
	struct buffer out = BUFFER_INIT(4u << 20);
	json_t *value;

	for (const char *at = text; *at; at++) {
		if (at[0] == '$' && at[1] == '{')
			buffer_putc(&out, '$');
		buffer_putc(&out, *at);
	}
	value = json_string(buffer_text(&out));
	buffer_clear(&out);
	return value;
}

/* ---- "name:value;name:value" */

static char *trimmed(const char *text, size_t len)
{
	while (len > 0 && (*text == ' ' || *text == '\t')) {
		text++;
		len--;
	}
	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	return xstrndup(text, len);
}

/* By name; a name that is there more than once has the value null. Of an attribute's name spaces are part. */
static json_t *read_entries(enum config_section section, const char *text)
{
	json_t *entries = json_object();

	while (text && *text) {
		size_t len = strcspn(text, ";"), colon = strcspn(text, ":");

		if (colon < len) {
			char *name = section == SECTION_ATTRIBUTES ? xstrndup(text, colon) : trimmed(text, colon);
			char *value = trimmed(text + colon + 1, len - colon - 1);
			bool again = json_object_get(entries, name) != NULL;

			json_object_set_new(entries, name, again ? json_null() : json_string(value));
			free(name);
			free(value);
		}
		text += len + (text[len] == ';');
	}
	return entries;
}

static bool is_entries(const char *text)
{
	return !text || (strncmp(text, "file://", 7) != 0 && text[strspn(text, " \t")] != '[');
}

static bool may_be_said(enum config_section section, const char *name, const char *value,
			const struct mesos_version *version)
{
	struct error why = ERROR_INIT;

	return config_check_value(section, name, value, version, &why) == 0;
}

/* Keeps of common only what entries has too. */
static void intersect(json_t *common, const json_t *entries)
{
	const char *name;
	json_t *value;
	void *next;

	json_object_foreach_safe(common, next, name, value)
	{
		const json_t *other = json_object_get(entries, name);

		if (!json_is_string(value) || !other || !json_equal(value, other))
			json_object_del(common, name);
	}
}

static json_t *common_entries(enum config_section section, const char *flag, const struct config_subject *subjects,
			      size_t count)
{
	json_t *common = read_entries(section, flag_of(&subjects[0], flag)), *said = json_object(), *value;
	const char *name;

	for (size_t i = 0; i < count; i++) {
		json_t *entries = read_entries(section, flag_of(&subjects[i], flag));

		if (!is_entries(flag_of(&subjects[i], flag)))
			json_object_clear(entries);
		intersect(common, entries);
		json_decref(entries);
	}
	json_object_foreach(common, name, value)
	{
		if (may_be_said(section, name, json_string_value(value), &subjects[0].version))
			json_object_set_new(said, name, plain_text(json_string_value(value)));
	}
	json_decref(common);
	return said;
}

/* ---- domain and other flags */

static const char *domain_name(const json_t *domain, const char *half)
{
	const json_t *fault_domain = json_object_get(domain, "fault_domain");

	return json_string_value(json_object_get(json_object_get(fault_domain, half), "name"));
}

static void add_half(json_t *out, const char *half, const struct config_subject *subjects, size_t count)
{
	char *common = NULL;
	bool same = true;

	for (size_t i = 0; i < count && same; i++) {
		const char *text = flag_of(&subjects[i], "domain");
		json_t *domain = text ? json_loads(text, 0, NULL) : NULL;
		const char *name = domain_name(domain, half);

		same = name && (!common || strcmp(common, name) == 0);
		if (same && !common)
			common = xstrdup(name);
		json_decref(domain);
	}
	if (same && common)
		json_object_set_new(out, half, plain_text(common));
	free(common);
}

static json_t *common_domain(const struct config_subject *subjects, size_t count)
{
	json_t *domain = json_object();

	add_half(domain, "region", subjects, count);
	add_half(domain, "zone", subjects, count);
	return domain;
}

static bool all_have(const struct config_subject *subjects, size_t count, const struct flag *flag)
{
	for (size_t i = 0; i < count; i++) {
		const char *value = flag_of(&subjects[i], flag->name);

		if (!value || strcmp(value, flag->value) != 0)
			return false;
	}
	return true;
}

static json_t *common_flags(const struct config_subject *subjects, size_t count)
{
	const struct flags *first = &subjects[0].flags;
	json_t *flags = json_object();

	for (size_t i = 0; i < first->count; i++) {
		const struct flag *flag = &first->items[i];

		if (all_have(subjects, count, flag) &&
		    may_be_said(SECTION_FLAGS, flag->name, flag->value, &subjects[0].version))
			json_object_set_new(flags, flag->name, plain_text(flag->value));
	}
	return flags;
}

/* ---- the document */

/* Takes the section. */
static void add_section(json_t *rule, const char *name, json_t *section)
{
	if (json_object_size(section) > 0)
		json_object_set(rule, name, section);
	json_decref(section);
}

static json_t *make_rule(const char *match, const struct config_subject *subjects, size_t count)
{
	json_t *rule = json_object();

	add_section(rule, "attributes", common_entries(SECTION_ATTRIBUTES, "attributes", subjects, count));
	add_section(rule, "resources", common_entries(SECTION_RESOURCES, "resources", subjects, count));
	add_section(rule, "domain", common_domain(subjects, count));
	add_section(rule, "flags", common_flags(subjects, count));
	if (json_object_size(rule) > 0 && match)
		json_object_set_new(rule, "match", json_string(match));
	return rule;
}

static int check_subject(const struct config *config, struct store *store, const struct config_subject *subject,
			 struct error *err)
{
	struct config_edits edits = {.items = NULL};
	int result = config_resolve(config, store, subject->agent, &subject->flags, &subject->version, &edits, err);

	if (result == 0 && edits.count > 0)
		result = error_set(err, ERROR_BUG, "the common part would change --%s of agent %s (%s)",
				   edits.items[0].flag, subject->agent->view.hostname, subject->agent->view.id);
	config_edits_clear(&edits);
	return result;
}

/* It must be a config, and change nothing where it came from. */
static int check(const json_t *document, struct store *store, const struct config_subject *subjects, size_t count,
		 struct error *err)
{
	struct buffer text = BUFFER_INIT(CONFIG_MAX);
	struct config *config;
	int result = 0;

	json_write(document, false, &text);
	const struct config_source source = {.name = "import", .bytes = buffer_text(&text), .len = text.len};

	config = config_parse(&source, err);
	for (size_t i = 0; i < count && config && result == 0; i++)
		result = check_subject(config, store, &subjects[i], err);
	result = config ? result : -1;
	config_free(config);
	buffer_clear(&text);
	return result;
}

json_t *config_common(struct store *store, const char *name, const char *match, const struct config_subject *subjects,
		      size_t count, struct error *err)
{
	json_t *rule = count > 0 ? make_rule(match, subjects, count) : NULL, *document;

	if (!rule || json_object_size(rule) == 0) {
		json_decref(rule);
		error_set(err, ERROR_USAGE, "these %zu agents have nothing in common that a config could say", count);
		return NULL;
	}
	document = json_pack("{s:s,s:[o]}", "name", name, "rules", rule);
	if (check(document, store, subjects, count, err) == 0)
		return document;
	json_decref(document);
	return NULL;
}
