/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MESOS_FLAG_TYPES_H
#define MESOS_FLAG_TYPES_H
/*
 * Which values an agent's flags take, as far as their type goes: an agent of Mesos 1.4 to 1.12 does not start with a
 * value it cannot read. No flag has changed its type in these versions; which of them know a flag is the agent's to
 * say, so a name that is not in the table is left to it. Flags that make up a SlaveInfo have readers of their own
 * (slaveinfo_from_flags).
 */
#include "base/error.h"
#include "mesos/flags.h"

enum flag_type {
	FLAG_TEXT, /* anything, or a flag we do not know */
	FLAG_BOOLEAN,
	FLAG_DURATION,
	FLAG_NUMBER, /* an integer */
	FLAG_REAL,
	FLAG_BYTES,
};
enum flag_type flag_type_of(const char *name);

/* ERROR_USAGE with the agent's own words: "Failed to load flag 'gc_delay': Failed to load value '2 weeks': Unknown
 * duration unit …". */
int flag_check_value(const char *name, const char *value, struct error *err);

/* The first of them that would keep an agent from starting; values that stand in a file ("file://…") are passed over. */
int flags_check_values(const struct flags *flags, struct error *err);

#endif
