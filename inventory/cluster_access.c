/* SPDX-License-Identifier: Apache-2.0 */
/* Where a cluster's masters are, and how they want to be asked: "masters" and "access" of the cluster file. */
#include "inventory/cluster_access.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"

/* A master with tens of thousands of agents takes seconds to answer; one that takes longer than this does not. */
#define DEFAULT_TIMEOUT_MS 30000
#define TIMEOUT_MAX_MS     3600000
#define DEFAULT_ATTEMPTS   3
#define ATTEMPTS_MAX       100

#define EXAMPLE "such as \"http://master1.example.com:5050\""

static const char *home(void)
{
	const struct passwd *user;

	if (getenv("HOME"))
		return getenv("HOME");
	user = getpwuid(geteuid());
	return user ? user->pw_dir : "/";
}

char *cluster_file_path(const char *folder, const char *path)
{
	if (path[0] == '/')
		return xstrdup(path);
	if (strncmp(path, "~/", 2) == 0)
		return path_join(home(), path + 2);
	return path_join(folder, path);
}

/* ---- masters */

static int refuse_password(const struct json_place *place, const char *key, struct error *err)
{
	return json_error(
		place, err,
		"a user and a password do not belong into a URL, where every message and everybody who sees the "
		"file would show them; use \"access\": {%s}, and put the password into a file of mode 0600",
		key);
}

static int add_url(struct cluster *cluster, const char *url, const struct json_place *place, struct error *err)
{
	size_t len;

	if ((strncmp(url, "http://", 7) != 0 || !url[7]) && (strncmp(url, "https://", 8) != 0 || !url[8]))
		return json_error(place, err, "\"%s\" is no URL " EXAMPLE, url);
	if (strpbrk(url, " \t\r\n?#"))
		return json_error(place, err, "\"%s\" must be scheme, host and port alone", url);
	len = strlen(url);
	while (url[len - 1] == '/')
		len--;
	cluster->masters = xreallocarray(cluster->masters, cluster->master_count + 1, sizeof(*cluster->masters));
	cluster->masters[cluster->master_count++] = xstrndup(url, len);
	return 0;
}

static int set_zookeeper(struct cluster *cluster, const char *url, const struct json_place *place, struct error *err)
{
	const char *path = strchr(url + strlen("zk://"), '/');

	if (!path || path == url + strlen("zk://") || !path[1] || strpbrk(url, " \t\r\n?#"))
		return json_error(place, err,
				  "\"%s\" must be zk://HOST:PORT,HOST:PORT/PATH, as in the masters' flag --zk", url);
	cluster->zookeeper = xstrdup(url);
	return 0;
}

/* alone: it is all there is, so it may be ZooKeeper. */
static int read_master(struct cluster *cluster, const json_t *value, bool alone, const struct json_place *place,
		       struct error *err)
{
	const char *url = json_string_value(value);
	bool zookeeper = url && strncmp(url, "zk://", 5) == 0;

	if (!url)
		return json_error(place, err, "must be a URL " EXAMPLE);
	if (strchr(url, '@'))
		return refuse_password(place,
				       zookeeper ? "\"zookeeper\": {\"file\": PATH}"
						 : "\"user\": NAME, \"password\": {\"file\": PATH}",
				       err);
	if (zookeeper && !alone)
		return json_error(place, err, "zk:// names all masters: it must be the only entry");
	if (zookeeper)
		return set_zookeeper(cluster, url, place, err);
	return add_url(cluster, url, place, err);
}

int cluster_masters_read(struct cluster *cluster, const json_t *object, const struct json_place *place,
			 struct error *err)
{
	struct json_place here = {.parent = place, .key = "masters"};
	const json_t *masters = json_object_get(object, "masters");
	size_t count = json_array_size(masters);

