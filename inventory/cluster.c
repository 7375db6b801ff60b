/* SPDX-License-Identifier: Apache-2.0 */
/* The cluster file's outline: clusters by name, their masters, who to be on their hosts. */
#include "inventory/cluster.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "inventory/cluster_access.h"
#include "inventory/cluster_login.h"
#include "inventory/cluster_rules.h"
#include "inventory/document.h"

/* A file with settings for tens of thousands of hosts stays below this. */
#define FILE_MAX (16u << 20)

#define DEFAULT_DIRECTORY          "/var/lib/rollcall/bin"
#define DEFAULT_CONNECT_TIMEOUT_MS 10000
#define CONNECT_TIMEOUT_MAX_MS     3600000

static void ssh_clear(struct cluster_ssh *ssh)
{
	free(ssh->user);
	free(ssh->identity);
	free(ssh->known_hosts);
	free(ssh->directory);
}

static void cluster_clear(struct cluster *cluster)
{
	free(cluster->name);
	for (size_t i = 0; i < cluster->master_count; i++)
		free(cluster->masters[i]);
	free(cluster->masters);
	free(cluster->zookeeper);
	cluster_access_clear(&cluster->access);
	ssh_clear(&cluster->ssh);
	cluster_rules_free(cluster->rules);
}

void cluster_file_free(struct cluster_file *file)
{
	if (!file)
		return;
	for (size_t i = 0; i < file->count; i++)
		cluster_clear(&file->clusters[i]);
	free(file->clusters);
	free(file);
}

static char *own_name(void)
{
	const struct passwd *user = getpwuid(geteuid());

	return xstrdup(user ? user->pw_name : "root");
}

/* Whole seconds, or a duration as Mesos writes it. */
static int read_timeout(struct cluster_ssh *ssh, const json_t *object, const struct json_place *place,
			struct error *err)
{
	struct json_place here = {.parent = place, .key = "connect_timeout"};
	const json_t *value = json_object_get(object, "connect_timeout");
	int64_t ms = DEFAULT_CONNECT_TIMEOUT_MS, seconds = json_integer_value(value);

	if (json_is_integer(value))
		ms = seconds < 1 || seconds > CONNECT_TIMEOUT_MAX_MS / 1000 ? -1 : seconds * 1000;
	else if (value && (!json_is_string(value) || clock_parse_duration(json_string_value(value), &ms, NULL) < 0))
		ms = -1;
	if (ms <= 0 || ms > CONNECT_TIMEOUT_MAX_MS)
		return json_error(&here, err,
				  "must be a number of seconds, or a duration such as \"10secs\", up to an hour");
	ssh->connect_timeout_ms = ms;
	return 0;
}

