/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_AUDIT_FINDINGS_H
#define ORCHESTRATOR_AUDIT_FINDINGS_H
/* What `audit verify` has found wrong, in the order in which it looked. */
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct finding {
	/* "changed", "removed", "inserted", "moved", "hash", "cut": of the chain; "projection", "plan", "config": rows that disagree with
	 * it; "schema": what the rows lie in; "head", "witness", "signature", "report": it disagrees with what was noted elsewhere; "unreachable": nobody could say. */
	const char *kind;
	int64_t seq; /* the event it begins with; 0: of none */
	char *text;  /* what, where, and what to do: for people */
};

struct findings_list {
	struct finding *items;
	size_t count;
};
void findings_list_clear(struct findings_list *list);

void findings_add(struct findings_list *list, const char *kind, int64_t seq, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* [{"kind", "event", "text"}]. The caller's. */
json_t *findings_list_to_json(const struct findings_list *list);

#endif
