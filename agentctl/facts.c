/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/facts.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "agentctl/figures.h"
#include "base/alloc.h"
#include "base/file.h"

void facts_clear(struct facts *facts)
{
	host_settings_clear(&facts->host);
	agent_process_clear(&facts->agent);
	free(facts->version_text);
	checkpoint_state_clear(&facts->checkpoint);
	flag_store_clear(&facts->store);
	memset(facts, 0, sizeof *facts);
}

/* A host below a root of its own may have a boot ID of its own, too. */
int boot_id_read(const char *root, char out[OPERATION_BOOT_ID_SIZE], struct error *err)
{
	static const char kernel[] = "/proc/sys/kernel/random/boot_id";
	char text[OPERATION_BOOT_ID_SIZE] = "";
	char *path = path_under(root, kernel);
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	free(path);
	if (fd < 0)
		fd = open(kernel, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, ERROR_SYSTEM, errno, "cannot read %s", kernel);
	n = read(fd, text, sizeof text - 1);
	close(fd);
	text[strcspn(text, "\n")] = '\0';
	if (n <= 0 || text[0] == '\0')
		return error_set(err, ERROR_SYSTEM, "the kernel's boot ID is empty");
	memcpy(out, text, sizeof text);
	return 0;
}

/* ---- finding out what was not given */

struct usual_store {
	enum flag_store_kind kind;
	const char *path;
};

/* The only one of them that is there; NULL when there is none or which of several counts is not ours to guess. */
static const struct usual_store *find_only(const char *root, const struct usual_store *usual, size_t count, bool *any)
{
	const struct usual_store *found = NULL;

	*any = false;
	for (size_t i = 0; i < count; i++) {
		char *path = path_under(root, usual[i].path);
		bool there = file_exists(path);

		free(path);
		if (!there)
			continue;
		found = *any ? NULL : &usual[i];
		*any = true;
	}
	return found;
}

/* The packages' directory comes first: where it is, the defaults beside it hold what is not for operators to change. */
static void discover_store(struct host_settings *host)
{
	static const struct usual_store directories[] = {
		{FLAG_STORE_DIRECTORY, "/etc/mesos-agent"},
		{FLAG_STORE_DIRECTORY, "/etc/mesos-slave"},
	};
	static const struct usual_store files[] = {
		{FLAG_STORE_ENVFILE, "/etc/default/mesos-agent"},
		{FLAG_STORE_ENVFILE, "/etc/default/mesos-slave"},
	};
	const struct usual_store *found;
	bool any = false;

	if (host->store_kind != FLAG_STORE_UNKNOWN || host->store_path != NULL)
		return;
	found = find_only(host->root, directories, 2, &any);
	if (!any)
		found = find_only(host->root, files, 2, &any);
	if (found == NULL)
		return;
	host->store_kind = found->kind;
	host->store_path = xstrdup(found->path);
}

static void read_store(struct facts *facts)
{
	struct host_settings *host = &facts->host;

	discover_store(host);
	if (host->store_kind == FLAG_STORE_UNKNOWN ||
	    (host->store_path == NULL && host->store_kind != FLAG_STORE_EXTERNAL))
		error_set(&facts->store_error, ERROR_USAGE,
			  "it is not known where this host keeps its agent's flags: say it with --store (in "
			  "a cluster file: \"flag_store\")");
	else
		flag_store_read_host(host, &facts->store, &facts->store_error);
}

/* The agent says its work_dir as it sees it, or with our root before it. */
static char *below_root(const char *root, const char *path)
{
	size_t len = root == NULL ? 0 : strlen(root);

	while (len > 0 && root[len - 1] == '/')
		len--;
	if (len > 0 && strncmp(path, root, len) == 0 && path[len] == '/')
		return xstrdup(path + len);
	return xstrdup(path);
}

static void discover_work_dir(struct facts *facts)
{
	const char *from = NULL;

	if (facts->host.work_dir != NULL)
		return;
	if (facts->running)
		from = flags_get(&facts->agent.flags, "work_dir");
	else if (facts->store_error.kind == ERROR_NONE)
		from = flags_get(&facts->store.flags, "work_dir");
	if (from != NULL && from[0] == '/')
		facts->host.work_dir = below_root(facts->host.root, from);
}

/* ---- reading */

static void read_version(struct facts *facts)
{
	facts->version = mesos_version_newest;
	if (facts->running)
		facts->version_text = agent_version(&facts->agent, &facts->version, NULL);
}

