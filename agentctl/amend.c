/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/amend.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/process.h"
#include "mesos/resource.h"

/* A refusal with two SlaveInfos has some KB; with hundreds of attributes, some tens. */
#define LOG_MAX       (1u << 20)
#define JOURNAL_TIME  5000
#define JOURNAL_LINES "--lines=2000"
#define OLD_INFO      "Old agent info:\n"
#define NEW_INFO      "New agent info:\n"
#define AMENDED       "amended/slave.info"

/* ---- what the agent said */

static const char *find_last(const char *text, const char *needle)
{
	const char *found = NULL;

	for (const char *at = text; (at = strstr(at, needle)) != NULL; at++)
		found = at;
	return found == NULL ? NULL : found + strlen(needle);
}

/* What nothing but an amount belongs to: "resources {\n  name: "cpus"\n  type: SCALAR\n  scalar {\n    value: 4\n  }\n}". */
static bool read_figure(const char *text, const char *name, double *out)
{
	char *entry = xasprintf("\n  name: \"%s\"\n  type: SCALAR\n  scalar {\n    value: ", name);
	bool found = false;

	for (const char *at = text; !found && (at = strstr(at, entry)) != NULL;) {
		char *end = NULL;
		double value;

		at += strlen(entry);
		value = strtod(at, &end);
		found = strncmp(end, "\n  }\n}", 6) == 0;
		if (found)
			*out = value;
	}
	free(entry);
	return found;
}

static bool is_figure(const Mesos__Resource *resource, const char *name)
{
	return strcmp(resource->name, name) == 0 && resource->scalar != NULL && resource->disk == NULL &&
	       resource->n_reservations == 0 && resource->reservation == NULL && resource->revocable == NULL &&
	       (resource->role == NULL || strcmp(resource->role, "*") == 0);
}

static void set_figure(Mesos__SlaveInfo *info, const char *name, double value)
{
	for (size_t i = 0; i < info->n_resources; i++) {
		if (is_figure(info->resources[i], name)) {
			info->resources[i]->scalar->value = value;
			return;
		}
	}
}

/* The next entry of a message in text form at column 0, "name: value" or "name {" to its "}"; 0: the message ends here. */
static size_t entry_length(const char *text)
{
	size_t len = strcspn(text, "\n");
	const char *end;

	if (len == 0 || text[0] == '-')
		return 0;
	if (text[len - 1] != '{')
		return text[len] == '\n' ? len + 1 : len;
	end = strstr(text, "\n}\n");
	return end == NULL ? 0 : (size_t)(end - text) + 3;
}

static size_t count_entries(const char *text)
{
	size_t count = 0;

	for (size_t len; (len = entry_length(text)) > 0; text += len)
		count++;
	return count;
}

static size_t count_equal(const char *text, const char *entry, size_t entry_len)
{
	size_t count = 0;

	for (size_t len; (len = entry_length(text)) > 0; text += len)
		count += len == entry_len && memcmp(text, entry, len) == 0;
	return count;
}

/* As the agent has it in memory, and prints it; before 1.5 the new one was printed without its ID. */
static void print_info(const Mesos__SlaveInfo *info, bool with_id, struct buffer *out)
{
	Mesos__SlaveInfo *copy = slaveinfo_copy(info);

	for (size_t i = 0; i < copy->n_resources; i++)
		resource_upgrade(copy->resources[i]);
	if (!with_id)
		slaveinfo_set_id(copy, NULL);
	slaveinfo_to_text(copy, out);
	slaveinfo_free(copy);
}

/* The same entries, in any order: what an agent detects comes behind what its flags name. */
static bool says(const char *text, const Mesos__SlaveInfo *info, bool with_id)
{
	struct buffer wanted = BUFFER_INIT(LOG_MAX);
	bool same;

	print_info(info, with_id, &wanted);
	same = count_entries(text) == count_entries(buffer_text(&wanted));
	for (const char *at = buffer_text(&wanted); same && entry_length(at) > 0; at += entry_length(at))
		same = count_equal(text, at, entry_length(at)) ==
		       count_equal(buffer_text(&wanted), at, entry_length(at));
	buffer_clear(&wanted);
	return same;
}

