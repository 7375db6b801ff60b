/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/selector_field.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "inventory/selector.h"
#include "inventory/taken_back.h"

#define ATTRIBUTE_PREFIX "attribute."
#define RESOURCE_PREFIX  "resource."
#define FLAG_PREFIX      "flag."

/* The survey's index is named: SQLite would fetch the row, and the document beside it. */
#define SURVEY(expression) "(SELECT " expression " FROM surveys s INDEXED BY surveys_by_agent WHERE s.agent = a.row)"

static const char *const states[] = {"active", "inactive", "deactivated", NULL};
static const char *const surveys[] = {"ok", "failed", "never", NULL};

/* Missing texts are empty here: NULL would make both `zone = 'a'` and its negation false. Missing times are 0. */
static const struct field fields[] = {
	{.kind = FIELD_TEXT, .name = "id", .sql = "a.id"},
	{.kind = FIELD_TEXT, .name = "hostname", .sql = "a.hostname"},
	{.kind = FIELD_TEXT, .name = "ip", .sql = "a.ip"},
	{.kind = FIELD_NUMBER, .name = "port", .sql = "a.port"},
	{.kind = FIELD_TEXT,
	 .name = "state",
	 .values = states,
	 .sql = "CASE WHEN a.deactivated THEN 'deactivated' WHEN a.active THEN 'active' ELSE 'inactive' END"},
	{.kind = FIELD_VERSION, .name = "version", .sql = "a.version"},
	{.kind = FIELD_BOOL, .name = "active", .sql = "a.active"},
	{.kind = FIELD_BOOL, .name = "deactivated", .sql = "a.deactivated"},
	{.kind = FIELD_DOMAIN, .name = "region", .sql = "a.region"},
	{.kind = FIELD_DOMAIN, .name = "zone", .sql = "a.zone"},
	{.kind = FIELD_TEXT, .name = "domain", .sql = "ifnull(a.region || '/' || a.zone, '')"},
	{.kind = FIELD_NUMBER,
	 .name = "tasks",
	 .fleeting = true,
	 .sql = "(SELECT count(*) FROM tasks t WHERE t.cluster = a.cluster AND t.agent = a.id)"},
	{.kind = FIELD_NUMBER,
	 .name = "frameworks",
	 .fleeting = true,
	 .sql = "(SELECT count(*) FROM (SELECT 1 FROM tasks t WHERE t.cluster = a.cluster AND t.agent = a.id GROUP BY "
		"t.framework))"},
	{.kind = FIELD_AMONG,
	 .name = "framework",
	 .fleeting = true,
	 .sql = "SELECT x.cluster, x.agent FROM tasks x INDEXED BY tasks_by_agent WHERE x.cluster > 0 AND (x.cluster, "
		"x.framework) IN (SELECT f.cluster, f.id FROM frameworks f WHERE ",
	 .texts = {"f.name", "f.id"},
	 .shown =
		 "(SELECT group_concat(n, ',') FROM (SELECT DISTINCT ifnull(nullif(f.name, ''), t.framework) AS n FROM "
		 "tasks t LEFT JOIN frameworks f ON f.cluster = t.cluster AND f.id = t.framework WHERE t.cluster = "
		 "a.cluster AND t.agent = a.id ORDER BY n))"},
	{.kind = FIELD_AMONG,
	 .name = "task",
	 .fleeting = true,
	 .sql = "SELECT x.cluster, x.agent FROM tasks x WHERE x.id IS NOT NULL AND (",
	 .texts = {"x.id", "x.name"},
	 .shown = "(SELECT group_concat(n, ',') FROM (SELECT t.id AS n FROM tasks t WHERE t.cluster = a.cluster AND "
		  "t.agent = a.id ORDER BY n))"},
	{.kind = FIELD_CONFIG,
	 .name = "config",
	 .fleeting = true,
	 .shown = "(SELECT group_concat(n, ',') FROM (SELECT p.config || '@' || p.config_version AS n, "
		  "max(r.created_ms) FROM run_agents x JOIN runs r ON r.id = x.run JOIN plans p ON p.hash = r.plan "
		  "WHERE x.agent = a.id AND x.state = 'done' AND r.rolls_back IS NULL AND NOT " TAKEN_BACK
		  " GROUP BY p.config ORDER BY p.config))"},
	{.kind = FIELD_TEXT,
	 .name = "survey",
	 .fleeting = true,
	 .values = surveys,
	 .sql = "ifnull(" SURVEY("CASE WHEN s.failed_ms IS NULL THEN 'ok' ELSE 'failed' END") ", 'never')"},
	{.kind = FIELD_TEXT,
	 .name = "failure",
	 .fleeting = true,
	 .sql = "ifnull((SELECT s.failure FROM surveys s WHERE s.agent = a.row AND s.failed_ms IS NOT NULL), '')"},
	{.kind = FIELD_BOOL, .name = "drift", .fleeting = true, .sql = "ifnull(" SURVEY("s.drift") ", 0)"},
	{.kind = FIELD_TIME, .name = "surveyed", .fleeting = true, .sql = "ifnull(" SURVEY("s.time_ms") ", 0)"},
	{.kind = FIELD_TIME,
	 .name = "seen",
	 .fleeting = true,
	 .sql = "ifnull((SELECT c.synced_ms FROM clusters c WHERE c.id = a.cluster), 0)"},
	{.kind = FIELD_TIME, .name = "first_seen", .sql = "a.first_seen_ms"},
	{.kind = FIELD_TIME, .name = "changed", .sql = "a.changed_ms"},
	{.kind = FIELD_TIME, .name = "registered", .sql = "a.registered_ns / 1000000"},
	{.kind = FIELD_TIME, .name = "reregistered", .sql = "a.reregistered_ns / 1000000"},
};

