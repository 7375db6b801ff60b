/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_SESSION_H
#define ORCHESTRATOR_SESSION_H
/*
 * One run of the program: the global options, and what they lead to, opened when first asked for and closed by
 * session_close. Everything the session_… functions return is borrowed and lives until then.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/options.h"
#include "inventory/cluster.h"
#include "inventory/store.h"
#include "remote/http.h"
#include "remote/loop.h"
#include "remote/master.h"
#include "remote/transport.h"

#define SESSION_GLOBAL_OPTIONS 8

struct session {
	/* the global options; borrowed from argv */
	const char *config_file;  /* NULL: $ROLLCALL_CONFIG, else ./rollcall.json */
	const char *cluster_name; /* NULL: the only one there is */
	const char *db_path;      /* NULL: $ROLLCALL_DB, else rollcall.db beside the cluster file */
	bool json;
	bool quiet;
	bool color; /* false: --no-color */
	int verbose;

	/* what went wrong; commands write it, main prints it */
	struct error error;

	int64_t survey_timeout_ms; /* for one host, from its connection's start; 60 s */

	/* private */
	struct option globals[SESSION_GLOBAL_OPTIONS];
	char *config_path;
	char *database_path;
	char *actor;
	char *program; /* session_program */
	struct cluster_file *clusters;
	const struct cluster *cluster;
	int64_t cluster_id;
	struct store *store;
	struct loop *loop;
	struct http *http;
	struct master_source *master;
	struct session_access *access; /* what the masters want to see, secrets read */
	struct transport *transport;
};

void session_init(struct session *session);
void session_close(struct session *session);

/* The table of global options, for options_parse and for help. */
const struct option *session_options(const struct session *session);

/* After the options are parsed: the log level and the colours they ask for. */
void session_apply_options(struct session *session);

/* "rollcall" with the global options that lead to where this command's led, to be put before a command that is pasted. Never fails. */
const char *session_program(const struct session *session);

/*
 * What every command starts with: parses argv against own (may be NULL) and the global options and checks the number of
 * operands. 0: go on. 1: help was asked for and printed; the command returns 0. -1: session->error is set. operands is
 * the caller's to clear whatever comes back.
 */
int command_parse(struct session *session, const struct command *self, int argc, const char *const argv[],
		  const struct option *own, struct arguments *operands);

/* The whole of a command that has neither options nor operands of its own: act, unless help was asked for. */
int command_alone(struct session *session, const struct command *self, int argc, const char *const argv[],
		  int (*act)(struct session *session));

/* All of these: NULL, or -1, with session->error set on failure. */
const char *session_config_path(struct session *session); /* never fails */
const char *session_database_path(struct session *session);
struct store *session_store(struct session *session); /* a database that exists */
/* … for what was asked for by name, a run or a plan: a database that is made anew would not know it either. */
struct store *session_run_store(struct session *session);
struct store *session_new_store(struct session *session);       /* the same, made when it does not exist yet */
const struct cluster *session_cluster(struct session *session); /* the one the options select */
int session_cluster_id(struct session *session, int64_t *id);   /* its key in the database */
struct loop *session_loop(struct session *session);
struct http *session_http(struct session *session);
struct master_source *session_master(struct session *session);
/* How the cluster's masters want to be asked, credentials and all. */
const struct http_access *session_http_access(struct session *session);
struct transport *session_transport(struct session *session);

/* For session_close. */
void session_access_free(struct session_access *access);

/* How to reach a host: strings borrowed from the cluster, host and name. */
void session_target(const struct cluster *cluster, const struct cluster_host *host, const char *name,
		    struct transport_target *out);

/* After a file that the user named could not be read: one that is not there is wrong usage. */
void session_blame_file(struct session *session, const char *path);

/* Who acts: "user@workstation", for events and authors. */
const char *session_actor(struct session *session);

#endif
