/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_REPORT_PLAN_TEXT_INTERNAL_H
#define ORCHESTRATOR_REPORT_PLAN_TEXT_INTERNAL_H
/* What the files that print a plan share: plan_text.c (the page), plan_sections.c and plan_ends.c (its parts), plan_blocks.c (what
 * changes), plan_lines.c (lines and names). */
#include "base/buffer.h"
#include "orchestrator/report/plan_text.h"

/* Agents to which the same happens. */
struct plan_block {
	char *key;
	const struct plan_agent **agents; /* in the order of the plan */
	size_t count;
};
struct plan_blocks {
	struct plan_block *items;
	size_t count;
};
void plan_blocks_fold(const struct plan *plan, struct plan_blocks *out);
void plan_blocks_clear(struct plan_blocks *blocks);
void plan_block_print(const struct plan_block *block, FILE *stream);

/* attributes, resources, domain: their effect is shown as the SlaveInfo's, and their whole text differs from agent to agent. */
bool plan_flag_makes_slaveinfo(const char *flag);
/* Tasks that die. */
size_t plan_count_lost(const struct plan *plan);

/* Without anything a terminal would obey. */
void plan_text_print(const struct buffer *text, FILE *stream);
/* Names as host sets, broken at the width, with the later lines indented; a line end at the end. */
void plan_text_names(const char *const names[], size_t count, size_t indent, int width, struct buffer *out);
/* A paragraph broken at spaces. first stands before its first line, and the later ones are indented by as much and by hang. */
void plan_text_wrap(const char *first, size_t hang, const char *text, int width, struct buffer *out);

/* The parts of the page; each prints nothing when there is nothing to say. */
void plan_section_order(const struct plan *plan, FILE *stream);
void plan_section_risks(const struct plan *plan, FILE *stream);
void plan_section_masters(const struct plan *plan, FILE *stream);
void plan_section_left_out(const struct plan *plan, FILE *stream);
void plan_section_stops(const struct plan *plan, FILE *stream);
void plan_section_back(const struct plan *plan, FILE *stream);

/* ---- a list of points */

struct plan_points {
	const char *title; /* printed before the first one */
	FILE *stream;
	size_t count;
};
void plan_point(struct plan_points *points, const char *mark, const char *text);
/* Takes the text. */
void plan_point_take(struct plan_points *points, const char *mark, char *text);

#define PLAN_MARK "  - "
#define PLAN_RISK "  ! "
#define PLAN_TODO "    \u2192 "

/* Are its tasks ended on purpose? And of how many agents. */
bool plan_agent_is_discard(const struct plan_agent *agent);
size_t plan_count_discards(const struct plan *plan);

void plan_section_title(const char *title, FILE *stream);

#endif
