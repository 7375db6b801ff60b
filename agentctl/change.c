/* SPDX-License-Identifier: Apache-2.0 */
/* Building a change: every rule that refuses it lives here. */
#include "agentctl/change.h"

#include <string.h>
#include <sys/stat.h>

#include "agentctl/survey.h"
#include "base/alloc.h"
#include "base/file.h"

static void file_clear(struct change_file *file)
{
	free(file->path);
	for (int side = SIDE_OLD; side <= SIDE_TRIAL; side++)
		buffer_clear(&file->sides[side].bytes);
}

void change_clear(struct change *change)
{
	host_settings_clear(&change->host);
	free(change->log_dir);
	file_clear(&change->checkpoint);
	for (size_t i = 0; i < change->store_count; i++)
		file_clear(&change->store[i]);
	free(change->store);
	cleanup_clear(&change->cleanup);
	hold_clear(&change->hold);
	memset(change, 0, sizeof *change);
}

void change_set_side(struct change_side *side, bool exists, const struct buffer *bytes)
{
	buffer_clear(&side->bytes);
	side->exists = exists;
	buffer_init(&side->bytes, CHANGE_FILE_MAX);
	if (exists)
		buffer_append(&side->bytes, buffer_text(bytes), bytes->len);
}

void change_set_owner(struct change_file *file, const char *root)
{
	char *path = path_under(root, file->path);
	struct stat info;

	if (stat(path, &info) == 0) {
		file->mode = info.st_mode & 07777;
		file->uid = info.st_uid;
		file->gid = info.st_gid;
	}
	free(path);
}

/* ---- is the host as the plan saw it? */

static int expect(const char *what, const char *seen, const char *now, struct error *err)
{
	if (seen == NULL || (now != NULL && strcmp(seen, now) == 0))
		return 0;
	return error_set(
		err, ERROR_CONFLICT,
		"the host is not as the plan saw it: its %s was %s and is %s; survey it again and make a new plan",
		what, seen, now == NULL || now[0] == '\0' ? "unknown" : now);
}

int change_check_expectation(const struct facts *facts, const struct request_expectation *seen, struct error *err)
{
	if (expect("agent ID", seen->agent_id, facts->checkpoint.agent_id, err) != 0 ||
	    expect("boot ID", seen->boot_id, facts->boot_id, err) != 0 ||
	    expect("agent's version", seen->agent_version, facts->version_text, err) != 0 ||
	    expect("checkpoint (SHA-256)", seen->checkpoint_sha256, facts->checkpoint_sha256, err) != 0)
		return -1;
	return expect("flag store (SHA-256)", seen->store_sha256, facts->store.sha256, err);
}

static int check_facts(const struct facts *facts, struct error *err)
{
	if (!facts->running)
		return error_set(err, ERROR_CONFLICT,
				 "no agent runs on this host: there would be nothing to prove the change on; start it, "
				 "or find out why it does not run");
	if (facts->checkpoint_error.kind != ERROR_NONE)
		return error_set(err, facts->checkpoint_error.kind, "%s", facts->checkpoint_error.text);
	if (facts->checkpoint.info == NULL)
		return error_set(
			err, ERROR_REFUSED,
			"the agent has no checkpoint below %s: it has not registered yet, and any restart gives it "
			"the new flags",
			facts->host.work_dir);
	if (facts->store_error.kind != ERROR_NONE)
		return error_set(err, facts->store_error.kind, "%s", facts->store_error.text);
	/* An agent that has not recovered since the reboot would lose its ID over a difference (it removes `latest`). */
	if (facts->checkpoint.boot_id != NULL && strcmp(facts->checkpoint.boot_id, facts->boot_id) != 0)
		return error_set(err, ERROR_CONFLICT,
				 "the host was rebooted and the agent has not recovered since: wait until it has");
	return control_check(&facts->host, err);
}

/* ---- does the edited store give what was promised? */

/* Which flags the agent reads from where is only known from its process: what is edited must come from the store. */
static int check_source(const struct facts *facts, const struct flag_edit *edit, struct error *err)
{
	const char *stored = flags_get(&facts->store.flags, edit->name);
	const char *running = flags_get(&facts->agent.flags, edit->name);
	bool secret = flag_is_secret(edit->name);

	/* Somebody else has written the store already; the agent reads that when it starts. */
	if (facts->store.kind == FLAG_STORE_EXTERNAL || flags_same_value(edit->name, stored, running))
		return 0;
	return error_set(
		err, ERROR_REFUSED,
		"the agent runs with --%s=%s, but the flag store %s says %s: what is edited there would not be "
		"what the agent reads; find out where its flags come from",
		edit->name,
		secret            ? "<redacted>"
		: running == NULL ? "(not set)"
				  : running,
		facts->store.path,
		secret           ? "<redacted>"
		: stored == NULL ? "nothing"
				 : stored);
}

