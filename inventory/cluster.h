/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_CLUSTER_H
#define INVENTORY_CLUSTER_H
/*
 * The cluster file (rollcall.json), schema/cluster.schema.json:
 *
 *   {"clusters": {"NAME": {
 *      "masters": ["http://master1.example.com:5050", …] or "zk://zk1.example.com:2181,…/mesos",
 *      "access": {"ca", "certificate", "key", "tls", "user", "password", "token", "token_scheme", "zookeeper",
 *                 "proxy", "proxy_credentials", "timeout", "attempts"},
 *      "ssh": {"user", "port", "identity", "known_hosts", "become", "directory", "connect_timeout", "transport"},
 *      "defaults": {the host settings of mesos/host.h, and "address"},
 *      "hosts": [{"match": "<selector>", …what differs there…, "ssh": {"user", "port", "identity", "become"}}]}}}
 *
 * Keys that start with "_comment" may stand in every object of ours. Strings of defaults and hosts, and
 * ssh.directory, may use ${hostname}, ${ip} and ${id} of the agent. identity, known_hosts and the files of access are
 * relative to the file's folder.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "inventory/agents.h"
#include "inventory/store.h"
#include "mesos/host.h"

struct cluster_ssh {
	char *user;        /* the user who runs rollcall when not given */
	int port;          /* 22 */
	bool openssh;      /* transport "openssh": processes of the ssh client, instead of libssh2 */
	char *identity;    /* default ~/.ssh/id_ed25519; NULL with openssh: what ssh_config says */
	char *known_hosts; /* default ~/.ssh/known_hosts */
	bool become;
	char *directory;            /* where agentctl lies on the host; default /var/lib/rollcall/bin */
	int64_t connect_timeout_ms; /* 10 s */
};

/* Where a password or a token is: one of the two, or none. It is never in the cluster file itself. */
struct cluster_secret {
	char *file;
	char *variable;
};

/* How the masters want to be asked, and the way there. */
struct cluster_access {
	char *ca, *certificate, *key; /* PEM files; NULL: none */
	bool tls;                     /* masters that ZooKeeper names speak https */
	char *user;                   /* basic authentication, with password; NULL: none */
	struct cluster_secret password, token, zookeeper, proxy_credentials;
	bool token_is_dcos; /* "Authorization: token=…" in place of "Bearer …" */
	char *proxy;        /* NULL: as the environment says; "": none */
	int64_t timeout_ms; /* 30 s */
	int attempts;       /* 3 */
};

struct cluster {
	char *name;
	char **masters; /* http:// and https:// URLs; none when zookeeper is set */
	size_t master_count;
	char *zookeeper; /* "zk://…"; NULL: masters */
	struct cluster_access access;
	struct cluster_ssh ssh;
	struct cluster_rules *rules; /* defaults and hosts */
};

struct cluster_file {
	struct cluster *clusters;
	size_t count;
};

/* ERROR_UNREACHABLE when the file is missing (and says how to make one), ERROR_USAGE with file and line or path. */
struct cluster_file *cluster_file_read(const char *path, struct error *err);
void cluster_file_free(struct cluster_file *file);
/* The cluster of that name; name NULL: the only one. ERROR_USAGE lists those there are. Borrowed. */
const struct cluster *cluster_file_find(const struct cluster_file *file, const char *name, struct error *err);

/* How one agent's host is reached and how the agent is run there. */
struct cluster_host {
	char *address; /* the agent's own IP when nothing else is given */
	char *user;
	int port;
	char *identity; /* NULL with openssh: what ssh_config says */
	bool become;
	char *directory;
	struct host_settings settings;
};
void cluster_host_clear(struct cluster_host *host);
/* Defaults first, then every entry of hosts whose selector matches the agent, in order. */
int cluster_host(const struct cluster *cluster, struct store *store, const struct agent_record *agent,
		 struct cluster_host *out, struct error *err);

/* The key of the cluster in the database; its row is made when it is new. */
int cluster_id(struct store *store, const char *name, int64_t *id, struct error *err);

/* A commented example for `rollcall init`. */
extern const char cluster_example[];

#endif
