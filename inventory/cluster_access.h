/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_CLUSTER_ACCESS_H
#define INVENTORY_CLUSTER_ACCESS_H
/* "masters" and "access" of a cluster file. Only for inventory/cluster.c. */
#include <jansson.h>

#include "base/error.h"
#include "base/json.h"
#include "inventory/cluster.h"

int cluster_masters_read(struct cluster *cluster, const json_t *object, const struct json_place *place,
			 struct error *err);
/* folder: the cluster file's. */
int cluster_access_read(struct cluster_access *access, const json_t *object, const char *folder,
			const struct json_place *place, struct error *err);
void cluster_access_clear(struct cluster_access *access);

/* "~/…" is below the home folder, anything else relative is below folder. The caller's. */
char *cluster_file_path(const char *folder, const char *path);

#endif
