/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_CLUSTER_RULES_H
#define INVENTORY_CLUSTER_RULES_H
/* "defaults" and "hosts" of a cluster: what is known of hosts, to be overridden from top to bottom. */
#include <jansson.h>

#include "base/json.h"
#include "inventory/cluster.h"

/* Reads both from the cluster's object; folder is the cluster file's. NULL with ERROR_USAGE naming the place. */
struct cluster_rules *cluster_rules_read(const json_t *object, const char *folder, const struct json_place *place,
					 struct error *err);
void cluster_rules_free(struct cluster_rules *rules);

#endif
