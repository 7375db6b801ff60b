/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/flag_pairs.h"

Mesos__SlaveInfo *slaveinfo_from_pairs(const char *const pairs[], const struct detected *detected,
				       const struct mesos_version *version, struct error *err)
{
	struct flags flags = FLAGS_INIT;
	Mesos__SlaveInfo *info;

	for (size_t i = 0; pairs[i] != NULL; i += 2)
		flags_set(&flags, pairs[i], pairs[i + 1]);
	info = slaveinfo_from_flags(&flags, detected, version, err);
	flags_clear(&flags);
	return info;
}
