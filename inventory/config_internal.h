/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_CONFIG_INTERNAL_H
#define INVENTORY_CONFIG_INTERNAL_H
/* A config in memory, and the checks that hold both when it is added and when an agent's values are put in. */
#include "base/json.h"
#include "inventory/config.h"
#include "inventory/config_csv.h"

enum config_section { SECTION_ATTRIBUTES, SECTION_RESOURCES, SECTION_FLAGS, SECTION_COUNT };

/* One thing a rule says: name should have value, or (NULL) should not be there. */
struct config_setting {
	char *where; /* "FILE: rules[0].attributes.rack" */
	char *name;
	char *value; /* variables not yet put in */
};

struct config_settings {
	struct config_setting *items;
	size_t count;
};

struct config_domain {
	char *where; /* NULL: the rule does not speak of the domain */
	bool removed;
	char *region, *zone; /* NULL: stays as it is; not both */
};

struct config_rule {
	char *where;
	const struct config_csv *csv; /* the config's */
	struct selector *match;       /* NULL: every agent */
	struct config_settings sections[SECTION_COUNT];
	struct config_domain domain;
};

struct config {
	char *name;
	struct config_csv *csv; /* NULL: none was given with it */
	struct config_rule *rules;
	size_t count;
};

/* Would an agent of that version start with it? value without variables. ERROR_USAGE, without the place. */
int config_check_value(enum config_section section, const char *name, const char *value,
		       const struct mesos_version *version, struct error *err);

/* May this flag be changed by a config at all? ERROR_USAGE with the reason. */
int config_check_flag(const char *name, struct error *err);

/* A name in a domain. */
int config_check_domain_name(const char *name, struct error *err);

#endif
