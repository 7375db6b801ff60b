/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as a plan, and as a file of gates: a plan that is read is written as the same bytes again, gates that are read are the same
 * after they were in a plan, and both can be shown.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "orchestrator/report/plan_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		__builtin_trap();
}

static size_t without_space(const uint8_t *data, size_t size)
{
	while (size > 0 && isspace(data[size - 1]))
		size--;
	return size;
}

static void try_plan(const uint8_t *data, size_t size, FILE *nowhere)
{
	struct error err = ERROR_INIT;
	struct buffer again = BUFFER_INIT(PLAN_MAX);
	struct plan plan;

	if (plan_parse("plan", data, size, &plan, &err) < 0) {
		must(err.kind == ERROR_USAGE || err.kind == ERROR_CORRUPT);
		return;
	}
	plan_write(&plan, &again);
	must(again.len == without_space(data, size) && memcmp(buffer_text(&again), data, again.len) == 0);
	plan_print(&plan, nowhere);
	buffer_clear(&again);
	plan_clear(&plan);
}

static void write_gates(const struct plan_gates *agent, const struct plan_gates *stage, struct buffer *out)
{
	json_t *document = plan_gates_to_json(agent, stage);

	json_write(document, false, out);
	json_decref(document);
}

static void try_gates(const uint8_t *data, size_t size)
{
	const struct json_place place = {.source = "gates"};
	struct error err = ERROR_INIT;
	struct plan_gates agent, stage;
	struct buffer once = BUFFER_INIT(PLAN_MAX), twice = BUFFER_INIT(PLAN_MAX);
	json_t *document = json_parse("gates", (const char *)data, size, &err);

	if (!document || plan_gates_from_json(document, &place, &agent, &stage, &err) < 0) {
		must(err.kind == ERROR_USAGE);
		json_decref(document);
		return;
	}
	json_decref(document);
	write_gates(&agent, &stage, &once);
	plan_gates_clear(&agent);
	plan_gates_clear(&stage);
	document = json_parse("again", buffer_text(&once), once.len, &err);
	must(document && plan_gates_from_json(document, &place, &agent, &stage, &err) == 0);
	json_decref(document);
	write_gates(&agent, &stage, &twice);
	must(once.len == twice.len && memcmp(buffer_text(&once), buffer_text(&twice), once.len) == 0);
	plan_gates_clear(&agent);
	plan_gates_clear(&stage);
	buffer_clear(&once);
	buffer_clear(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *nowhere;

	if (!nowhere)
		nowhere = fopen("/dev/null", "w");
	must(nowhere != NULL);
	try_plan(data, size, nowhere);
	try_gates(data, size);
	return 0;
}
