/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_STORE_FIXTURE_H
#define TESTS_SUPPORT_STORE_FIXTURE_H
/* A new database in a folder of its own, open. */
#include <stdint.h>

#include "base/error.h"
#include "inventory/store.h"

struct store_fixture {
	char *folder;
	char *path;          /* FOLDER/rollcall.db */
	struct store *store; /* NULL: the test closed it */
	struct error err;
};

int store_setup(void **state);
int store_teardown(void **state);

/* The one number that a question gives. */
int64_t store_ask(struct store_fixture *fixture, const char *sql);

#endif
