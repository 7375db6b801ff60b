/* SPDX-License-Identifier: Apache-2.0 */
/* Findings about the host: disk, owner, container, other agents, and who else writes its files. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "agentctl/preflight.h"
#include "base/alloc.h"
#include "base/file.h"

/* A checkpoint and its temporary copy need less; an agent writes more than that while it recovers. */
#define ROOM_WANTED   (1u << 20)
#define CGROUP_MAX    65536
/* A catalogue of configuration management names thousands of resources. */
#define CATALOGUE_MAX (16u << 20)
/* Notices stand at the top of a file. */
#define NOTICE_BYTES  2048

/* ---- /proc */

static bool read_proc(long pid, const char *name, struct buffer *out)
{
	char path[64];
	char chunk[4096];
	ssize_t n;
	int fd;

	if (pid > 0)
		snprintf(path, sizeof path, "/proc/%ld/%s", pid, name);
	else
		snprintf(path, sizeof path, "/proc/self/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while ((n = read(fd, chunk, sizeof chunk)) > 0)
		buffer_append(out, chunk, (size_t)n);
	close(fd);
	return n == 0;
}

/* Lines are "<number>:<controllers>:<path>": "0::" is version 2. */
char *preflight_cgroup_parse(const char *text)
{
	const char *unified = NULL;

	for (const char *line = text; line != NULL && *line != '\0';) {
		const char *newline = strchr(line, '\n');
		const char *first = strchr(line, ':');
		const char *second = first == NULL ? NULL : strchr(first + 1, ':');
		size_t end = strcspn(line, "\n");

		if (second != NULL && second < line + end) {
			if (strncmp(first, ":name=systemd:", 14) == 0)
				return xstrndup(second + 1, (size_t)(line + end - second - 1));
			if (second == first + 1)
				unified = second + 1;
		}
		line = newline == NULL ? NULL : newline + 1;
	}
	return unified == NULL ? NULL : xstrndup(unified, strcspn(unified, "\n"));
}

char *preflight_cgroup(long pid)
{
	struct buffer text = BUFFER_INIT(CGROUP_MAX);
	char *group = read_proc(pid, "cgroup", &text) ? preflight_cgroup_parse(buffer_text(&text)) : NULL;

	buffer_clear(&text);
	return group;
}

/* ---- container */

static bool names_container(const char *cgroup)
{
	static const char *const marks[] = {"/docker", "docker-",     "kubepods", "libpod",
					    "/lxc",    "containerd-", "crio-",    "/mesos/"};

	for (size_t i = 0; cgroup != NULL && i < sizeof marks / sizeof marks[0]; i++)
		if (strstr(cgroup, marks[i]) != NULL)
			return true;
	return false;
}

static bool namespace_of(long pid, struct stat *out)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%ld/ns/pid", pid);
	return stat(path, out) == 0;
}

bool preflight_has_own_processes(const struct facts *facts)
{
	struct stat theirs;
	struct stat ours;

	return namespace_of(facts->agent.process.pid, &theirs) && namespace_of(getpid(), &ours) &&
	       theirs.st_ino != ours.st_ino;
}

char *preflight_container_group(const struct facts *facts)
{
	char *group = preflight_cgroup(facts->agent.process.pid);
	char *own = preflight_cgroup(getpid());

	if (!names_container(group) || (own != NULL && strcmp(group, own) == 0)) {
		free(group);
		group = NULL;
	}
	free(own);
	return group;
}

static bool is_in_container(const struct facts *facts)
{
	char *group = preflight_container_group(facts);
	bool inside = group != NULL || preflight_has_own_processes(facts);

	free(group);
	return inside;
}

/* ---- the process */

