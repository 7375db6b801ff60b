/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/cluster_rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "inventory/cluster_login.h"
#include "inventory/document.h"

/* Host names are at most 253 characters, IPv6 addresses far fewer. */
#define ADDRESS_MAX 255

struct rule {
	char *where;            /* "rollcall.json: clusters.lab.hosts[2]", for errors */
	struct selector *match; /* NULL: every host */
	char *address;          /* NULL: not said */
	struct cluster_login login;
	json_t *settings; /* what host_settings_from_json reads, variables not yet put in */
};

struct cluster_rules {
	struct rule *items; /* the defaults, then hosts */
	size_t count;
};

static void rule_clear(struct rule *rule)
{
	free(rule->where);
	selector_free(rule->match);
	free(rule->address);
	cluster_login_clear(&rule->login);
	json_decref(rule->settings);
}

void cluster_rules_free(struct cluster_rules *rules)
{
	if (!rules)
		return;
	for (size_t i = 0; i < rules->count; i++)
		rule_clear(&rules->items[i]);
	free(rules->items);
	free(rules);
}

static int check_address(const char *address, const struct json_place *place, struct error *err)
{
	struct json_place here = {.parent = place, .key = "address"};

	if (document_check_text(address, NULL, &here, err) < 0)
		return -1;
	if (!*address || strlen(address) > ADDRESS_MAX || strpbrk(address, " \t\r\n/@"))
		return json_error(&here, err, "\"%s\" is no host name or IP address", address);
	return 0;
}

/* Settings are checked as they will be for a host, so that a mistake is found when the file is read. */
static int check_settings(const json_t *settings, const struct json_place *place, struct error *err)
{
	struct host_settings host;
	json_t *sample = document_expand(settings, NULL, place, err);
	int result;

	if (!sample)
		return -1;
	host_settings_init(&host);
	result = host_settings_from_json(sample, place, &host, err);
	host_settings_clear(&host);
	json_decref(sample);
	return result;
}

static int read_match(struct rule *rule, const json_t *object, const struct json_place *place, struct error *err)
{
	struct json_place here = {.parent = place, .key = "match"};
	const char *match = NULL;
	char *source;

	if (json_required_string(object, "match", &match, place, err) < 0)
		return -1;
	source = json_place_text(&here);
	rule->match = selector_parse(source, match, err);
	free(source);
	return rule->match ? 0 : -1;
}

/* Who to be on some of the hosts. The rest of "ssh" is the same for all: it makes one way of reaching them. */
static int read_login(struct rule *rule, const json_t *object, const char *folder, const struct json_place *place,
		      struct error *err)
{
	static const char *const keys[] = {"user", "port", "identity", "become", NULL};
	struct json_place here = {.parent = place, .key = "ssh"};
	const json_t *given = NULL;

	if (json_optional_object(object, "ssh", &given, place, err) < 0 ||
	    (given && json_check_keys(given, keys, &here, err) < 0))
		return -1;
	return cluster_login_read(given, folder, &here, &rule->login, err);
}

/* folder NULL: the defaults, for every host; else an entry of hosts. */
static int read_rule(struct rule *rule, const json_t *object, const char *folder, const struct json_place *place,
		     struct error *err)
{
	const char *address = NULL;

	if (!json_is_object(object))
		return json_error(place, err, "must be an object");
	rule->where = json_place_text(place);
	rule->settings = json_deep_copy(object);
	if (folder && (read_match(rule, object, place, err) < 0 || read_login(rule, object, folder, place, err) < 0))
		return -1;
	if (json_optional_string(object, "address", &address, place, err) < 0 ||
	    (address && check_address(address, place, err) < 0))
		return -1;
	if (address)
		rule->address = xstrdup(address);
	if (folder) {
		json_object_del(rule->settings, "match");
		json_object_del(rule->settings, "ssh");
	}
	json_object_del(rule->settings, "address");
	return check_settings(rule->settings, place, err);
}

