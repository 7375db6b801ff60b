/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loaded into rollcall by tests (LD_PRELOAD): ends or stops it at a chosen moment, from outside of its code.
 *
 *   HALT_AT_SYNC=N      SIGKILL when SQLite syncs its log for the N-th time, which is once or twice for each commit
 *   FULL_AT_SYNC=N      from then on its disk is full: no file grows beyond 4 KiB
 *   HALT_AT_CONNECT=1   SIGSTOP before each connection to a host's port 2222 is opened; one of these is the moment between an
 *                       intent that is durable and its request
 */
#include <dlfcn.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST_PORT 2222

static int syncs;
static const struct rlimit full = {.rlim_cur = 4096, .rlim_max = 4096};

static int wanted(const char *name)
{
	const char *text = getenv(name);

	return text ? (int)strtol(text, NULL, 10) : 0;
}

static int is_log(int fd)
{
	char link[64], path[PATH_MAX];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	if (len < 4)
		return 0;
	path[len] = '\0';
	return strcmp(path + len - 4, "-wal") == 0;
}

static int real_sync(const char *name, int fd)
{
	int (*real)(int);
	void *found = dlsym(RTLD_NEXT, name);

	memcpy(&real, &found, sizeof(real));
	return real(fd);
}

static int sync_and_perhaps_die(const char *name, int fd)
{
	int result = real_sync(name, fd);

	if (!is_log(fd))
		return result;
	if (++syncs == wanted("HALT_AT_SYNC"))
		kill(getpid(), SIGKILL);
	if (syncs == wanted("FULL_AT_SYNC"))
		setrlimit(RLIMIT_FSIZE, &full);
	return result;
}

int fdatasync(int fd)
{
	return sync_and_perhaps_die("fdatasync", fd);
}

int fsync(int fd)
{
	return sync_and_perhaps_die("fsync", fd);
}

/* glibc declares the address as a union of pointers to every kind of address. */
int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t len)
{
	int (*real)(int, const struct sockaddr *, socklen_t);
	void *found = dlsym(RTLD_NEXT, "connect");
	struct sockaddr_in host;

	memset(&host, 0, sizeof(host));
	memcpy(&host, address.__sockaddr__, len < sizeof(host) ? len : sizeof(host));
	if (host.sin_family == AF_INET && ntohs(host.sin_port) == HOST_PORT && wanted("HALT_AT_CONNECT"))
		raise(SIGSTOP);
	memcpy(&real, &found, sizeof(real));
	return real(fd, address.__sockaddr__, len);
}
