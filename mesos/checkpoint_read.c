/* SPDX-License-Identifier: Apache-2.0 */
/* What <work_dir>/meta says: the agent it belongs to, its slave.info, what is reserved. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "mesos/checkpoint.h"
#include "mesos/checkpoint_files.h"
#include "mesos/checkpoint_tasks.h"
#include "mesos/pb.h"

#define BOOT_ID_MAX 256 /* a UUID and perhaps a newline */

void checkpoint_state_clear(struct checkpoint_state *state)
{
	free(state->agent_id);
	free(state->boot_id);
	free(state->slave_info_path);
	buffer_clear(&state->bytes);
	slaveinfo_free(state->info);
	resources_clear(&state->reserved);
	checkpoint_tasks_free(state->tasks, state->task_count);
	memset(state, 0, sizeof(*state));
}

/* ---- boot_id */

static int read_boot_id(const struct meta_dir *meta, struct checkpoint_state *out, struct error *err)
{
	struct buffer text = BUFFER_INIT(BOOT_ID_MAX);
	enum meta_found found = meta_read(meta, "boot_id", &text, NULL, err);
	size_t len = strcspn(buffer_text(&text), " \t\r\n");

	if (found == META_FOUND && len > 0)
		out->boot_id = xstrndup(buffer_text(&text), len);
	buffer_clear(&text);
	return found == META_FAILED ? -1 : 0;
}

/* ---- the link to the latest agent */

static bool is_agent_id(const char *id)
{
	if (*id == '\0' || strlen(id) > NAME_MAX || strcmp(id, ".") == 0 || strcmp(id, "..") == 0 ||
	    strcmp(id, "latest") == 0)
		return false;
	for (; *id != '\0'; id++)
		if (*id == '/' || iscntrl((unsigned char)*id))
			return false;
	return true;
}

