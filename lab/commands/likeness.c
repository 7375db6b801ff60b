/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/commands/likeness.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/json.h"
#include "mesos/pb.h"
#include "mesos/resource.h"

#define HOSTNAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"
#define HOSTNAME_MAX     200 /* it names a folder, and a socket below another */

/* One pass over the export; rows come table by table, and what later rows name was in earlier ones. */
struct reading {
	struct likeness *out;
	const char *path;
	const char *cluster;    /* wanted; NULL: the only one */
	json_int_t cluster_row; /* 0: not met yet */
	json_t *by_id;          /* agent ID → index */
	json_t *by_row;         /* row of agents → index */
	json_t *frameworks;     /* framework ID → index */
	long line;
	bool ended;
};

static const char *text_of(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));
	return text != NULL ? text : "";
}

static int64_t number_of(const json_t *row, const char *key)
{
	return json_integer_value(json_object_get(row, key));
}

static int complain(const struct reading *reading, struct error *err, const char *what)
{
	return error_set(err, ERROR_USAGE, "%s:%ld: %s", reading->path, reading->line, what);
}

/* {"base64": …}; the caller frees. NULL when it is none. */
static unsigned char *bytes_of(const json_t *row, const char *key, size_t *len)
{
	unsigned char *bytes = NULL;
	const json_t *text = json_object_get(json_object_get(row, key), "base64");
	if (!json_is_string(text) || base64_decode(json_string_value(text), &bytes, len, NULL) < 0)
		return NULL;
	return bytes;
}

static Mesos__SlaveInfo *info_of(const json_t *row, const char *key)
{
	size_t len = 0;
	unsigned char *bytes = bytes_of(row, key, &len);
	Mesos__SlaveInfo *info = bytes != NULL ? pb_unpack(&mesos__slave_info__descriptor, bytes, len) : NULL;
	free(bytes);
	return info;
}

static void host_clear(struct likeness_host *host)
{
	slaveinfo_free(host->info);
	resources_clear(&host->reserved);
	resources_clear(&host->used);
	json_decref(host->tasks);
	free(host->agent);
	free(host->hostname);
	free(host->version);
}

/* ---- rows */

static int take_cluster(struct reading *reading, const json_t *row, struct error *err)
{
	struct likeness *out = reading->out;
	if (reading->cluster != NULL && strcmp(text_of(row, "name"), reading->cluster) != 0)
		return 0;
	if (reading->cluster_row != 0)
		return complain(reading, err, "the export holds several clusters: name one with --cluster");
	reading->cluster_row = number_of(row, "id");
	if (json_is_string(json_object_get(row, "region")))
		out->region = xstrdup(text_of(row, "region"));
	if (json_is_string(json_object_get(row, "zone")))
		out->zone = xstrdup(text_of(row, "zone"));
	if (json_is_string(json_object_get(row, "master_version")))
		out->master_version = xstrdup(text_of(row, "master_version"));
	return 0;
}

/* Dynamic reservations and volumes among the agent's total: what is there when no survey says better. */
static void take_dynamic(const Mesos__SlaveInfo *total, struct resources *out)
{
	struct resources all = {.items = NULL};
	resources_copy(&all, total->resources, total->n_resources);
	resources_normalise(&all);
	for (size_t i = 0; i < all.count; i++) {
		if (resource_is_dynamic(all.items[i]) || resource_is_volume(all.items[i]))
			resources_take(out, pb_copy(all.items[i]));
	}
	resources_clear(&all);
}

static int read_agent(struct reading *reading, const json_t *row, struct likeness_host *host, struct error *err)
{
	Mesos__SlaveInfo *total = info_of(row, "total"), *used = info_of(row, "used");
	const char *hostname = text_of(row, "hostname");
	host->info = info_of(row, "info");
	int result = host->info != NULL && total != NULL && used != NULL
			     ? 0
			     : complain(reading, err, "an agent without its SlaveInfo: this is no whole export");
	if (result == 0 && (hostname[0] == '\0' || hostname[0] == '.' || strlen(hostname) > HOSTNAME_MAX ||
			    hostname[strspn(hostname, HOSTNAME_LETTERS)] != '\0'))
		result = complain(reading, err, "the agent's hostname cannot name a host of the lab");
	if (result == 0) {
		take_dynamic(total, &host->reserved);
		resources_copy(&host->used, used->resources, used->n_resources);
		resources_normalise(&host->used);
		host->agent = xstrdup(text_of(row, "id"));
		host->hostname = xstrdup(hostname);
		host->version = xstrdup(text_of(row, "version"));
		host->registered_ns = number_of(row, "registered_ns");
		host->tasks = json_array();
	}
	slaveinfo_free(total);
	slaveinfo_free(used);
	return result;
}

