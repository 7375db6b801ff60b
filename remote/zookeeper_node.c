/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/zookeeper_node.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"

#define SCHEME       "zk://"
#define NODE_PREFIX  "json.info_"
#define DEFAULT_PORT "2181"
#define SERVERS_MAX  4096

/* ---- the URL */

static int bad_url(const char *url, const char *why, struct error *err)
{
	return error_set(err, ERROR_USAGE,
			 "\"%s\" %s; write zk://HOST:PORT,HOST:PORT/PATH, with the --zk path of the masters", url, why);
}

static int add_server(struct buffer *servers, const char *server, size_t len)
{
	if (len == 0 || strcspn(server, " \t\r\n?#") < len)
		return -1;
	bool has_port = memchr(server, ':', len) != NULL;
	buffer_printf(servers, "%s%.*s%s", servers->len > 0 ? "," : "", (int)len, server,
		      has_port ? "" : ":" DEFAULT_PORT);
	return 0;
}

int zookeeper_parse_url(const char *url, char **servers, char **path, struct error *err)
{
	struct buffer list = BUFFER_INIT(SERVERS_MAX);
	if (strncmp(url, SCHEME, strlen(SCHEME)) != 0)
		return bad_url(url, "is no zk:// URL", err);
	if (strchr(url, '@') != NULL)
		return error_set(err, ERROR_USAGE,
				 "a zk:// URL with a user and a password is not used: anybody who sees the file or a "
				 "message would know them; put USER:PASSWORD into a file of mode 0600 and name it as "
				 "\"access\": {\"zookeeper\": {\"file\": PATH}}");
	const char *at = url + strlen(SCHEME), *slash = strchr(at, '/');
	if (slash == NULL || slash[1] == '\0' || slash[strlen(slash) - 1] == '/' || strpbrk(slash, " ?#") != NULL)
		return bad_url(url, "has no path below which the masters are", err);
	for (;;) {
		size_t len = strcspn(at, ",/");
		if (add_server(&list, at, len) < 0) {
			buffer_clear(&list);
			return bad_url(url, "has a server without a name", err);
		}
		at += len;
		if (*at++ == '/')
			break;
	}
	*servers = buffer_take(&list);
	*path = xstrdup(slash);
	return 0;
}

/* ---- nodes */

long long zookeeper_node_sequence(const char *name)
{
	size_t prefix = strlen(NODE_PREFIX), digits;
	if (strncmp(name, NODE_PREFIX, prefix) != 0)
		return -1;
	digits = strspn(name + prefix, "0123456789");
	if (digits == 0 || digits > 18 || name[prefix + digits] != '\0')
		return -1;
	return strtoll(name + prefix, NULL, 10);
}

void zookeeper_master_clear(struct zookeeper_master *master)
{
	free(master->url);
	master_facts_clear(&master->facts);
	*master = (struct zookeeper_master){.url = NULL};
}

static char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text != NULL ? xstrdup(text) : NULL;
}

static bool can_update_agents(const json_t *info)
{
	size_t i;
	json_t *item;
	json_array_foreach(json_object_get(info, "capabilities"), i, item)
	{
		const char *type = json_string_value(json_object_get(item, "type"));
		if (type != NULL && strcmp(type, "AGENT_UPDATE") == 0)
			return true;
	}
	return false;
}

static void read_domain(const json_t *info, struct master_facts *facts)
{
	const json_t *domain = json_object_get(json_object_get(info, "domain"), "fault_domain");
	facts->region = text_of(json_object_get(domain, "region"), "name");
	facts->zone = text_of(json_object_get(domain, "zone"), "name");
	facts->has_domain = facts->region != NULL && facts->zone != NULL;
}

/* A certificate is for a name; without TLS the address does not depend on anybody's resolver. */
static char *url_of(const json_t *info, bool tls)
{
	const json_t *address = json_object_get(info, "address");
	json_int_t port = json_integer_value(json_object_get(address, "port"));
	const char *ip = json_string_value(json_object_get(address, "ip"));
	const char *name = json_string_value(json_object_get(address, "hostname"));
	const char *host = (tls && name != NULL) || ip == NULL ? name : ip;
	if (host == NULL || host[0] == '\0' || strpbrk(host, "/?#@ ") != NULL || port < 1 || port > 65535)
		return NULL;
	bool six = strchr(host, ':') != NULL;
	return xasprintf("%s://%s%s%s:%d", tls ? "https" : "http", six ? "[" : "", host, six ? "]" : "", (int)port);
}

int zookeeper_parse_node(const char *data, size_t len, bool tls, struct zookeeper_master *out, struct error *err)
{
	json_error_t why;
	json_t *info = json_loadb(data, len, 0, &why);
	char *url = json_is_object(info) ? url_of(info, tls) : NULL;
	if (url == NULL) {
		json_decref(info);
		return error_set(err, ERROR_CORRUPT, "a master's node in ZooKeeper says no address: %.100s",
				 info == NULL ? why.text : "no MasterInfo");
	}
	*out = (struct zookeeper_master){.url = url};
	out->facts.id = text_of(info, "id");
	out->facts.version = text_of(info, "version");
	out->facts.agent_update = can_update_agents(info);
	out->facts.agent_count = -1;
	out->facts.task_count = -1;
	read_domain(info, &out->facts);
	json_decref(info);
	return 0;
}
