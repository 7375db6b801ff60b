/* SPDX-License-Identifier: Apache-2.0 */
/* The session's way to the masters: what the cluster file says of it, with the secrets it only points to. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "orchestrator/session.h"
#include "remote/secret.h"

struct session_access {
	struct http_access http; /* borrows what follows, and the cluster's paths */
	char *password, *authorization, *zookeeper, *proxy_credentials;
};

void session_access_free(struct session_access *access)
{
	if (!access)
		return;
	secret_free(access->password);
	secret_free(access->authorization);
	secret_free(access->zookeeper);
	secret_free(access->proxy_credentials);
	free(access);
}

/* Nothing to read is no failure. */
static int read_secret(const struct cluster_secret *from, const char *what, char **out, struct error *err)
{
	const struct secret_source source = {.file = from->file, .variable = from->variable};

	if (!from->file && !from->variable)
		return 0;
	*out = secret_read(&source, what, err);
	return *out ? 0 : -1;
}

static int read_token(const struct cluster_access *from, char **out, struct error *err)
{
	char *token = NULL;

	if (read_secret(&from->token, "access.token", &token, err) < 0)
		return -1;
	if (token)
		*out = xasprintf("%s%s", from->token_is_dcos ? "token=" : "Bearer ", token);
	secret_free(token);
	return 0;
}

static int check_files(const struct cluster_access *from, struct error *err)
{
	const char *key = from->key ? from->key : from->certificate;

	/* A certificate without a key file holds its key itself. */
	return key ? secret_check_file(key, from->key ? "access.key" : "access.certificate", err) : 0;
}

static int read_secrets(const struct cluster_access *from, struct session_access *to, struct error *err)
{
	if (check_files(from, err) < 0 || read_secret(&from->password, "access.password", &to->password, err) < 0 ||
	    read_token(from, &to->authorization, err) < 0 ||
	    read_secret(&from->zookeeper, "access.zookeeper", &to->zookeeper, err) < 0)
		return -1;
	return read_secret(&from->proxy_credentials, "access.proxy_credentials", &to->proxy_credentials, err);
}

static struct session_access *open_access(struct session *session)
{
	const struct cluster_access *from = &session->cluster->access;
	struct session_access *to = xcalloc(1, sizeof(*to));

	if (read_secrets(from, to, &session->error) < 0) {
		error_prefix(&session->error, "%s", session_config_path(session));
		session_access_free(to);
		return NULL;
	}
	to->http = (struct http_access){
		.ca = from->ca,
		.certificate = from->certificate,
		.key = from->key,
		.user = from->user,
		.password = to->password,
		.authorization = to->authorization,
		.proxy = from->proxy,
		.proxy_credentials = to->proxy_credentials,
	};
	return to;
}

const struct http_access *session_http_access(struct session *session)
{
	if (!session->access && session_cluster(session))
		session->access = open_access(session);
	return session->access ? &session->access->http : NULL;
}

struct master_source *session_master(struct session *session)
{
	const struct cluster *cluster = session_cluster(session);
	struct http *http = cluster ? session_http(session) : NULL;

	if (session->master || !http)
		return session->master;
	if (!session_http_access(session))
		return NULL;
	const struct master_options options = {
		.http = http,
		.urls = (const char *const *)cluster->masters,
		.url_count = cluster->master_count,
		.zookeeper = cluster->zookeeper,
		.zookeeper_credentials = session->access->zookeeper,
		.tls = cluster->access.tls,
		.access = &session->access->http,
		.timeout_ms = cluster->access.timeout_ms,
		.attempts = cluster->access.attempts,
	};
	session->master = master_open(session_loop(session), &options, &session->error);
	return session->master;
}
