/* SPDX-License-Identifier: Apache-2.0 */
#include "mesos/attributes.h"

#include <string.h>

#include "base/alloc.h"
#include "mesos/pb.h"
#include "mesos/value.h"

/* Both end an entry of the flag. */
#define SEPARATORS ";\n"

void attributes_clear(struct attributes *attributes)
{
	for (size_t i = 0; i < attributes->count; i++)
		pb_free(attributes->items[i]);
	free(attributes->items);
	attributes->items = NULL;
	attributes->count = 0;
}

/* Takes the parsed value's insides. */
static void set_value(Mesos__Attribute *attribute, struct value *value)
{
	attribute->type = value->type;
	switch (value->type) {
	case MESOS__VALUE__TYPE__SCALAR:
		attribute->scalar = pb_new(&mesos__value__scalar__descriptor);
		attribute->scalar->value = value->scalar;
		break;
	case MESOS__VALUE__TYPE__RANGES:
		attribute->ranges = value->ranges;
		value->ranges = NULL;
		break;
	default:
		attribute->text = pb_new(&mesos__value__text__descriptor);
		attribute->text->value = value->text;
		value->text = NULL;
		break;
	}
}

static Mesos__Attribute *parse_value(const char *name, const char *text, const struct mesos_version *version,
				     struct error *err)
{
	struct error cause = ERROR_INIT;
	struct value value = {.type = MESOS__VALUE__TYPE__TEXT};
	Mesos__Attribute *attribute = NULL;

	if (value_parse(text, version, &value, &cause) != 0) {
		error_set(err, ERROR_USAGE, "Failed to parse attribute %s text %s error %s", name, text, cause.text);
	} else if (value.type == MESOS__VALUE__TYPE__SET) {
		error_set(err, ERROR_USAGE, "Bad type for attribute %s text %s type %d", name, text, (int)value.type);
	} else {
		attribute = pb_new(&mesos__attribute__descriptor);
		attribute->name = xstrdup(name);
		set_value(attribute, &value);
	}
	value_clear(&value);
	return attribute;
}

static Mesos__Attribute *parse_entry(char *entry, const struct mesos_version *version, struct error *err)
{
	char *colon = strchr(entry, ':');

	if (colon == NULL || colon == entry || colon[1] == '\0') {
		error_set(err, ERROR_USAGE, "Invalid attribute key:value pair '%s'", entry);
		return NULL;
	}
	*colon = '\0';
	return parse_value(entry, colon + 1, version, err);
}

int attributes_parse(const char *text, const struct mesos_version *version, struct attributes *out, struct error *err)
{
	struct attributes parsed = {NULL, 0};

	for (text += strspn(text, SEPARATORS); *text != '\0'; text += strspn(text, SEPARATORS)) {
		size_t len = strcspn(text, SEPARATORS);
		char *entry = xstrndup(text, len);
		Mesos__Attribute *attribute = parse_entry(entry, version, err);

		free(entry);
		if (attribute == NULL) {
			attributes_clear(&parsed);
			return -1;
		}
		PB_APPEND(parsed.items, parsed.count, attribute);
		text += len;
	}
	*out = parsed;
	return 0;
}

void attribute_value_text(const Mesos__Attribute *attribute, struct buffer *out)
{
	if (attribute->type == MESOS__VALUE__TYPE__SCALAR && attribute->scalar != NULL)
		scalar_print(attribute->scalar->value, out);
	else if (attribute->type == MESOS__VALUE__TYPE__RANGES && attribute->ranges != NULL)
		ranges_print(attribute->ranges, out);
	else if (attribute->type == MESOS__VALUE__TYPE__SET && attribute->set != NULL)
		set_print(attribute->set, out);
	else if (attribute->text != NULL)
		buffer_puts(out, attribute->text->value);
}

static bool value_equal(const Mesos__Attribute *a, const Mesos__Attribute *b)
{
	switch (a->type) {
	case MESOS__VALUE__TYPE__SCALAR:
		return a->scalar != NULL && b->scalar != NULL &&
		       scalar_fixed(a->scalar->value) == scalar_fixed(b->scalar->value);
	case MESOS__VALUE__TYPE__RANGES:
		return a->ranges != NULL && b->ranges != NULL && ranges_equal(a->ranges, b->ranges);
	case MESOS__VALUE__TYPE__SET:
		return a->set != NULL && b->set != NULL && set_equal(a->set, b->set);
	default:
		return a->text != NULL && b->text != NULL && strcmp(a->text->value, b->text->value) == 0;
	}
}

