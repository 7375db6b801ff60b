/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/selector_event.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* An event that somebody damaged has no members; it is found by its columns all the same. */
#define BODY         "CASE WHEN json_valid(CAST(e.body AS TEXT)) THEN CAST(e.body AS TEXT) ELSE '{}' END"
#define MEMBER(path) "json_extract(" BODY ", '$." path "')"
/* A body's own, or by the plan of its run. */
#define OF_PLAN(column, own)                                                                                           \
	"ifnull((SELECT p." column " FROM runs r JOIN plans p ON p.hash = r.\"plan\" WHERE r.id = e.run), ifnull(" own \
	", ''))"

static const struct field fields[] = {
	{.kind = FIELD_TIME, .name = "time", .sql = "e.time_ms"},
	{.kind = FIELD_NUMBER, .name = "seq", .sql = "e.seq"},
	{.kind = FIELD_TEXT, .name = "actor", .sql = "e.actor"},
	{.kind = FIELD_TEXT, .name = "run", .sql = "ifnull(e.run, '')"},
	{.kind = FIELD_TEXT, .name = "agent", .sql = "ifnull(e.agent, '')"},
	{.kind = FIELD_TEXT, .name = "kind", .sql = "e.kind"},
	{.kind = FIELD_TEXT,
	 .name = "hostname",
	 .sql = "ifnull((SELECT a.hostname FROM agents a WHERE a.cluster IN (SELECT c.id FROM clusters c) AND a.id = "
		"e.agent LIMIT 1), '')"},
	{.kind = FIELD_TEXT, .name = "event", .sql = "ifnull(" MEMBER("event") ", '')"},
	{.kind = FIELD_TEXT, .name = "from", .sql = "ifnull(" MEMBER("from") ", '')"},
	{.kind = FIELD_TEXT, .name = "to", .sql = "ifnull(" MEMBER("to") ", '')"},
	{.kind = FIELD_TEXT,
	 .name = "config",
	 .sql = OF_PLAN("config",
			"CASE e.kind WHEN 'config.added' THEN " MEMBER("name") " ELSE " MEMBER("config") " END")},
	{.kind = FIELD_NUMBER, .name = "config_version", .sql = OF_PLAN("config_version", MEMBER("version"))},
	{.kind = FIELD_TEXT, .name = "plan", .is_hash = true, .sql = OF_PLAN("hash", MEMBER("plan"))},
	{.kind = FIELD_NUMBER,
	 .name = "killed",
	 .sql = "ifnull(json_array_length(" BODY ", '$.proof.tasks.killed'), 0)"},
	{.kind = FIELD_BOOL,
	 .name = "new_id",
	 .sql = "ifnull(" MEMBER("event") " = 'new-id' OR (e.kind = 'rescue.proof' AND " MEMBER(
		 "id_after") " != e.agent) OR EXISTS (SELECT 1 FROM json_each(" BODY
			     ", '$.proof.lines') l WHERE json_extract(l.value, '$.what') = 'id' AND "
			     "json_extract(l.value, '$.found') != "
			     "json_extract(l.value, '$.planned')), 0)"},
	{.kind = FIELD_CHANGE, .name = "changed", .sql = BODY},
};
#define CHANGED (&fields[sizeof(fields) / sizeof(fields[0]) - 1])

/* attribute.rack is the change that is called attributes.rack. */
static int read_change(struct token_reader *reader, const char *prefix, const char *part, struct field *field)
{
	char *name = xasprintf("%s.%s", part, reader->token.text + strlen(prefix));

	if (token_next(reader) < 0) {
		free(name);
		return -1;
	}
	*field = *CHANGED;
	field->name = field->owned = name;
	return 0;
}

int field_read_event(struct token_reader *reader, struct field *field)
{
	const char *word = reader->token.text;

	if (strncmp(word, "attribute.", 10) == 0)
		return read_change(reader, "attribute.", "attributes", field);
	if (strncmp(word, "resource.", 9) == 0)
		return read_change(reader, "resource.", "resources", field);
	for (const struct field *known = fields; known <= CHANGED; known++)
		if (strcmp(word, known->name) == 0) {
			*field = *known;
			return token_next(reader);
		}
	return token_error(
		reader, reader->token.at,
		"%s is nothing that an event has: expected time, seq, actor, run, agent, hostname, kind, event, "
		"from, to, config, config_version, plan, killed, new_id, changed, attribute.NAME or resource.NAME",
		word);
}
