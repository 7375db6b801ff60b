/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_CORE_LAB_H
#define LAB_CORE_LAB_H
/*
 * What a lab is: its folder and the description in it, lab.json, which every role of the program reads and only `up`
 * writes.
 *
 *   DIR/lab.json            this; DIR/hosts.json its hosts
 *   DIR/rollcall.json       the cluster file for rollcall
 *   DIR/id_ed25519[.pub], DIR/known_hosts
 *   DIR/hosts/NAME/         plays the host's "/": etc/, var/, usr/bin/, proc/sys/kernel/random/boot_id
 *   DIR/ssh/NAME/           the host's sshd_config and host key
 *   DIR/master/             the masters' registry
 *   DIR/zookeeper/          of a lab with several masters: its configuration and data
 *   DIR/tls/, DIR/credentials.json, DIR/master-password   when they are switched on
 *   DIR/faults/TARGET/      one file per armed fault
 *   DIR/run/                sockets and process records; DIR/log/ what the roles say
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"

#define LAB_SSH_PORT         2222
#define LAB_AGENT_PORT       5051
#define LAB_MESOS_VERSION    "1.12.0"
#define LAB_REGION           "lab" /* of every domain */
#define LAB_UNIT             "mesos-agent.service"
#define LAB_VERSION_FILE     "usr/share/mesos/VERSION" /* on a host: of its agent; none: LAB_MESOS_VERSION */
#define LAB_DIALECT_FILE     "usr/share/mesos/DIALECT" /* likewise: LAB_DIALECT_PROPOSAL; none: a stock agent */
#define LAB_DIALECT_PROPOSAL "proposal"
#define LAB_HOST_PROGRAM     "rollcall-lab-host" /* lies beside rollcall-lab */

struct lab_host {
	char *name;    /* node001.lab */
	char *address; /* its own loopback address */
	char *zone;    /* zone-1 */
};

struct lab_master {
	char *role;    /* "master" of one, "master:2" of several: as a process, as a fault's target */
	char *address; /* address:port of its HTTP endpoints */
	char *version; /* of Mesos */
	bool has_domain;
};

struct lab {
	char *dir; /* absolute */
	char id[RANDOM_ID_SIZE];
	double time_scale;          /* all clocks of Mesos are divided by it */
	char *user;                 /* whom SSH logs in */
	char *master;               /* address:port of its HTTP endpoints */
	struct lab_master *masters; /* at least one; the first is at `master` */
	size_t master_count;
	size_t number;            /* of the master this process plays */
	char *zookeeper;          /* address:port; NULL when there is one master, found by its address */
	bool tls;                 /* masters speak HTTPS: DIR/tls/ */
	bool client_certificates; /* and let nobody in without one of their CA */
	bool authenticate;        /* masters want the credentials in DIR/credentials.json */
	char *master_other;       /* a second address:port of the same master: where the fault `redirect` leads */
	int64_t tasks_per_agent;
	int64_t loose_tasks_per_agent; /* tasks of a framework that does not checkpoint */
	struct lab_host *hosts;
	size_t host_count;
};

/* Reads DIR/lab.json and DIR/hosts.json. ERROR_USAGE when there is no lab. Free with lab_free. */
struct lab *lab_load(const char *dir, struct error *err);
/* The lab a host's root belongs to: DIR of DIR/hosts/NAME. Without its hosts: thousands of processes live on hosts, and
 * none of them needs to know the others. */
struct lab *lab_load_of_root(const char *root, struct error *err);
int lab_save(const struct lab *lab, struct error *err);
void lab_free(struct lab *lab);

/* "master", "master:2"; NULL when the lab has none of that name. */
const struct lab_master *lab_master_find(const struct lab *lab, const char *role);
/* Adds one at the end; fails never. */
void lab_add_master(struct lab *lab, const char *address, const char *version, bool has_domain);
/* "zk://ADDRESS/mesos", or the only master's address: the flag --master of every agent. Caller frees. */
char *lab_master_flag(const struct lab *lab);
const struct lab_host *lab_host_find(const struct lab *lab, const char *name); /* NULL when there is none */
/* DIR/<format…>; the caller frees. */
char *lab_path(const struct lab *lab, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *lab_host_root(const struct lab *lab, const char *host);
/* A duration of Mesos in the lab's time, at least 1 ms when it was not 0. */
int64_t lab_scaled_ms(const struct lab *lab, int64_t ms);

#endif