static bool same_folder(const char *path, int fd)
{
	struct stat a, b;

	return stat(path, &a) == 0 && fstat(fd, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* An absolute link names the folder it lies in, as its agent sees it: below root, or as it is where the agent's root is
 * not ours. */
static bool leads_into(const char *folder, const struct meta_dir *slaves, const char *root)
{
	char *below = path_under(root, folder);
	bool inside = same_folder(below, slaves->fd) || same_folder(folder, slaves->fd);

	free(below);
	return inside;
}

static char *id_of_link(const struct meta_dir *slaves, const char *root, char *target)
{
	size_t len = strlen(target);
	char *slash;

	while (len > 1 && target[len - 1] == '/')
		target[--len] = '\0';
	slash = strrchr(target, '/');
	if (slash == NULL)
		return is_agent_id(target) ? xstrdup(target) : NULL;
	*slash = '\0';
	if (!is_agent_id(slash + 1) || *target != '/' || !leads_into(target, slaves, root))
		return NULL;
	return xstrdup(slash + 1);
}

/* A copy of a meta folder may have lost its links: then the file holds what the link did. */
static ssize_t read_link(const struct meta_dir *slaves, char *target, size_t size)
{
	ssize_t len = readlinkat(slaves->fd, "latest", target, size - 1);
	struct buffer text = BUFFER_INIT(size - 1);

	if (len >= 0 || errno != EINVAL)
		return len;
	if (meta_read(slaves, "latest", &text, NULL, NULL) == META_FOUND) {
		memcpy(target, buffer_text(&text), text.len);
		len = (ssize_t)text.len;
		while (len > 0 && (target[len - 1] == '\n' || target[len - 1] == '\r'))
			len--;
	}
	buffer_clear(&text);
	errno = EINVAL;
	return len;
}

/* *id stays NULL when there is no link. */
static int find_agent(const struct meta_dir *slaves, const char *root, char **id, struct error *err)
{
	char target[PATH_MAX];
	ssize_t len = read_link(slaves, target, sizeof(target));

	if (len < 0 && errno == ENOENT)
		return 0;
	if (len < 0)
		return error_errno(err, ERROR_CORRUPT, errno, "%s/latest is no symbolic link", slaves->path);
	target[len] = '\0';
	*id = id_of_link(slaves, root, target);
	if (*id == NULL)
		return error_set(err, ERROR_CORRUPT,
				 "%s/latest does not lead to an agent's folder beside it, but to '%s%s%s'",
				 slaves->path, target, strlen(target) < (size_t)len ? "/" : "",
				 strlen(target) < (size_t)len ? target + strlen(target) + 1 : "");
	return 0;
}

/* ---- slave.info */

static int take_info(const struct meta_dir *agent, const char *id, struct checkpoint_state *out, struct error *err)
{
	char *path = path_join(agent->path, "slave.info");

	out->info = checkpoint_parse(path, buffer_text(&out->bytes), out->bytes.len, err);
	if (out->info != NULL && strcmp(slaveinfo_id(out->info), id) != 0) {
		error_set(err, ERROR_CORRUPT, "%s is the checkpoint of another agent, %s", path,
			  slaveinfo_id(out->info));
		slaveinfo_free(out->info);
		out->info = NULL;
	}
	free(path);
	return out->info != NULL ? 0 : -1;
}

/* Without slave.info the agent never finished registering, and would register as a new one. */
static int read_agent(const struct meta_dir *slaves, const char *work_dir, char *id, struct checkpoint_state *out,
		      struct error *err)
{
	struct meta_dir agent;
	enum meta_found found = meta_open_in(slaves, id, &agent, err);
	int rc = 0;

	if (found == META_MISSING)
		return error_set(err, ERROR_CORRUPT, "%s/latest leads to %s, which is not there", slaves->path, id);
	if (found == META_FAILED)
		return -1;
	found = meta_read(&agent, "slave.info", &out->bytes, NULL, err);
	if (found == META_FOUND)
		rc = take_info(&agent, id, out, err);
	if (found == META_FOUND && rc == 0) {
		out->agent_id = xstrdup(id);
		out->slave_info_path = xasprintf("%s/meta/slaves/%s/slave.info", work_dir, id);
		rc = checkpoint_tasks_read(&agent, &out->tasks, &out->task_count, &out->written_ms, err);
	}
	meta_close(&agent);
	return found == META_FAILED ? -1 : rc;
}

static int read_slaves(const struct meta_dir *meta, const char *root, const char *work_dir,
		       struct checkpoint_state *out, struct error *err)
{
	struct meta_dir slaves;
	enum meta_found found = meta_open_in(meta, "slaves", &slaves, err);
	char *id = NULL;
	int rc;

	if (found != META_FOUND)
		return found == META_FAILED ? -1 : 0;
	rc = find_agent(&slaves, root, &id, err);
	if (rc == 0 && id != NULL)
		rc = read_agent(&slaves, work_dir, id, out, err);
	free(id);
	meta_close(&slaves);
	return rc;
}

/* ---- resources */

static int parse_state(const char *path, const struct buffer *bytes, struct resources *out, struct error *err)
{
	Mesos__ResourceState *state = NULL;
	uint32_t size = 0;

	if (bytes->len >= sizeof(size))
		memcpy(&size, bytes->data, sizeof(size));
	if (bytes->len >= sizeof(size) && size == bytes->len - sizeof(size))
		state = pb_unpack(&mesos__resource_state__descriptor, bytes->data + sizeof(size), size);
	if (state == NULL)
		return error_set(err, ERROR_CORRUPT,
				 "%s is truncated or no state of resources; the agent would refuse it", path);
	resources_copy(out, state->resources, state->n_resources);
	pb_free(state);
	return 0;
}

/* The older form: one resource after the other, each with its length. */
static int parse_row(const char *path, const struct buffer *bytes, struct resources *out, struct error *err)
{
	size_t at = 0;

	while (at < bytes->len) {
		Mesos__Resource *resource = NULL;
		uint32_t size = 0;

		if (bytes->len - at >= sizeof(size))
			memcpy(&size, bytes->data + at, sizeof(size));
		if (bytes->len - at >= sizeof(size) && size <= bytes->len - at - sizeof(size))
			resource = pb_unpack(&mesos__resource__descriptor, bytes->data + at + sizeof(size), size);
		if (resource == NULL)
			return error_set(err, ERROR_CORRUPT,
					 "%s is truncated or holds no resources; the agent would refuse it", path);
		PB_APPEND(out->items, out->count, resource);
		at += sizeof(size) + size;
	}
	return 0;
}

static enum meta_found read_reserved(const struct meta_dir *dir, const char *name,
				     int (*parse)(const char *, const struct buffer *, struct resources *,
						  struct error *),
				     struct resources *out, struct error *err)
{
	struct buffer bytes = BUFFER_INIT(CHECKPOINT_MAX);
	struct resources parsed = {NULL, 0};
	char *path = path_join(dir->path, name);
	enum meta_found found = meta_read(dir, name, &bytes, NULL, err);

	if (found == META_FOUND && bytes.len > 0 && parse(path, &bytes, &parsed, err) != 0)
		found = META_FAILED;
	if (found == META_FOUND) {
		resources_clear(out);
		*out = parsed;
	} else {
		resources_clear(&parsed);
	}
	buffer_clear(&bytes);
	free(path);
	return found;
}

/* The newer form counts where it is there; in both, a target that was not yet renamed is what the agent will have. */
static int read_resources(const struct meta_dir *meta, struct checkpoint_state *out, struct error *err)
{
	struct meta_dir dir;
	enum meta_found found = meta_open_in(meta, "resources", &dir, err);

	if (found != META_FOUND)
		return found == META_FAILED ? -1 : 0;
	found = read_reserved(&dir, "resources_and_operations.state", parse_state, &out->reserved, err);
	if (found == META_FOUND) {
		found = read_reserved(&dir, "resources_and_operations.target", parse_state, &out->reserved, err);
	} else if (found == META_MISSING) {
		found = read_reserved(&dir, "resources.info", parse_row, &out->reserved, err);
		if (found == META_FOUND)
			found = read_reserved(&dir, "resources.target", parse_row, &out->reserved, err);
	}
	meta_close(&dir);
	resources_normalise(&out->reserved);
	return found == META_FAILED ? -1 : 0;
}

int checkpoint_read(const char *root, const char *work_dir, struct checkpoint_state *out, struct error *err)
{
	struct checkpoint_state state = {.bytes = BUFFER_INIT(CHECKPOINT_MAX)};
	char *base = path_under(root, work_dir), *path = path_join(base, "meta");
	struct meta_dir meta = {.fd = -1, .path = NULL};
	enum meta_found found = meta_open(path, &meta, err);
	int rc = found == META_FAILED ? -1 : 0;

	if (found == META_FOUND && (read_boot_id(&meta, &state, err) != 0 || read_resources(&meta, &state, err) != 0 ||
				    read_slaves(&meta, root, work_dir, &state, err) != 0))
		rc = -1;
	if (found == META_FOUND)
		meta_close(&meta);
	free(path);
	free(base);
	if (rc == 0)
		*out = state;
	else
		checkpoint_state_clear(&state);
	return rc;
}
