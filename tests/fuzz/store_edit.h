/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_STORE_EDIT_H
#define TESTS_FUZZ_STORE_EDIT_H
/* What must hold of an edit of any flag store: it is refused, or the flag comes out right and every other flag stays. */
#include "agentctl/store.h"

static inline void must(bool holds)
{
	if (!holds)
		__builtin_trap();
}

/* The flags but for one. */
static inline bool others_equal(const struct flags *a, const struct flags *b, const char *but)
{
	struct flags left = FLAGS_INIT;
	struct flags right = FLAGS_INIT;
	bool equal;

	flags_copy(&left, a);
	flags_copy(&right, b);
	flags_remove(&left, but);
	flags_remove(&right, but);
	equal = flags_equal(&left, &right);
	flags_clear(&left);
	flags_clear(&right);
	return equal;
}

static inline void edit(const struct flag_store *store, const char *name, const char *value)
{
	const struct flag_edit change = {.name = (char *)(uintptr_t)name, .value = (char *)(uintptr_t)value};
	struct flag_store edited = {.path = NULL};
	struct error err = ERROR_INIT;

	if (flag_store_edit(store, &change, 1, &edited, &err) != 0) {
		must(err.kind == ERROR_REFUSED || err.kind == ERROR_CORRUPT);
		return;
	}
	must(flags_same_value(name, flags_get(&edited.flags, name), value));
	must(others_equal(&store->flags, &edited.flags, name));
	flag_store_clear(&edited);
}

#endif
