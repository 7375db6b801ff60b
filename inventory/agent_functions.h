/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_AGENT_FUNCTIONS_H
#define INVENTORY_AGENT_FUNCTIONS_H
/*
 * SQL functions of ours that read an agent's messages where they lie in its row.
 *
 *	agent_attribute_test(test, info)    inventory/attribute_test.h
 *	agent_attribute(name, info)         the values of the attributes with that name, joined by a comma; NULL: there is none
 *	agent_attributes(info)              "name:value; name:value", as agents print them; NULL: there is none
 *	agent_resource(name, role, message) how much there is of a scalar resource (mesos/resource_sums.h); role NULL: in all
 */
#include "inventory/sql_function.h"

/* Ends with a row without a name. */
extern const struct sql_function agent_functions[];

#endif
