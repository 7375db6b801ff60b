/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as a flag store: what parses can be edited so that the flag comes out right and every other flag stays, and taking the
 * edit back to what was there leaves the flags as they were.
 */
#include <stdint.h>
#include <string.h>

#include "agentctl/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		__builtin_trap();
}

static void make_store(enum flag_store_kind kind, const uint8_t *data, size_t size, struct flag_store *out)
{
	struct flag_store store = {.kind = kind, .form = kind};

	store_add_file(&store, "/store", true, data, size);
	*out = store;
}

static bool parse(struct flag_store *store)
{
	struct error err = ERROR_INIT;
	const struct buffer *bytes = &store->files[0].bytes;
	int result = store->kind == FLAG_STORE_DEFAULTS
			     ? store_defaults_parse("/store", bytes, &store->flags, &store->arguments, &err)
			     : store_envfile_parse("/store", bytes, &store->flags, &err);

	must(result == 0 || err.kind == ERROR_CORRUPT || err.kind == ERROR_REFUSED);
	store_overlay(&store->flags, &store->arguments);
	return result == 0;
}

/* The flags but for one. */
static bool others_equal(const struct flags *a, const struct flags *b, const char *but)
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

static void edit(const struct flag_store *store, const char *name, const char *value)
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

static void try(enum flag_store_kind kind, const uint8_t *data, size_t size)
{
	struct flag_store store;

	make_store(kind, data, size, &store);
	if (parse(&store)) {
		edit(&store, "attributes", "a:it's \"1\" \\ $x `y`;b:#2");
		edit(&store, "attributes", NULL);
		edit(&store, "master", "zk://m:2181/mesos");
		edit(&store, "master", NULL);
		edit(&store, "port", "");
	}
	flag_store_clear(&store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try(FLAG_STORE_ENVFILE, data, size);
	try(FLAG_STORE_DEFAULTS, data, size);
	return 0;
}
