/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MESOS_VERSION_H
#define MESOS_VERSION_H
/* Versions of Mesos: rules that changed are asked for by version. */
#include <stdbool.h>

#include "base/error.h"

struct mesos_version {
	int major, minor, patch;
};

/* The newest rules anyone has checked: 1.12.0. */
extern const struct mesos_version mesos_version_newest;
/* The range operators run and these rules were read for: 1.4 to 1.12. */
bool mesos_version_is_known(const struct mesos_version *version);

/* "1.11.0", "1.12.0-rc1", "1.4". */
int mesos_version_parse(const char *text, struct mesos_version *out, struct error *err);
/* <0, 0, >0 */
int mesos_version_compare(const struct mesos_version *a, const struct mesos_version *b);
bool mesos_version_at_least(const struct mesos_version *version, int major, int minor);

#endif
