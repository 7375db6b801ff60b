/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MESOS_COMPATIBILITY_H
#define MESOS_COMPATIBILITY_H
/*
 * The comparisons of a stock agent: --reconfiguration_policy equal and additive, and whether dynamic reservations and
 * volumes still fit. Both SlaveInfos in post-refinement form and with an ID. A refusal is appended to message, word for
 * word as the agent says it.
 */
#include <stdbool.h>

#include "base/buffer.h"
#include "mesos/resources.h"
#include "mesos/slaveinfo.h"
#include "mesos/version.h"

/* `shown` is the old SlaveInfo the message prints; it is `previous` unless parts of that were taken out of the
 * comparison. */
bool compatible_equal(const Mesos__SlaveInfo *previous, const Mesos__SlaveInfo *current, const Mesos__SlaveInfo *shown,
		      const struct mesos_version *version, struct buffer *message);
/* Since 1.5. */
bool compatible_additive(const Mesos__SlaveInfo *previous, const Mesos__SlaveInfo *current,
			 const struct mesos_version *version, struct buffer *message);
bool compatible_reservations(const Mesos__SlaveInfo *current, const struct resources *checkpointed,
			     const struct mesos_version *version, struct buffer *message);

#endif
