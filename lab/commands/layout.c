/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/commands/layout.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "lab/core/files.h"
#include "lab/core/processes.h"
#include "lab/host/sshd.h"

#define HOSTS_PER_NET 250 /* of a 127.A.B.0; the addresses above are the master's */
#define MASTER_LAST   254
#define OTHER_LAST    253
#define MASTER_PORT   5050
#define TRIES         64

/* ---- the folder */

static int check_characters(const char *dir, struct error *err)
{
	for (const char *at = dir; *at != '\0'; at++) {
		if (!isalnum((unsigned char)*at) && strchr("._/-", *at) == NULL)
			return error_set(
				err, ERROR_USAGE,
				"the lab's folder %s has a '%c' in its name: hosts' paths may only have letters, "
				"digits, '.', '_', '-' and '/'; name another with --dir",
				dir, *at);
	}
	return 0;
}

static int check_empty(const char *dir, struct error *err)
{
	char *description = path_join(dir, "lab.json");
	bool is_lab = file_exists(description);
	DIR *folder = opendir(dir);
	int entries = 0;
	free(description);
	if (is_lab)
		error_set(err, ERROR_USAGE,
			  "there is a lab in %s already: see rollcall-lab status --dir %s, or end it with rollcall-lab "
			  "down --dir %s",
			  dir, dir, dir);
	for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;)
		entries += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	if (folder != NULL)
		closedir(folder);
	if (!is_lab && entries > 0)
		error_set(err, ERROR_USAGE, "the folder %s is not empty: name a new one with --dir", dir);
	return is_lab || entries > 0 ? -1 : 0;
}

/* ---- addresses */

static bool is_free(const char *net, int last, int port)
{
	char *address = xasprintf("%s.%d", net, last);
	int fd = socket_listen_tcp(address, port, NULL, NULL);
	free(address);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* 127.A.B with room for every host, in which no other lab lives. Returns A * 256 + B, -1 when none was found. */
static int find_net(int64_t agents)
{
	int nets = (int)((agents + HOSTS_PER_NET - 1) / HOSTS_PER_NET);
	for (int try = 0; try < TRIES; try++) {
		unsigned char random[2];
		char hex[RANDOM_ID_SIZE];
		random_id(hex);
		hex[4] = '\0';
		hex_decode(hex, random, 2, NULL);
		int first = (64 + random[0] % 128) * 256 + random[1] % (256 - nets);
		bool good = true;
		for (int i = 0; i < nets && good; i++) {
			char net[32];
			snprintf(net, sizeof(net), "127.%d.%d", first / 256, first % 256 + i);
			good = is_free(net, MASTER_LAST, MASTER_PORT) && is_free(net, OTHER_LAST, MASTER_PORT) &&
			       is_free(net, 1, LAB_SSH_PORT) && is_free(net, 1, LAB_AGENT_PORT);
		}
		if (good)
			return first;
	}
	return -1;
}

static char *zone_of(const Mesos__SlaveInfo *info)
{
	bool has = info->domain != NULL && info->domain->fault_domain != NULL;
	return xstrdup(has ? info->domain->fault_domain->zone->name : "-");
}

static void name_hosts(struct lab *lab, const struct layout_request *request, int net)
{
	int width = request->agents > 999 ? 4 : 3;
	lab->host_count = (size_t)request->agents;
	lab->hosts = xcalloc(lab->host_count, sizeof(*lab->hosts));
	for (size_t i = 0; i < lab->host_count; i++) {
		struct lab_host *host = &lab->hosts[i];
		const struct likeness_host *like = request->likeness != NULL ? &request->likeness->hosts[i] : NULL;
		host->name = like != NULL ? xstrdup(like->hostname) : xasprintf("node%0*zu.lab", width, i + 1);
		host->address = xasprintf("127.%d.%zu.%zu", net / 256, (size_t)net % 256 + i / HOSTS_PER_NET,
					  i % HOSTS_PER_NET + 1);
		host->zone = like != NULL ? zone_of(like->info) : xasprintf("zone-%zu", i % (size_t)request->zones + 1);
	}
}

/* ---- the cluster file */

static int write_cluster_file(const struct lab *lab, struct error *err)
{
	char *root = lab_path(lab, "hosts/${hostname}"), *directory = path_join(root, "var/lib/rollcall/bin");
	json_t *ssh = json_pack("{ss si ss ss ss}", "user", lab->user, "port", LAB_SSH_PORT, "identity", "id_ed25519",
				"known_hosts", "known_hosts", "directory", directory);
	json_t *defaults = json_pack("{ss ss ss s{ssss} s{ssss}}", "root", root, "work_dir", "/var/lib/mesos",
				     "state_dir", "/var/lib/rollcall", "flag_store", "kind", "envfile", "path",
				     "/etc/default/mesos-agent", "control", "kind", "systemd", "unit", LAB_UNIT);
	json_t *cluster = json_object(), *file = json_pack("{s{so}}", "clusters", "lab", cluster);
	masters_describe(lab, cluster);
	json_object_set_new(cluster, "ssh", ssh);
	json_object_set_new(cluster, "defaults", defaults);
	char *path = lab_path(lab, "rollcall.json");
	int result = files_write_json(path, file, err);
	json_decref(file);
	free(path);
	free(directory);
	free(root);
	return result;
}

/* ---- all of it */

static int write_likeness(const struct lab *lab, const struct likeness *likeness, struct error *err)
{
	json_t *document = likeness_for_master(likeness);
	char *path = lab_path(lab, "likeness.json");
	char *text = json_dumps(document, JSON_COMPACT); /* tens of MB for a large cluster */
	int result = files_write_text(path, text, err);
	free(text);
	free(path);
	json_decref(document);
	return result;
}

static int make_files(const struct lab *lab, const struct layout_request *request, struct error *err)
{
	static const char *const folders[] = {"log", "run/agents", "faults", "master"};
	char *program = process_host_program();
	int result = 0;
	if (access(program, X_OK) < 0)
		result = error_set(err, ERROR_SYSTEM, "%s is missing: it belongs beside rollcall-lab", program);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]) && result == 0; i++) {
		char *path = path_join(lab->dir, folders[i]);
		result = files_make_dirs(path, err);
		free(path);
	}
	for (size_t i = 0; i < lab->host_count && result == 0; i++)
		result = layout_host(lab, request, i, program, err);
	free(program);
	if (result == 0 && request->likeness != NULL)
		result = write_likeness(lab, request->likeness, err);
	if (result == 0)
		result = sshd_prepare(lab, err);
	if (result == 0)
		result = masters_make_files(lab, err);
	if (result == 0)
		result = write_cluster_file(lab, err);
	return result == 0 ? lab_save(lab, err) : -1;
}