static struct likeness_host *find_hostname(const struct likeness *likeness, const char *hostname)
{
	for (size_t i = 0; i < likeness->count; i++) {
		if (strcmp(likeness->hosts[i].hostname, hostname) == 0)
			return &likeness->hosts[i];
	}
	return NULL;
}

static int take_agent(struct reading *reading, const json_t *row, struct error *err)
{
	struct likeness *out = reading->out;
	struct likeness_host host = {.agent = NULL};
	if (number_of(row, "cluster") != reading->cluster_row)
		return 0;
	if (json_is_integer(json_object_get(row, "gone_ms"))) {
		out->gone++;
		return 0;
	}
	int result = read_agent(reading, row, &host, err);
	if (result == 0 && find_hostname(out, host.hostname) != NULL)
		result = complain(reading, err, "two agents of one hostname: a host of the lab has one agent");
	if (result < 0) {
		host_clear(&host);
		return -1;
	}
	char *key = xasprintf("%" PRId64, number_of(row, "row"));
	json_object_set_new(reading->by_id, host.agent, json_integer((json_int_t)out->count));
	json_object_set_new(reading->by_row, key, json_integer((json_int_t)out->count));
	free(key);
	out->hosts = xreallocarray(out->hosts, out->count + 1, sizeof(*out->hosts));
	out->hosts[out->count++] = host;
	return 0;
}

static struct likeness_host *host_at(const struct reading *reading, const json_t *index)
{
	return json_is_integer(index) ? &reading->out->hosts[json_integer_value(index)] : NULL;
}

/* A framework that tasks name and the master no longer lists counts as one that checkpoints. */
static json_int_t add_framework(struct reading *reading, const char *id, json_t *framework)
{
	json_int_t index = (json_int_t)json_array_size(reading->out->frameworks);
	json_object_set_new(reading->frameworks, id, json_integer(index));
	json_array_append_new(reading->out->frameworks, framework);
	return index;
}

static int take_framework(struct reading *reading, const json_t *row, struct error *err)
{
	(void)err;
	if (number_of(row, "cluster") == reading->cluster_row)
		add_framework(reading, text_of(row, "id"),
			      json_pack("{ss ss ss sb sb}", "id", text_of(row, "id"), "name", text_of(row, "name"),
					"role", text_of(row, "role"), "checkpoint", number_of(row, "checkpoint") != 0,
					"partition_aware", number_of(row, "partition_aware") != 0));
	return 0;
}

static int take_task(struct reading *reading, const json_t *row, struct error *err)
{
	struct likeness_host *host = host_at(reading, json_object_get(reading->by_id, text_of(row, "agent")));
	const char *id = text_of(row, "framework"), *state = text_of(row, "state");
	const json_t *known = json_object_get(reading->frameworks, id);
	(void)err;
	if (number_of(row, "cluster") != reading->cluster_row || host == NULL ||
	    (strcmp(state, "TASK_RUNNING") != 0 && strcmp(state, "TASK_STARTING") != 0 &&
	     strcmp(state, "TASK_STAGING") != 0))
		return 0;
	json_int_t framework = known != NULL ? json_integer_value(known)
					     : add_framework(reading, id,
							     json_pack("{ss ss ss sb sb}", "id", id, "name", id, "role",
								       "*", "checkpoint", 1, "partition_aware", 0));
	json_array_append_new(host->tasks, json_pack("{sI ss}", "framework", framework, "name", text_of(row, "name")));
	reading->out->tasks++;
	return 0;
}

