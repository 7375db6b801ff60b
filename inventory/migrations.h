/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_MIGRATIONS_H
#define INVENTORY_MIGRATIONS_H
/*
 * The steps of the schema, forward only. The table is made from schema/migrations/NNN-name.sql when the program is
 * built; entry i brings a database from version i to i + 1. A step that was released is never edited.
 */
struct migration {
	const char *name; /* NULL ends the table */
	const char *sql;
};

extern const struct migration migrations[];

#endif
