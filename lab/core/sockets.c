/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "lab/core/files.h"

#define BACKLOG 4096 /* 2000 agents may come at once; the kernel lowers it to its own maximum */

/* The address of path by way of its folder's descriptor, which makes it short. The caller closes *dir_fd. */
static int unix_address(const char *path, struct sockaddr_un *address, int *dir_fd)
{
	char *dir = path_dir(path);
	*dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(dir);
	if (*dir_fd < 0)
		return -1;
	const char *name = strrchr(path, '/');
	name = name != NULL ? name + 1 : path;
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	int len = snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/%s", *dir_fd, name);
	if (len > 0 && (size_t)len < sizeof(address->sun_path))
		return 0;
	close(*dir_fd);
	errno = ENAMETOOLONG;
	return -1;
}

static int fail_socket(int fd, struct error *err, const char *what, const char *where)
{
	error_errno(err, ERROR_UNREACHABLE, errno, "cannot %s %s", what, where);
	if (fd >= 0)
		close(fd);
	return -1;
}

int socket_listen_unix(const char *path, struct error *err)
{
	struct sockaddr_un address;
	int dir_fd;
	if (unix_address(path, &address, &dir_fd) < 0)
		return fail_socket(-1, err, "listen on", path);
	unlink(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int result = fd < 0 ? -1 : bind(fd, (struct sockaddr *)&address, sizeof(address));
	if (result == 0)
		result = listen(fd, BACKLOG);
	if (result < 0)
		fd = fail_socket(fd, err, "listen on", path);
	close(dir_fd);
	return fd;
}

int socket_connect_unix(const char *path, struct error *err)
{
	struct sockaddr_un address;
	int dir_fd;
	if (unix_address(path, &address, &dir_fd) < 0)
		return fail_socket(-1, err, "connect to", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* Blocking: a Unix socket connects at once unless the backlog is full, and then waiting is right. */
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		fd = fail_socket(fd, err, "connect to", path);
	else
		fcntl(fd, F_SETFL, O_NONBLOCK);
	close(dir_fd);
	return fd;
}

int socket_listen_tcp(const char *address, int port, int *bound_port, struct error *err)
{
	struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	socklen_t len = sizeof(where);
	int yes = 1;
	if (inet_pton(AF_INET, address, &where.sin_addr) != 1)
		return error_set(err, ERROR_USAGE, "\"%s\" is no IPv4 address", address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail_socket(fd, err, "listen on", address);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, (struct sockaddr *)&where, sizeof(where)) < 0 || listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)&where, &len) < 0) {
		char *name = xasprintf("%s:%d", address, port);
		fail_socket(fd, err, "listen on", name);
		free(name);
		return -1;
	}
	if (bound_port != NULL)
		*bound_port = ntohs(where.sin_port);
	return fd;
}
