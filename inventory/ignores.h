/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_IGNORES_H
#define INVENTORY_IGNORES_H
/*
 * The ignore list: selectors whose agents every plan leaves out, each with the reason, who said so, and until when. A selector is
 * asked anew each time: agents that come to match it later are left out too.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "inventory/store.h"

struct ignore {
	int64_t number; /* its name; never used again */
	char *selector;
	char *reason;
	char *author;
	int64_t created_ms;
	int64_t until_ms; /* 0: until it is removed */
};

struct ignore_list {
	struct ignore *items; /* by number */
	size_t count;
};
void ignore_list_clear(struct ignore_list *list);

/* Could it be added? ERROR_USAGE: the selector is none, or is on the list already. */
int ignores_check(struct store *store, int64_t cluster, const struct ignore *wanted, struct error *err);
/* The same, and does it; its number is the list's to give. */
int ignores_add(struct store *store, int64_t cluster, const struct ignore *wanted, int64_t *number, struct error *err);

/* Those that hold at that time. */
int ignores_load(struct store *store, int64_t cluster, int64_t now_ms, struct ignore_list *out, struct error *err);

/* One that holds, by its number ("3") or by its selector, word for word. ERROR_USAGE when there is none. */
int ignores_find(struct store *store, int64_t cluster, const char *name, int64_t now_ms, struct ignore *out,
		 struct error *err);
void ignore_clear(struct ignore *ignore);

int ignores_remove(struct store *store, int64_t number, const char *author, int64_t now_ms, struct error *err);

#endif
