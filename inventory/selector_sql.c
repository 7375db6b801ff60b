/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/selector_sql.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "inventory/attribute_test.h"
#include "inventory/taken_back.h"

/* The mark; no SQL of ours holds that byte. */
#define BY_ID "\x02"

size_t condition_add(struct condition *condition, struct store_value value)
{
	if (condition->count + condition->listed >= CONDITION_VALUES_MAX) {
		condition->overflow = true;
		return 0;
	}
	if (value.type == STORE_TEXT)
		value.text = xstrdup(value.text);
	condition->values = xreallocarray(condition->values, condition->count + 1, sizeof(*condition->values));
	condition->values[condition->count++] = value;
	return condition->count;
}

static size_t add_text(struct condition *condition, const char *text)
{
	return condition_add(condition, (struct store_value){.type = STORE_TEXT, .text = text});
}

static void put_text(struct condition *condition, const char *text)
{
	buffer_printf(&condition->sql, "?%zu", add_text(condition, text));
}

static void put_number(struct condition *condition, double number)
{
	struct store_value value = {.type = STORE_REAL, .real = number};

	buffer_printf(&condition->sql, "?%zu", condition_add(condition, value));
}

static const char *order_of(enum token_kind op)
{
	switch (op) {
	case TOKEN_LESS:
		return "<";
	case TOKEN_LESS_EQUAL:
		return "<=";
	case TOKEN_GREATER:
		return ">";
	case TOKEN_GREATER_EQUAL:
		return ">=";
	default:
		return NULL;
	}
}

static const char *function_of(enum token_kind op)
{
	if (op == TOKEN_LIKE)
		return "selector_like";
	return op == TOKEN_MATCH || op == TOKEN_NO_MATCH ? "selector_regex" : NULL;
}

/* "expression IN (?n, …)" over the texts among the literals, and a call for each host set, joined by OR. */
static void put_texts(struct condition *condition, const char *expression, const struct literals *literals)
{
	size_t texts = 0, written = 0;

	for (size_t i = 0; i < literals->count; i++)
		if (literals->items[i].form != LITERAL_SET) {
			buffer_printf(&condition->sql, texts++ ? ", " : "%s IN (", expression);
			put_text(condition, literals->items[i].text);
		}
	buffer_puts(&condition->sql, texts ? ")" : "");
	for (size_t i = 0; i < literals->count; i++)
		if (literals->items[i].form == LITERAL_SET) {
			buffer_puts(&condition->sql, texts || written++ ? " OR " : "");
			buffer_puts(&condition->sql, "selector_hostset(");
			put_text(condition, literals->items[i].text);
			buffer_printf(&condition->sql, ", %s)", expression);
		}
}

/* Begins with any of the literals, as hashes are named everywhere. */
static void put_hashes(struct condition *condition, const char *expression, const struct literals *literals)
{
	for (size_t i = 0; i < literals->count; i++) {
		size_t number = add_text(condition, literals->items[i].text);

		buffer_printf(&condition->sql, "%ssubstr(%s, 1, max(length(?%zu), 6)) = ?%zu", i ? " OR " : "",
			      expression, number, number);
	}
}

/* A test of one text: equal to any of the literals, or matched by the pattern. */
static void put_text_test(struct condition *condition, const char *expression, enum token_kind op,
			  const struct literals *literals)
{
	const char *function = function_of(op);

	if (!function) {
		put_texts(condition, expression, literals);
		return;
	}
	buffer_printf(&condition->sql, "%s(", function);
	put_text(condition, literals->items[0].text);
	buffer_printf(&condition->sql, ", %s)", expression);
}

/* "expression <op> ?n", or "expression IN (?n, …)" over the numbers among the literals. */
static void put_number_test(struct condition *condition, const char *expression, enum token_kind op,
			    const struct literals *literals)
{
	const char *order = order_of(op);
	size_t written = 0;

	if (order) {
		buffer_printf(&condition->sql, "%s %s ", expression, order);
		put_number(condition, literals->items[0].number);
		return;
	}
	buffer_printf(&condition->sql, "%s IN (", expression);
	for (size_t i = 0; i < literals->count; i++)
		if (literals->items[i].form == LITERAL_NUMBER) {
			buffer_puts(&condition->sql, written++ ? ", " : "");
			put_number(condition, literals->items[i].number);
		}
	buffer_puts(&condition->sql, ")");
}

static void compare_attribute(struct condition *condition, const struct field *field, enum token_kind op,
			      const struct literals *literals)
{
	char *test = attribute_test_write(field->name, op, literals);

	buffer_puts(&condition->sql, "agent_attribute_test(");
	put_text(condition, test);
	buffer_puts(&condition->sql, ", a.info)");
	free(test);
	condition->listed += literals->count;
	condition->overflow = condition->overflow || condition->count + condition->listed > CONDITION_VALUES_MAX;
}

