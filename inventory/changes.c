/* SPDX-License-Identifier: Apache-2.0 */
/* In what two states of an agent differ. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "inventory/history.h"

#define TEXT_MAX (1u << 20)

void agent_changes_clear(struct agent_changes *changes)
{
	for (size_t i = 0; i < changes->count; i++) {
		free(changes->items[i].what);
		free(changes->items[i].before);
		free(changes->items[i].after);
	}
	free(changes->items);
	*changes = (struct agent_changes){NULL, 0};
}

/* Takes its texts. */
static void add(struct agent_changes *changes, char *what, char *before, char *after)
{
	changes->items = xreallocarray(changes->items, changes->count + 1, sizeof(*changes->items));
	changes->items[changes->count++] = (struct agent_change){what, before, after};
}

static void compare(struct agent_changes *changes, const char *what, const char *before, const char *after)
{
	if (strcmp(before, after) != 0)
		add(changes, xstrdup(what), xstrdup(before), xstrdup(after));
}

static void compare_times(struct agent_changes *changes, const char *what, int64_t before_ns, int64_t after_ns)
{
	char before[CLOCK_TEXT_MAX], after[CLOCK_TEXT_MAX];

	if (before_ns == after_ns)
		return;
	add(changes, xstrdup(what), before_ns ? xstrdup(clock_format(before_ns / 1000000, before)) : NULL,
	    after_ns ? xstrdup(clock_format(after_ns / 1000000, after)) : NULL);
}

static const char *state_of(const struct agent_view *view)
{
	if (view->deactivated)
		return "deactivated";
	return view->active ? "active" : "inactive";
}

/* What the master counts as the agent's total differs from its SlaveInfo by reservations made since. */
static void compare_totals(struct agent_changes *changes, const struct agent_view *before,
			   const struct agent_view *after)
{
	struct buffer old = BUFFER_INIT(TEXT_MAX), new = BUFFER_INIT(TEXT_MAX);

	if (!resources_equal(&before->total, &after->total)) {
		resources_to_text(&before->total, &old);
		resources_to_text(&after->total, &new);
		compare(changes, "total", buffer_text(&old), buffer_text(&new));
	}
	buffer_clear(&old);
	buffer_clear(&new);
}

static char *name_change(const struct slaveinfo_change *change)
{
	const char *part = slaveinfo_part_name(change->part);

	return strcmp(part, change->what) == 0 ? xstrdup(part) : xasprintf("%s.%s", part, change->what);
}

/* /slaves hides one of two attributes with the same name: a difference to such an answer says nothing. */
static void compare_infos(struct agent_changes *changes, const struct agent_view *before,
			  const struct agent_view *after)
{
	bool attributes = before->attributes_complete && after->attributes_complete;
	struct slaveinfo_changes found = {NULL, 0};

	slaveinfo_changes(before->info, after->info, &found);
	for (size_t i = 0; i < found.count; i++) {
		struct slaveinfo_change *change = &found.items[i];

		if (change->part == PART_ATTRIBUTES && !attributes)
			continue;
		add(changes, name_change(change), change->before ? xstrdup(change->before) : NULL,
		    change->after ? xstrdup(change->after) : NULL);
	}
	slaveinfo_changes_clear(&found);
}

void agent_changes_find(const struct agent_view *before, const struct agent_view *after, struct agent_changes *out)
{
	char *old_address = xasprintf("%s:%d", before->ip, before->port);
	char *new_address = xasprintf("%s:%d", after->ip, after->port);

	compare(out, "state", state_of(before), state_of(after));
	compare(out, "version", before->version, after->version);
	compare(out, "address", old_address, new_address);
	compare_infos(out, before, after);
	if (slaveinfo_diff(before->info, after->info) == 0)
		compare_totals(out, before, after);
	compare_times(out, "registered", before->registered_ns, after->registered_ns);
	compare_times(out, "reregistered", before->reregistered_ns, after->reregistered_ns);
	free(old_address);
	free(new_address);
}