/* Nothing used of nothing is 0 %. */
#define KEPT_SHARES(total)                                                                                             \
	{                                                                                                              \
		total, total "_used", "round(" total " - " total "_used, 3)",                                          \
			"round(CASE WHEN " total " > 0 THEN 100.0 * " total "_used / " total " ELSE 0 END, 3)"         \
	}

/* The resources whose sums stand in the agent's row; all other names are summed when asked for. */
static const struct {
	const char *name;
	bool in_mb;
	const char *sql[4]; /* by share */
} resources[] = {
	{"cpus", false, KEPT_SHARES("a.cpus")},
	{"mem", true, KEPT_SHARES("a.mem")},
	{"disk", true, KEPT_SHARES("a.disk")},
	{"gpus", false, KEPT_SHARES("a.gpus")},
};
#define KEPT_SUMS (sizeof(resources) / sizeof(resources[0]))

static const struct field shown_fields[] = {
	{.kind = FIELD_SHOWN, .name = "attributes", .shown = "agent_attributes(a.info)"},
};

/* A string right behind a word that ended in a dot: attribute.'any name at all'. Takes it in name's place. */
static int read_quoted(struct token_reader *reader, char **name)
{
	if (**name || reader->token.kind != TOKEN_STRING || reader->token.at != reader->last_end)
		return 0;
	free(*name);
	*name = xstrdup(reader->token.text);
	return token_next(reader);
}

/* What follows the prefix, and moves behind it. NULL with the error set. */
static char *read_prefixed(struct token_reader *reader, const char *prefix, const char *what)
{
	size_t at = reader->token.at;
	char *name = xstrdup(reader->token.text + strlen(prefix));

	if (token_next(reader) == 0 && read_quoted(reader, &name) == 0) {
		if (*name)
			return name;
		token_error(reader, at, "expected the %s's name after \"%s\"", what, prefix);
	}
	free(name);
	return NULL;
}

static int read_attribute(struct token_reader *reader, struct field *field)
{
	char *name = read_prefixed(reader, ATTRIBUTE_PREFIX, "attribute");

	if (!name)
		return -1;
	*field = (struct field){.kind = FIELD_ATTRIBUTE, .name = name, .owned = name};
	return 0;
}

static int read_flag(struct token_reader *reader, struct field *field)
{
	size_t at = reader->token.at;
	char *name = read_prefixed(reader, FLAG_PREFIX, "flag"), *whole;

	if (!name)
		return -1;
	if (name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] != '\0') {
		free(name);
		return token_error(reader, at, "expected a flag's name as on the agent's command line, without dashes");
	}
	whole = xasprintf(FLAG_PREFIX "%s", name);
	free(name);
	*field = (struct field){.kind = FIELD_FLAG, .name = whole, .owned = whole, .fleeting = true};
	return 0;
}

/* Cuts .total, .used, .free or .percent off. */
static enum field_share take_share(char *name)
{
	static const char *const shares[] = {".total", ".used", ".free", ".percent"};
	size_t len = strlen(name);

	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		size_t suffix = strlen(shares[i]);

		if (len > suffix && strcmp(name + len - suffix, shares[i]) == 0) {
			name[len - suffix] = '\0';
			return (enum field_share)i;
		}
	}
	return SHARE_TOTAL;
}

/* (ROLE) right behind the name. */
static int read_role(struct token_reader *reader, char **role)
{
	char *text;

	if (reader->token.kind != TOKEN_OPEN || reader->token.at != reader->last_end)
		return 0;
	if (token_next(reader) < 0)
		return -1;
	if (reader->token.kind != TOKEN_WORD && reader->token.kind != TOKEN_STRING)
		return token_expected(reader, "a role, or '*' for what is not reserved");
	text = xstrdup(reader->token.text);
	if (token_next(reader) < 0 ||
	    (reader->token.kind != TOKEN_CLOSE && token_expected(reader, "\")\" behind the role") < 0)) {
		free(text);
		return -1;
	}
	*role = text;
	return token_next(reader);
}

