/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/session.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/term.h"
#include "orchestrator/audit/beginning.h"
#include "orchestrator/output.h"
#include "orchestrator/session_ledger.h"

#define PROGRAM        "rollcall"
#define DEFAULT_CONFIG "rollcall.json"
#define DATABASE_NAME  "rollcall.db"

/* inspect reads files and asks systemd: a host that takes longer is not well. */
#define SURVEY_TIMEOUT_MS 60000

void session_init(struct session *session)
{
	const struct option globals[] = {
		{"config", 0, OPTION_STRING, &session->config_file, "FILE",
		 "the cluster file (default: $ROLLCALL_CONFIG, else ./rollcall.json)", 0, 0},
		{"cluster", 0, OPTION_STRING, &session->cluster_name, "NAME",
		 "which cluster of that file (not needed when it has one)", 0, 0},
		{"db", 0, OPTION_STRING, &session->db_path, "FILE",
		 "the database (default: $ROLLCALL_DB, else rollcall.db beside the cluster file)", 0, 0},
		{"json", 0, OPTION_FLAG, &session->json, NULL, "one JSON document on stdout; its schema is in schema/",
		 0, 0},
		{"quiet", 'q', OPTION_FLAG, &session->quiet, NULL, "no progress and no hints: only results, and errors",
		 0, 0},
		{"verbose", 'v', OPTION_COUNT, &session->verbose, NULL, "say what is being done", 0, 0},
		{"color", 0, OPTION_FLAG, &session->color, NULL,
		 "colours where stdout or stderr is a terminal (the default); --no-color: none", 0, 0},
		{.name = NULL},
	};

	*session = (struct session){.color = true, .survey_timeout_ms = SURVEY_TIMEOUT_MS};
	_Static_assert(sizeof(globals) == sizeof(session->globals), "the table has its own room");
	memcpy(session->globals, globals, sizeof(globals));
}

void session_close(struct session *session)
{
	log_set_invocation(NULL);
	free(session->program);
	if (session->transport)
		transport_free(session->transport);
	if (session->master)
		master_source_free(session->master);
	if (session->http)
		http_free(session->http);
	session_access_free(session->access);
	if (session->loop)
		loop_free(session->loop);
	store_close(session->store);
	cluster_file_free(session->clusters);
	free(session->config_path);
	free(session->database_path);
	free(session->actor);
}

const struct option *session_options(const struct session *session)
{
	return session->globals;
}

/* Options may stand before the command and behind it: what was read last counts. */
static void take_program(struct session *session)
{
	struct buffer text = BUFFER_INIT(1u << 20);

	output_program(session, &text);
	free(session->program);
	session->program = buffer_take(&text);
	log_set_invocation(session->program);
}

const char *session_program(const struct session *session)
{
	return session->program ? session->program : PROGRAM;
}

void session_apply_options(struct session *session)
{
	enum log_level level = LOG_INFO;

	if (session->verbose)
		level = LOG_DEBUG;
	if (session->quiet)
		level = LOG_ERROR;
	log_setup(PROGRAM, level);
	take_program(session);
	if (!session->color)
		term_forbid_color();
}

int command_parse(struct session *session, const struct command *self, int argc, const char *const argv[],
		  const struct option *own, struct arguments *operands)
{
	bool help = false;

	if (options_parse(argc, argv, own, session->globals, operands, &help, &session->error) < 0)
		return -1;
	session_apply_options(session);
	if (help) {
		command_print_help(PROGRAM, self, own, session->globals);
		return 1;
	}
	return command_check_operands(PROGRAM, self, operands, &session->error);
}

int command_alone(struct session *session, const struct command *self, int argc, const char *const argv[],
		  int (*act)(struct session *session))
{
	struct arguments operands = {NULL, 0};
	int parsed = command_parse(session, self, argc, argv, NULL, &operands);

	arguments_clear(&operands);
	if (parsed != 0)
		return parsed < 0 ? -1 : 0;
	return act(session);
}

void session_blame_file(struct session *session, const char *path)
{
	if (session->error.kind == ERROR_UNREACHABLE && !file_exists(path))
		session->error.kind = ERROR_USAGE;
}

