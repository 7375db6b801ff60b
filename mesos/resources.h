/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MESOS_RESOURCES_H
#define MESOS_RESOURCES_H
/* Resources: "name(role):value;…" or a JSON array of Resource, to messages and back; their arithmetic. */
#include <jansson.h>
#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"
#include "mesos/version.h"
#include "schema/mesos.pb-c.h"

struct resources {
	Mesos__Resource **items;
	size_t count;
};
void resources_clear(struct resources *resources);
void resources_copy(struct resources *to, Mesos__Resource *const *items, size_t count); /* to must be empty */

/* Text or JSON, as the --resources flag takes it. default_role NULL means "*". */
int resources_parse(const char *text, const char *default_role, const struct mesos_version *version,
		    struct resources *out, struct error *err);

/* The same without summing up or dropping anything, and without validation: what the flag's text names. */
int resources_parse_list(const char *text, const char *default_role, const struct mesos_version *version,
			 struct resources *out, struct error *err);

/* After this every resource has its reservations in `reservations` (post-refinement form), equal ones are summed, zero
 * ones are gone. All comparisons work on normalised resources. */
void resources_normalise(struct resources *resources);
bool resources_equal(const struct resources *a, const struct resources *b); /* normalises copies */
bool resources_contain(const struct resources *all, const struct resources *part);
void resources_add(struct resources *to, const struct resources *what);
/* For one resource in normalised form; `take` owns it from then on, and sums it up with what it can be added to. */
void resources_take(struct resources *to, Mesos__Resource *resource);
void resources_subtract(struct resources *from, const Mesos__Resource *what);
bool resources_have(const struct resources *all, const Mesos__Resource *part);
/* "cpus:4; mem(web):512; ports:[31000-32000]" as the agent prints them; appended to out. */
void resources_to_text(const struct resources *resources, struct buffer *out);
/* The sum of one scalar over all reservations, 0 when there is none. */
double resources_scalar(const struct resources *resources, const char *name);

/* Edits the text of a --resources flag: after it the unreserved resource `name` (or "name(role)") has that value
 * ("24", "[31000-32000]", "{a,b}"), or is gone (NULL). Text stays text and JSON stays JSON; other entries stay. */
int resources_edit(const char *text, const char *name, const char *value, const struct mesos_version *version,
		   struct buffer *out, struct error *err);

int resources_from_json(const json_t *array, struct resources *out, struct error *err);
json_t *resources_to_json(const struct resources *resources);
json_t *resource_to_json(const Mesos__Resource *resource);

#endif
