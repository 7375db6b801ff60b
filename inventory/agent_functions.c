/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/agent_functions.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "inventory/attribute_test.h"
#include "mesos/attributes_packed.h"
#include "mesos/resource_sums.h"

#define TEXT_MAX (64u << 20)

/* Read once, and kept with the statement while its first argument stays. NULL: the error is set. */
static struct attribute_test *test_of(sqlite3_context *context, sqlite3_value *text)
{
	struct attribute_test *test = sqlite3_get_auxdata(context, 0);
	struct error err = ERROR_INIT;

	if (test)
		return test;
	test = attribute_test_read((const char *)sqlite3_value_text(text), &err);
	if (!test) {
		sqlite3_result_error(context, err.text, -1);
		return NULL;
	}
	sqlite3_set_auxdata(context, 0, test, attribute_test_free);
	test = sqlite3_get_auxdata(context, 0);
	if (!test)
		sqlite3_result_error_nomem(context);
	return test;
}

static struct attribute_reader reader_of(sqlite3_value *info)
{
	const void *data = sqlite3_value_blob(info);

	return attribute_reader_start(data ? data : "", data ? (size_t)sqlite3_value_bytes(info) : 0);
}

static void call_test(sqlite3_context *context, int count, sqlite3_value *values[])
{
	const void *info = sqlite3_value_blob(values[1]);
	struct attribute_test *test;

	(void)count;
	if (!info || sqlite3_value_type(values[0]) == SQLITE_NULL) {
		sqlite3_result_int(context, 0);
		return;
	}
	test = test_of(context, values[0]);
	if (test)
		sqlite3_result_int(context, attribute_test_holds(test, info, (size_t)sqlite3_value_bytes(values[1])));
}

/* Hands the text over, or NULL when there was nothing to put into it. */
static void give(sqlite3_context *context, struct buffer *text, bool any)
{
	if (any)
		sqlite3_result_text64(context, buffer_text(text), text->len, SQLITE_TRANSIENT, SQLITE_UTF8);
	else
		sqlite3_result_null(context);
	buffer_clear(text);
}

static void call_attribute(sqlite3_context *context, int count, sqlite3_value *values[])
{
	const char *name = (const char *)sqlite3_value_text(values[0]);
	size_t len = name ? (size_t)sqlite3_value_bytes(values[0]) : 0;
	struct attribute_reader reader = reader_of(values[1]);
	struct buffer out = BUFFER_INIT(TEXT_MAX), scratch = BUFFER_INIT(TEXT_MAX);
	bool any = false;

	(void)count;
	while (attribute_next(&reader)) {
		if (!name || reader.name.len != len || memcmp(reader.name.data, name, len) != 0)
			continue;
		const struct bytes value = attribute_text(&reader, &scratch);
		buffer_puts(&out, any ? "," : "");
		buffer_append(&out, value.data, value.len);
		any = true;
	}
	buffer_clear(&scratch);
	give(context, &out, any);
}

static void call_attributes(sqlite3_context *context, int count, sqlite3_value *values[])
{
	struct attribute_reader reader = reader_of(values[0]);
	struct buffer out = BUFFER_INIT(TEXT_MAX), scratch = BUFFER_INIT(TEXT_MAX);
	bool any = false;

	(void)count;
	for (; attribute_next(&reader); any = true) {
		const struct bytes value = attribute_text(&reader, &scratch);

		buffer_puts(&out, any ? "; " : "");
		buffer_append(&out, reader.name.data, reader.name.len);
		buffer_putc(&out, ':');
		buffer_append(&out, value.data, value.len);
	}
	buffer_clear(&scratch);
	give(context, &out, any);
}

static void call_resource(sqlite3_context *context, int count, sqlite3_value *values[])
{
	struct resource_sum sum = {.name = (const char *)sqlite3_value_text(values[0]),
				   .role = (const char *)sqlite3_value_text(values[1])};
	const void *message = sqlite3_value_blob(values[2]);

	(void)count;
	if (message && sum.name)
		resource_sums(message, (size_t)sqlite3_value_bytes(values[2]), &sum, 1);
	sqlite3_result_double(context, sum.sum);
}

const struct sql_function agent_functions[] = {
	{"agent_attribute_test", 2, call_test},
	{"agent_attribute", 2, call_attribute},
	{"agent_attributes", 1, call_attributes},
	{"agent_resource", 3, call_resource},
	{.name = NULL},
};
