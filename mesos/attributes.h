/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MESOS_ATTRIBUTES_H
#define MESOS_ATTRIBUTES_H
/* Attributes: "name:value;name:value" to messages and back. */
#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"
#include "mesos/version.h"
#include "schema/mesos.pb-c.h"

struct attributes {
	Mesos__Attribute **items;
	size_t count;
};
void attributes_clear(struct attributes *attributes);

/* *out is set only on success; ERROR_USAGE with the agent's own words otherwise. */
int attributes_parse(const char *text, const struct mesos_version *version, struct attributes *out, struct error *err);
/* The text of one value: "r1", "4.5", "[10-20,30-40]". */
void attribute_value_text(const Mesos__Attribute *attribute, struct buffer *out);

/* Same name, type and value (scalars to three decimals, ranges coalesced). */
bool attribute_equal(const Mesos__Attribute *a, const Mesos__Attribute *b);
/* As the agent compares two lists: order does not matter, the counts must be equal, and each must be found on the other
 * side (before 1.5: must equal the first of its name and type there). */
bool attributes_equal(const struct attributes *a, const struct attributes *b, const struct mesos_version *version);

/* Edits the text of an --attributes flag: after it exactly one attribute of that name (value), or none (value NULL).
 * Every other entry stays where it is, byte for byte. Appends the new text to out; ERROR_USAGE when the
 * result would not start an agent of that version. */
int attributes_edit(const char *text, const char *name, const char *value, const struct mesos_version *version,
		    struct buffer *out, struct error *err);

#endif
