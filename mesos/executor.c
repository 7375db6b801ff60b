/* SPDX-License-Identifier: Apache-2.0 */
#include "mesos/executor.h"

#include <string.h>

bool containerizers_have(const char *containerizers, const char *name)
{
	const char *at = containerizers == NULL ? "mesos" : containerizers;

	while (*at != '\0') {
		size_t len = strcspn(at, ",");

		if (len == strlen(name) && memcmp(at, name, len) == 0)
			return true;
		at += len + (at[len] == ',' ? 1 : 0);
	}
	return false;
}

static bool docker_wants_libprocess_pid(const struct mesos_version *version)
{
	static const struct mesos_version since_1_4 = {1, 4, 2}, since_1_5 = {1, 5, 1};

	if (!mesos_version_at_least(version, 1, 5))
		return mesos_version_compare(version, &since_1_4) >= 0;
	return mesos_version_compare(version, &since_1_5) >= 0;
}

enum executor_fate executor_after_restart(enum executor_api api, bool in_docker, const char *containerizers,
					  const struct mesos_version *version)
{
	if (!containerizers_have(containerizers, in_docker ? "docker" : "mesos"))
		return EXECUTOR_NOT_TAKEN_OVER;
	if (api == EXECUTOR_UNREGISTERED)
		return EXECUTOR_NOT_REACHED;
	if (in_docker && api == EXECUTOR_HTTP && docker_wants_libprocess_pid(version))
		return EXECUTOR_DOCKER_WITHOUT_PID;
	return EXECUTOR_KEPT;
}