static int find_place(struct lab *lab, const struct layout_request *request, struct error *err)
{
	const struct passwd *user = getpwuid(geteuid());
	int net = find_net(request->agents);
	if (user == NULL)
		return error_set(err, ERROR_SYSTEM, "the user %ld has no name: sshd needs one", (long)geteuid());
	if (net < 0)
		return error_set(err, ERROR_SYSTEM,
				 "no free loopback addresses for %lld hosts (ports %d, %d and %d of 127.0.0.0/8)",
				 (long long)request->agents, LAB_SSH_PORT, MASTER_PORT, LAB_AGENT_PORT);
	lab->user = xstrdup(user->pw_name);
	lab->master = xasprintf("127.%d.%d.%d:%d", net / 256, net % 256, MASTER_LAST, MASTER_PORT);
	lab->master_other = xasprintf("127.%d.%d.%d:%d", net / 256, net % 256, OTHER_LAST, MASTER_PORT);
	masters_place(lab, &request->masters, net);
	name_hosts(lab, request, net);
	return 0;
}

struct lab *layout_make(const struct layout_request *request, struct error *err)
{
	if (masters_check(&request->masters, err) < 0 || check_empty(request->dir, err) < 0 ||
	    file_make_dirs(request->dir, 0755, err) < 0)
		return NULL;
	struct lab *lab = xcalloc(1, sizeof(*lab));
	lab->dir = realpath(request->dir, NULL);
	lab->time_scale = request->time_scale;
	lab->tasks_per_agent = request->tasks_per_agent;
	lab->loose_tasks_per_agent = request->loose_tasks_per_agent;
	random_id(lab->id);
	if (check_characters(lab->dir, err) == 0 && find_place(lab, request, err) == 0 &&
	    make_files(lab, request, err) == 0)
		return lab;
	files_remove_tree(lab->dir, NULL);
	lab_free(lab);
	return NULL;
}