static int check_effect(const struct flags *predicted, const struct flag_edit *edit, struct error *err)
{
	const char *value = flags_get(predicted, edit->name);

	if (flags_same_value(edit->name, value, edit->value))
		return 0;
	return error_set(
		err, ERROR_REFUSED,
		"--%s is set on the agent's command line, which wins over the flag store: change it in the unit",
		edit->name);
}

static int check_edits(const struct facts *facts, const struct request *request, const struct flags *predicted,
		       struct error *err)
{
	for (size_t i = 0; i < request->edit_count; i++)
		if (check_source(facts, &request->edits[i], err) != 0 ||
		    check_effect(predicted, &request->edits[i], err) != 0)
			return -1;
	return 0;
}

static int refuse_parts(unsigned parts, const char *format, struct error *err)
{
	struct buffer text = BUFFER_INIT(512);
	json_t *names = slaveinfo_parts_to_json(parts);
	const json_t *name;
	size_t i;

	json_array_foreach(names, i, name) buffer_printf(&text, "%s%s", i == 0 ? "" : ", ", json_string_value(name));
	error_set(err, ERROR_REFUSED, "%s%s", format, buffer_text(&text));
	json_decref(names);
	buffer_clear(&text);
	return -1;
}

static int check_target(const struct facts *facts, const struct request *request, const Mesos__SlaveInfo *computed,
			struct error *err)
{
	unsigned changes = slaveinfo_diff(facts->checkpoint.info, computed);
	unsigned allowed = request->ignore | (request->allow_port_change ? (unsigned)PART_PORT : 0);
	unsigned other = request->target == NULL ? 0 : slaveinfo_diff(request->target, computed);

	if ((changes & PART_HOSTNAME) != 0)
		return error_set(
			err, ERROR_REFUSED,
			"the hostname would change from %s to %s: the master would tell the agent to shut down",
			facts->checkpoint.info->hostname, computed->hostname);
	if (other != 0)
		return refuse_parts(other,
				    "the edited flags do not give the SlaveInfo that was planned; it differs in ", err);
	if (request->mechanism == MECHANISM_NATIVE)
		allowed = request->ignore; /* the agent's flag knows no port */
	if ((request->mechanism == MECHANISM_RELAX ||
	     (request->mechanism == MECHANISM_NATIVE && request->recover_state)) &&
	    (changes & ~allowed) != 0)
		return refuse_parts(changes & ~allowed, "these parts may not differ, but would: ", err);
	return 0;
}

/* A discard runs the agent once more with the flags it has: it must accept its checkpoint with them. */
static int check_cleanup(const struct facts *facts, struct error *err)
{
	struct verdict verdict = {.accepted = false, .message = BUFFER_INIT(64u << 20)};
	int result = facts_verdict(facts, &facts->agent.flags, &verdict, err);

	if (result == 0 && !verdict.accepted)
		result = error_set(err, ERROR_REFUSED,
				   "the agent would not recover with the flags it runs with, so it could not end its "
				   "executors: %.700s",
				   buffer_text(&verdict.message));
	verdict_clear(&verdict);
	return result;
}

/* Would the agent recover what is to stand in its checkpoint? Equal is asked for, whatever its policy: an additive change is never
 * written back. */
int change_check_recovery(const struct facts *facts, const struct buffer *bytes, const Mesos__SlaveInfo *computed,
			  struct error *err)
{
	struct recovery_rules rules = RECOVERY_STOCK;
	struct verdict verdict = {.accepted = false, .message = BUFFER_INIT(64u << 20)};
	Mesos__SlaveInfo *written = checkpoint_parse("the new checkpoint", buffer_text(bytes), bytes->len, err);

	if (written == NULL)
		return -1;
	rules.version = facts->version;
	recovery_check(written, computed, &facts->checkpoint.reserved, &rules, &verdict);
	if (!verdict.accepted)
		error_set(err, ERROR_REFUSED, "the agent would not recover: %.900s", buffer_text(&verdict.message));
	slaveinfo_free(written);
	verdict_clear(&verdict);
	return err->kind == ERROR_NONE ? 0 : -1;
}

/* ---- putting it together */

static int make_checkpoint(const struct facts *facts, const struct request *request, const Mesos__SlaveInfo *computed,
			   struct buffer *bytes, struct error *err)
{
	const struct buffer *old = &facts->checkpoint.bytes;
	int result = 0;