static struct rule *add_rule(struct cluster_rules *rules)
{
	rules->items = xreallocarray(rules->items, rules->count + 1, sizeof(*rules->items));
	rules->items[rules->count] = (struct rule){.where = NULL};
	return &rules->items[rules->count++];
}

struct cluster_rules *cluster_rules_read(const json_t *object, const char *folder, const struct json_place *place,
					 struct error *err)
{
	struct json_place defaults_place = {.parent = place, .key = "defaults"};
	struct json_place hosts_place = {.parent = place, .key = "hosts"};
	struct cluster_rules *rules = xcalloc(1, sizeof(*rules));
	const json_t *defaults = NULL, *hosts = NULL;

	if (json_optional_object(object, "defaults", &defaults, place, err) < 0 ||
	    json_optional_array(object, "hosts", &hosts, place, err) < 0)
		goto fail;
	if (defaults && read_rule(add_rule(rules), defaults, NULL, &defaults_place, err) < 0)
		goto fail;
	for (size_t i = 0; i < json_array_size(hosts); i++) {
		struct json_place item = {.parent = &hosts_place, .index = i};

		if (read_rule(add_rule(rules), json_array_get(hosts, i), folder, &item, err) < 0)
			goto fail;
	}
	return rules;
fail:
	cluster_rules_free(rules);
	return NULL;
}

static int expand_into(const char *text, const struct agent_record *agent, char **out, struct error *err)
{
	struct buffer expanded = BUFFER_INIT(4096);
	int result = document_expand_text(text, agent, NULL, &expanded, err);

	if (result == 0) {
		free(*out);
		*out = buffer_take(&expanded);
	}
	buffer_clear(&expanded);
	return result;
}

static void apply_login(const struct cluster_login *login, struct cluster_host *host)
{
	if (login->user) {
		free(host->user);
		host->user = xstrdup(login->user);
	}
	if (login->identity) {
		free(host->identity);
		host->identity = xstrdup(login->identity);
	}
	if (login->port)
		host->port = login->port;
	if (login->has_become)
		host->become = login->become;
}

static int apply_rule(const struct rule *rule, const struct agent_record *agent, struct cluster_host *host,
		      struct error *err)
{
	struct json_place place = {.source = rule->where};
	json_t *settings = document_expand(rule->settings, agent, &place, err);
	int result;

	if (!settings)
		return -1;
	result = host_settings_from_json(settings, &place, &host->settings, err);
	json_decref(settings);
	apply_login(&rule->login, host);
	if (result == 0 && rule->address && expand_into(rule->address, agent, &host->address, err) < 0)
		result = error_prefix(err, "%s.address", rule->where);
	return result;
}

void cluster_host_clear(struct cluster_host *host)
{
	free(host->address);
	free(host->directory);
	free(host->user);
	free(host->identity);
	host_settings_clear(&host->settings);
	host->address = host->directory = host->user = host->identity = NULL;
}

static int apply_rules(const struct cluster *cluster, struct store *store, const struct agent_record *agent,
		       struct cluster_host *host, struct error *err)
{
	for (size_t i = 0; i < cluster->rules->count; i++) {
		const struct rule *rule = &cluster->rules->items[i];
		int matches = rule->match ? selector_matches(rule->match, store, agent->row, err) : 1;

		if (matches < 0 || (matches && apply_rule(rule, agent, host, err) < 0))
			return -1;
	}
	return expand_into(cluster->ssh.directory, agent, &host->directory, err);
}

int cluster_host(const struct cluster *cluster, struct store *store, const struct agent_record *agent,
		 struct cluster_host *out, struct error *err)
{
	const struct cluster_ssh *ssh = &cluster->ssh;
	struct cluster_host host = {.address = xstrdup(agent->view.ip),
				    .user = xstrdup(ssh->user),
				    .port = ssh->port,
				    .identity = ssh->identity ? xstrdup(ssh->identity) : NULL,
				    .become = ssh->become};

	host_settings_init(&host.settings);
	if (apply_rules(cluster, store, agent, &host, err) < 0) {
		cluster_host_clear(&host);
		return -1;
	}
	*out = host;
	return 0;
}
