/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/store_fixture.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "tests/support/cmocka.h"
#include "tests/support/scratch.h"

int store_setup(void **state)
{
	struct store_fixture *fixture = xcalloc(1, sizeof(*fixture));

	fixture->folder = scratch_new();
	fixture->path = path_join(fixture->folder, "rollcall.db");
	fixture->store = store_open(fixture->path, true, &fixture->err);
	*state = fixture;
	return fixture->store ? 0 : -1;
}

int store_teardown(void **state)
{
	struct store_fixture *fixture = *state;

	store_close(fixture->store);
	scratch_remove(fixture->folder);
	free(fixture->path);
	free(fixture);
	return 0;
}

int64_t store_ask(struct store_fixture *fixture, const char *sql)
{
	int64_t value = -1;

	assert_int_equal(store_find_int(fixture->store, &value, &fixture->err, sql, ""), 1);
	return value;
}
