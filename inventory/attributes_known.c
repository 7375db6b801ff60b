/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/attributes_known.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/suggest.h"
#include "inventory/agents.h"

#define TEXT_MAX (1u << 20)

void attributes_missing_clear(struct attributes_missing *missing)
{
	for (size_t i = 0; i < missing->count; i++) {
		free(missing->items[i].name);
		free(missing->items[i].near);
	}
	free(missing->items);
	*missing = (struct attributes_missing){NULL, 0};
}

/* "attribute.'it''s' like '%'": has the agent any such attribute? */
static struct selector *has_attribute(const char *name, struct error *err)
{
	struct buffer text = BUFFER_INIT(TEXT_MAX);
	struct selector *selector;

	buffer_puts(&text, "attribute.'");
	for (const char *c = name; *c; c++) {
		if (*c == '\'')
			buffer_putc(&text, '\'');
		buffer_putc(&text, *c);
	}
	buffer_puts(&text, "' like '%'");
	selector = selector_parse("an attribute's name", buffer_text(&text), err);
	buffer_clear(&text);
	return selector;
}

/* 1: some listed agent has it; 0: none; -1. */
static int is_known(struct store *store, int64_t cluster, const char *name, struct error *err)
{
	struct selector *selector = has_attribute(name, err);
	size_t count = 0;
	int found = -1;

	if (!selector)
		return -1;
	const struct store_value *given = selector_values(selector, &count);
	struct store_value *values = xcalloc(count + 1, sizeof(*values));
	char *sql = xasprintf("SELECT 1 FROM agents a WHERE (%s) AND a.cluster = ?%zu AND a.gone_ms IS NULL LIMIT 1",
			      selector_sql(selector), count + 1);
	struct store_cursor rows;

	for (size_t i = 0; i < count; i++)
		values[i] = given[i];
	values[count] = (struct store_value){.type = STORE_INT, .integer = cluster};
	if (store_query_values(store, &rows, err, sql, values, count + 1) == 0) {
		found = store_next(&rows, err);
		store_done(&rows);
	}
	free(sql);
	free(values);
	selector_free(selector);
	return found;
}

/* Among what the agents have, and among the names that are no attributes. */
static int find_near(struct store *store, int64_t cluster, const char *name, char **near, struct error *err)
{
	struct suggestion suggestion = {.word = name};
	struct agent_list agents = {NULL, 0};
	const char *other;

	if (agents_load(store, cluster, NULL, &agents, err) < 0)
		return -1;
	for (size_t i = 0; i < agents.count; i++) {
		const Mesos__SlaveInfo *info = agents.items[i].view.info;

		for (size_t j = 0; info && j < info->n_attributes; j++)
			suggestion_offer(&suggestion, info->attributes[j]->name);
	}
	for (size_t i = 0; (other = selector_name(i)); i++)
		suggestion_offer(&suggestion, other);
	*near = suggestion.closest ? xstrdup(suggestion.closest) : NULL;
	agent_list_clear(&agents);
	return 0;
}

static bool is_listed(const struct attributes_missing *missing, const char *name)
{
	for (size_t i = 0; i < missing->count; i++)
		if (strcmp(missing->items[i].name, name) == 0)
			return true;
	return false;
}

int attributes_find_missing(struct store *store, int64_t cluster, const struct selector *selector,
			    struct attributes_missing *out, struct error *err)
{
	const char *name;

	for (size_t i = 0; selector && (name = selector_attribute(selector, i)); i++) {
		int known = is_listed(out, name) ? 1 : is_known(store, cluster, name, err);
		char *near = NULL;

		if (known < 0 || (known == 0 && find_near(store, cluster, name, &near, err) < 0))
			return -1;
		if (known)
			continue;
		out->items = xreallocarray(out->items, out->count + 1, sizeof(*out->items));
		out->items[out->count++] = (struct attribute_missing){xstrdup(name), near};
	}
	return 0;
}

int attributes_find_missing_columns(struct store *store, int64_t cluster, char *const names[], size_t count,
				    struct attributes_missing *out, struct error *err)
{
	int result = 0;

	for (size_t i = 0; i < count && result == 0; i++) {
		if (strcmp(names[i], "attributes") == 0) /* all of them: a column, and no name of a selector */
			continue;
		char *text = xasprintf("%s = ''", names[i]);
		struct selector *selector = selector_parse("a column", text,
							   NULL); /* NULL: it takes no text, so is none */

		result = attributes_find_missing(store, cluster, selector, out, err);
		selector_free(selector);
		free(text);
	}
	return result;
}