	if (json_is_string(masters))
		return read_master(cluster, masters, true, &here, err);
	if (masters && !json_is_array(masters))
		return json_error(&here, err, "must be a URL or an array of URLs");
	if (count == 0)
		return json_error(&here, err,
				  "needs at least one master's URL, " EXAMPLE ", or \"zk://HOST:PORT/PATH\"");
	for (size_t i = 0; i < count; i++) {
		struct json_place item = {.parent = &here, .index = i};

		if (read_master(cluster, json_array_get(masters, i), count == 1, &item, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- access */

static void secret_clear(struct cluster_secret *secret)
{
	free(secret->file);
	free(secret->variable);
}

void cluster_access_clear(struct cluster_access *access)
{
	free(access->ca);
	free(access->certificate);
	free(access->key);
	free(access->user);
	free(access->proxy);
	secret_clear(&access->password);
	secret_clear(&access->token);
	secret_clear(&access->zookeeper);
	secret_clear(&access->proxy_credentials);
}

static int read_path(const json_t *object, const char *key, const char *folder, char **out,
		     const struct json_place *place, struct error *err)
{
	struct json_place here = {.parent = place, .key = key};
	const char *path = NULL;

	if (json_optional_string(object, key, &path, place, err) < 0)
		return -1;
	if (path && !*path)
		return json_error(&here, err, "must be a file's path");
	if (path)
		*out = cluster_file_path(folder, path);
	return 0;
}

/* {"file": PATH} or {"env": NAME}. What else stands there is not shown: it may be the secret itself. */
static int read_secret(const json_t *object, const char *key, const char *folder, struct cluster_secret *out,
		       const struct json_place *place, struct error *err)
{
	struct json_place here = {.parent = place, .key = key};
	const json_t *given = json_object_get(object, key);
	const char *file = json_string_value(json_object_get(given, "file"));
	const char *variable = json_string_value(json_object_get(given, "env"));

	if (!given)
		return 0;
	if (json_is_string(given))
		return json_error(&here, err,
				  "does not stand in this file itself; put it into a file of mode 0600 and write "
				  "{\"file\": PATH}, or {\"env\": NAME} for an environment variable");
	if (!json_is_object(given) || json_object_size(given) != 1 || (!file && !variable) || (file && !*file) ||
	    (variable && !*variable))
		return json_error(&here, err, "must be {\"file\": PATH} or {\"env\": NAME}");
	out->file = file ? cluster_file_path(folder, file) : NULL;
	out->variable = variable ? xstrdup(variable) : NULL;
	return 0;
}

static int read_token_scheme(struct cluster_access *access, const json_t *object, const struct json_place *place,
			     struct error *err)
{
	struct json_place here = {.parent = place, .key = "token_scheme"};
	const char *scheme = "bearer";

	if (json_optional_string(object, "token_scheme", &scheme, place, err) < 0)
		return -1;
	access->token_is_dcos = strcmp(scheme, "dcos") == 0;
	if (!access->token_is_dcos && strcmp(scheme, "bearer") != 0)
		return json_error(&here, err, "must be \"bearer\" or \"dcos\"");
	return 0;
}

static int read_proxy(struct cluster_access *access, const json_t *object, const struct json_place *place,
		      struct error *err)
{
	struct json_place here = {.parent = place, .key = "proxy"};
	const char *proxy = NULL;

	if (json_optional_string(object, "proxy", &proxy, place, err) < 0)
		return -1;
	if (!proxy)
		return 0;
	if (strchr(proxy, '@'))
		return refuse_password(&here, "\"proxy_credentials\": {\"file\": PATH}", err);
	if (strcmp(proxy, "none") != 0 && strncmp(proxy, "http://", 7) != 0 && strncmp(proxy, "https://", 8) != 0 &&
	    strncmp(proxy, "socks5", 6) != 0)
		return json_error(&here, err, "\"%s\" is neither \"none\" nor a URL such as \"http://proxy:3128\"",
				  proxy);
	access->proxy = xstrdup(strcmp(proxy, "none") == 0 ? "" : proxy);
	return 0;
}

static int read_patience(struct cluster_access *access, const json_t *object, const struct json_place *place,
			 struct error *err)
{
	struct json_place timeout = {.parent = place, .key = "timeout"},
			  attempts = {.parent = place, .key = "attempts"};
	const char *text = NULL;
	int64_t count = DEFAULT_ATTEMPTS;

	access->timeout_ms = DEFAULT_TIMEOUT_MS;
	if (json_optional_string(object, "timeout", &text, place, err) < 0 ||
	    json_optional_int(object, "attempts", &count, place, err) < 0)
		return -1;
	if (text && (clock_parse_duration(text, &access->timeout_ms, NULL) < 0 || access->timeout_ms < 1 ||
		     access->timeout_ms > TIMEOUT_MAX_MS))
		return json_error(&timeout, err, "must be a duration such as \"30secs\", up to an hour");
	if (count < 1 || count > ATTEMPTS_MAX)
		return json_error(&attempts, err, "must be from 1 to %d", ATTEMPTS_MAX);
	access->attempts = (int)count;
	return 0;
}

static int read_identity(struct cluster_access *access, const json_t *object, const char *folder,
			 const struct json_place *place, struct error *err)
{
	const char *user = NULL;

	if (json_optional_string(object, "user", &user, place, err) < 0 ||
	    read_secret(object, "password", folder, &access->password, place, err) < 0 ||
	    read_secret(object, "token", folder, &access->token, place, err) < 0 ||
	    read_secret(object, "zookeeper", folder, &access->zookeeper, place, err) < 0 ||
	    read_secret(object, "proxy_credentials", folder, &access->proxy_credentials, place, err) < 0 ||
	    read_token_scheme(access, object, place, err) < 0)
		return -1;
	bool password = access->password.file || access->password.variable;
	bool token = access->token.file || access->token.variable;
	if (!user != !password)
		return json_error(place, err, "\"user\" and \"password\" belong together");
	if (user && token)
		return json_error(place, err, "has both a password and a token: one of them is enough");
	if (user && (!*user || strchr(user, ':')))
		return json_error(place, err, "\"%s\" is no user's name", user);
	access->user = user ? xstrdup(user) : NULL;
	return 0;
}

int cluster_access_read(struct cluster_access *access, const json_t *object, const char *folder,
			const struct json_place *parent, struct error *err)
{
	static const char *const keys[] = {"ca",
					   "certificate",
					   "key",
					   "tls",
					   "user",
					   "password",
					   "token",
					   "token_scheme",
					   "zookeeper",
					   "proxy",
					   "proxy_credentials",
					   "timeout",
					   "attempts",
					   NULL};
	struct json_place here = {.parent = parent, .key = "access"};
	const json_t *given = NULL;

	if (json_optional_object(object, "access", &given, parent, err) < 0 ||
	    json_check_keys(given, keys, &here, err) < 0 ||
	    read_path(given, "ca", folder, &access->ca, &here, err) < 0 ||
	    read_path(given, "certificate", folder, &access->certificate, &here, err) < 0 ||
	    read_path(given, "key", folder, &access->key, &here, err) < 0)
		return -1;
	access->tls = access->ca || access->certificate;
	if (json_optional_bool(given, "tls", &access->tls, &here, err) < 0 ||
	    read_identity(access, given, folder, &here, err) < 0 || read_proxy(access, given, &here, err) < 0 ||
	    read_patience(access, given, &here, err) < 0)
		return -1;
	if (access->key && !access->certificate)
		return json_error(&here, err, "\"key\" belongs to a \"certificate\"");
	return 0;
}
