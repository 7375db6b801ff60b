/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/selector_sql.h"

#include <stdlib.h>

#include "base/alloc.h"

void literals_clear(struct literals *literals)
{
	for (size_t i = 0; i < literals->count; i++)
		free(literals->items[i].text);
	free(literals->items);
}

static void put_value(struct condition *condition, struct store_value value)
{
	if (condition->count == CONDITION_VALUES_MAX) {
		condition->overflow = true;
		return;
	}
	if (value.type == STORE_TEXT)
		value.text = xstrdup(value.text);
	condition->values = xreallocarray(condition->values, condition->count + 1, sizeof(*condition->values));
	condition->values[condition->count++] = value;
	buffer_printf(&condition->sql, "?%zu", condition->count);
}

static void put_text(struct condition *condition, const char *text)
{
	put_value(condition, (struct store_value){.type = STORE_TEXT, .text = text});
}

static void put_literal(struct condition *condition, const struct literal *literal, bool numeric)
{
	if (numeric)
		put_value(condition, (struct store_value){.type = STORE_REAL, .real = literal->number});
	else
		put_text(condition, literal->text);
}

/* " <operator> ?n", or " IN (?n, …)" when operator is NULL. Texts, or the numbers among the literals. */
static void put_values(struct condition *condition, const char *operator, const struct literals * literals,
		       bool numeric)
{
	bool first = true;

	buffer_printf(&condition->sql, " %s ", operator ? operator: "IN (");
	for (size_t i = 0; i < literals->count; i++) {
		if (numeric && !literals->items[i].is_number)
			continue;
		if (!first)
			buffer_puts(&condition->sql, ", ");
		put_literal(condition, &literals->items[i], numeric);
		first = false;
	}
	if (!operator)
		buffer_puts(&condition->sql, ")");
}

/* An attribute is equal by its text, or by its number when both sides are numbers (4 and 4.0). Order is of numbers. */
static void compare_attribute(struct condition *condition, const struct field *field, const char *operator,
			      bool ordered, const struct literals *literals)
{
	bool numbers = false;

	for (size_t i = 0; i < literals->count; i++)
		numbers = numbers || literals->items[i].is_number;
	buffer_puts(&condition->sql, "EXISTS (SELECT 1 FROM agent_attributes x WHERE x.agent = a.row AND x.name = ");
	put_text(condition, field->name);
	buffer_puts(&condition->sql, " AND (");
	if (!ordered) {
		buffer_puts(&condition->sql, "x.value");
		put_values(condition, operator, literals, false);
		buffer_puts(&condition->sql, numbers ? " OR " : "");
	}
	if (numbers) {
		buffer_puts(&condition->sql, "x.number");
		put_values(condition, operator, literals, true);
	}
	buffer_puts(&condition->sql, "))");
}

static void compare_resource(struct condition *condition, const struct field *field, const char *operator,
			     const struct literals * literals)
{
	/* Mesos counts in thousandths. */
	buffer_puts(&condition->sql,
		    "round((SELECT ifnull(sum(r.total), 0) FROM agent_resources r WHERE r.agent = a.row AND r.name = ");
	put_text(condition, field->name);
	buffer_puts(&condition->sql, "), 3)");
	put_values(condition, operator, literals, true);
}

void condition_compare(struct condition *condition, const struct field *field, enum token_kind kind,
		       const struct literals *literals)
{
	static const char *const operators[] = {
		[TOKEN_EQUAL] = "=",       [TOKEN_NOT_EQUAL] = "=", [TOKEN_LESS] = "<",
		[TOKEN_LESS_EQUAL] = "<=", [TOKEN_GREATER] = ">",   [TOKEN_GREATER_EQUAL] = ">=",
	};
	const char *operator= kind == TOKEN_OPEN ? NULL : operators[kind];
	bool ordered = operator&& operator[0] != '=';

	if (kind == TOKEN_NOT_EQUAL)
		buffer_puts(&condition->sql, "NOT ");
	if (field->kind == FIELD_ATTRIBUTE) {
		compare_attribute(condition, field, operator, ordered, literals);
	} else if (field->kind == FIELD_RESOURCE) {
		compare_resource(condition, field, operator, literals);
	} else {
		buffer_puts(&condition->sql, field->sql);
		put_values(condition, operator, literals, field->kind != FIELD_TEXT);
	}
}
