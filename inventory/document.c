/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/document.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "mesos/attributes.h"

#define COMMENT_PREFIX   "_comment"
#define ATTRIBUTE_PREFIX "attribute."
#define CSV_PREFIX       "csv."

/* No flag value or path is longer; stops a text that grows by expansion. */
#define EXPANDED_MAX (1u << 20)

static void strip_comments(json_t *value)
{
	const char *key;
	json_t *member;
	void *next;
	size_t i;

	json_object_foreach_safe(value, next, key, member)
	{
		if (strncmp(key, COMMENT_PREFIX, strlen(COMMENT_PREFIX)) == 0)
			json_object_del(value, key);
		else
			strip_comments(member);
	}
	json_array_foreach(value, i, member) strip_comments(member);
}

json_t *document_parse(const char *source, const void *bytes, size_t len, struct error *err)
{
	json_t *value = json_parse(source, bytes, len, err);

	if (!value)
		return NULL;
	strip_comments(value);
	return value;
}

/* One piece of a text: a run of plain bytes, or a variable's name. */
struct piece {
	const char *start;
	size_t len;
	bool variable;
};

/* Takes the next piece off *text; false at its end. A "${" without "}" is a variable that reaches to the end. */
static bool next_piece(const char **text, struct piece *piece)
{
	const char *at = *text, *end;

	if (*at == '\0')
		return false;
	if (strncmp(at, "$${", 3) == 0) {
		*piece = (struct piece){.start = at + 1, .len = 2, .variable = false};
		*text = at + 3;
		return true;
	}
	if (strncmp(at, "${", 2) == 0) {
		size_t len = strcspn(at + 2, "}");

		*piece = (struct piece){.start = at + 2, .len = len, .variable = true};
		*text = at + 2 + len + (at[2 + len] == '}');
		return true;
	}
	end = at + 1;
	while (*end && strncmp(end, "${", 2) != 0 && strncmp(end, "$${", 3) != 0)
		end++;
	*piece = (struct piece){.start = at, .len = (size_t)(end - at), .variable = false};
	*text = end;
	return true;
}

static bool piece_is(const struct piece *piece, const char *name)
{
	return piece->len == strlen(name) && memcmp(piece->start, name, piece->len) == 0;
}

static bool piece_begins(const struct piece *piece, const char *prefix)
{
	size_t len = strlen(prefix);

	return piece->len > len && memcmp(piece->start, prefix, len) == 0;
}

static bool piece_is_known(const struct piece *piece)
{
	return piece_is(piece, "hostname") || piece_is(piece, "ip") || piece_is(piece, "id") ||
	       piece_is(piece, "region") || piece_is(piece, "zone") || piece_begins(piece, ATTRIBUTE_PREFIX);
}

static int check_column(const struct piece *piece, const struct config_csv *csv, const struct json_place *place,
			struct error *err)
{
	const char *column = piece->start + strlen(CSV_PREFIX);
	int len = (int)(piece->len - strlen(CSV_PREFIX));

	if (!csv)
		return json_error(place, err, "\"${csv.%.*s}\" needs a CSV: give one with `config add FILE --csv FILE`",
				  len, column);
	if (!config_csv_has_column(csv, column, (size_t)len))
		return json_error(place, err, "\"${csv.%.*s}\": the CSV has no column of that name", len, column);
	return 0;
}

int document_check_text(const char *text, const struct config_csv *csv, const struct json_place *place,
			struct error *err)
{
	struct piece piece;

	while (next_piece(&text, &piece)) {
		if (!piece.variable)
			continue;
		if (piece.start[piece.len] != '}')
			return json_error(place, err,
					  "\"${%s\" has no closing \"}\" (for a plain \"${\" write \"$${\")",
					  piece.start);
		if (piece_begins(&piece, CSV_PREFIX)) {
			if (check_column(&piece, csv, place, err) < 0)
				return -1;
			continue;
		}
		if (!piece_is_known(&piece))
			return json_error(
				place, err,
				"\"${%.*s}\" is not known; there are ${hostname}, ${ip}, ${id}, ${region}, ${zone}, "
				"${attribute.NAME} and, in configs, ${csv.COLUMN}",
				(int)piece.len, piece.start);
	}
	return 0;
}

bool document_is_variable(const char *text)
{
	struct piece piece;

	while (next_piece(&text, &piece))
		if (piece.variable)
			return true;
	return false;
}

/* Of several attributes with one name none is meant more than the others. */
static int put_attribute(const struct piece *piece, const struct agent_record *agent, struct buffer *out,
			 struct error *err)
{
	const char *name = piece->start + strlen(ATTRIBUTE_PREFIX);
	size_t len = piece->len - strlen(ATTRIBUTE_PREFIX), found = 0;
	const Mesos__SlaveInfo *info = agent->view.info;

	for (size_t i = 0; i < info->n_attributes; i++) {
		const char *have = info->attributes[i]->name;

		if (strlen(have) != len || memcmp(have, name, len) != 0)
			continue;
		if (found++ > 0)
			return error_set(err, ERROR_USAGE,
					 "agent %s (%s) has several attributes \"%s\": ${%.*s} is not clear",
					 agent->view.hostname, agent->view.id, have, (int)piece->len, piece->start);
		attribute_value_text(info->attributes[i], out);
	}
	if (!found)
		return error_set(err, ERROR_USAGE, "agent %s (%s) has no attribute \"%.*s\", which ${%.*s} needs",
				 agent->view.hostname, agent->view.id, (int)len, name, (int)piece->len, piece->start);
	return 0;
}