/* Fleets that grew up before fault domains have their zones in an attribute. Who has neither has the empty text. */
static void compare_domain(struct condition *condition, const struct field *field, enum token_kind op,
			   const struct literals *literals)
{
	buffer_printf(&condition->sql, "%s IS NOT NULL AND (", field->sql);
	put_text_test(condition, field->sql, op, literals);
	buffer_printf(&condition->sql, ") OR %s IS NULL AND (", field->sql);
	compare_attribute(condition, field, op, literals);
	buffer_puts(&condition->sql, " OR (");
	put_text_test(condition, "''", op, literals);
	buffer_printf(&condition->sql, ") AND agent_attribute(?%zu, a.info) IS NULL)",
		      add_text(condition, field->name));
}

/* The sum over all reservations, or those for one role. Mesos counts in thousandths. */
void condition_put_sum(struct condition *condition, const struct field *field)
{
	static const char *const shares[] = {
		"T",
		"U",
		"round(T - U, 3)",
		"round(ifnull(100 * U / nullif(T, 0), 0), 3)",
	};

	if (field->sql) {
		buffer_puts(&condition->sql, field->sql);
		return;
	}
	size_t name = add_text(condition, field->name);
	char *role = field->role ? xasprintf("?%zu", add_text(condition, field->role)) : xstrdup("NULL");
	for (const char *at = shares[field->share]; *at; at++)
		if (*at == 'T')
			buffer_printf(&condition->sql, "agent_resource(?%zu, %s, a.total)", name, role);
		else if (*at == 'U')
			buffer_printf(&condition->sql, "agent_resource(?%zu, %s, a.used)", name, role);
		else
			buffer_putc(&condition->sql, *at);
	free(role);
}

/* Any of an agent's texts. The CASE says that NULL counts as no: without it SQLite would look for a NULL, in all of the
 * list and for every agent, before it believes a negation. */
static void compare_among(struct condition *condition, const struct field *field, enum token_kind op,
			  const struct literals *literals)
{
	buffer_printf(&condition->sql, "CASE WHEN (a.cluster, a.id) IN (%s", field->sql);
	for (size_t i = 0; i < 2 && field->texts[i]; i++) {
		buffer_puts(&condition->sql, i ? " OR " : "");
		put_text_test(condition, field->texts[i], op, literals);
	}
	buffer_puts(&condition->sql, ")" BY_ID ") THEN 1 ELSE 0 END");
}

/* "web" or "web@3": what the newest finished rollout of web left the agent with. "": none was rolled out there. */
static void put_config(struct condition *condition, const char *text)
{
	const char *at = strrchr(text, '@');
	char *name;

	if (*text == '\0') {
		buffer_puts(&condition->sql,
			    "a.id NOT IN (SELECT x.agent FROM runs r JOIN run_agents x ON x.run = r.id "
			    "WHERE x.state = 'done' AND r.rolls_back IS NULL AND NOT " TAKEN_BACK BY_ID ")");
		return;
	}
	name = at ? xstrndup(text, (size_t)(at - text)) : xstrdup(text);
	buffer_puts(&condition->sql,
		    "a.id IN (SELECT agent FROM (SELECT x.agent AS agent, p.config_version AS version, "
		    "max(r.created_ms) FROM plans p JOIN runs r ON r.plan = p.hash JOIN run_agents x ON x.run = r.id "
		    "WHERE p.config = ");
	put_text(condition, name);
	buffer_puts(&condition->sql, " AND x.state = 'done' AND NOT " TAKEN_BACK BY_ID " GROUP BY x.agent)");
	if (at) {
		buffer_puts(&condition->sql, " WHERE version = CAST(");
		put_text(condition, at + 1);
		buffer_puts(&condition->sql, " AS INTEGER)");
	}
	buffer_puts(&condition->sql, ")");
	free(name);
}

static void compare_config(struct condition *condition, const struct literals *literals)
{
	for (size_t i = 0; i < literals->count; i++) {
		buffer_puts(&condition->sql, i ? " OR " : "");
		put_config(condition, literals->items[i].text);
	}
}

/* "attributes.rack": a run's intent has it so, a rescue's in two members. */
#define CHANGE_WHAT "json_extract(x.value, '$.what')"
#define CHANGE_NAME "(ifnull(nullif(json_extract(x.value, '$.part'), " CHANGE_WHAT ") || '.', '') || " CHANGE_WHAT ")"

/* Any of an event's changes: what it is about, or (field->owned) the value before or after of the one that is named. mem is
 * also mem(ROLE). */
