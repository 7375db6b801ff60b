/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_CONFIG_COMMON_H
#define INVENTORY_CONFIG_COMMON_H
/*
 * A config out of what is running: one rule with all that several agents have in common in their flags, and that a config
 * may say. What an agent has twice, what it reads from a file elsewhere, and what a config must not touch is left out.
 */
#include <jansson.h>

#include "inventory/config_effect.h"

/* A document that config_parse takes and that changes none of the subjects (checked here). match: the rule's selector,
 * NULL for every agent. ERROR_USAGE when they have nothing in common. The caller's. */
json_t *config_common(struct store *store, const char *name, const char *match, const struct config_subject *subjects,
		      size_t count, struct error *err);

#endif