static int put_cell(const struct piece *piece, const struct agent_record *agent, const struct config_csv *csv,
		    struct buffer *out, struct error *err)
{
	const char *column = piece->start + strlen(CSV_PREFIX);
	size_t len = piece->len - strlen(CSV_PREFIX);
	const char *value = csv ? config_csv_value(csv, column, len, agent) : NULL;

	if (!value)
		return error_set(err, ERROR_USAGE,
				 "the CSV has nothing for agent %s (%s) in column %.*s, which ${%.*s} needs",
				 agent->view.hostname, agent->view.id, (int)len, column, (int)piece->len, piece->start);
	return buffer_puts(out, value);
}

static const char *record_value(const struct piece *piece, const struct agent_record *agent)
{
	if (piece_is(piece, "hostname"))
		return agent->view.hostname;
	if (piece_is(piece, "ip"))
		return agent->view.ip;
	if (piece_is(piece, "id"))
		return agent->view.id;
	return piece_is(piece, "region") ? agent->region : agent->zone;
}

/* An empty name, or one that leads out of its folder, would make another host's path of a path. */
static bool is_name(const char *value)
{
	return *value && !strchr(value, '/') && strcmp(value, ".") != 0 && strcmp(value, "..") != 0;
}

static int put_variable(const struct piece *piece, const struct agent_record *agent, const struct config_csv *csv,
			struct buffer *out, struct error *err)
{
	const char *value;

	if (!agent)
		return buffer_append(out, piece->start, piece->len);
	if (piece_begins(piece, ATTRIBUTE_PREFIX))
		return put_attribute(piece, agent, out, err);
	if (piece_begins(piece, CSV_PREFIX))
		return put_cell(piece, agent, csv, out, err);
	value = record_value(piece, agent);
	if (!value)
		return error_set(err, ERROR_USAGE, "agent %s (%s) has no domain, which ${%.*s} needs",
				 agent->view.hostname, agent->view.id, (int)piece->len, piece->start);
	if (!piece_is(piece, "region") && !piece_is(piece, "zone") && !is_name(value))
		return error_set(err, ERROR_USAGE,
				 "${%.*s} of agent %s (%s) is \"%s\", which is no name: what is made of it would be "
				 "somewhere else",
				 (int)piece->len, piece->start, agent->view.hostname, agent->view.id, value);
	return buffer_puts(out, value);
}

int document_expand_text(const char *text, const struct agent_record *agent, const struct config_csv *csv,
			 struct buffer *out, struct error *err)
{
	struct piece piece;

	while (next_piece(&text, &piece)) {
		if (!piece.variable)
			buffer_append(out, piece.start, piece.len);
		else if (put_variable(&piece, agent, csv, out, err) < 0)
			return out->overflow ? error_set(err, ERROR_USAGE, "the expanded text is too long") : -1;
	}
	return out->overflow ? error_set(err, ERROR_USAGE, "the expanded text is too long") : 0;
}

static json_t *expand_string(const char *text, const struct agent_record *agent, const struct json_place *place,
			     struct error *err)
{
	struct buffer out = BUFFER_INIT(EXPANDED_MAX);
	struct error why = ERROR_INIT;
	json_t *result = NULL;

	if (document_check_text(text, NULL, place, err) < 0)
		return NULL;
	if (document_expand_text(text, agent, NULL, &out, &why) == 0) {
		result = json_string(buffer_text(&out));
		if (!result)
			json_error(place, err, "the text is no UTF-8 with its variables put in");
	} else {
		json_error(place, err, "%s", why.text);
	}
	buffer_clear(&out);
	return result;
}

static json_t *expand_object(const json_t *value, const struct agent_record *agent, const struct json_place *place,
			     struct error *err)
{
	json_t *copy = json_object(), *member;
	const char *key;

	json_object_foreach((json_t *)(uintptr_t)value, key, member)
	{
		struct json_place here = {.parent = place, .key = key};
		json_t *expanded = document_expand(member, agent, &here, err);

		if (!expanded) {
			json_decref(copy);
			return NULL;
		}
		json_object_set_new(copy, key, expanded);
	}
	return copy;
}

static json_t *expand_array(const json_t *value, const struct agent_record *agent, const struct json_place *place,
			    struct error *err)
{
	json_t *copy = json_array();

	for (size_t i = 0; i < json_array_size(value); i++) {
		struct json_place here = {.parent = place, .index = i};
		json_t *expanded = document_expand(json_array_get(value, i), agent, &here, err);

		if (!expanded) {
			json_decref(copy);
			return NULL;
		}
		json_array_append_new(copy, expanded);
	}
	return copy;
}

json_t *document_expand(const json_t *value, const struct agent_record *agent, const struct json_place *place,
			struct error *err)
{
	if (json_is_string(value))
		return expand_string(json_string_value(value), agent, place, err);
	if (json_is_object(value))
		return expand_object(value, agent, place, err);
	if (json_is_array(value))
		return expand_array(value, agent, place, err);
	return json_deep_copy(value);
}