static void read_checkpoint(struct facts *facts)
{
	if (checkpoint_read(facts->host.root, facts->host.work_dir, &facts->checkpoint, &facts->checkpoint_error) != 0)
		return;
	if (facts->checkpoint.info != NULL)
		digest_hex(buffer_text(&facts->checkpoint.bytes), facts->checkpoint.bytes.len,
			   facts->checkpoint_sha256);
}

static void read_detected(struct facts *facts)
{
	char *work_dir = path_under(facts->host.root, facts->host.work_dir);

	figures_measure(work_dir, facts->checkpoint.info, &facts->detected);
	free(work_dir);
}

int facts_gather(const struct host_settings *host, struct facts *out, struct error *err)
{
	struct facts facts;

	memset(&facts, 0, sizeof facts);
	host_settings_copy(&facts.host, host);
	if (facts.host.root == NULL)
		facts.host.root = xstrdup("/");
	if (boot_id_read(facts.host.root, facts.boot_id, err) != 0 ||
	    agent_find(&facts.host, &facts.agent, &facts.running, err) != 0)
		goto fail;
	/* A unit is known by its running main process: without one there is nothing to ask for. */
	if (facts.running)
		control_discover(&facts.host, &facts.control);
	read_store(&facts);
	discover_work_dir(&facts);
	if (facts.host.work_dir == NULL) {
		error_set(err, ERROR_USAGE,
			  "no agent runs on this host, and where it keeps its files is not known: give its work_dir");
		goto fail;
	}
	read_version(&facts);
	read_checkpoint(&facts);
	if (facts.host.control != CONTROL_UNKNOWN && !facts.control.known)
		control_status(&facts.host, &facts.control, NULL);
	read_detected(&facts);
	*out = facts;
	return 0;
fail:
	facts_clear(&facts);
	return -1;
}

/* ---- what flags would do */

/* Arguments that an /etc/default file gives are no flags of somebody else's command line. */
static void overlay_arguments(const struct facts *facts, const struct flag_store *store, struct flags *out)
{
	struct flags arguments = FLAGS_INIT;

	flags_copy(&arguments, &facts->agent.from_argv);
	for (size_t i = 0; i < facts->store.arguments.count; i++)
		flags_remove(&arguments, facts->store.arguments.items[i].name);
	store_overlay(out, &arguments);
	store_overlay(out, &store->arguments);
	flags_clear(&arguments);
}

/* An environment file becomes MESOS_* variables, which the command line wins over. A directory becomes the command line
 * itself. What neither names comes from elsewhere (the unit, a wrapper) and stays. */
void facts_predict_flags(const struct facts *facts, const struct flag_store *store, const struct flag_edit *edits,
			 size_t edit_count, struct flags *out)
{
	bool environment = flag_store_is_environment(store);

	if (facts->running)
		store_overlay(out, environment ? &facts->agent.from_env : &facts->agent.flags);
	for (size_t i = 0; i < edit_count; i++)
		if (edits[i].value == NULL)
			flags_remove(out, edits[i].name);
	store_overlay(out, &store->flags);
	if (facts->running && environment)
		overlay_arguments(facts, store, out);
}

Mesos__SlaveInfo *facts_slaveinfo(const struct facts *facts, const struct flags *flags, struct error *err)
{
	struct flags resolved = FLAGS_INIT;
	struct detected detected = facts->detected;
	Mesos__SlaveInfo *info = NULL;

	flags_copy(&resolved, flags);
	if (flags_resolve_files(&resolved, facts->host.root, err) == 0)
		info = slaveinfo_from_flags(&resolved, &detected, &facts->version, err);
	flags_clear(&resolved);
	if (info != NULL && facts->checkpoint.agent_id != NULL)
		slaveinfo_set_id(info, facts->checkpoint.agent_id);
	return info;
}

int facts_verdict(const struct facts *facts, const struct flags *flags, struct verdict *out, struct error *err)
{
	struct recovery_rules rules = RECOVERY_STOCK;
	const char *policy = flags_get(flags, "reconfiguration_policy");
	Mesos__SlaveInfo *after = facts_slaveinfo(facts, flags, err);

	if (after == NULL)
		return -1;
	rules.version = facts->version;
	if (policy != NULL && recovery_policy_parse(policy, &rules.policy, err) != 0) {
		slaveinfo_free(after);
		return -1;
	}
	recovery_check(facts->checkpoint.info, after, &facts->checkpoint.reserved, &rules, out);
	slaveinfo_free(after);
	return 0;
}
