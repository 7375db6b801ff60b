/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change that the agent itself accepts: it has --ignore_checkpointed_state, and for an end of its tasks --recover_state. The flags
 * that make it accept are in its store from before its restart until its new process is there; the checkpoint is the agent's to
 * write.
 */
#include <string.h>

#include "agentctl/change.h"
#include "agentctl/preflight.h"
#include "base/alloc.h"
#include "base/file.h"

#define IGNORE_FLAG  "ignore_checkpointed_state"
#define RECOVER_FLAG "recover_state"
#define VALUE_MAX    4096

/* The request's edits, and behind them the temporary ones: at most two. */
struct trial {
	struct flag_edit *edits; /* values borrowed */
	size_t count, own;       /* own: the index of the first temporary one */
	struct buffer ignore;    /* the value of the flag */
};

static void set_edit(struct trial *trial, const char *name, const char *value)
{
	for (size_t i = 0; i < trial->own; i++)
		if (strcmp(trial->edits[i].name, name) == 0)
			trial->edits[i].name =
				(char *)(uintptr_t) ""; /* planned too: the temporary value comes first */
	trial->edits[trial->count++] = (struct flag_edit){.name = (char *)(uintptr_t)name,
							  .value = (char *)(uintptr_t)value};
}

/* One edit for each name. */
static void drop_replaced(struct trial *trial)
{
	size_t kept = 0;

	for (size_t i = 0; i < trial->count; i++)
		if (trial->edits[i].name[0] != '\0')
			trial->edits[kept++] = trial->edits[i];
		else
			trial->own--;
	trial->count = kept;
}

static void make_trial(const struct request *request, struct trial *out)
{
	json_t *names = recovery_ignore_to_json(request->ignore);

	buffer_init(&out->ignore, VALUE_MAX);
	json_write(names, false, &out->ignore);
	json_decref(names);
	out->edits = xcalloc(request->edit_count + 2, sizeof *out->edits);
	for (size_t i = 0; i < request->edit_count; i++)
		out->edits[i] = request->edits[i];
	out->own = out->count = request->edit_count;
	set_edit(out, IGNORE_FLAG, buffer_text(&out->ignore));
	if (!request->recover_state)
		set_edit(out, RECOVER_FLAG, "false");
	drop_replaced(out);
}

static void trial_clear(struct trial *trial)
{
	free(trial->edits);
	buffer_clear(&trial->ignore);
}

/* ---- may it be done? */

static int check_known(const struct facts *facts, const struct trial *trial, struct error *err)
{
	struct known_flags known = {.names = NULL, .count = 0};
	int result = 0;

	known_flags_ask(facts->agent.executable, &known);
	for (size_t i = trial->own; result == 0 && i < trial->count; i++)
		if (!known_flags_have(&known, trial->edits[i].name))
			result = error_set(err, ERROR_REFUSED,
					   "this agent (Mesos %s) does not know the flag --%s, which the mechanism "
					   "native needs: %s --help does not list it",
					   facts->version_text == NULL ? "of unknown version" : facts->version_text,
					   trial->edits[i].name, facts->agent.executable);
	known_flags_clear(&known);
	return result;
}

static int check_effect(const struct facts *facts, const struct flag_store *store, const struct trial *trial,
			struct error *err)
{
	struct flags predicted = FLAGS_INIT;
	int result = 0;

	facts_predict_flags(facts, store, trial->edits, trial->count, &predicted);
	for (size_t i = trial->own; result == 0 && i < trial->count; i++) {
		const struct flag_edit *edit = &trial->edits[i];
		const char *value = flags_get(&predicted, edit->name);

		if (value == NULL || strcmp(value, edit->value) != 0)
			result = error_set(err, ERROR_REFUSED,
					   "--%s is set on the agent's command line, which wins over the flag store: "
					   "it cannot be set for one start; take it out of the unit",
					   edit->name);
	}
	flags_clear(&predicted);
	return result;
}

int change_check_native(const struct facts *facts, const struct request *request, const Mesos__SlaveInfo *computed,
			struct error *err)
{
	struct recovery_rules rules = RECOVERY_STOCK;
	struct verdict verdict = {.accepted = false, .message = BUFFER_INIT(64u << 20)};
	int result = 0;

	rules.version = facts->version;
	rules.ignore = request->ignore;
	rules.recover_state = request->recover_state;
	recovery_check(facts->checkpoint.info, computed, &facts->checkpoint.reserved, &rules, &verdict);
	if (!verdict.accepted)
		result = error_set(err, ERROR_REFUSED, "the agent would not recover: %.900s",
				   buffer_text(&verdict.message));
	verdict_clear(&verdict);
	return result;
}