Mesos__SlaveInfo *amend_from_refusal(const char *log, const Mesos__SlaveInfo *written)
{
	static const char *const figures[] = {"cpus", "mem", "disk", "gpus"};
	const char *old = find_last(log, OLD_INFO);
	const char *fresh = old == NULL ? NULL : find_last(old, NEW_INFO);
	Mesos__SlaveInfo *info;

	if (fresh == NULL || !says(old, written, true))
		return NULL;
	info = slaveinfo_copy(written);
	for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
		double value = 0;

		if (read_figure(fresh, figures[i], &value))
			set_figure(info, figures[i], value);
	}
	/* Whatever else differs is not ours to accept: then the text is another. */
	if (slaveinfo_diff(info, written) != PART_RESOURCES ||
	    (!says(fresh, info, true) && !says(fresh, info, false))) {
		slaveinfo_free(info);
		info = NULL;
	}
	return info;
}

/* ---- where it said it */

static bool read_end(const char *path, struct buffer *out)
{
	char *bytes = xmalloc(LOG_MAX);
	struct stat info;
	ssize_t n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
		n = pread(fd, bytes, LOG_MAX - 1, info.st_size > LOG_MAX - 1 ? info.st_size - (LOG_MAX - 1) : 0);
	if (fd >= 0)
		close(fd);
	if (n > 0)
		buffer_append(out, bytes, (size_t)n);
	free(bytes);
	return n > 0;
}

/* glog keeps a link to the newest file; without a log_dir the agent writes to stderr, which systemd keeps. */
static void read_log(const struct change *change, struct buffer *out)
{
	static const char *const names[] = {"mesos-agent.INFO", "mesos-slave.INFO", "lt-mesos-agent.INFO"};
	const char *const journal[] = {"journalctl", "--unit", change->host.unit, JOURNAL_LINES, "--output=cat",
				       "--no-pager", NULL};
	bool found = false;
	int status = 0;

	for (size_t i = 0; change->log_dir != NULL && !found && i < sizeof names / sizeof names[0]; i++) {
		char *below = path_join(change->log_dir, names[i]);
		char *path = path_under(change->host.root, below);

		found = read_end(path, out);
		free(path);
		free(below);
	}
	if (!found && change->host.control == CONTROL_SYSTEMD)
		process_run(journal, NULL, JOURNAL_TIME, out, NULL, &status, NULL);
}

/* ---- the checkpoint */

/* Appends the new bytes; false when there is nothing to amend. */
static bool make_checkpoint(const struct real_host *host, struct buffer *out)
{
	const struct buffer *bytes = &host->change.checkpoint.sides[SIDE_NEW].bytes;
	Mesos__SlaveInfo *written = checkpoint_parse("slave.info", buffer_text(bytes), bytes->len, NULL);
	struct buffer log = BUFFER_INIT(LOG_MAX);
	Mesos__SlaveInfo *info = NULL;
	bool made = false;

	read_log(&host->change, &log);
	if (written != NULL)
		info = amend_from_refusal(buffer_text(&log), written);
	if (info != NULL)
		made = checkpoint_splice(buffer_text(bytes), bytes->len, info, out, NULL) == 0;
	slaveinfo_free(info);
	slaveinfo_free(written);
	buffer_clear(&log);
	return made;
}

int amend_is_possible(struct real_host *host, bool *yes, struct error *err)
{
	struct buffer bytes = BUFFER_INIT(CHECKPOINT_MAX);

	if (real_host_load(host, err) != 0)
		return -1;
	*yes = host->change.may_amend && !journal_has(&host->entry, AMENDED) && make_checkpoint(host, &bytes);
	buffer_clear(&bytes);
	return 0;
}

int amend_checkpoint(struct real_host *host, struct error *err)
{
	struct buffer *planned;
	struct buffer bytes = BUFFER_INIT(CHECKPOINT_MAX);
	int result = 0;

	if (real_host_load(host, err) != 0)
		return -1;
	planned = &host->change.checkpoint.sides[SIDE_NEW].bytes;
	/* After a crash it is loaded already. */
	if (!journal_has(&host->entry, AMENDED)) {
		if (!make_checkpoint(host, &bytes))
			result = error_set(err, ERROR_REFUSED,
					   "what the agent said of its own figures can no longer be read");
		else
			result = journal_put(&host->entry, AMENDED, buffer_text(&bytes), bytes.len, err);
		if (result == 0) {
			buffer_reset(planned);
			buffer_append(planned, buffer_text(&bytes), bytes.len);
		}
	}
	buffer_clear(&bytes);
	return result == 0 ? change_write_checkpoint(&host->change, SIDE_NEW, err) : -1;
}
