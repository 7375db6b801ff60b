/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MESOS_FLAGS_H
#define MESOS_FLAGS_H
/*
 * The flags of an agent: an ordered map of name to value, as on its command line without the dashes. A boolean is
 * "true" or "false". Names are unique; setting one again replaces its value in place.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct flag {
	char *name;
	char *value;
};

struct flags {
	struct flag *items;
	size_t count;
};

#define FLAGS_INIT                                                                                                     \
	{                                                                                                              \
		.items = NULL, .count = 0                                                                              \
	}

void flags_clear(struct flags *flags);
void flags_set(struct flags *flags, const char *name, const char *value);
void flags_remove(struct flags *flags, const char *name);           /* no error when absent */
const char *flags_get(const struct flags *flags, const char *name); /* NULL when absent; borrowed until changed */
void flags_copy(struct flags *to, const struct flags *from);        /* to must be empty */
/* Do two values of that flag say the same? The entries of attributes and resources may stand in another order (one file
 * per entry gives them the order of the files' names); of other flags every byte counts. NULL is no value. */
bool flags_same_value(const char *name, const char *a, const char *b);
bool flags_equal(const struct flags *a, const struct flags *b); /* order does not matter */

/* {"name": "value", …}; a value that is no string is an error naming the flag. *out is set only on success. */
int flags_from_json(const json_t *object, const char *source, struct flags *out, struct error *err);
json_t *flags_to_json(const struct flags *flags);

/* What an agent's process says: "MESOS_<FLAG>=value" in env, then --name=value, --name (true), --no-name (false) in
 * argv[1..]; the command line wins. Operands are ignored. Unknown MESOS_ variables that the agent does not take as a
 * flag (MESOS_NATIVE_JAVA_LIBRARY and the like) are kept: only the agent knows its flags. */
void flags_from_process(const char *const argv[], const char *const env[], struct flags *out);

/* Takes the values as if they came from a command line, where an agent passes over spaces, tabs and line ends behind
 * them (in its environment it does not). */
void flags_trim(struct flags *flags);

/* Does the flag hold a secret (credential, executor_secret_key, jwt…)? Its value never leaves the host. */
bool flag_is_secret(const char *name);

/* Values that start with "file://" are read from that file below root (NULL: "/"). */
int flags_resolve_files(struct flags *flags, const char *root, struct error *err);

#endif
