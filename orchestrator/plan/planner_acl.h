/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_PLANNER_ACL_H
#define ORCHESTRATOR_PLANNER_ACL_H
/*
 * What a master's --acls say of roles that agents reserve statically. A master that does not let an agent reserve a role takes it, and
 * never makes it active: no offers, and nothing in either log.
 */
#include <stdbool.h>

#include "base/buffer.h"
#include "mesos/slaveinfo.h"

enum planner_acl {
	ACL_ALLOWS,
	ACL_REFUSES, /* whatever principal the agent has */
	ACL_DEPENDS, /* on the agent's principal, which nobody but the agent's host knows */
	ACL_UNKNOWN, /* the ACLs are in a file on the master, or are none we can read */
};
/* acls: as in the master's /flags: a JSON object; NULL or "": everything is allowed. */
enum planner_acl planner_acl_reserve(const char *acls, const char *role);

/* Calls visit for each role that `after` reserves statically and `before` does not, once. */
void planner_new_static_roles(const Mesos__SlaveInfo *before, const Mesos__SlaveInfo *after,
			      void (*visit)(void *ctx, const char *role), void *ctx);

#endif
