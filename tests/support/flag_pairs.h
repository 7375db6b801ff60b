/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_FLAG_PAIRS_H
#define TESTS_SUPPORT_FLAG_PAIRS_H
/* Flags as a list of names and values. */
#include "mesos/slaveinfo.h"

#define FLAGS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* The SlaveInfo that slaveinfo_from_flags makes of them. */
Mesos__SlaveInfo *slaveinfo_from_pairs(const char *const pairs[], const struct detected *detected,
				       const struct mesos_version *version, struct error *err);

#endif
