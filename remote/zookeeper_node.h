/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REMOTE_ZOOKEEPER_NODE_H
#define REMOTE_ZOOKEEPER_NODE_H
/* The nodes in which masters introduce themselves, and the URL that leads to them. Only for remote/zookeeper.c. */
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "remote/zookeeper.h"

/* "zk://HOST:PORT,HOST/PATH" to "HOST:PORT,HOST:2181" and "/PATH"; the caller frees both. ERROR_USAGE otherwise, also when there
 * are a user and a password in it. */
int zookeeper_parse_url(const char *url, char **servers, char **path, struct error *err);

/* The sequence of "json.info_0000000012"; -1: no such node. */
long long zookeeper_node_sequence(const char *name);

/* MasterInfo as JSON. ERROR_CORRUPT when it is not, or has no address. */
int zookeeper_parse_node(const char *data, size_t len, bool tls, struct zookeeper_master *out, struct error *err);
void zookeeper_master_clear(struct zookeeper_master *master);

#endif
