/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/zookeeper_server.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
/* Its header has a struct buffer too. */
#define buffer zookeeper_c_buffer
#include <zookeeper/zookeeper.h>
#undef buffer

#include "base/alloc.h"
#include "base/clock.h"
#include "tests/support/cmocka.h"
#include "tests/support/http_server.h"
#include "tests/support/scratch.h"

/* Java on a loaded machine takes its time. */
#define PATIENCE_MS 60000

static const char config[] = "tickTime=500\n"
			     "minSessionTimeout=1000\n"
			     "maxSessionTimeout=3000\n"
			     "dataDir=%s/data\n"
			     "clientPort=%d\n"
			     "clientPortAddress=127.0.0.1\n"
			     "admin.enableServer=false\n"
			     "fsync.warningthresholdms=100000\n";

static void write_config(const struct zookeeper_server *server)
{
	char *path = xasprintf("%s/zoo.cfg", server->folder);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, config, server->folder, server->port);
	fclose(file);
	free(path);
}

static void run(const struct zookeeper_server *server)
{
	char *path = xasprintf("%s/zoo.cfg", server->folder);
	int null = open("/dev/null", O_RDWR);
	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	execlp("java", "java", "-Xmx96m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp",
	       "/usr/share/java/zookeeper.jar", "org.apache.zookeeper.server.ZooKeeperServerMain", path, (char *)NULL);
	_exit(127);
}

void zookeeper_server_restart(struct zookeeper_server *server)
{
	int64_t until = clock_monotonic_ms() + PATIENCE_MS;
	int fd = -1;
	server->pid = fork();
	assert_true(server->pid >= 0);
	if (server->pid == 0)
		run(server);
	while (fd < 0 && clock_monotonic_ms() < until) {
		assert_int_equal(waitpid(server->pid, NULL, WNOHANG), 0); /* it must not have ended */
		fd = connect_to_loopback(server->port);
		if (fd < 0)
			poll(NULL, 0, 50);
	}
	assert_true(fd >= 0);
	close(fd);
}

void zookeeper_server_start(struct zookeeper_server *server)
{
	*server = (struct zookeeper_server){.folder = scratch_new(), .port = closed_port()};
	write_config(server);
	zookeeper_server_restart(server);
}

void zookeeper_server_kill(struct zookeeper_server *server, int wipe)
{
	char *data = xasprintf("%s/data", server->folder),
	     *kept = xasprintf("%s/old-%d", server->folder, (int)server->pid);
	if (server->pid != 0) {
		kill(server->pid, SIGKILL);
		waitpid(server->pid, NULL, 0);
	}
	if (wipe)
		assert_int_equal(rename(data, kept), 0);
	server->pid = 0;
	free(data);
	free(kept);
}

void zookeeper_server_clear(struct zookeeper_server *server)
{
	zookeeper_server_kill(server, 0);
	scratch_remove(server->folder);
}

/* ---- as a master does */

struct deed {
	int code; /* of the answer */
	int done;
	int sequence;
};

static void turn(zhandle_t *handle)
{
	int fd, interest;
	struct timeval patience;
	zookeeper_interest(handle, &fd, &interest, &patience);
	struct pollfd one = {.fd = fd};
	one.events = (short)((interest & ZOOKEEPER_READ ? POLLIN : 0) | (interest & ZOOKEEPER_WRITE ? POLLOUT : 0));
	poll(&one, 1, 50);
	zookeeper_process(handle, (one.revents & (POLLIN | POLLHUP | POLLERR) ? ZOOKEEPER_READ : 0) |
					  (one.revents & POLLOUT ? ZOOKEEPER_WRITE : 0));
}

static void on_session(zhandle_t *handle, int type, int state, const char *path, void *ctx)
{
	(void)handle;
	(void)type;
	(void)state;
	(void)path;
	(void)ctx;
}

static zhandle_t *connect_to(const struct zookeeper_server *server)
{
	int64_t until = clock_monotonic_ms() + PATIENCE_MS;
	char address[64];
	snprintf(address, sizeof(address), "127.0.0.1:%d", server->port);
	zoo_set_debug_level((ZooLogLevel)0);
	zhandle_t *handle = zookeeper_init(address, on_session, 30000, NULL, NULL, 0);
	assert_non_null(handle);
	while (zoo_state(handle) != ZOO_CONNECTED_STATE && clock_monotonic_ms() < until)
		turn(handle);
	assert_int_equal(zoo_state(handle), ZOO_CONNECTED_STATE);
	return handle;
}

static void finish(zhandle_t *handle, struct deed *deed)
{
	int64_t until = clock_monotonic_ms() + PATIENCE_MS;
	while (!deed->done && clock_monotonic_ms() < until)
		turn(handle);
	assert_true(deed->done);
	zookeeper_close(handle);
}

static void on_put(int code, const char *name, const void *ctx)
{
	struct deed *deed = (struct deed *)(uintptr_t)ctx;
	const char *line = name != NULL ? strrchr(name, '_') : NULL;
	deed->code = code;
	deed->sequence = line != NULL ? (int)strtol(line + 1, NULL, 10) : -1;
	deed->done = 1;
}

static void on_removed(int code, const void *ctx)
{
	struct deed *deed = (struct deed *)(uintptr_t)ctx;
	deed->code = code;
	deed->done = 1;
}

static void no_answer(int code, const void *ctx)
{
	(void)code;
	(void)ctx;
}

int zookeeper_server_put(const struct zookeeper_server *server, const char *path, const char *value,
			 const char *credentials)
{
	zhandle_t *handle = connect_to(server);
	struct deed deed = {.done = 0};
	int flags = path[strlen(path) - 1] == '_' ? ZOO_SEQUENCE : 0;
	if (credentials != NULL)
		zoo_add_auth(handle, "digest", credentials, (int)strlen(credentials), no_answer, NULL);
	zoo_acreate(handle, path, value, (int)strlen(value),
		    credentials != NULL ? &ZOO_CREATOR_ALL_ACL : &ZOO_OPEN_ACL_UNSAFE, flags, on_put, &deed);
	finish(handle, &deed);
	assert_int_equal(deed.code, ZOK);
	return deed.sequence;
}

void zookeeper_server_remove(const struct zookeeper_server *server, const char *path)
{
	zhandle_t *handle = connect_to(server);
	struct deed deed = {.done = 0};
	zoo_adelete(handle, path, -1, on_removed, &deed);
	finish(handle, &deed);
	assert_int_equal(deed.code, ZOK);
}
