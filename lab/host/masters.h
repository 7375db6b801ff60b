/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_HOST_MASTERS_H
#define LAB_HOST_MASTERS_H
/*
 * The processes of the lab's masters, and of the ZooKeeper they elect their leader by: started, started again when they
 * end (as systemd does on a real master's host), killed and kept down by the fault `down`. Part of the supervisor.
 */
#include <stdbool.h>
#include <sys/types.h>

#include "lab/core/events.h"
#include "lab/core/lab.h"

/* The server itself, from the package libzookeeper-java. */
#define ZOOKEEPER_JAR "/usr/share/java/zookeeper.jar"

struct masters;

struct masters *masters_new(struct events *events, const struct lab *lab);
void masters_free(struct masters *masters); /* the processes go on; NULL is fine */
void masters_start(struct masters *masters);
void masters_check_faults(struct masters *masters);
/* A child has ended: was it one of them? */
bool masters_reap(struct masters *masters, pid_t pid);

#endif
