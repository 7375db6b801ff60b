/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "agentctl/rescue.h"
#include "base/alloc.h"
#include "base/json.h"
#include "mesos/attributes.h"
#include "mesos/domain.h"

#define TEXT_MAX (8u << 20)

/* The flags as they would be at the next start, and what they make of the agent. */
struct prospect {
	struct flag_store edited; /* nothing is edited when its file_count is 0 */
	struct flags flags;
	Mesos__SlaveInfo *info;
};

static void prospect_clear(struct prospect *prospect)
{
	flag_store_clear(&prospect->edited);
	flags_clear(&prospect->flags);
	slaveinfo_free(prospect->info);
}

static int look_ahead(const struct facts *facts, const struct flag_edit *edits, size_t count, struct prospect *out,
		      struct error *err)
{
	if (flag_store_edit(&facts->store, edits, count, &out->edited, err) != 0)
		return -1;
	facts_predict_flags(facts, &out->edited, edits, count, &out->flags);
	out->info = facts_slaveinfo(facts, &out->flags, err);
	return out->info == NULL ? -1 : 0;
}

/* ---- is there anything to rescue? */

static int check_facts(const struct facts *facts, struct error *err)
{
	if (facts->checkpoint_error.kind != ERROR_NONE)
		return error_set(err, facts->checkpoint_error.kind, "%s", facts->checkpoint_error.text);
	if (facts->checkpoint.info == NULL)
		return error_set(err, ERROR_CONFLICT,
				 "there is no checkpoint below %s: the agent would register as a new one, and there is "
				 "nothing to rescue",
				 facts->host.work_dir);
	if (facts->store_error.kind != ERROR_NONE)
		return error_set(err, facts->store_error.kind, "%s", facts->store_error.text);
	return control_check(&facts->host, err);
}

static int check_refusal(const struct facts *facts, const struct prospect *now, struct error *err)
{
	struct verdict verdict = {.accepted = false, .message = BUFFER_INIT(64u << 20)};
	int result = facts_verdict(facts, &now->flags, &verdict, err);

	if (result == 0 && verdict.accepted)
		result = error_set(
			err, ERROR_CONFLICT,
			"the agent would accept its checkpoint with the flags in %s: what keeps it from running "
			"is something else, and its log may say what",
			facts->store.path == NULL ? "its flag store" : facts->store.path);
	verdict_clear(&verdict);
	return result;
}

/* While no agent runs, flags on its unit's command line are not known; hostname and port are where that shows. */
static int check_parts(const struct facts *facts, const struct prospect *now, unsigned differs, struct error *err)
{
	if (differs & PART_HOSTNAME)
		return error_set(
			err, ERROR_REFUSED,
			"the checkpoint says hostname %s and the flags in the store give %s: the master would not "
			"take the agent back under another name; find out where its flags come from",
			facts->checkpoint.info->hostname, now->info->hostname);
	if (differs & PART_PORT)
		return error_set(
			err, ERROR_REFUSED,
			"the checkpoint says port %d and the flags in the store give %d: find out where its flags "
			"come from",
			slaveinfo_port(facts->checkpoint.info), slaveinfo_port(now->info));
	return 0;
}

/* ---- flags that give what the checkpoint says */

static char *attributes_flag(const Mesos__SlaveInfo *info)
{
	struct buffer text = BUFFER_INIT(TEXT_MAX);

	for (size_t i = 0; i < info->n_attributes; i++) {
		buffer_printf(&text, "%s%s:", i == 0 ? "" : ";", info->attributes[i]->name);
		attribute_value_text(info->attributes[i], &text);
	}
	return text.len == 0 ? NULL : buffer_take(&text);
}

static char *resources_flag(const Mesos__SlaveInfo *info)
{
	struct resources resources = {.items = info->resources, .count = info->n_resources};
	json_t *array = resources_to_json(&resources);
	struct buffer text = BUFFER_INIT(TEXT_MAX);

	json_write(array, false, &text);
	json_decref(array);
	return buffer_take(&text);
}

static char *domain_flag(const struct facts *facts)
{
	struct buffer text = BUFFER_INIT(TEXT_MAX);

	if (facts->checkpoint.info->domain == NULL)
		return NULL;
	domain_print(facts->checkpoint.info->domain, &facts->version, &text);
	return buffer_take(&text);
}

static size_t make_edits(const struct facts *facts, unsigned differs, struct flag_edit edits[3])
{
	size_t count = 0;

	if (differs & PART_ATTRIBUTES)
		edits[count++] = (struct flag_edit){.name = (char *)(uintptr_t) "attributes",
						    .value = attributes_flag(facts->checkpoint.info)};
	if (differs & PART_RESOURCES)
		edits[count++] = (struct flag_edit){.name = (char *)(uintptr_t) "resources",
						    .value = resources_flag(facts->checkpoint.info)};
	if (differs & PART_DOMAIN)
		edits[count++] = (struct flag_edit){.name = (char *)(uintptr_t) "domain", .value = domain_flag(facts)};
	return count;
}

static int edit_flags(const struct facts *facts, unsigned differs, struct prospect *out, struct error *err)
{
	struct flag_edit edits[3];
	size_t count = make_edits(facts, differs, edits);
	int result = look_ahead(facts, edits, count, out, err);

	for (size_t i = 0; i < count; i++)
		free(edits[i].value);
	if (result == 0 && slaveinfo_diff(facts->checkpoint.info, out->info) != 0)
		result = error_set(err, ERROR_REFUSED,
				   "no flags were found that give what the checkpoint says; without --flags the "
				   "checkpoint is made to fit the flags instead");
	return result;
}

/* ---- both ways */

static int build(const struct facts *facts, const struct prospect *then, struct change *out, struct error *err)
{
	const struct buffer *old = &facts->checkpoint.bytes;
	struct buffer bytes = BUFFER_INIT(CHECKPOINT_MAX);
	struct change change;
	int result = checkpoint_splice(buffer_text(old), old->len, then->info, &bytes, err);

	memset(&change, 0, sizeof change);
	if (result == 0)
		result = change_check_recovery(facts, &bytes, then->info, err);
	if (result == 0) {
		change_compose(facts, &bytes, &then->edited, &then->flags, &change);
		change.may_amend = then->edited.file_count == 0;
		result = change_check_room(&change, err);
	}
	if (result == 0)
		*out = change;
	else
		change_clear(&change);
	buffer_clear(&bytes);
	return result;
}

int rescue_build(const struct facts *facts, bool by_flags, struct change *out, unsigned *differs, struct error *err)
{
	struct prospect now, then;
	int result = check_facts(facts, err);

	memset(&now, 0, sizeof now);
	memset(&then, 0, sizeof then);
	if (result == 0)
		result = look_ahead(facts, NULL, 0, &now, err);
	if (result == 0)
		result = check_refusal(facts, &now, err);
	if (result == 0) {
		*differs = slaveinfo_diff(facts->checkpoint.info, now.info);
		result = check_parts(facts, &now, *differs, err);
	}
	if (result == 0 && by_flags)
		result = edit_flags(facts, *differs, &then, err);
	if (result == 0)
		result = build(facts, by_flags ? &then : &now, out, err);
	prospect_clear(&now);
	prospect_clear(&then);
	return result;
}
