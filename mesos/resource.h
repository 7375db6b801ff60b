/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MESOS_RESOURCE_H
#define MESOS_RESOURCE_H
/*
 * One resource: its two forms, whether it is valid, what it can be compared and added to. The rules are those of
 * src/common/resources.cpp; every comparison expects the post-refinement form.
 */
#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"
#include "mesos/version.h"
#include "schema/mesos.pb-c.h"

/* Post-refinement form: the stack of `reservations`, no `role`, no `reservation`. It is what agents and masters have in
 * memory. */
void resource_upgrade(Mesos__Resource *resource);
/* The form of a checkpoint: `role` ("*" when unreserved) and `reservation`. Refined reservations have none and stay. */
void resource_downgrade(Mesos__Resource *resource);

/* ERROR_USAGE in the agent's words. */
int resource_validate(const Mesos__Resource *resource, struct error *err);

bool resource_is_empty(const Mesos__Resource *resource);
bool resource_is_reserved(const Mesos__Resource *resource);
bool resource_is_dynamic(const Mesos__Resource *resource); /* the last reservation is a dynamic one */
bool resource_is_volume(const Mesos__Resource *resource);  /* persistent */

bool resource_same_kind(const Mesos__Resource *a, const Mesos__Resource *b); /* everything but the value */
bool resource_equal(const Mesos__Resource *a, const Mesos__Resource *b);
bool resource_addable(const Mesos__Resource *a, const Mesos__Resource *b);
bool resource_contains(const Mesos__Resource *all, const Mesos__Resource *part);
bool resource_subtractable(const Mesos__Resource *from, const Mesos__Resource *what);

void resource_value_add(Mesos__Resource *to, const Mesos__Resource *what);
void resource_value_subtract(Mesos__Resource *from, const Mesos__Resource *what);

/* "mem(reservations: [(STATIC,web)])[MOUNT:/srv]:512" */
void resource_print(const Mesos__Resource *resource, struct buffer *out);
void resource_value_print(const Mesos__Resource *resource, struct buffer *out);
/* "mem(web)", "disk[MOUNT:/srv]": what it is, for people. */
void resource_label(const Mesos__Resource *resource, struct buffer *out);

/* Takes "name(role):value" apart as the agent does; role is default_role when there is none. The strings are the
 * caller's. */
struct resource_entry {
	char *name, *role, *value;
};
int resource_entry_parse(const char *entry, const char *default_role, struct resource_entry *out, struct error *err);
void resource_entry_clear(struct resource_entry *entry);

/* A resource from such an entry, in post-refinement form, not validated. */
Mesos__Resource *resource_parse(const char *name, const char *value, const char *role,
				const struct mesos_version *version, struct error *err);

#endif