static int take_survey(struct reading *reading, const json_t *row, struct error *err)
{
	char *key = xasprintf("%" PRId64, number_of(row, "agent"));
	struct likeness_host *host = host_at(reading, json_object_get(reading->by_row, key));
	size_t len = 0;
	unsigned char *bytes = host != NULL ? bytes_of(row, "document", &len) : NULL;
	json_t *document = bytes != NULL ? json_loadb((const char *)bytes, len, 0, NULL) : NULL;
	const json_t *reserved = json_object_get(document, "reserved");
	struct resources found = {.items = NULL};
	int result = 0;
	if (host != NULL && json_is_array(reserved) && (result = resources_from_json(reserved, &found, err)) == 0) {
		resources_normalise(&found);
		resources_clear(&host->reserved);
		host->reserved = found;
	}
	json_decref(document);
	free(bytes);
	free(key);
	return result;
}

static const struct {
	const char *table;
	int (*take)(struct reading *reading, const json_t *row, struct error *err);
} tables[] = {
	{"clusters", take_cluster}, {"agents", take_agent},   {"frameworks", take_framework},
	{"tasks", take_task},       {"surveys", take_survey},
};

/* ---- the file */

static int take_line(struct reading *reading, const char *text, struct error *err)
{
	json_t *line = json_loads(text, 0, NULL);
	const char *table = json_string_value(json_object_get(line, "table"));
	int result = 0;
	if (reading->line == 1 && !json_is_integer(json_object_get(line, "rollcall_export")))
		result = complain(reading, err, "this is not what rollcall inventory export writes");
	else if (line == NULL)
		result = complain(reading, err, "this is no JSON");
	reading->ended |= json_is_true(json_object_get(line, "end"));
	for (size_t i = 0; result == 0 && table != NULL && i < sizeof(tables) / sizeof(tables[0]); i++) {
		if (strcmp(tables[i].table, table) == 0)
			result = tables[i].take(reading, json_object_get(line, "row"), err);
	}
	json_decref(line);
	return result;
}

static int read_lines(struct reading *reading, FILE *file, struct error *err)
{
	char *text = NULL;
	size_t size = 0;
	int result = 0;
	while (result == 0 && getline(&text, &size, file) > 0) {
		reading->line++;
		result = take_line(reading, text, err);
	}
	free(text);
	if (result == 0 && !reading->ended)
		result = error_set(err, ERROR_USAGE, "%s ends early: it has no last line", reading->path);
	if (result == 0 && reading->cluster_row == 0)
		result = error_set(err, ERROR_USAGE, "%s has no cluster%s%s", reading->path,
				   reading->cluster != NULL ? " " : "",
				   reading->cluster != NULL ? reading->cluster : "");
	if (result == 0 && reading->out->count == 0)
		result = error_set(err, ERROR_USAGE, "%s has no agents that the master lists", reading->path);
	return result;
}

static int by_hostname(const void *a, const void *b)
{
	const struct likeness_host *one = a, *other = b;
	return strcmp(one->hostname, other->hostname);
}

struct likeness *likeness_read(const char *path, const char *cluster, struct error *err)
{
	FILE *file = fopen(path, "re");
	if (file == NULL) {
		error_errno(err, ERROR_USAGE, errno, "cannot read %s", path);
		return NULL;
	}
	struct likeness *likeness = xcalloc(1, sizeof(*likeness));
	likeness->frameworks = json_array();
	struct reading reading = {.out = likeness,
				  .path = path,
				  .cluster = cluster,
				  .by_id = json_object(),
				  .by_row = json_object(),
				  .frameworks = json_object()};
	int result = read_lines(&reading, file, err);
	json_decref(reading.by_id);
	json_decref(reading.by_row);
	json_decref(reading.frameworks);
	fclose(file);
	if (result == 0) {
		qsort(likeness->hosts, likeness->count, sizeof(*likeness->hosts), by_hostname);
		return likeness;
	}
	likeness_free(likeness);
	return NULL;
}

void likeness_free(struct likeness *likeness)
{
	if (likeness == NULL)
		return;
	for (size_t i = 0; i < likeness->count; i++)
		host_clear(&likeness->hosts[i]);
	json_decref(likeness->frameworks);
	free(likeness->hosts);
	free(likeness->region);
	free(likeness->zone);
	free(likeness->master_version);
	free(likeness);
}
