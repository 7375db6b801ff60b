/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_ZOOKEEPER_SERVER_H
#define TESTS_SUPPORT_ZOOKEEPER_SERVER_H
/* A real ZooKeeper (Debian's package) on a free loopback port, with its data in a scratch folder, and what masters do with it. */
#include <sys/types.h>

struct zookeeper_server {
	char *folder;
	int port;
	pid_t pid; /* 0: it does not run */
};

/* Fails the test when it does not come up. */
void zookeeper_server_start(struct zookeeper_server *server);
/* kill -9, as when the machine is lost. wipe: it forgets everything, sessions too. The port stays. */
void zookeeper_server_kill(struct zookeeper_server *server, int wipe);
void zookeeper_server_restart(struct zookeeper_server *server);
void zookeeper_server_clear(struct zookeeper_server *server);

/* A node that stays when who made it goes, so that no test depends on timing. path may end in _: then it gets a sequence, which
 * is returned. credentials: only who has them may read it; NULL: everybody. */
int zookeeper_server_put(const struct zookeeper_server *server, const char *path, const char *value,
			 const char *credentials);
void zookeeper_server_remove(const struct zookeeper_server *server, const char *path);

#endif