	if (request->mechanism == MECHANISM_NATIVE && change_check_native(facts, request, computed, err) != 0)
		return -1;
	if (request->mechanism != MECHANISM_RESTART)
		result = checkpoint_splice(buffer_text(old), old->len, request->target, bytes, err);
	else
		buffer_append(bytes, buffer_text(old), old->len);
	return result == 0 ? change_check_recovery(facts, bytes, computed, err) : -1;
}

static const struct store_file *find_file(const struct flag_store *store, const char *path)
{
	for (size_t i = 0; i < store->file_count; i++)
		if (strcmp(store->files[i].path, path) == 0)
			return &store->files[i];
	return NULL;
}

static void build_store(const struct facts *facts, const struct flag_store *edited, struct change *out)
{
	out->store = xcalloc(edited->file_count + 1, sizeof *out->store);
	out->store_count = edited->file_count;
	for (size_t i = 0; i < edited->file_count; i++) {
		const struct store_file *fresh = &edited->files[i];
		const struct store_file *old = find_file(&facts->store, fresh->path);
		struct change_file *file = &out->store[i];

		file->path = xstrdup(fresh->path);
		change_set_side(&file->sides[SIDE_OLD], old != NULL, old == NULL ? NULL : &old->bytes);
		change_set_side(&file->sides[SIDE_NEW], fresh->exists, &fresh->bytes);
		change_set_owner(file, facts->host.root);
	}
}

void change_compose(const struct facts *facts, const struct buffer *checkpoint, const struct flag_store *edited,
		    const struct flags *flags, struct change *out)
{
	const char *log_dir = flags_get(flags, "log_dir");

	out->checkpoint.path = xstrdup(facts->checkpoint.slave_info_path);
	change_set_side(&out->checkpoint.sides[SIDE_OLD], true, &facts->checkpoint.bytes);
	change_set_side(&out->checkpoint.sides[SIDE_NEW], true, checkpoint);
	change_set_owner(&out->checkpoint, facts->host.root);
	build_store(facts, edited, out);
	host_settings_copy(&out->host, &facts->host);
	out->log_dir = log_dir != NULL && log_dir[0] == '/' ? xstrdup(log_dir) : NULL;
}

static int build_parts(const struct facts *facts, const struct request *request, const struct flag_store *edited,
		       struct change *out, struct error *err)
{
	struct buffer checkpoint = BUFFER_INIT(CHECKPOINT_MAX);
	struct flags predicted = FLAGS_INIT;
	Mesos__SlaveInfo *computed = NULL;
	int result = -1;

	facts_predict_flags(facts, edited, request->edits, request->edit_count, &predicted);
	if (check_edits(facts, request, &predicted, err) == 0)
		computed = facts_slaveinfo(facts, &predicted, err);
	if (computed != NULL && check_target(facts, request, computed, err) == 0)
		result = make_checkpoint(facts, request, computed, &checkpoint, err);
	if (result == 0 && request->mechanism == MECHANISM_DISCARD)
		result = check_cleanup(facts, err) == 0 ? cleanup_capture(facts->agent.process.pid, &out->cleanup, err)
							: -1;
	if (result == 0) {
		change_compose(facts, &checkpoint, edited, &predicted, out);
		out->may_amend = (request->mechanism == MECHANISM_RELAX || request->mechanism == MECHANISM_DISCARD) &&
				 (request->ignore & PART_RESOURCES) != 0;
	}
	if (result == 0 && request->mechanism == MECHANISM_NATIVE)
		result = change_add_trial(facts, request, out, err);
	if (result == 0 && request->hold_configuration_management)
		result = hold_find(facts, request->operation, &out->hold, err);
	slaveinfo_free(computed);
	flags_clear(&predicted);
	buffer_clear(&checkpoint);
	return result;
}

int change_build(const struct facts *facts, const struct request *request, struct change *out, struct error *err)
{
	struct flag_store edited = {.kind = FLAG_STORE_UNKNOWN};
	struct change change;
	int result;

	if (check_facts(facts, err) != 0 || change_check_expectation(facts, &request->expect, err) != 0 ||
	    flag_store_edit(&facts->store, request->edits, request->edit_count, &edited, err) != 0)
		return -1;
	memset(&change, 0, sizeof change);
	result = build_parts(facts, request, &edited, &change, err);
	if (result == 0)
		result = change_check_room(&change, err);
	if (result == 0)
		*out = change;
	else
		change_clear(&change);
	flag_store_clear(&edited);
	return result;
}
