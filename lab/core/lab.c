/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/core/lab.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "lab/core/files.h"

#define LAB_JSON_MAX (16u << 20) /* 2000 hosts take about 200 KB */
#define LAB_FORMAT   2

char *lab_path(const struct lab *lab, const char *format, ...)
{
	char rest[PATH_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(rest, sizeof(rest), format, args);
	va_end(args);
	return path_join(lab->dir, rest);
}

char *lab_host_root(const struct lab *lab, const char *host)
{
	return lab_path(lab, "hosts/%s", host);
}

int64_t lab_scaled_ms(const struct lab *lab, int64_t ms)
{
	int64_t scaled = (int64_t)((double)ms / lab->time_scale);
	return scaled == 0 && ms > 0 ? 1 : scaled;
}

const struct lab_host *lab_host_find(const struct lab *lab, const char *name)
{
	for (size_t i = 0; i < lab->host_count; i++) {
		if (strcmp(lab->hosts[i].name, name) == 0)
			return &lab->hosts[i];
	}
	return NULL;
}

const struct lab_master *lab_master_find(const struct lab *lab, const char *role)
{
	for (size_t i = 0; i < lab->master_count; i++) {
		if (strcmp(lab->masters[i].role, role) == 0)
			return &lab->masters[i];
	}
	return NULL;
}

void lab_add_master(struct lab *lab, const char *address, const char *version, bool has_domain)
{
	size_t index = lab->master_count++;
	lab->masters = xreallocarray(lab->masters, lab->master_count, sizeof(*lab->masters));
	lab->masters[index] =
		(struct lab_master){.address = xstrdup(address), .version = xstrdup(version), .has_domain = has_domain};
	for (size_t i = 0; i < lab->master_count; i++) {
		free(lab->masters[i].role);
		lab->masters[i].role = lab->master_count > 1 ? xasprintf("master:%zu", i + 1) : xstrdup("master");
	}
}

char *lab_master_flag(const struct lab *lab)
{
	return lab->zookeeper != NULL ? xasprintf("zk://%s/mesos", lab->zookeeper) : xstrdup(lab->master);
}

void lab_free(struct lab *lab)
{
	if (lab == NULL)
		return;
	for (size_t i = 0; i < lab->host_count; i++) {
		free(lab->hosts[i].name);
		free(lab->hosts[i].address);
		free(lab->hosts[i].zone);
	}
	for (size_t i = 0; i < lab->master_count; i++) {
		free(lab->masters[i].role);
		free(lab->masters[i].address);
		free(lab->masters[i].version);
	}
	free(lab->masters);
	free(lab->zookeeper);
	free(lab->hosts);
	free(lab->dir);
	free(lab->user);
	free(lab->master);
	free(lab->master_other);
	free(lab);
}

static int parse_hosts(const json_t *array, struct lab *lab, const struct json_place *place, struct error *err)
{
	lab->hosts = xcalloc(json_array_size(array) + 1, sizeof(*lab->hosts));
	for (size_t i = 0; i < json_array_size(array); i++) {
		const json_t *item = json_array_get(array, i);
		const char *name = NULL, *address = NULL, *zone = NULL;
		if (json_required_string(item, "name", &name, place, err) < 0 ||
		    json_required_string(item, "address", &address, place, err) < 0 ||
		    json_required_string(item, "zone", &zone, place, err) < 0)
			return -1;
		lab->hosts[lab->host_count++] =
			(struct lab_host){.name = xstrdup(name), .address = xstrdup(address), .zone = xstrdup(zone)};
	}
	return 0;
}

static int parse_masters(const json_t *array, struct lab *lab, const struct json_place *place, struct error *err)
{
	const json_t *item;
	size_t index;
	json_array_foreach(array, index, item)
	{
		const char *address = NULL, *version = NULL;
		if (json_required_string(item, "address", &address, place, err) < 0 ||
		    json_required_string(item, "version", &version, place, err) < 0)
			return -1;
		lab_add_master(lab, address, version, json_is_true(json_object_get(item, "domain")));
	}
	return index > 0 ? 0 : json_error(place, err, "a lab has at least one of \"masters\"");
}

static int parse_lab(const json_t *root, struct lab *lab, const struct json_place *place, struct error *err)
{
	const char *id = NULL, *user = NULL, *master = NULL, *other = NULL;
	int64_t format = 0;
	if (json_required_int(root, "format", &format, place, err) < 0 ||
	    json_required_string(root, "id", &id, place, err) < 0 ||
	    json_required_string(root, "user", &user, place, err) < 0 ||
	    json_required_string(root, "master", &master, place, err) < 0 ||
	    json_required_string(root, "master_other", &other, place, err) < 0 ||
	    json_required_int(root, "tasks_per_agent", &lab->tasks_per_agent, place, err) < 0 ||
	    json_required_int(root, "loose_tasks_per_agent", &lab->loose_tasks_per_agent, place, err) < 0)
		return -1;
	if (format != LAB_FORMAT)
		return json_error(place, err, "this lab was made by another version: take it down with that one");
	snprintf(lab->id, sizeof(lab->id), "%s", id);
	lab->user = xstrdup(user);
	lab->master = xstrdup(master);
	lab->master_other = xstrdup(other);
	const char *zookeeper = json_string_value(json_object_get(root, "zookeeper"));
	lab->zookeeper = zookeeper != NULL ? xstrdup(zookeeper) : NULL;
	lab->tls = json_is_true(json_object_get(root, "tls"));
	lab->client_certificates = json_is_true(json_object_get(root, "client_certificates"));
	lab->authenticate = json_is_true(json_object_get(root, "authenticate"));
	if (parse_masters(json_object_get(root, "masters"), lab, place, err) < 0)
		return -1;
	lab->time_scale = json_number_value(json_object_get(root, "time_scale"));
	if (!(lab->time_scale > 0))
		return json_error(place, err, "\"time_scale\" must be a number above 0");
	return 0;
}

static int read_part(struct lab *lab, const char *name,
		     int (*parse)(const json_t *root, struct lab *lab, const struct json_place *place,
				  struct error *err),
		     struct error *err)
{
	char *path = path_join(lab->dir, name);
	struct json_place place = {.source = path};
	json_t *root = json_read_file(path, LAB_JSON_MAX, err);
	int result = root != NULL ? parse(root, lab, &place, err) : -1;
	json_decref(root);
	free(path);
	return result;
}

static struct lab *load(const char *dir, bool with_hosts, struct error *err)
{
	char *absolute = realpath(dir, NULL);
	char *path = absolute != NULL ? path_join(absolute, "lab.json") : NULL;
	bool exists = path != NULL && file_exists(path);
	free(path);
	if (!exists) {
		free(absolute);
		error_set(err, ERROR_USAGE,
			  "there is no lab in %s: start one with rollcall-lab up, or name its folder with --dir", dir);
		return NULL;
	}
	struct lab *lab = xcalloc(1, sizeof(*lab));
	lab->dir = absolute;
	if (read_part(lab, "lab.json", parse_lab, err) < 0 ||
	    (with_hosts && read_part(lab, "hosts.json", parse_hosts, err) < 0)) {
		lab_free(lab);
		return NULL;
	}
	return lab;
}

struct lab *lab_load(const char *dir, struct error *err)
{
	return load(dir, true, err);
}

struct lab *lab_load_of_root(const char *root, struct error *err)
{
	char *dir = xasprintf("%s/../..", root);
	struct lab *lab = load(dir, false, err);
	free(dir);
	return lab;
}

/* Takes value. */
static int save_part(const struct lab *lab, const char *name, json_t *value, struct error *err)
{
	char *path = path_join(lab->dir, name);
	int result = files_write_json(path, value, err);
	free(path);
	json_decref(value);
	return result;
}

static json_t *pack_masters(const struct lab *lab)
{
	json_t *array = json_array();
	for (size_t i = 0; i < lab->master_count; i++)
		json_array_append_new(array, json_pack("{ss ss sb}", "address", lab->masters[i].address, "version",
						       lab->masters[i].version, "domain", lab->masters[i].has_domain));
	return array;
}

int lab_save(const struct lab *lab, struct error *err)
{
	json_t *hosts = json_array();
	for (size_t i = 0; i < lab->host_count; i++)
		json_array_append_new(hosts, json_pack("{ssssss}", "name", lab->hosts[i].name, "address",
						       lab->hosts[i].address, "zone", lab->hosts[i].zone));
	json_t *root = json_pack("{si ss sf ss ss ss sI sI so ss* sb sb sb}", "format", LAB_FORMAT, "id", lab->id,
				 "time_scale", lab->time_scale, "user", lab->user, "master", lab->master,
				 "master_other", lab->master_other, "tasks_per_agent", (json_int_t)lab->tasks_per_agent,
				 "loose_tasks_per_agent", (json_int_t)lab->loose_tasks_per_agent, "masters",
				 pack_masters(lab), "zookeeper", lab->zookeeper, "tls", lab->tls, "client_certificates",
				 lab->client_certificates, "authenticate", lab->authenticate);
	if (save_part(lab, "hosts.json", hosts, err) < 0) {
		json_decref(root);
		return -1;
	}
	return save_part(lab, "lab.json", root, err);
}
