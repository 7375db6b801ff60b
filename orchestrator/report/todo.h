/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_REPORT_TODO_H
#define ORCHESTRATOR_REPORT_TODO_H
/* What a person does next about a run: only what would work in the state that it is in. Pure. */
#include "orchestrator/report/run_view.h"

struct todo {
	size_t agents; /* that it is about; 0: the run as a whole */
	const char *
		text; /* behind "2 agents are" if it is about some; a literal that ends where the command would stand */
	char *command; /* to be pasted; NULL: none */
};
#define TODO_MAX 12
struct todo_list {
	struct todo items[TODO_MAX];
	size_t count;
};
void todo_make(const struct run_view *view, struct todo_list *out);
void todo_clear(struct todo_list *list);

/* "rollout plan web-tier@3 --where EXPR": what plans for the same agents once more, to stand behind the program's name. The caller's. */
char *todo_plan_words(const struct plan *plan);

#endif
