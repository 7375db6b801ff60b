/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a selector: it is refused as bad usage, or SQLite takes what it was compiled to. */
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "inventory/agents.h"
#include "inventory/cluster.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int64_t cluster;

/* One database for all inputs, in a file that is gone as soon as it is open. */
static struct store *open_store(void)
{
	char path[] = "/tmp/fuzz-selector-XXXXXX";
	struct error err = ERROR_INIT;
	struct store *store;
	int fd = mkstemp(path);

	if (fd < 0)
		abort();
	close(fd);
	store = store_open(path, true, &err);
	if (!store || cluster_id(store, "fuzz", &cluster, &err) < 0)
		abort();
	unlink(path);
	return store;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct store *store;
	char *text = xstrndup((const char *)data, size);
	struct error err = ERROR_INIT;
	struct selector *selector = selector_parse("--where", text, &err);
	int64_t *rows = NULL;
	size_t count = 0;

	if (!store)
		store = open_store();
	if (!selector && err.kind != ERROR_USAGE)
		__builtin_trap();
	if (selector && (agents_choose(store, cluster, selector, &rows, &count, &err) < 0 ||
			 selector_matches(selector, store, 1, &err) < 0))
		__builtin_trap();
	selector_free(selector);
	free(rows);
	free(text);
	return 0;
}