bool attribute_equal(const Mesos__Attribute *a, const Mesos__Attribute *b)
{
	return strcmp(a->name, b->name) == 0 && a->type == b->type && value_equal(a, b);
}

static bool all_found(Mesos__Attribute *const *wanted, size_t wanted_count, Mesos__Attribute *const *among,
		      size_t among_count)
{
	for (size_t i = 0; i < wanted_count; i++) {
		size_t j = 0;

		while (j < among_count && !attribute_equal(wanted[i], among[j]))
			j++;
		if (j == among_count)
			return false;
	}
	return true;
}

/* Before 1.5 every attribute was compared with the first of its name and type on the other side. */
static bool equal_by_first(Mesos__Attribute *const *a, Mesos__Attribute *const *b, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t j = 0;

		while (j < count && (strcmp(a[i]->name, b[j]->name) != 0 || a[i]->type != b[j]->type))
			j++;
		if (j == count || !value_equal(a[i], b[j]))
			return false;
	}
	return true;
}

bool attributes_equal(const struct attributes *a, const struct attributes *b, const struct mesos_version *version)
{
	if (a->count != b->count)
		return false;
	if (!mesos_version_at_least(version, 1, 5))
		return equal_by_first(a->items, b->items, a->count);
	return all_found(a->items, a->count, b->items, b->count) && all_found(b->items, b->count, a->items, a->count);
}

/* ---- editing the text of a flag */

static int check_edit(const char *name, const char *value, struct error *err)
{
	if (*name == '\0' || strpbrk(name, ":" SEPARATORS) != NULL)
		return error_set(err, ERROR_USAGE,
				 "'%s' cannot be the name of an attribute: it is empty or has a ':', ';' or newline",
				 name);
	if (value != NULL && strpbrk(value, SEPARATORS) != NULL)
		return error_set(err, ERROR_USAGE,
				 "Attribute '%s' cannot have the value '%s': a ';' or newline would end it", name,
				 value);
	return 0;
}

static bool entry_has_name(const char *entry, size_t len, const char *name)
{
	size_t name_len = strlen(name);

	return len > name_len && entry[name_len] == ':' && strncmp(entry, name, name_len) == 0;
}

/* Copies the entries of text, each with the separators before it; what is dropped takes its own with it. */
static void copy_entries(const char *text, const char *name, const char *value, struct buffer *out)
{
	bool placed = value == NULL;

	for (;;) {
		size_t gap = strspn(text, SEPARATORS);
		size_t len = strcspn(text + gap, SEPARATORS);
		bool ours = entry_has_name(text + gap, len, name);

		if (len == 0) {
			buffer_append(out, text, gap);
			break;
		}
		if (!ours || !placed)
			buffer_append(out, text, gap);
		if (!ours)
			buffer_append(out, text + gap, len);
		else if (!placed)
			buffer_printf(out, "%s:%s", name, value);
		placed = placed || ours;
		text += gap + len;
	}
	if (!placed) {
		bool open = out->len > 0 && strchr(SEPARATORS, out->data[out->len - 1]) == NULL;

		buffer_printf(out, "%s%s:%s", open ? ";" : "", name, value);
	}
}

int attributes_edit(const char *text, const char *name, const char *value, const struct mesos_version *version,
		    struct buffer *out, struct error *err)
{
	struct attributes parsed = {NULL, 0};
	struct buffer edited = BUFFER_INIT(out->max);
	const char *result;
	int rc;

	if (check_edit(name, value, err) != 0)
		return -1;
	copy_entries(text, name, value, &edited);
	result = buffer_text(&edited);
	/* What was first is gone: the next entry needs no separator of its own. */
	if (*text != '\0' && strchr(SEPARATORS, *text) == NULL)
		result += strspn(result, SEPARATORS);
	rc = edited.overflow ? 0 : attributes_parse(result, version, &parsed, err);
	if (rc == 0 && (edited.overflow || buffer_puts(out, result) != 0))
		rc = error_set(err, ERROR_USAGE, "The attributes are longer than %zu bytes", out->max);
	attributes_clear(&parsed);
	buffer_clear(&edited);
	return rc;
}
