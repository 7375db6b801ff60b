/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flags and checkpoint give different SlaveInfos: either the next start is refused, or it is accepted under `additive`, which
 * never writes the new one to disk. agentctl, which sees the host's files, judges; what differs in which value is worked
 * out here.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "inventory/drift_internal.h"

#define TEXT_MAX (16u << 20)

static const char would_refuse_fix[] =
	"its next start would be refused (after a reboot: a new ID, and every task lost). Put the flags back, or let a "
	"rollout make its checkpoint fit them; when it is down already, `rollcall rescue` starts it";

static const char would_not_start_fix[] =
	"its next start would end at once, whatever its checkpoint says: put right what the file says";

static const char not_written_back_fix[] =
	"the agent accepted it as an addition and never wrote it to its checkpoint: after a reboot, or under another "
	"policy, its next start may cost its ID and every task; a rollout of the same flags writes it";

/* A disagreement as it will be added, but for what it is about. */
struct pair {
	const char *kind;
	const char *places[2];
	const char *fix;
	struct drift_findings *out;
};

static void add(const struct pair *pair, const char *what, const char *first, const char *second)
{
	drift_add_disagreement(pair->out, pair->kind, pair->places, what, first, second, xstrdup(pair->fix));
}

/* ---- the SlaveInfo that the flags give */

static bool stands_elsewhere(const struct flags *flags)
{
	static const char *const parts[] = {"attributes", "resources", "domain"};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const char *value = flags_get(flags, parts[i]);

		if (value && strncmp(value, "file://", strlen("file://")) == 0)
			return true;
	}
	return false;
}

/* NULL: it cannot be known from here. */
static Mesos__SlaveInfo *info_of(const struct survey *survey, const struct flags *flags)
{
	struct mesos_version version = mesos_version_newest;
	struct detected detected = survey->detected;

	if (stands_elsewhere(flags))
		return NULL;
	if (survey->version)
		mesos_version_parse(survey->version, &version, NULL);
	if (!detected.hostname)
		detected.hostname = survey->info->hostname;
	return slaveinfo_from_flags(flags, &detected, &version, NULL);
}

/* Those of the process, and over them what the file says. */
static void next_flags(const struct survey *survey, struct flags *out)
{
	flags_copy(out, &survey->flags);
	for (size_t i = 0; i < survey->store_flags.count; i++)
		flags_set(out, survey->store_flags.items[i].name, survey->store_flags.items[i].value);
}

/* ---- one line for each value, or for each part where values are not to be had */

/* The parts of which a value was named. */
static unsigned add_values(const struct pair *pair, const struct survey *survey, const struct flags *flags)
{
	Mesos__SlaveInfo *next = info_of(survey, flags);
	struct slaveinfo_changes changes = {NULL, 0};
	unsigned named = 0;

	if (next)
		slaveinfo_changes(next, survey->info, &changes);
	for (size_t i = 0; i < changes.count; i++) {
		const struct slaveinfo_change *change = &changes.items[i];
		char *what;

		if (!(change->part & survey->verdict_differs))
			continue;
		what = xasprintf("%s.%s", slaveinfo_part_name(change->part), change->what);
		add(pair, what, change->before, change->after);
		named |= change->part;
		free(what);
	}
	slaveinfo_changes_clear(&changes);
	slaveinfo_free(next);
	return named;
}

static void add_part(const struct pair *pair, const struct flags *flags, enum slaveinfo_part part)
{
	const char *name = slaveinfo_part_name(part), *value = flags_get(flags, name);

	add(pair, name, value ? value : "what the agent finds by itself", "another one");
}

static void compare(const struct pair *pair, const struct survey *survey, const struct flags *flags)
{
	unsigned named = survey->info ? add_values(pair, survey, flags) : 0;

	for (unsigned bit = 1; bit <= PART_CHECKPOINT; bit <<= 1)
		if (survey->verdict_differs & bit & ~named)
			add_part(pair, flags, (enum slaveinfo_part)bit);
}

void drift_compare_checkpoint(const struct survey *survey, struct drift_findings *out)
{
	const struct pair refused = {"would-refuse", {"store", "checkpoint"}, would_refuse_fix, out};
	const struct pair no_start = {"would-refuse", {"store", "checkpoint"}, would_not_start_fix, out};
	const struct pair accepted = {"not-written-back", {"running", "checkpoint"}, not_written_back_fix, out};
	struct flags next = FLAGS_INIT;

	if (!survey->has_verdict)
		return;
	next_flags(survey, &next);
	if (survey->verdict_accepted)
		compare(&accepted, survey, &survey->flags);
	else if (survey->verdict_differs == 0)
		add(&no_start, "flags", survey->verdict_message, "");
	else
		compare(&refused, survey, &next);
	flags_clear(&next);
}
