/* SPDX-License-Identifier: Apache-2.0 */
/* What to do about the agents that are stuck: those of whom the same is to be said stand together. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/term.h"
#include "base/text.h"
#include "inventory/hostset.h"
#include "orchestrator/report/plan_text_internal.h"
#include "orchestrator/report/run_view.h"

#define NAMES_MAX     10 /* paragraphs; who is in no one of them is counted */
#define PARAGRAPH_MAX (4u << 20)

/* A terminal breaks words where it likes; what is searched, or pasted from a file, stays on its line. */
static void print_paragraph(const char *text, FILE *stream)
{
	struct buffer lines = BUFFER_INIT(PARAGRAPH_MAX);

	if (isatty(fileno(stream))) {
		plan_text_wrap("", 2, text, term_width(stream), &lines);
		plan_text_print(&lines, stream);
	} else {
		char *shown = text_printable(text, false);

		fprintf(stream, "%s\n", shown);
		free(shown);
	}
	buffer_clear(&lines);
}

/* Whoever is to be told the same as the first, from there on; the others' advice stays. */
static void print_stuck_alike(const struct run_view *view, char **advice, size_t first, FILE *stream)
{
	const char **names = xcalloc(view->count, sizeof *names);
	struct buffer folded = BUFFER_INIT(PARAGRAPH_MAX);
	char *said = advice[first], *text;
	size_t count = 0;

	for (size_t i = first; i < view->count; i++) {
		if (!advice[i] || strcmp(advice[i], said) != 0)
			continue;
		names[count++] = view->agents[i].row->hostname;
		if (i > first)
			free(advice[i]);
		advice[i] = NULL;
	}
	hostset_fold(names, count, &folded);
	if (count == 1)
		text = xasprintf("%s is stuck: %s.", buffer_text(&folded), said);
	else
		text = xasprintf("%s (%zu agents) are stuck. Of each: %s.", buffer_text(&folded), count, said);
	print_paragraph(text, stream);
	free(text);
	free(said);
	free(names);
	buffer_clear(&folded);
}

/* Many get stuck alike: those with the same to do share a paragraph. */
void run_view_print_stuck(const struct run_view *view, FILE *stream)
{
	char **advice = xcalloc(view->count + 1, sizeof *advice);
	size_t told = 0, more = 0;

	for (size_t i = 0; i < view->count; i++)
		advice[i] = next_steps(view, &view->agents[i]);
	for (size_t i = 0; i < view->count; i++) {
		if (!advice[i])
			continue;
		if (told++ < NAMES_MAX) {
			print_stuck_alike(view, advice, i, stream);
			continue;
		}
		more++;
		free(advice[i]);
	}
	free(advice);
	if (more > 0)
		fprintf(stream, "%zu more %s stuck: `%s rollout status %s --json` says of each what to do.\n", more,
			more == 1 ? "is" : "are", view->program, view->run.id);
}