/* ---- the files */

static const struct store_file *find_stored(const struct flag_store *store, const char *path)
{
	for (size_t i = 0; i < store->file_count; i++)
		if (strcmp(store->files[i].path, path) == 0)
			return &store->files[i];
	return NULL;
}

static struct change_file *find_file(struct change *change, const char *path)
{
	for (size_t i = 0; i < change->store_count; i++)
		if (strcmp(change->store[i].path, path) == 0)
			return &change->store[i];
	return NULL;
}

/* A file that only the temporary flags touch is before and after as it is now. */
static struct change_file *add_file(const struct facts *facts, const char *path, struct change *change)
{
	const struct store_file *now = find_stored(&facts->store, path);
	struct change_file *file;

	change->store = xreallocarray(change->store, change->store_count + 1, sizeof *change->store);
	file = &change->store[change->store_count++];
	memset(file, 0, sizeof *file);
	file->path = xstrdup(path);
	change_set_side(&file->sides[SIDE_OLD], now != NULL && now->exists, now == NULL ? NULL : &now->bytes);
	change_set_side(&file->sides[SIDE_NEW], now != NULL && now->exists, now == NULL ? NULL : &now->bytes);
	change_set_owner(file, facts->host.root);
	return file;
}

static void take_trial(const struct facts *facts, const struct flag_store *edited, struct change *change)
{
	for (size_t i = 0; i < edited->file_count; i++) {
		const struct store_file *fresh = &edited->files[i];
		struct change_file *file = find_file(change, fresh->path);

		if (file == NULL)
			file = add_file(facts, fresh->path, change);
		change_set_side(&file->sides[SIDE_TRIAL], fresh->exists, &fresh->bytes);
	}
	/* What the temporary flags leave alone is then what it will be. */
	for (size_t i = 0; i < change->store_count; i++) {
		struct change_file *file = &change->store[i];

		if (find_stored(edited, file->path) == NULL)
			change_set_side(&file->sides[SIDE_TRIAL], file->sides[SIDE_NEW].exists,
					&file->sides[SIDE_NEW].bytes);
	}
	change->native = true;
}

int change_add_trial(const struct facts *facts, const struct request *request, struct change *change, struct error *err)
{
	struct flag_store edited = {.kind = FLAG_STORE_UNKNOWN};
	struct trial trial = {.edits = NULL};
	int result = -1;

	if (facts->store.kind == FLAG_STORE_EXTERNAL)
		return error_set(err, ERROR_REFUSED,
				 "the flag store is external: agentctl cannot set --" IGNORE_FLAG
				 " in it for one start; use the mechanism relax");
	make_trial(request, &trial);
	if (check_known(facts, &trial, err) == 0)
		result = flag_store_edit(&facts->store, trial.edits, trial.count, &edited, err);
	if (result == 0)
		result = check_effect(facts, &edited, &trial, err);
	if (result == 0)
		take_trial(facts, &edited, change);
	flag_store_clear(&edited);
	trial_clear(&trial);
	return result;
}

/* ---- what the agent has written */

static bool is_as_planned(const struct change *change, const struct buffer *there)
{
	const struct buffer *planned = &change->checkpoint.sides[SIDE_NEW].bytes;
	Mesos__SlaveInfo *found = checkpoint_parse("slave.info", buffer_text(there), there->len, NULL);
	Mesos__SlaveInfo *wanted = checkpoint_parse("slave.info", buffer_text(planned), planned->len, NULL);
	bool same = found != NULL && wanted != NULL && slaveinfo_diff(found, wanted) == 0;

	slaveinfo_free(found);
	slaveinfo_free(wanted);
	return same;
}

int change_adopt_checkpoint(struct change *change, const struct journal_entry *entry, bool *adopted, struct error *err)
{
	struct change_side *planned = &change->checkpoint.sides[SIDE_NEW];
	struct buffer there = BUFFER_INIT(CHECKPOINT_MAX);
	char *path = path_under(change->host.root, change->checkpoint.path);
	int result = 0;

	*adopted = file_exists(path) && file_read(path, &there, NULL) == 0 && is_as_planned(change, &there);
	if (*adopted && (there.len != planned->bytes.len ||
			 memcmp(buffer_text(&there), buffer_text(&planned->bytes), there.len) != 0)) {
		buffer_reset(&planned->bytes);
		buffer_append(&planned->bytes, buffer_text(&there), there.len);
		result = journal_put(entry, "after/slave.info", buffer_text(&there), there.len, err);
	}
	buffer_clear(&there);
	free(path);
	return result;
}
