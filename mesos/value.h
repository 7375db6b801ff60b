/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MESOS_VALUE_H
#define MESOS_VALUE_H
/*
 * The values of attributes and resources: parsing one from a flag, the arithmetic of its kinds, and how the agent
 * prints it. The rules are those of src/common/values.cpp.
 */
#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"
#include "mesos/version.h"
#include "schema/mesos.pb-c.h"

struct value {
	Mesos__Value__Type type;
	double scalar;
	Mesos__Value__Ranges *ranges; /* coalesced */
	Mesos__Value__Set *set;
	char *text;
};
void value_clear(struct value *value);

/* "4.5", "[1-2,5-9]", "{a,b}", anything else as text; spaces do not count. ERROR_USAGE in the agent's words. Which
 * numbers are scalars depends on the version. */
int value_parse(const char *text, const struct mesos_version *version, struct value *out, struct error *err);

/* Scalars count in thousandths: this one is what two scalars are compared by. */
long long scalar_fixed(double value);
double scalar_from_fixed(long long fixed);
void scalar_print(double value, struct buffer *out);

void ranges_coalesce(Mesos__Value__Ranges *ranges);
bool ranges_equal(const Mesos__Value__Ranges *a, const Mesos__Value__Ranges *b);
/* Is every range of part inside one of all? */
bool ranges_within(const Mesos__Value__Ranges *part, const Mesos__Value__Ranges *all);
void ranges_add(Mesos__Value__Ranges *to, const Mesos__Value__Ranges *what);
void ranges_subtract(Mesos__Value__Ranges *from, const Mesos__Value__Ranges *what);
void ranges_print(const Mesos__Value__Ranges *ranges, struct buffer *out);

bool set_within(const Mesos__Value__Set *part, const Mesos__Value__Set *all);
bool set_equal(const Mesos__Value__Set *a, const Mesos__Value__Set *b);
void set_add(Mesos__Value__Set *to, const Mesos__Value__Set *what);
void set_subtract(Mesos__Value__Set *from, const Mesos__Value__Set *what);
void set_print(const Mesos__Value__Set *set, struct buffer *out);

#endif
