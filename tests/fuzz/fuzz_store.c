/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as a flag store: what parses can be edited so that the flag comes out right and every other flag stays, and taking the
 * edit back to what was there leaves the flags as they were.
 */
#include <stdint.h>
#include <string.h>

#include "agentctl/store.h"
#include "tests/fuzz/store_edit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
