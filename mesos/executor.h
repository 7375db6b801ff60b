/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MESOS_EXECUTOR_H
#define MESOS_EXECUTOR_H
/*
 * What becomes of an executor when its agent starts again, by what the agent has noted of it and by the agent's version. Seen on a
 * real agent of the newest rules; for the versions before, read in src/slave/containerizer/docker.cpp, src/slave/slave.cpp and
 * src/slave/state.cpp of each release from 1.4.0 to 1.11.0. Only frameworks that checkpoint are meant: executors of the others end
 * in any case.
 */
#include <stdbool.h>

#include "mesos/version.h"

/* How an executor has made itself known to its agent. */
enum executor_api {
	EXECUTOR_UNREGISTERED, /* not yet */
	EXECUTOR_DRIVER,       /* through libprocess: pids/libprocess.pid */
	EXECUTOR_HTTP,         /* through the API of version 1: http.marker */
};

enum executor_fate {
	EXECUTOR_KEPT,
	/* The agent does not know how to reach it again, and kills it. */
	EXECUTOR_NOT_REACHED,
	/* Its containerizer is no longer among --containerizers: nobody takes it over. */
	EXECUTOR_NOT_TAKEN_OVER,
	/* The Docker containerizer takes over none without a libprocess.pid, and stops the container as an orphan: since 1.4.2,
	 * 1.5.1 and 1.6.0. (1.4.0, 1.4.1 and 1.5.0 asked for forked.pid alone.) */
	EXECUTOR_DOCKER_WITHOUT_PID,
};

/* containerizers: the flag's value when it starts again; NULL: its default, "mesos". in_docker: its ExecutorInfo has a container of
 * the type DOCKER, which is how command tasks in Docker look, too; the mesos-docker-executor of those has a driver. */
enum executor_fate executor_after_restart(enum executor_api api, bool in_docker, const char *containerizers,
					  const struct mesos_version *version);

/* Is "docker" or "mesos" among them? */
bool containerizers_have(const char *containerizers, const char *name);

#endif
