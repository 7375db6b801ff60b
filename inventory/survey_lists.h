/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_SURVEY_LISTS_H
#define INVENTORY_SURVEY_LISTS_H
/* What reading an inspect document is made of; see survey.c. A survey that was read in part is cleared by survey_clear. */
#include "base/json.h"
#include "inventory/survey.h"

/* A text or nothing; *out is the caller's. */
int survey_read_text(const json_t *object, const char *key, char **out, const struct json_place *place,
		     struct error *err);

/* Tasks, operations and findings of the document. */
int survey_read_lists(struct survey *survey, const json_t *root, const struct json_place *top, struct error *err);
/* Of its agent. */
int survey_read_known_flags(struct survey *survey, const json_t *agent, const struct json_place *place,
			    struct error *err);

#endif
