/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REMOTE_MASTER_ALL_H
#define REMOTE_MASTER_ALL_H
/*
 * Every master of a cluster asked by itself. One that does not lead sends most questions on to the leader; /version and /flags it
 * answers itself, and its node in ZooKeeper says what it can do. Only for remote/master_http.c.
 */
#include "remote/master.h"
#include "remote/master_question.h"
#include "remote/zookeeper.h"

/* zookeeper may be NULL. leader: what the leader's own report is, or why there is none. */
int master_ask_each(const struct masters *masters, const struct zookeeper *zookeeper, struct loop *loop,
		    const struct master_report *leader, struct master_roll *out);

#endif
