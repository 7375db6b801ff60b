/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_CLUSTER_LOGIN_H
#define INVENTORY_CLUSTER_LOGIN_H
/* Who to be on a host and at which port, as "ssh" of a cluster says it for all hosts and "ssh" of an entry of its hosts for some. */
#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/json.h"

/* What is given; the rest is NULL, 0 and false. */
struct cluster_login {
	char *user;
	int port;
	char *identity; /* with its folder */
	bool has_become, become;
};

/* Reads "user", "port", "identity" and "become" of object (NULL: nothing is given). folder: the cluster file's. out must be cleared
 * whatever comes back. */
int cluster_login_read(const json_t *object, const char *folder, const struct json_place *place,
		       struct cluster_login *out, struct error *err);
void cluster_login_clear(struct cluster_login *login);

#endif
