/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_CORE_ROLES_H
#define LAB_CORE_ROLES_H
/*
 * The roles of the lab. Daemons (of rollcall-lab) get its description and run until they are told to end; the others
 * (of rollcall-lab-host) are what a lab host finds in its PATH, told apart by argv[0].
 */
#include "base/error.h"
#include "lab/core/lab.h"

int role_supervisor(struct lab *lab, struct error *err); /* lab/host/supervisor.c */
int role_front(struct lab *lab, struct error *err);      /* lab/host/front.c */
int role_master(struct lab *lab, struct error *err);     /* lab/master/master.c */

/* Exit statuses, as the originals'. */
int role_agent(int argc, const char *const argv[]);      /* mesos-agent */
int role_executor(int argc, const char *const argv[]);   /* mesos-executor */
int role_systemctl(int argc, const char *const argv[]);  /* systemctl */
int role_journalctl(int argc, const char *const argv[]); /* journalctl */
int role_session(int argc, const char *const argv[]);    /* what the front puts around a command it is to cut */
int role_manager(int argc, const char *const argv[]);    /* lab/host/manager.c: configuration management */
int role_task(int argc, const char *const argv[]);       /* sleep SECONDS: what an executor runs */

#endif
