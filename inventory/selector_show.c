/* SPDX-License-Identifier: Apache-2.0 */
/* What a list shows of a field. */
#include <stdlib.h>

#include "inventory/selector_sql.h"

static void put_text(struct condition *condition, const char *text)
{
	struct store_value value = {.type = STORE_TEXT, .text = text};

	buffer_printf(&condition->sql, "?%zu", condition_add(condition, value));
}

static void show_flag(struct condition *condition, const struct field *field)
{
	char *expression = condition_flag(condition, field);

	buffer_puts(&condition->sql, expression);
	free(expression);
}

static void show_attribute(struct condition *condition, const struct field *field)
{
	buffer_puts(&condition->sql, "agent_attribute(");
	put_text(condition, field->name);
	buffer_puts(&condition->sql, ", a.info)");
}

void condition_show(struct condition *condition, const struct field *field)
{
	switch (field->kind) {
	case FIELD_ATTRIBUTE:
		show_attribute(condition, field);
		return;
	case FIELD_DOMAIN:
		buffer_printf(&condition->sql, "ifnull(%s, ", field->sql);
		show_attribute(condition, field);
		buffer_puts(&condition->sql, ")");
		return;
	case FIELD_RESOURCE:
		condition_put_sum(condition, field);
		return;
	case FIELD_FLAG:
		show_flag(condition, field);
		return;
	case FIELD_AMONG:
	case FIELD_CONFIG:
	case FIELD_SHOWN:
		buffer_puts(&condition->sql, field->shown);
		return;
	default:
		buffer_puts(&condition->sql, field->sql);
		return;
	}
}
