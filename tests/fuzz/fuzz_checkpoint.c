/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as slave.info: refused, or spliced so that the result reads back as what was to be written. */
#include <stdint.h>

#include "mesos/checkpoint.h"
#include "mesos/recovery.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static Mesos__SlaveInfo *make_target(const char *hostname)
{
	struct flags flags = FLAGS_INIT;
	Mesos__SlaveInfo *target;

	flags_set(&flags, "hostname", hostname);
	flags_set(&flags, "attributes", "rack:r1;level:4;keys:[1-5]");
	flags_set(&flags, "resources", "cpus:4;mem(web):1;mem:5;disk:1;ports:[1-9];s:{a,b}");
	flags_set(&flags, "domain", "{\"fault_domain\":{\"region\":{\"name\":\"eu\"},\"zone\":{\"name\":\"a\"}}}");
	target = slaveinfo_from_flags(&flags, NULL, &mesos_version_newest, NULL);
	flags_clear(&flags);
	return target;
}

static void judge(const Mesos__SlaveInfo *before, const Mesos__SlaveInfo *after)
{
	struct recovery_rules rules = RECOVERY_STOCK;
	struct verdict verdict = {0};
	struct slaveinfo_changes changes = {NULL, 0};

	recovery_check(before, after, NULL, &rules, &verdict);
	verdict_clear(&verdict);
	rules.policy = POLICY_ADDITIVE;
	recovery_check(before, after, NULL, &rules, &verdict);
	verdict_clear(&verdict);
	slaveinfo_changes(before, after, &changes);
	slaveinfo_changes_clear(&changes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = ERROR_INIT;
	struct buffer out = BUFFER_INIT(CHECKPOINT_MAX);
	Mesos__SlaveInfo *info = checkpoint_parse("fuzz", data, size, &err), *target;

	if (info == NULL && err.kind != ERROR_CORRUPT)
		__builtin_trap();
	if (info == NULL)
		return 0;
	target = make_target(info->hostname);
	judge(info, target);
	checkpoint_splice(data, size, target, &out, &err);
	if (err.kind == ERROR_BUG)
		__builtin_trap();
	buffer_clear(&out);
	slaveinfo_free(target);
	slaveinfo_free(info);
	return 0;
}
