/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/config_effect.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "inventory/document.h"
#include "inventory/drift.h"
#include "mesos/slaveinfo.h"

/* ---- an agent, and a config on top of it */

int config_subject_load(struct store *store, const struct agent_record *agent, struct config_subject *out,
			struct error *err)
{
	struct config_subject subject = {.agent = agent, .version = mesos_version_newest};
	struct survey_record row = {.time_ms = 0};
	int found = survey_load(store, agent->row, &row, err);

	if (found > 0 && !row.document)
		found = 0;
	if (found > 0 && survey_parse(agent->view.hostname, row.document, row.document_len, &subject.survey, err) < 0)
		found = -1;
	const struct drift_input input = {.agent = agent, .row = &row, .survey = &subject.survey};

	subject.surveyed_ms = row.time_ms;
	subject.outdated = found > 0 && drift_survey_is_outdated(&input);
	survey_record_clear(&row);
	if (found <= 0)
		return found;
	flags_copy(&subject.flags, &subject.survey.flags);
	if (subject.survey.version)
		mesos_version_parse(subject.survey.version, &subject.version, NULL);
	*out = subject;
	return 1;
}

void config_subject_clear(struct config_subject *subject)
{
	flags_clear(&subject->flags);
	survey_clear(&subject->survey);
	subject->agent = NULL;
}

int config_subject_apply(const struct config_subject *subject, const struct config *config, struct store *store,
			 struct flags *flags, struct error *err)
{
	struct config_edits edits = {.items = NULL};

	if (config_resolve(config, store, subject->agent, flags, &subject->version, &edits, err) < 0)
		return -1;
	for (size_t i = 0; i < edits.count; i++) {
		if (edits.items[i].after)
			flags_set(flags, edits.items[i].flag, edits.items[i].after);
		else
			flags_remove(flags, edits.items[i].flag);
	}
	config_edits_clear(&edits);
	return 0;
}

/* ---- differences */

void config_effects_clear(struct config_effects *effects)
{
	for (size_t i = 0; i < effects->count; i++) {
		free(effects->items[i].what);
		free(effects->items[i].before);
		free(effects->items[i].after);
	}
	free(effects->items);
	*effects = (struct config_effects){NULL, 0};
}

/* Takes what. */
static void add(struct config_effects *out, char *what, const char *before, const char *after)
{
	out->items = xreallocarray(out->items, out->count + 1, sizeof(*out->items));
	out->items[out->count++] = (struct config_effect){
		.what = what,
		.before = before ? xstrdup(before) : NULL,
		.after = after ? xstrdup(after) : NULL,
	};
}

static bool is_part(const char *flag)
{
	return strcmp(flag, "attributes") == 0 || strcmp(flag, "resources") == 0 || strcmp(flag, "domain") == 0;
}

/* true: the three flags that make up a SlaveInfo have been compared as one. */
static bool compare_slaveinfo(const struct config_subject *subject, const struct flags *before,
			      const struct flags *after, struct config_effects *out)
{
	const struct detected *detected = &subject->survey.detected;
	Mesos__SlaveInfo *old = slaveinfo_from_flags(before, detected, &subject->version, NULL);
	Mesos__SlaveInfo *new = slaveinfo_from_flags(after, detected, &subject->version, NULL);
	struct slaveinfo_changes changes = {NULL, 0};
	bool both = old && new;

	if (both)
		slaveinfo_changes(old, new, &changes);
	for (size_t i = 0; i < changes.count; i++)
		add(out, xasprintf("%s.%s", slaveinfo_part_name(changes.items[i].part), changes.items[i].what),
		    changes.items[i].before, changes.items[i].after);
	slaveinfo_changes_clear(&changes);
	slaveinfo_free(old);
	slaveinfo_free(new);
	return both;
}

void config_effects_between(const struct config_subject *subject, const struct flags *before, const struct flags *after,
			    struct config_effects *out)
{
	*out = (struct config_effects){NULL, 0};
	bool parts = compare_slaveinfo(subject, before, after, out);

	for (size_t i = 0; i < before->count; i++) {
		const struct flag *flag = &before->items[i];
		const char *now = flags_get(after, flag->name);

		if (!(parts && is_part(flag->name)) && (!now || strcmp(now, flag->value) != 0))
			add(out, xasprintf("flags.%s", flag->name), flag->value, now);
	}
	for (size_t i = 0; i < after->count; i++) {
		const struct flag *flag = &after->items[i];

		if (!(parts && is_part(flag->name)) && !flags_get(before, flag->name))
			add(out, xasprintf("flags.%s", flag->name), NULL, flag->value);
	}
}

/* ---- documents */

static char *dump(const json_t *value)
{
	char *text, *copy;

	if (!value)
		return NULL;
	if (json_is_string(value))
		return xstrdup(json_string_value(value));
	text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
	copy = xstrdup(text);
	free(text);
	return copy;
}

static void compare(const char *path, const json_t *before, const json_t *after, struct config_effects *out);

static void compare_member(const char *path, const char *key, const json_t *before, const json_t *after,
			   struct config_effects *out)
{
	char *here = xasprintf("%s%s%s", path, *path ? "." : "", key);

	compare(here, before, after, out);
	free(here);
}

static void compare_objects(const char *path, const json_t *before, const json_t *after, struct config_effects *out)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)before, key, value)
		compare_member(path, key, value, json_object_get(after, key), out);
	json_object_foreach((json_t *)(uintptr_t)after, key, value)
	{
		if (!json_object_get(before, key))
			compare_member(path, key, NULL, value, out);
	}
}

static void compare_arrays(const char *path, const json_t *before, const json_t *after, struct config_effects *out)
{
	size_t most = json_array_size(before);

	if (json_array_size(after) > most)
		most = json_array_size(after);
	for (size_t i = 0; i < most; i++) {
		char *here = xasprintf("%s[%zu]", path, i);

		compare(here, json_array_get(before, i), json_array_get(after, i), out);
		free(here);
	}
}

static void compare(const char *path, const json_t *before, const json_t *after, struct config_effects *out)
{
	if (before && after && json_equal(before, after))
		return;
	if (json_is_object(before) && json_is_object(after)) {
		compare_objects(path, before, after, out);
	} else if (json_is_array(before) && json_is_array(after)) {
		compare_arrays(path, before, after, out);
	} else {
		char *old = dump(before), *new = dump(after);

		add(out, xstrdup(path), old, new);
		free(old);
		free(new);
	}
}

int config_documents_between(const struct config_version *before, const struct config_version *after,
			     struct config_effects *out, struct error *err)
{
	json_t *old = document_parse(before->name, before->document, before->document_len, err), *new;

	if (!old)
		return -1;
	new = document_parse(after->name, after->document, after->document_len, err);
	if (!new) {
		json_decref(old);
		return -1;
	}
	*out = (struct config_effects){NULL, 0};
	compare("", old, new, out);
	if (strcmp(before->csv_sha256, after->csv_sha256) != 0)
		add(out, xstrdup("(CSV)"), *before->csv_sha256 ? before->csv_sha256 : NULL,
		    *after->csv_sha256 ? after->csv_sha256 : NULL);
	json_decref(old);
	json_decref(new);
	return 0;
}
