/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/audit/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "orchestrator/output.h"

void findings_list_clear(struct findings_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].text);
	free(list->items);
	*list = (struct findings_list){NULL, 0};
}

void findings_add(struct findings_list *list, const char *kind, int64_t seq, const char *format, ...)
{
	va_list args;
	char text[2048];

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	list->items = xreallocarray(list->items, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = (struct finding){.kind = kind, .seq = seq, .text = xstrdup(text)};
}

json_t *findings_list_to_json(const struct findings_list *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->count; i++) {
		const struct finding *finding = &list->items[i];

		json_array_append_new(array,
				      json_pack("{s:s, s:o, s:o}", "kind", finding->kind, "event",
						finding->seq ? json_integer((json_int_t)finding->seq) : json_null(),
						"text", output_text(finding->text)));
	}
	return array;
}