static void compare_change(struct condition *condition, const struct field *field, enum token_kind op,
			   const struct literals *literals)
{
	static const char *const values[] = {"ifnull(json_extract(x.value, '$.before'), '')",
					     "ifnull(json_extract(x.value, '$.after'), '')"};

	buffer_printf(&condition->sql, "EXISTS (SELECT 1 FROM json_each(%s, '$.changes') x WHERE ", field->sql);
	if (field->owned) {
		size_t name = add_text(condition, field->owned);

		buffer_printf(&condition->sql, "(%s = ?%zu OR substr(%s, 1, length(?%zu) + 1) = ?%zu || '(') AND (",
			      CHANGE_NAME, name, CHANGE_NAME, name, name);
		put_text_test(condition, values[0], op, literals);
		buffer_puts(&condition->sql, " OR ");
		put_text_test(condition, values[1], op, literals);
	} else {
		buffer_puts(&condition->sql, "(");
		put_text_test(condition, CHANGE_NAME, op, literals);
		buffer_puts(&condition->sql, " OR ");
		put_text_test(condition, "substr(" CHANGE_NAME ", instr(" CHANGE_NAME ", '.') + 1)", op, literals);
	}
	buffer_puts(&condition->sql, "))");
}

/* Every survey's document is read for it, which costs far more than a column: a flag's name can be any. */
char *condition_flag(struct condition *condition, const struct field *field)
{
	char *path = xasprintf("$.agent.flags.%s", strchr(field->name, '.') + 1);
	size_t number = add_text(condition, path);

	free(path);
	return xasprintf("ifnull((SELECT json_extract(CAST(s.document AS TEXT), ?%zu) FROM surveys s WHERE s.agent = "
			 "a.row), '')",
			 number);
}

static void compare_flag(struct condition *condition, const struct field *field, enum token_kind op,
			 const struct literals *literals)
{
	char *expression = condition_flag(condition, field);

	put_text_test(condition, expression, op, literals);
	free(expression);
}

static enum token_kind turned(enum token_kind op)
{
	switch (op) {
	case TOKEN_LESS:
		return TOKEN_GREATER;
	case TOKEN_LESS_EQUAL:
		return TOKEN_GREATER_EQUAL;
	case TOKEN_GREATER:
		return TOKEN_LESS;
	case TOKEN_GREATER_EQUAL:
		return TOKEN_LESS_EQUAL;
	default:
		return op;
	}
}

/* An age is compared the other way round: less than 2h ago is later than that moment. */
static void compare_time(struct condition *condition, const struct field *field, enum token_kind op,
			 const struct literals *literals)
{
	put_number_test(condition, field->sql, literals->items[0].form == LITERAL_AGE ? turned(op) : op, literals);
}

static void compare(struct condition *condition, const struct field *field, enum token_kind op,
		    const struct literals *literals)
{
	switch (field->kind) {
	case FIELD_ATTRIBUTE:
		compare_attribute(condition, field, op, literals);
		return;
	case FIELD_DOMAIN:
		compare_domain(condition, field, op, literals);
		return;
	case FIELD_RESOURCE:
		condition_put_sum(condition, field);
		put_number_test(condition, "", op, literals);
		return;
	case FIELD_AMONG:
		compare_among(condition, field, op, literals);
		return;
	case FIELD_CONFIG:
		compare_config(condition, literals);
		return;
	case FIELD_FLAG:
		compare_flag(condition, field, op, literals);
		return;
	case FIELD_CHANGE:
		compare_change(condition, field, op, literals);
		return;
	case FIELD_TIME:
		compare_time(condition, field, op, literals);
		return;
	case FIELD_VERSION:
		if (order_of(op)) {
			put_number_test(condition, "ifnull(selector_version(a.version), -1)", op, literals);
			return;
		}
		break;
	case FIELD_NUMBER:
	case FIELD_BOOL:
		put_number_test(condition, field->sql, op, literals);
		return;
	case FIELD_TEXT:
		if (field->is_hash && !function_of(op)) {
			put_hashes(condition, field->sql, literals);
			return;
		}
		break;
	case FIELD_SHOWN:
		break;
	}
	put_text_test(condition, field->sql, op, literals);
}

void condition_compare(struct condition *condition, const struct field *field, enum token_kind op,
		       const struct literals *literals)
{
	buffer_puts(&condition->sql, op == TOKEN_NOT_EQUAL || op == TOKEN_NO_MATCH ? "NOT (" : "(");
	compare(condition, field, op, literals);
	buffer_puts(&condition->sql, ")");
}

/* The text with each mark replaced. */
static char *finish(const struct condition *condition, const char *by_id)
{
	struct buffer out = BUFFER_INIT(2 * condition->sql.max);

	for (const char *at = buffer_text(&condition->sql); *at; at++)
		if (*at == BY_ID[0])
			buffer_puts(&out, by_id);
		else
			buffer_putc(&out, *at);
	return buffer_take(&out);
}

char *condition_for_all(const struct condition *condition)
{
	return finish(condition, "");
}

char *condition_for_one(const struct condition *condition)
{
	return finish(condition, " AND x.agent = a.id");
}

void condition_clear(struct condition *condition)
{
	for (size_t i = 0; i < condition->count; i++)
		free((char *)condition->values[i].text);
	free(condition->values);
	buffer_clear(&condition->sql);
	*condition = (struct condition){.values = NULL};
}