static int check_directory(const char *directory, const struct json_place *place, struct error *err)
{
	struct json_place here = {.parent = place, .key = "directory"};
	struct buffer sample = BUFFER_INIT(4096);
	int result = 0;

	if (document_check_text(directory, NULL, &here, err) < 0)
		return -1;
	document_expand_text(directory, NULL, NULL, &sample, NULL);
	if (buffer_text(&sample)[0] != '/' || sample.overflow)
		result = json_error(&here, err, "\"%s\" is no absolute path", directory);
	else if (strspn(buffer_text(&sample), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-") !=
		 sample.len)
		result = json_error(&here, err, "\"%s\" may only have letters, digits and . _ / -", directory);
	buffer_clear(&sample);
	return result;
}

struct ssh_text {
	const char *known_hosts, *directory, *transport;
};

static int read_transport(struct cluster_ssh *ssh, const char *name, const struct json_place *place, struct error *err)
{
	struct json_place here = {.parent = place, .key = "transport"};

	ssh->openssh = strcmp(name, "openssh") == 0;
	if (!ssh->openssh && strcmp(name, "libssh2") != 0)
		return json_error(&here, err, "\"%s\" is neither \"libssh2\" nor \"openssh\"", name);
	return 0;
}

static int read_ssh_values(struct cluster_ssh *ssh, struct ssh_text *text, const json_t *object,
			   const struct json_place *place, struct error *err)
{
	static const char *const keys[] = {
		"user", "port", "identity", "known_hosts", "become", "directory", "connect_timeout", "transport", NULL};

	if (json_check_keys(object, keys, place, err) < 0 ||
	    json_optional_string(object, "known_hosts", &text->known_hosts, place, err) < 0 ||
	    json_optional_string(object, "directory", &text->directory, place, err) < 0 ||
	    json_optional_string(object, "transport", &text->transport, place, err) < 0 ||
	    read_timeout(ssh, object, place, err) < 0 || read_transport(ssh, text->transport, place, err) < 0)
		return -1;
	return check_directory(text->directory, place, err);
}

/* What is not given is as for the ssh client, but for the key of libssh2: OpenSSH has its own, in the operator's ssh_config. */
static void take_login(struct cluster_ssh *ssh, struct cluster_login *login, const char *folder)
{
	ssh->user = login->user ? login->user : own_name();
	ssh->port = login->port ? login->port : 22;
	ssh->become = login->become;
	ssh->identity = login->identity;
	if (!ssh->identity && !ssh->openssh)
		ssh->identity = cluster_file_path(folder, "~/.ssh/id_ed25519");
	*login = (struct cluster_login){.user = NULL};
}

static int read_ssh(struct cluster *cluster, const json_t *object, const char *folder, const struct json_place *place,
		    struct error *err)
{
	struct json_place here = {.parent = place, .key = "ssh"};
	struct ssh_text text = {
		.known_hosts = "~/.ssh/known_hosts", .directory = DEFAULT_DIRECTORY, .transport = "libssh2"};
	struct cluster_ssh *ssh = &cluster->ssh;
	struct cluster_login login = {.user = NULL};
	const json_t *given = NULL;

	if (json_optional_object(object, "ssh", &given, place, err) < 0)
		return -1;
	if (read_ssh_values(ssh, &text, given, &here, err) < 0 ||
	    cluster_login_read(given, folder, &here, &login, err) < 0) {
		cluster_login_clear(&login);
		return -1;
	}
	take_login(ssh, &login, folder);
	ssh->known_hosts = cluster_file_path(folder, text.known_hosts);
	ssh->directory = xstrdup(text.directory);
	return 0;
}

static int read_cluster(struct cluster *cluster, const json_t *object, const char *folder,
			const struct json_place *place, struct error *err)
{
	static const char *const keys[] = {"masters", "access", "ssh", "defaults", "hosts", NULL};

	if (!json_is_object(object))
		return json_error(place, err, "must be an object with \"masters\" and \"ssh\"");
	if (strspn(place->key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") !=
		    strlen(place->key) ||
	    !*place->key)
		return json_error(place, err, "a cluster's name may only have letters, digits and . _ -");
	cluster->name = xstrdup(place->key);
	if (json_check_keys(object, keys, place, err) < 0 || cluster_masters_read(cluster, object, place, err) < 0 ||
	    cluster_access_read(&cluster->access, object, folder, place, err) < 0 ||
	    read_ssh(cluster, object, folder, place, err) < 0)
		return -1;
	cluster->rules = cluster_rules_read(object, folder, place, err);
	return cluster->rules ? 0 : -1;
}

static int read_clusters(struct cluster_file *file, const json_t *root, const char *path, struct error *err)
{
	static const char *const keys[] = {"clusters", NULL};
	struct json_place top = {.source = path}, here = {.parent = &top, .key = "clusters"};
	const json_t *clusters = NULL;
	char *folder;
	const char *name;
	json_t *object;
	int result = 0;

	if (!json_is_object(root))
		return json_error(&top, err, "must be an object with \"clusters\"");
	if (json_check_keys(root, keys, &top, err) < 0 ||
	    json_optional_object(root, "clusters", &clusters, &top, err) < 0)
		return -1;
	if (json_object_size(clusters) == 0)
		return json_error(&here, err, "needs at least one cluster: {\"NAME\": {\"masters\": [URL], …}}");
	file->clusters = xcalloc(json_object_size(clusters), sizeof(*file->clusters));
	folder = path_dir(path);
	json_object_foreach((json_t *)(uintptr_t)clusters, name, object)
	{
		struct json_place place = {.parent = &here, .key = name};

		result = read_cluster(&file->clusters[file->count++], object, folder, &place, err);
		if (result < 0)
			break;
	}
	free(folder);
	return result;
}

struct cluster_file *cluster_file_read(const char *path, struct error *err)
{
	struct buffer text = BUFFER_INIT(FILE_MAX);
	struct cluster_file *file = NULL;
	json_t *root = NULL;

	if (!file_exists(path)) {
		error_set(
			err, ERROR_UNREACHABLE,
			"%s: there is no cluster file; `rollcall init` writes an example, --config names another file",
			path);
		return NULL;
	}
	if (file_read(path, &text, err) == 0)
		root = document_parse(path, buffer_text(&text), text.len, err);
	buffer_clear(&text);
	if (!root)
		return NULL;
	file = xcalloc(1, sizeof(*file));
	if (read_clusters(file, root, path, err) < 0) {
		cluster_file_free(file);
		file = NULL;
	}
	json_decref(root);
	return file;
}

static void list_names(const struct cluster_file *file, struct buffer *out)
{
	for (size_t i = 0; i < file->count; i++)
		buffer_printf(out, "%s%s", i ? ", " : "", file->clusters[i].name);
}

const struct cluster *cluster_file_find(const struct cluster_file *file, const char *name, struct error *err)
{
	struct buffer names = BUFFER_INIT(ERROR_TEXT_MAX / 2);

	if (!name && file->count == 1)
		return &file->clusters[0];
	for (size_t i = 0; name && i < file->count; i++)
		if (strcmp(file->clusters[i].name, name) == 0)
			return &file->clusters[i];
	list_names(file, &names);
	if (name)
		error_set(err, ERROR_USAGE, "there is no cluster \"%s\" in the cluster file; there is: %s", name,
			  buffer_text(&names));
	else
		error_set(err, ERROR_USAGE, "the cluster file has %zu clusters; say which with --cluster: %s",
			  file->count, buffer_text(&names));
	buffer_clear(&names);
	return NULL;
}

int cluster_id(struct store *store, const char *name, int64_t *id, struct error *err)
{
	int found = store_find_int(store, id, err, "SELECT id FROM clusters WHERE name = ?1", "t", name);

	if (found != 0)
		return found < 0 ? -1 : 0;
	if (store_run(store, err, "INSERT INTO clusters (name) VALUES (?1) ON CONFLICT DO NOTHING", "t", name) < 0)
		return -1;
	return store_find_int(store, id, err, "SELECT id FROM clusters WHERE name = ?1", "t", name) < 0 ? -1 : 0;
}
