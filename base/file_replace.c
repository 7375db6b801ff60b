/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_replace of base/file.h. The order is what makes it safe: data and attributes reach the disk under a temporary
 * name before the rename, and the rename reaches it before we say that it is done. A power cut leaves the old file or
 * the new one, whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/file.h"

#define SELINUX_LABEL "security.selinux"
#define LABEL_MAX     4096 /* the kernel's limit for a label is a page */

/* What the new file must look like. */
struct look {
	mode_t mode;
	bool set_owner;
	uid_t uid;
	gid_t gid;
	char label[LABEL_MAX];
	size_t label_len; /* 0: leave it to the system's policy */
};

struct replacement {
	const char *path;
	const char *name; /* the last component of path */
	int dir;
	int fd;
	char temporary[NAME_MAX + 1]; /* "" when there is none to clean up */
};

static int system_error(const struct replacement *rep, const char *doing, struct error *err)
{
	return error_errno(err, ERROR_SYSTEM, errno, "cannot replace %s: %s", rep->path, doing);
}

static int open_folder(struct replacement *rep, struct error *err)
{
	char *dir = path_dir(rep->path);
	rep->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (rep->dir < 0) {
		enum error_kind kind = errno == ENOENT || errno == EACCES ? ERROR_UNREACHABLE : ERROR_SYSTEM;
		error_errno(err, kind, errno, "cannot replace %s: the folder %s", rep->path, dir);
	}
	free(dir);
	return rep->dir < 0 ? -1 : 0;
}

static void read_label(const struct replacement *rep, struct look *look)
{
	int fd = openat(rep->dir, rep->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return;
	ssize_t len = fgetxattr(fd, SELINUX_LABEL, look->label, sizeof(look->label));
	look->label_len = len > 0 ? (size_t)len : 0;
	close(fd);
}

/* The look of the file that is there, or of a new one. Refuses what is no regular file. */
static int look_of_existing(const struct replacement *rep, struct look *look, struct error *err)
{
	struct stat st;
	if (fstatat(rep->dir, rep->name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			return system_error(rep, "looking at it", err);
		look->mode = 0644;
		return 0;
	}
	if (S_ISLNK(st.st_mode))
		return error_set(err, ERROR_REFUSED,
				 "%s is a symbolic link; name the file it points to, or remove the link", rep->path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERROR_REFUSED, "%s is not a regular file, so it is not replaced", rep->path);
	look->mode = st.st_mode & 07777;
	look->set_owner = true;
	look->uid = st.st_uid;
	look->gid = st.st_gid;
	read_label(rep, look);
	return 0;
}

/* ".<name>.<random>", the name cut so that it fits. */
static int open_temporary(struct replacement *rep, struct error *err)
{
	char id[RANDOM_ID_SIZE];
	random_id(id);
	int keep = (int)strnlen(rep->name, NAME_MAX - RANDOM_ID_SIZE - 2);
	snprintf(rep->temporary, sizeof(rep->temporary), ".%.*s.%s", keep, rep->name, id);
	rep->fd = openat(rep->dir, rep->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (rep->fd >= 0)
		return 0;
	rep->temporary[0] = '\0';
	return system_error(rep, "creating a temporary file beside it", err);
}

static int write_all(const struct replacement *rep, const char *data, size_t len, struct error *err)
{
	while (len > 0) {
		ssize_t put = write(rep->fd, data, len);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return system_error(rep, "writing", err);
		data += put;
		len -= (size_t)put;
	}
	return 0;
}

/* Owner before mode: chown clears set-user-ID bits. An owner that is right already needs no privilege. */
static int apply_look(const struct replacement *rep, const struct look *look, struct error *err)
{
	struct stat st;
	if (fstat(rep->fd, &st) < 0)
		return system_error(rep, "looking at the temporary file", err);
	bool owner_differs = look->set_owner && (st.st_uid != look->uid || st.st_gid != look->gid);
	if (owner_differs && fchown(rep->fd, look->uid, look->gid) < 0)
		return system_error(rep, "giving the new file its owner", err);
	if (fchmod(rep->fd, look->mode & 07777) < 0)
		return system_error(rep, "giving the new file its mode", err);
	if (look->label_len > 0 && fsetxattr(rep->fd, SELINUX_LABEL, look->label, look->label_len, 0) < 0 &&
	    errno != ENOTSUP)
		return system_error(rep, "giving the new file its SELinux label", err);
	return 0;
}

static int put_in_place(struct replacement *rep, struct error *err)
{
	if (fsync(rep->fd) < 0)
		return system_error(rep, "flushing the new file to disk", err);
	if (renameat(rep->dir, rep->temporary, rep->dir, rep->name) < 0)
		return system_error(rep, "renaming the new file", err);
	rep->temporary[0] = '\0';
	if (fsync(rep->dir) < 0)
		return system_error(rep, "it is replaced, but flushing its folder to disk failed", err);
	return 0;
}

static void finish(struct replacement *rep)
{
	if (rep->temporary[0] != '\0')
		unlinkat(rep->dir, rep->temporary, 0);
	if (rep->fd >= 0)
		close(rep->fd);
	if (rep->dir >= 0)
		close(rep->dir);
}

int file_replace(const char *path, const void *data, size_t len, const struct file_attributes *attrs, struct error *err)
{
	const char *slash = strrchr(path, '/');
	struct replacement rep = {
		.path = path, .name = slash != NULL ? slash + 1 : path, .dir = -1, .fd = -1, .temporary = ""};
	struct look look = {.mode = 0, .set_owner = false, .label_len = 0};
	if (rep.name[0] == '\0')
		return error_set(err, ERROR_USAGE, "\"%s\" names no file", path);
	int result = open_folder(&rep, err);
	if (result == 0)
		result = look_of_existing(&rep, &look, err);
	if (attrs != NULL) {
		look.mode = attrs->mode;
		look.set_owner = attrs->set_owner;
		look.uid = attrs->uid;
		look.gid = attrs->gid;
	}
	if (result == 0)
		result = open_temporary(&rep, err);
	if (result == 0)
		result = write_all(&rep, data, len, err);
	if (result == 0)
		result = apply_look(&rep, &look, err);
	if (result == 0)
		result = put_in_place(&rep, err);
	finish(&rep);
	return result;
}