void preflight_process(const struct facts *facts, struct findings *out)
{
	bool given = facts->host.control == CONTROL_COMMANDS && facts->host.start != NULL && facts->host.stop != NULL;
	bool proven = facts->control.known && facts->control.main_pid == facts->agent.process.pid;

	if (!facts->running)
		return;
	if (facts->agent.asked)
		findings_add(
			out, "environment-unread", FINDING_REFUSE,
			"the environment of the agent's process (%lld) may not be read: its flags are what it says "
			"itself, with its defaults among them, which is enough to look and not to change; run "
			"agentctl as root",
			(long long)facts->agent.process.pid);
	if (is_in_container(facts))
		findings_add(out, "container", given ? FINDING_WARN : FINDING_REFUSE,
			     "the agent (process %lld) runs inside a container: %s",
			     (long long)facts->agent.process.pid,
			     given ? "the given start and stop are believed"
				   : "say how it is started and stopped, with \"control\" of the kind commands");
	if (facts->agent.other != 0)
		findings_add(out, "two-agents", given || proven ? FINDING_WARN : FINDING_REFUSE,
			     "another agent runs on this host (process %ld)%s", facts->agent.other,
			     given || proven ? "" : ": say with \"control\" how this one is started and stopped");
}

/* ---- work_dir */

static void check_disk(const char *meta, struct findings *out)
{
	struct statvfs info;

	if (statvfs(meta, &info) != 0)
		findings_add(out, "work-dir-missing", FINDING_REFUSE, "%s cannot be looked at: %s", meta,
			     strerror(errno));
	else if ((info.f_flag & ST_RDONLY) != 0)
		findings_add(out, "work-dir-read-only", FINDING_REFUSE, "%s is on a file system that is read-only",
			     meta);
	else if ((uint64_t)info.f_bavail * info.f_frsize < ROOM_WANTED || (info.f_files > 0 && info.f_favail == 0))
		findings_add(out, "work-dir-full", FINDING_REFUSE,
			     "the file system of %s is full: neither the agent nor agentctl could write a checkpoint",
			     meta);
}

/* The user a process runs as; false: it has gone. */
static bool user_of(long pid, uid_t *out)
{
	char path[64];
	struct stat info;

	snprintf(path, sizeof path, "/proc/%ld", pid);
	if (stat(path, &info) != 0)
		return false;
	*out = info.st_uid;
	return true;
}

static void check_owner(const struct facts *facts, struct findings *out)
{
	char *path = path_under(facts->host.root, facts->checkpoint.slave_info_path);
	struct stat info;
	uid_t user = 0;

	if (lstat(path, &info) == 0 && user_of(facts->agent.process.pid, &user) && info.st_uid != user)
		findings_add(out, "foreign-owner", user == 0 ? FINDING_WARN : FINDING_REFUSE,
			     "%s belongs to the user %u and the agent runs as the user %u%s", path,
			     (unsigned)info.st_uid, (unsigned)user,
			     user == 0 ? "" : ": it could not write there; give it back its files first");
	free(path);
}

void preflight_work_dir(const struct facts *facts, struct findings *out)
{
	char *work_dir = path_under(facts->host.root, facts->host.work_dir);
	char *meta = path_join(work_dir, "meta");

	check_disk(file_exists(meta) ? meta : work_dir, out);
	if (facts->running && facts->checkpoint.slave_info_path != NULL)
		check_owner(facts, out);
	free(meta);
	free(work_dir);
}

/* ---- who else writes the flags */

static const struct {
	const char *tool;
	const char *notice; /* in a comment of a file it has written */
} notices[] = {
	{"Puppet", "puppet"}, {"Chef", "chef"}, {"Salt", "salt"}, {"Ansible", "ansible"}, {"CFEngine", "cfengine"}};