const char *session_config_path(struct session *session)
{
	const char *path = session->config_file;

	if (session->config_path)
		return session->config_path;
	if (!path)
		path = getenv("ROLLCALL_CONFIG");
	session->config_path = xstrdup(path && *path ? path : DEFAULT_CONFIG);
	return session->config_path;
}

const char *session_database_path(struct session *session)
{
	const char *path = session->db_path;
	char *folder;

	if (session->database_path)
		return session->database_path;
	if (!path)
		path = getenv("ROLLCALL_DB");
	if (path && *path) {
		session->database_path = xstrdup(path);
	} else {
		folder = path_dir(session_config_path(session));
		session->database_path = path_join(folder, DATABASE_NAME);
		free(folder);
	}
	return session->database_path;
}

/* A damaged ledger is for `audit verify` to tell of, and begins nothing. */
static int begin_ledger(struct session *session, struct store *store)
{
	if (beginning_record(store, session_actor(session), session_origin(), &session->error) == 0)
		return 0;
	if (session->error.kind != ERROR_CORRUPT)
		return -1;
	error_clear(&session->error);
	return 0;
}

static struct store *open_store(struct session *session, bool create)
{
	struct store *store;

	if (session->store)
		return session->store;
	store = store_open(session_database_path(session), create, &session->error);
	if (store && begin_ledger(session, store) < 0) {
		store_close(store);
		store = NULL;
	}
	session->store = store;
	return store;
}

struct store *session_store(struct session *session)
{
	return open_store(session, false);
}

struct store *session_run_store(struct session *session)
{
	const char *path = session_database_path(session);

	if (!session->store && !file_exists(path)) {
		error_set(
			&session->error, ERROR_UNREACHABLE,
			"%s: there is no database, and what you ask for is in one: name it with --db, or with --config the "
			"cluster file that it is beside",
			path);
		return NULL;
	}
	return session_store(session);
}

struct store *session_new_store(struct session *session)
{
	return open_store(session, true);
}

const struct cluster *session_cluster(struct session *session)
{
	if (session->cluster)
		return session->cluster;
	if (!session->clusters)
		session->clusters = cluster_file_read(session_config_path(session), &session->error);
	if (!session->clusters) {
		session_blame_file(session, session_config_path(session));
		return NULL;
	}
	session->cluster = cluster_file_find(session->clusters, session->cluster_name, &session->error);
	if (!session->cluster)
		error_prefix(&session->error, "%s", session_config_path(session));
	return session->cluster;
}

int session_cluster_id(struct session *session, int64_t *id)
{
	const struct cluster *cluster = session_cluster(session);
	struct store *store = cluster ? session_store(session) : NULL;

	if (!store)
		return -1;
	if (!session->cluster_id && cluster_id(store, cluster->name, &session->cluster_id, &session->error) < 0)
		return -1;
	*id = session->cluster_id;
	return 0;
}

struct loop *session_loop(struct session *session)
{
	if (!session->loop)
		session->loop = loop_new(&session->error);
	return session->loop;
}

struct http *session_http(struct session *session)
{
	struct loop *loop = session_loop(session);

	if (loop && !session->http)
		session->http = http_new(loop, &session->error);
	return session->http;
}

void session_target(const struct cluster *cluster, const struct cluster_host *host, const char *name,
		    struct transport_target *out)
{
	*out = (struct transport_target){
		.name = name,
		.address = host->address,
		.port = host->port,
		.user = host->user,
		.identity = host->identity,
		.known_hosts = cluster->ssh.known_hosts,
		.become = host->become,
		.directory = host->directory,
	};
}

const char *session_actor(struct session *session)
{
	const struct passwd *user = getpwuid(geteuid());
	char host[256] = "";

	if (session->actor)
		return session->actor;
	if (gethostname(host, sizeof(host) - 1) < 0 || !*host)
		snprintf(host, sizeof(host), "localhost");
	session->actor = user ? xasprintf("%s@%s", user->pw_name, host) : xasprintf("%ld@%s", (long)geteuid(), host);
	return session->actor;
}
