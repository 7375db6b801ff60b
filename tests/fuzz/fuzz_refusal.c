/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as an agent's log, and as the new info of a refusal of just what was written: what is taken from it differs from what
 * was written in figures of the machine, and in nothing else.
 */
#include <stdint.h>
#include <string.h>

#include "agentctl/amend.h"
#include "base/alloc.h"
#include "mesos/recovery.h"

#define LOG_MAX  (1u << 22)
#define NEW_INFO "New agent info:\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		__builtin_trap();
}

static Mesos__SlaveInfo *make_info(const char *resources)
{
	struct flags flags = FLAGS_INIT;
	Mesos__SlaveInfo *info;

	flags_set(&flags, "hostname", "n1");
	flags_set(&flags, "attributes", "rack:r1;level:4");
	flags_set(&flags, "resources", resources);
	info = slaveinfo_from_flags(&flags, NULL, &mesos_version_newest, NULL);
	slaveinfo_set_id(info, "S1");
	flags_clear(&flags);
	return info;
}

/* What an agent says before the new info when it refuses `written`. */
static void begin_refusal(const Mesos__SlaveInfo *written, struct buffer *log)
{
	struct recovery_rules rules = RECOVERY_STOCK;
	struct verdict verdict = {.accepted = false};
	Mesos__SlaveInfo *other = make_info("cpus:5;mem:512;mem(web):8;disk:9;ports:[1-9]");
	const char *text;

	recovery_check(written, other, NULL, &rules, &verdict);
	text = buffer_text(&verdict.message);
	must(strstr(text, NEW_INFO) != NULL);
	buffer_append(log, text, (size_t)(strstr(text, NEW_INFO) - text) + strlen(NEW_INFO));
	verdict_clear(&verdict);
	slaveinfo_free(other);
}

static void try(const char *log, const Mesos__SlaveInfo *written)
{
	Mesos__SlaveInfo *amended = amend_from_refusal(log, written);

	if (amended == NULL)
		return;
	must(slaveinfo_diff(amended, written) == PART_RESOURCES);
	must(amended->n_resources == written->n_resources);
	for (size_t i = 0; i < amended->n_resources; i++)
		must(strcmp(amended->resources[i]->name, written->resources[i]->name) == 0);
	slaveinfo_free(amended);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size);
	struct buffer log = BUFFER_INIT(LOG_MAX);
	Mesos__SlaveInfo *written = make_info("cpus:4;mem:512;mem(web):8;disk:9;ports:[1-9]");

	try(text, written);
	begin_refusal(written, &log);
	if (buffer_puts(&log, text) == 0)
		try(buffer_text(&log), written);
	slaveinfo_free(written);
	buffer_clear(&log);
	free(text);
	return 0;
}