/* A line that is a comment and names the tool beside the word "managed" or "generated". */
static const char *tool_in_notice(const struct buffer *bytes)
{
	char *head = xstrndup(buffer_text(bytes), bytes->len < NOTICE_BYTES ? bytes->len : NOTICE_BYTES);
	const char *tool = NULL;

	for (char *line = head, *next; line != NULL && tool == NULL; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		line += strspn(line, " \t");
		if (line[0] != '#' && line[0] != ';')
			continue;
		if (strcasestr(line, "managed") == NULL && strcasestr(line, "generated") == NULL)
			continue;
		for (size_t i = 0; tool == NULL && i < sizeof notices / sizeof notices[0]; i++)
			if (strcasestr(line, notices[i].notice) != NULL)
				tool = notices[i].tool;
	}
	free(head);
	return tool;
}

/* Puppet lists the resources of its last catalogue, one a line: file[/etc/default/mesos]. */
static bool puppet_lists(const char *root, const char *path)
{
	static const char *const lists[] = {"/opt/puppetlabs/puppet/cache/state/resources.txt",
					    "/var/lib/puppet/state/resources.txt",
					    "/var/cache/puppet/state/resources.txt"};
	char *wanted = xasprintf("file[%s]", path);
	bool found = false;

	for (size_t i = 0; !found && i < sizeof lists / sizeof lists[0]; i++) {
		struct buffer text = BUFFER_INIT(CATALOGUE_MAX);
		char *full = path_under(root, lists[i]);

		if (file_exists(full) && file_read(full, &text, NULL) == 0)
			found = strcasestr(buffer_text(&text), wanted) != NULL;
		buffer_clear(&text);
		free(full);
	}
	free(wanted);
	return found;
}

/* Chef keeps what a file was before it wrote it, below its own path. */
static bool chef_has_backup(const char *root, const char *path)
{
	char *below = xasprintf("/var/chef/backup%s", path);
	char *dir = path_dir(below);
	char *full = path_under(root, dir);
	const char *name = strrchr(path, '/') + 1;
	DIR *folder = opendir(full);
	struct dirent *item;
	bool found = false;

	while (folder != NULL && !found && (item = readdir(folder)) != NULL)
		found = strncmp(item->d_name, name, strlen(name)) == 0 && strstr(item->d_name, ".chef-") != NULL;
	if (folder != NULL)
		closedir(folder);
	free(full);
	free(dir);
	free(below);
	return found;
}

const char *preflight_manager(const char *root, const struct store_file *file)
{
	if (puppet_lists(root, file->path))
		return "Puppet";
	if (chef_has_backup(root, file->path))
		return "Chef";
	return tool_in_notice(&file->bytes);
}

void preflight_store(const struct facts *facts, struct findings *out)
{
	const struct flag_store *store = &facts->store;
	const char *last = NULL;

	if (facts->store_error.kind != ERROR_NONE)
		return;
	if (store->kind == FLAG_STORE_EXTERNAL)
		findings_add(
			out, "external-no-undo", FINDING_WARN,
			"the flags belong to configuration management: an undo puts the checkpoint back and not the "
			"flags, so an agent that does not come up with a changed SlaveInfo stays down until its "
			"owner has put them back, or until agentctl rescue");
	if (store->kind == FLAG_STORE_EXTERNAL && store->form == FLAG_STORE_UNKNOWN)
		findings_add(out, "external-unread", FINDING_WARN,
			     "where configuration management writes the flags is not known, so whether it has written "
			     "what is planned only the agent's start can tell; give its path: "
			     "--store external:PATH (in a cluster file: \"flag_store\")");
	for (size_t i = 0; store->kind != FLAG_STORE_EXTERNAL && i < store->file_count; i++) {
		const struct store_file *file = &store->files[i];
		const char *tool = file->exists ? preflight_manager(facts->host.root, file) : NULL;

		/* A directory of flags is one store: its tool is named once. */
		if (tool == NULL || tool == last)
			continue;
		last = tool;
		findings_add(out, "config-management", FINDING_WARN,
			     "%s is managed by %s, which may write it again as it was: let it write the new flags "
			     "(flag store \"external\"), or hold it until they are in its source",
			     file->path, tool);
	}
}
