/* SPDX-License-Identifier: Apache-2.0 */
/* Agents that cannot be planned, or taken back: each with its reason, and for people those with the same reason together. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "inventory/hostset.h"
#include "orchestrator/plan/planner.h"

#define KEY_MAX   (64u << 10)
#define LINES_MAX (16u << 20)
/* As 2026-11-23T18:55:46.957Z has. */
#define TIME_MIN  20
#define ID_MIN    8

void planner_refusals_clear(struct planner_refusals *refusals)
{
	for (size_t i = 0; i < refusals->count; i++) {
		free(refusals->items[i].agent_id);
		free(refusals->items[i].hostname);
		free(refusals->items[i].reason);
	}
	free(refusals->items);
	*refusals = (struct planner_refusals){.items = NULL};
}

/* ---- the same reason */

static size_t length_of_time(const char *at)
{
	size_t len = strspn(at, "0123456789-T:.");

	return len + 1 >= TIME_MIN && at[len] == 'Z' ? len + 1 : 0;
}

static size_t length_of_address(const char *at)
{
	size_t len = 0, part;

	for (int i = 0; i < 4; i++) {
		part = strspn(at + len, "0123456789");
		if (part == 0 || part > 3 || (i < 3 && at[len + part] != '.'))
			return 0;
		len += part + (i < 3);
	}
	return len;
}

/* Of an agent, a task, a framework: long, and letters as well as digits. A number by itself may be the very reason. */
static size_t length_of_id(const char *at)
{
	size_t len = 0, digits = 0, letters = 0;

	for (; isalnum((unsigned char)at[len]) || (at[len] != '\0' && strchr("._-", at[len])); len++) {
		digits += isdigit((unsigned char)at[len]) != 0;
		letters += isalpha((unsigned char)at[len]) != 0;
	}
	return len >= ID_MIN && digits > 0 && letters > 0 ? len : 0;
}

/* The reason without what may differ from agent to agent: its own name, addresses, times, IDs. */
static char *key_of(const struct planner_refusal *refusal)
{
	struct buffer key = BUFFER_INIT(KEY_MAX);
	size_t name_len = strlen(refusal->hostname), len;

	for (const char *at = refusal->reason; *at != '\0'; at += len) {
		bool begins = at == refusal->reason || !isalnum((unsigned char)at[-1]);

		len = name_len > 0 && strncmp(at, refusal->hostname, name_len) == 0 ? name_len : 0;
		if (len == 0 && begins)
			len = length_of_time(at);
		if (len == 0 && begins)
			len = length_of_address(at);
		if (len == 0 && begins)
			len = length_of_id(at);
		buffer_putc(&key, len > 0 ? '\x01' : *at);
		len = len > 0 ? len : 1;
	}
	return buffer_take(&key);
}

struct keyed {
	char *key;
	size_t index;
	size_t first; /* of those with the same key */
};

static int compare_keys(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;
	int order = strcmp(x->key, y->key);

	return order ? order : (x->index > y->index) - (x->index < y->index);
}

static int compare_places(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

/* In the order in which each reason comes first. */
static struct keyed *group_all(const struct planner_refusals *refusals)
{
	struct keyed *keyed = xcalloc(refusals->count + 1, sizeof(*keyed));

	for (size_t i = 0; i < refusals->count; i++)
		keyed[i] = (struct keyed){.key = key_of(&refusals->items[i]), .index = i};
	qsort(keyed, refusals->count, sizeof(*keyed), compare_keys);
	for (size_t i = 0; i < refusals->count; i++)
		keyed[i].first = i > 0 && strcmp(keyed[i].key, keyed[i - 1].key) == 0 ? keyed[i - 1].first
										      : keyed[i].index;
	qsort(keyed, refusals->count, sizeof(*keyed), compare_places);
	return keyed;
}

/* ---- for people */

void planner_refusals_names(const struct planner_refusals *refusals, struct buffer *out)
{
	const char **names = xcalloc(refusals->count + 1, sizeof(*names));

	for (size_t i = 0; i < refusals->count; i++)
		names[i] = refusals->items[i].hostname;
	hostset_fold(names, refusals->count, out);
	free(names);
}

static void hand_over(const struct planner_refusals *refusals, const struct keyed *keyed, size_t count,
		      void (*each)(void *ctx, const struct planner_refusal_group *group), void *ctx)
{
	const struct planner_refusal *first = &refusals->items[keyed[0].index];
	struct buffer names = BUFFER_INIT(LINES_MAX);
	const char **list = xcalloc(count + 1, sizeof(*list));
	bool differ = false;

	for (size_t i = 0; i < count; i++) {
		list[i] = refusals->items[keyed[i].index].hostname;
		differ = differ || strcmp(refusals->items[keyed[i].index].reason, first->reason) != 0;
	}
	hostset_fold(list, count, &names);
	const struct planner_refusal_group group = {
		.names = buffer_text(&names),
		.count = count,
		.example = differ ? first->hostname : NULL,
		.reason = first->reason,
	};
	each(ctx, &group);
	buffer_clear(&names);
	free(list);
}

void planner_refusals_group(const struct planner_refusals *refusals,
			    void (*each)(void *ctx, const struct planner_refusal_group *group), void *ctx)
{
	struct keyed *keyed = group_all(refusals);
	size_t count;

	for (size_t i = 0; i < refusals->count; i += count) {
		for (count = 1; i + count < refusals->count && keyed[i + count].first == keyed[i].first;)
			count++;
		hand_over(refusals, &keyed[i], count, each, ctx);
	}
	for (size_t i = 0; i < refusals->count; i++)
		free(keyed[i].key);
	free(keyed);
}

struct telling {
	const char *what;
	void (*tell)(const char *line);
};

static void tell_group(void *ctx, const struct planner_refusal_group *group)
{
	const struct telling *telling = ctx;
	struct buffer line = BUFFER_INIT(LINES_MAX);

	buffer_puts(&line, group->names);
	if (group->count > 1)
		buffer_printf(&line, " (%zu agents)", group->count);
	buffer_printf(&line, "%s: ", telling->what);
	if (group->example)
		buffer_printf(&line, "such as %s: ", group->example);
	buffer_puts(&line, group->reason);
	telling->tell(buffer_text(&line));
	buffer_clear(&line);
}

void planner_refusals_tell(const struct planner_refusals *refusals, const char *what, void (*tell)(const char *line))
{
	struct telling telling = {.what = what, .tell = tell};

	planner_refusals_group(refusals, tell_group, &telling);
}
