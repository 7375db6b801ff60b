/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "lab/core/faults.h"
#include "lab/core/files.h"
#include "lab/core/link.h"

#define FAULT_FILE_MAX   (16u << 10)
#define AGENT_TIMEOUT    1000
#define ANNOUNCE_TIMEOUT 5000 /* a power cut of a host with many processes takes a moment */

static bool expired(const struct fault *fault)
{
	return fault->until_ms != 0 && clock_wall_ms() >= fault->until_ms;
}

static void copy_text(char *to, size_t size, const json_t *root, const char *key)
{
	const char *text = json_string_value(json_object_get(root, key));
	snprintf(to, size, "%s", text != NULL ? text : "");
}

static bool read_fault(const char *path, const struct fault_kind *kind, struct fault *out)
{
	json_t *root = file_exists(path) ? json_read_file(path, FAULT_FILE_MAX, NULL) : NULL;
	if (root == NULL)
		return false;
	*out = (struct fault){.kind = kind,
			      .after = json_integer_value(json_object_get(root, "after")),
			      .amount = json_integer_value(json_object_get(root, "amount")),
			      .armed_ms = json_integer_value(json_object_get(root, "armed_ms")),
			      .until_ms = json_integer_value(json_object_get(root, "until_ms"))};
	copy_text(out->id, sizeof(out->id), root, "id");
	copy_text(out->match, sizeof(out->match), root, "match");
	copy_text(out->memory, sizeof(out->memory), root, "memory");
	json_decref(root);
	return !expired(out);
}

bool fault_is_armed(const struct lab *lab, const char *target, const char *name, struct fault *out)
{
	const struct fault_kind *kind = fault_kind_find(fault_target_of(target), name);
	struct fault found;
	if (kind == NULL)
		return false;
	char *path = lab_path(lab, "faults/%s/%s.json", target, name);
	bool armed = read_fault(path, kind, &found);
	free(path);
	if (armed && out != NULL)
		*out = found;
	return armed;
}

void fault_set_load(const struct lab *lab, const char *target, struct fault_set *out)
{
	enum fault_target wanted = fault_target_of(target);
	for (const struct fault_kind *kind = fault_kinds; kind->name != NULL; kind++) {
		struct fault fault;
		if (kind->target != wanted || !fault_is_armed(lab, target, kind->name, &fault))
			continue;
		out->items = xreallocarray(out->items, out->count + 1, sizeof(*out->items));
		out->items[out->count++] = fault;
	}
}

void fault_set_clear(struct fault_set *set)
{
	free(set->items);
	*set = (struct fault_set){.items = NULL};
}

const struct fault *fault_set_find(const struct fault_set *set, const char *name)
{
	for (size_t i = 0; i < set->count; i++) {
		if (strcmp(set->items[i].kind->name, name) == 0 && !expired(&set->items[i]))
			return &set->items[i];
	}
	return NULL;
}

int64_t fault_set_next_expiry(const struct fault_set *set)
{
	int64_t now = clock_wall_ms(), next = -1;
	for (size_t i = 0; i < set->count; i++) {
		int64_t until = set->items[i].until_ms;
		if (until != 0 && until >= now && (next < 0 || until - now < next))
			next = until - now;
	}
	return next;
}

int fault_arm(const struct lab *lab, const char *target, struct fault *fault, struct error *err)
{
	random_id(fault->id);
	fault->armed_ms = clock_wall_ms();
	json_t *root = json_pack("{ss sI sI sI sI ss ss}", "id", fault->id, "after", (json_int_t)fault->after, "amount",
				 (json_int_t)fault->amount, "armed_ms", (json_int_t)fault->armed_ms, "until_ms",
				 (json_int_t)fault->until_ms, "match", fault->match, "memory", fault->memory);
	char *path = lab_path(lab, "faults/%s/%s.json", target, fault->kind->name);
	int result = files_write_json(path, root, err);
	free(path);
	json_decref(root);
	return result;
}

static int heal_one(const struct lab *lab, const char *target, const char *name, struct error *err)
{
	char *path = lab_path(lab, "faults/%s/%s.json", target, name);
	char *count = lab_path(lab, "faults/%s/%s.count", target, name);
	int result = unlink(path) == 0 || !file_exists(path) ? 0
							     : error_set(err, ERROR_SYSTEM, "cannot remove %s", path);
	unlink(count);
	free(path);
	free(count);
	return result;
}

int fault_heal(const struct lab *lab, const char *target, const char *name, struct error *err)
{
	int result = 0;
	for (const struct fault_kind *kind = fault_kinds; kind->name != NULL; kind++) {
		if (kind->target == fault_target_of(target) && (name == NULL || strcmp(kind->name, name) == 0))
			result |= heal_one(lab, target, kind->name, err);
	}
	return result;
}

bool fault_strikes(const struct lab *lab, const char *target, const struct fault *fault)
{
	char id[RANDOM_ID_SIZE] = "";
	long long seen = 0;
	if (fault->after <= 0)
		return true;
	char *path = lab_path(lab, "faults/%s/%s.count", target, fault->kind->name);
	char *line = files_read_line(path);
	if (line == NULL || sscanf(line, "%32s %lld", id, &seen) != 2 || strcmp(id, fault->id) != 0)
		seen = 0;
	free(line);
	line = xasprintf("%s %lld\n", fault->id, seen + 1);
	files_write_text(path, line, NULL);
	free(line);
	free(path);
	return seen >= fault->after;
}

/* The host's agent answers at the socket of its executors. One that hangs or is gone looks when it starts. */
static void tell_agent(const struct lab *lab, const char *host)
{
	char *role = xasprintf("agents/%s", host);
	json_decref(control_ask(lab, role, json_pack("{ss}", "type", "faults"), AGENT_TIMEOUT, NULL));
	free(role);
}

void faults_announce(const struct lab *lab, const char *target)
{
	bool on_master = fault_target_of(target) == FAULT_ON_MASTER;
	const char *const daemons[] = {"front", "supervisor", target};
	for (size_t i = 0; i < (on_master ? 3 : 2); i++)
		json_decref(control_ask(lab, daemons[i], json_pack("{ssss}", "type", "faults", "target", target),
					ANNOUNCE_TIMEOUT, NULL));
	if (!on_master)
		tell_agent(lab, target);
}
