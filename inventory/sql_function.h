/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_SQL_FUNCTION_H
#define INVENTORY_SQL_FUNCTION_H
/*
 * An SQL function of ours. All of them are deterministic, and nothing but a statement of ours may call them (no view or
 * trigger in a file that somebody else made). store.c makes them known to each connection.
 */

struct sqlite3_context;
struct sqlite3_value;

struct sql_function {
	const char *name;
	int arguments;
	void (*call)(struct sqlite3_context *context, int count, struct sqlite3_value *values[]);
};

#endif
