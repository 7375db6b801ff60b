/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REMOTE_ZOOKEEPER_H
#define REMOTE_ZOOKEEPER_H
/*
 * Who a cluster's masters are, according to ZooKeeper: every master that is up keeps a node json.info_SEQUENCE there, and the lowest
 * sequence leads. The list is followed for as long as this lives, through lost connections and expired sessions; what was seen last
 * stays until something newer is known.
 *
 * Single-threaded, on the loop. Names of servers are looked up when a session begins, which waits for the resolver.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "mesos/agent.h"
#include "remote/loop.h"

struct zookeeper_master {
	char *url;                 /* http(s)://HOST:PORT */
	struct master_facts facts; /* version, ID, capabilities and domain; no flags */
};
struct zookeeper_list {
	struct zookeeper_master *masters; /* in the order of the election: the first one leads */
	size_t count;
};

struct zookeeper_options {
	const char *url;         /* "zk://HOST:PORT,HOST:PORT/PATH" */
	const char *credentials; /* "USER:PASSWORD", for nodes that are not for everybody; NULL: none */
	bool tls;                /* masters are asked with https:// and by hostname, else with http:// and by address */
};

/* changed is called from loop_wait after the list has changed. options are borrowed until zookeeper_shut. ERROR_USAGE: no such
 * URL. A server that cannot be reached is no error: it is tried again and again. */
struct zookeeper;
struct zookeeper *zookeeper_open(struct loop *loop, const struct zookeeper_options *options, void (*changed)(void *ctx),
				 void *ctx, struct error *err);
void zookeeper_shut(struct zookeeper *zookeeper); /* NULL is fine */

/* Borrowed until changed is called next or zookeeper_shut. Empty while nothing is known. */
const struct zookeeper_list *zookeeper_masters(const struct zookeeper *zookeeper);
/* Why the list is empty or may be old; "" when there is no trouble. */
const char *zookeeper_trouble(const struct zookeeper *zookeeper);

#endif
