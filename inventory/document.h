/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_DOCUMENT_H
#define INVENTORY_DOCUMENT_H
/*
 * Documents that people write: JSON in which keys that start with "_comment" may stand in every object, and strings
 * that speak of the agent they are for: ${hostname}, ${ip}, ${id}, ${region}, ${zone}, ${attribute.NAME}, and in configs
 * ${csv.COLUMN}; "$${" is a plain "${".
 */
#include <jansson.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"
#include "inventory/agents.h"
#include "inventory/config_csv.h"

/* json_parse, with the comments taken out. ERROR_USAGE with source:line:column. */
json_t *document_parse(const char *source, const void *bytes, size_t len, struct error *err);

/* Is every ${…} in text one we know? csv (NULL: none): its columns too. ERROR_USAGE names the place. Only a text that
 * passed may be expanded. */
int document_check_text(const char *text, const struct config_csv *csv, const struct json_place *place,
			struct error *err);
/* Does text depend on the agent? */
bool document_is_variable(const char *text);

/* Appends text with the agent's values put in. ERROR_USAGE names the agent and what it lacks (a domain, an attribute).
 * agent NULL: any agent, with values that stand for themselves; used to check a document before there is an agent. */
int document_expand_text(const char *text, const struct agent_record *agent, const struct config_csv *csv,
			 struct buffer *out, struct error *err);
/* A copy of value in which every string is checked and expanded; without CSV. The caller's. */
json_t *document_expand(const json_t *value, const struct agent_record *agent, const struct json_place *place,
			struct error *err);

#endif