/* name: owned by the field on success. */
static int finish_resource(struct token_reader *reader, char *name, struct field *field)
{
	struct field found = {.kind = FIELD_RESOURCE, .name = name, .owned = name};

	found.share = take_share(name);
	found.fleeting = found.share != SHARE_TOTAL;
	if (read_role(reader, &found.role) < 0) {
		free(found.role);
		return -1;
	}
	for (size_t i = 0; i < KEPT_SUMS; i++)
		if (strcmp(name, resources[i].name) == 0) {
			found.in_mb = resources[i].in_mb && found.share != SHARE_PERCENT;
			found.sql = found.role ? NULL : resources[i].sql[found.share];
		}
	*field = found;
	return 0;
}

static int read_any_resource(struct token_reader *reader, struct field *field)
{
	char *name = read_prefixed(reader, RESOURCE_PREFIX, "resource");

	if (!name)
		return -1;
	if (finish_resource(reader, name, field) == 0)
		return 0;
	free(name);
	return -1;
}

/* cpus, mem.free, disk.used(web)… */
static bool is_resource(const char *word)
{
	char *name = xstrdup(word);
	bool found = false;

	take_share(name);
	for (size_t i = 0; i < KEPT_SUMS; i++)
		found = found || strcmp(name, resources[i].name) == 0;
	free(name);
	return found;
}

static int read_resource(struct token_reader *reader, struct field *field)
{
	char *name = xstrdup(reader->token.text);

	if (token_next(reader) == 0 && finish_resource(reader, name, field) == 0)
		return 0;
	free(name);
	return -1;
}

static int read_bare_attribute(struct token_reader *reader, struct field *field)
{
	char *name = xstrdup(reader->token.text);

	if (token_next(reader) < 0) {
		free(name);
		return -1;
	}
	*field = (struct field){.kind = FIELD_ATTRIBUTE, .name = name, .owned = name};
	return 0;
}

int field_read(struct token_reader *reader, struct field *field)
{
	const char *word = reader->token.text;

	if (strncmp(word, ATTRIBUTE_PREFIX, strlen(ATTRIBUTE_PREFIX)) == 0)
		return read_attribute(reader, field);
	if (strncmp(word, RESOURCE_PREFIX, strlen(RESOURCE_PREFIX)) == 0)
		return read_any_resource(reader, field);
	if (strncmp(word, FLAG_PREFIX, strlen(FLAG_PREFIX)) == 0)
		return read_flag(reader, field);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strcmp(word, fields[i].name) == 0) {
			*field = fields[i];
			return token_next(reader);
		}
	return is_resource(word) ? read_resource(reader, field) : read_bare_attribute(reader, field);
}

int field_read_column(struct token_reader *reader, struct field *field)
{
	for (size_t i = 0; i < sizeof(shown_fields) / sizeof(shown_fields[0]); i++)
		if (strcmp(reader->token.text, shown_fields[i].name) == 0) {
			*field = shown_fields[i];
			return token_next(reader);
		}
	return field_read(reader, field);
}

const char *selector_name(size_t index)
{
	static const char *const shares[] = {"cpus.used",    "cpus.free",   "cpus.percent", "mem.used",
					     "mem.free",     "mem.percent", "disk.used",    "disk.free",
					     "disk.percent", "gpus.used",   "gpus.free",    "gpus.percent"};
	size_t plain = sizeof(fields) / sizeof(fields[0]), shared = sizeof(shares) / sizeof(shares[0]);

	if (index < plain)
		return fields[index].name;
	if (index < plain + KEPT_SUMS)
		return resources[index - plain].name;
	return index < plain + KEPT_SUMS + shared ? shares[index - plain - KEPT_SUMS] : NULL;
}

void field_clear(struct field *field)
{
	free(field->owned);
	free(field->role);
	field->owned = field->role = NULL;
}

bool field_has_order(const struct field *field)
{
	return field->kind != FIELD_TEXT && field->kind != FIELD_FLAG && field->kind != FIELD_DOMAIN &&
	       field->kind != FIELD_BOOL && field->kind != FIELD_AMONG && field->kind != FIELD_CONFIG &&
	       field->kind != FIELD_CHANGE && field->kind != FIELD_SHOWN;
}

bool field_has_patterns(const struct field *field)
{
	return field->kind == FIELD_TEXT || field->kind == FIELD_FLAG || field->kind == FIELD_DOMAIN ||
	       field->kind == FIELD_VERSION || field->kind == FIELD_ATTRIBUTE || field->kind == FIELD_AMONG ||
	       field->kind == FIELD_CHANGE;
}

const char *field_operators(const struct field *field)
{
	if (field->kind == FIELD_TIME)
		return "<, <=, > or >=";
	if (field_has_order(field))
		return field_has_patterns(field) ? "=, !=, <, <=, >, >=, in, not in, like, not like, ~ or !~"
						 : "=, !=, <, <=, >, >=, in or not in";
	return field_has_patterns(field) ? "=, !=, in, not in, like, not like, ~ or !~" : "=, !=, in or not in";
}
