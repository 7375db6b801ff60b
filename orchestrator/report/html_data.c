/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page's data, for its script: {"bars": [[agent, lane, from, to]…], "lanes": N} for the timeline; and the sheets,
 * {"texts": […], "agents": [[outcome, facts, fields, verdict, lines, steps, said]…]}, read when the first one is asked
 * for. Texts are numbers of a list that has each of them once, -1: none; thousands of agents have much the same to say.
 * Times are milliseconds after "from".
 */
#include "orchestrator/report/agent_sheet.h"
#include "orchestrator/report/html_parts.h"

#include <stdlib.h>

#include "base/text.h"

#define UNITS 10000

struct texts {
	json_t *list;  /* of texts */
	json_t *known; /* text → its number */
};

static json_t *number_of(struct texts *texts, const char *text)
{
	if (!text)
		return json_integer(-1);
	char *shown = text_printable(text, true);
	json_t *number = json_object_get(texts->known, shown);

	if (!number) {
		number = json_integer((json_int_t)json_array_size(texts->list));
		json_array_append_new(texts->list, json_string(shown));
		json_object_set_new(texts->known, shown, number);
	}
	free(shown);
	return json_incref(number);
}

static json_t *facts_of(const struct agent_sheet *sheet, struct texts *texts)
{
	json_t *array = json_array();

	for (size_t i = 0; i < sheet->fact_count; i++) {
		json_array_append_new(array, number_of(texts, sheet->facts[i].name));
		json_array_append_new(array, number_of(texts, sheet->facts[i].value));
	}
	return array;
}

static json_t *fields_of(const struct agent_sheet *sheet, struct texts *texts)
{
	json_t *array = json_array();

	for (size_t i = 0; i < sheet->field_count; i++) {
		const struct sheet_field *field = &sheet->fields[i];

		json_array_append_new(array, number_of(texts, field->name));
		json_array_append_new(array, number_of(texts, field->before));
		json_array_append_new(array, number_of(texts, field->planned));
		json_array_append_new(array, number_of(texts, field->found));
		json_array_append_new(array, json_integer(field->wrong ? 2 : field->changes ? 1 : 0));
	}
	return array;
}

static json_t *lines_of(const struct agent_sheet *sheet, struct texts *texts)
{
	json_t *array = json_array();

	for (size_t i = 0; i < sheet->line_count; i++) {
		json_array_append_new(array, json_integer(sheet->lines[i].ok));
		json_array_append_new(array, number_of(texts, sheet->lines[i].what));
		json_array_append_new(array, number_of(texts, *sheet->lines[i].detail ? sheet->lines[i].detail : NULL));
	}
	return array;
}

static json_t *steps_of(const struct html_run *run, const struct agent_sheet *sheet, struct texts *texts)
{
	json_t *array = json_array();

	for (size_t i = 0; i < sheet->step_count; i++) {
		json_array_append_new(array, json_integer(sheet->steps[i].time_ms - run->timeline.from_ms));
		json_array_append_new(array, number_of(texts, sheet->steps[i].text));
	}
	return array;
}

static json_t *sheet_of(const struct html_run *run, size_t index, struct texts *texts)
{
	const struct agent_result *agent = &run->view->agents[index];
	struct agent_sheet sheet;
	json_t *array = json_array();

	agent_sheet_make(run->view, agent, &sheet);
	json_array_append_new(array, json_integer(outcome_of(agent->state)));
	json_array_append_new(array, facts_of(&sheet, texts));
	json_array_append_new(array, fields_of(&sheet, texts));
	json_array_append_new(array, number_of(texts, sheet.verdict));
	json_array_append_new(array, lines_of(&sheet, texts));
	json_array_append_new(array, steps_of(run, &sheet, texts));
	json_array_append_new(array, number_of(texts, sheet.said));
	agent_sheet_clear(&sheet);
	return array;
}

static void add_document(const struct html_run *run, const char *name, json_t *document, struct buffer *out)
{
	buffer_printf(out, "<script type=\"application/json\" id=\"r%zu-%s\">", run->number, name);
	escape_script(out, document);
	buffer_puts(out, "</script>\n");
	json_decref(document);
}

static json_t *bars_of(const struct html_run *run)
{
	const struct timeline *timeline = &run->timeline;
	json_t *bars = json_array();

	for (size_t i = 0; i < timeline->bar_count; i++) {
		const struct timeline_bar *bar = &timeline->bars[i];
		int from = (int)(UNITS * timeline_x(timeline, bar->from_ms));
		int to = (int)(UNITS * timeline_x(timeline, bar->until_ms));

		json_array_append_new(bars, json_pack("[I, i, i, i]", (json_int_t)bar->agent, bar->lane, from, to));
	}
	return json_pack("{s:o, s:i}", "bars", bars, "lanes", timeline->lane_count);
}

void html_data(const struct html_run *run, struct buffer *out)
{
	struct texts texts = {json_array(), json_object()};
	json_t *agents = json_array();

	for (size_t i = 0; i < run->view->count; i++)
		json_array_append_new(agents, sheet_of(run, i, &texts));
	add_document(run, "bars", bars_of(run), out);
	add_document(run, "sheets",
		     json_pack("{s:I, s:o, s:o}", "from", (json_int_t)run->timeline.from_ms, "texts", texts.list,
			       "agents", agents),
		     out);
	json_decref(texts.known);
}
