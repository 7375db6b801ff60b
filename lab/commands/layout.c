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
#include "lab/host/service.h"
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
			  "down "
			  "--dir %s",
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

static void name_hosts(struct lab *lab, const struct layout_request *request, int net)
{
	int width = request->agents > 999 ? 4 : 3;
	lab->host_count = (size_t)request->agents;
	lab->hosts = xcalloc(lab->host_count, sizeof(*lab->hosts));
	for (size_t i = 0; i < lab->host_count; i++) {
		struct lab_host *host = &lab->hosts[i];
		host->name = xasprintf("node%0*zu.lab", width, i + 1);
		host->address = xasprintf("127.%d.%zu.%zu", net / 256, (size_t)net % 256 + i / HOSTS_PER_NET,
					  i % HOSTS_PER_NET + 1);
		host->zone = xasprintf("zone-%zu", i % (size_t)request->zones + 1);
	}
}

/* ---- a host's files */

static const char unit_text[] = "[Unit]\n"
				"Description=Mesos agent of the lab\n"
				"After=network-online.target\n"
				"\n"
				"[Service]\n"
				"EnvironmentFile=/etc/default/mesos-agent\n"
				"ExecStart=/usr/bin/mesos-agent\n"
				"Restart=always\n"
				"RestartSec=100ms\n"
				"# Executors and their tasks outlive a restart of the agent.\n"
				"KillMode=process\n"
				"TimeoutStopSec=10\n"
				"\n"
				"[Install]\n"
				"WantedBy=multi-user.target\n";

/* Every fourth host has no domain, as in clusters that came to domains late. */
static void environment_text(const struct lab *lab, size_t index, size_t zones, struct buffer *out)
{
	const struct lab_host *host = &lab->hosts[index];
	buffer_puts(out, "# The flags of this host's agent.\n");
	buffer_printf(out, "MESOS_MASTER=%s\n", lab->master);
	buffer_printf(out, "MESOS_HOSTNAME=%s\n", host->name);
	buffer_printf(out, "MESOS_IP=%s\n", host->address);
	buffer_printf(out, "MESOS_PORT=%d\n", LAB_AGENT_PORT);
	buffer_puts(out, "MESOS_WORK_DIR=/var/lib/mesos\n");
	buffer_puts(out, "MESOS_LOG_DIR=/var/log/mesos\n");
	buffer_printf(out, "MESOS_ATTRIBUTES=\"zone:%s;rack:rack-%zu;tier:%s;generation:g1\"\n", host->zone,
		      index / zones + 1, index % 3 == 2 ? "db" : "web");
	buffer_puts(out, "MESOS_RESOURCES=\"cpus:8;mem:4096;disk:20000;ports:[31000-32000]\"\n");
	if (index % 4 != 3)
		buffer_printf(
			out,
			"MESOS_DOMAIN='{\"fault_domain\":{\"region\":{\"name\":\"%s\"},\"zone\":{\"name\":\"%s\"}}}'\n",
			LAB_REGION, host->zone);
}

static int write_under(const char *root, const char *path, const char *text, struct error *err)
{
	char *full = path_join(root, path);
	int result = files_write_text(full, text, err);
	free(full);
	return result;
}

static int link_programs(const char *root, const char *program, struct error *err)
{
	static const char *const names[] = {"mesos-agent", "systemctl", "journalctl"};
	int result = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && result == 0; i++) {
		char *path = xasprintf("%s/usr/bin/%s", root, names[i]);
		result = files_link(program, path, err);
		free(path);
	}
	return result;
}

static int make_host(const struct lab *lab, size_t index, size_t zones, const char *program, struct error *err)
{
	static const char *const folders[] = {"var/lib/mesos", "var/lib/rollcall", "var/log", "tmp"};
	char *root = lab_host_root(lab, lab->hosts[index].name);
	struct buffer text = BUFFER_INIT(64u << 10);
	int result = 0;
	environment_text(lab, index, zones, &text);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]) && result == 0; i++) {
		char *path = path_join(root, folders[i]);
		result = file_make_dirs(path, 0755, err);
		free(path);
	}
	if (result == 0)
		result = write_under(root, "etc/default/mesos-agent", text.data, err);
	if (result == 0)
		result = write_under(root, "etc/systemd/system/" LAB_UNIT, unit_text, err);
	if (result == 0)
		result = link_programs(root, program, err);
	if (result == 0)
		result = service_new_boot_id(root, err);
	buffer_clear(&text);
	free(root);
	return result;
}

/* ---- the cluster file */

static int write_cluster_file(const struct lab *lab, struct error *err)
{
	char *url = xasprintf("http://%s", lab->master);
	char *root = lab_path(lab, "hosts/${hostname}"), *directory = path_join(root, "var/lib/rollcall/bin");
	json_t *ssh = json_pack("{ss si ss ss ss}", "user", lab->user, "port", LAB_SSH_PORT, "identity", "id_ed25519",
				"known_hosts", "known_hosts", "directory", directory);
	json_t *defaults = json_pack("{ss ss ss s{ssss} s{ssss}}", "root", root, "work_dir", "/var/lib/mesos",
				     "state_dir", "/var/lib/rollcall", "flag_store", "kind", "envfile", "path",
				     "/etc/default/mesos-agent", "control", "kind", "systemd", "unit", LAB_UNIT);
	json_t *file = json_pack("{s{s{s[s] so so}}}", "clusters", "lab", "masters", url, "ssh", ssh, "defaults",
				 defaults);
	char *path = lab_path(lab, "rollcall.json");
	int result = files_write_json(path, file, err);
	json_decref(file);
	free(path);
	free(directory);
	free(root);
	free(url);
	return result;
}

/* ---- all of it */

static int make_files(const struct lab *lab, const struct layout_request *request, struct error *err)
{
	static const char *const folders[] = {"log", "run/agents", "faults", "master"};
	char *program = process_own_path();
	int result = 0;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]) && result == 0; i++) {
		char *path = path_join(lab->dir, folders[i]);
		result = file_make_dirs(path, 0755, err);
		free(path);
	}
	for (size_t i = 0; i < lab->host_count && result == 0; i++)
		result = make_host(lab, i, (size_t)request->zones, program, err);
	free(program);
	if (result == 0)
		result = sshd_prepare(lab, err);
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
	name_hosts(lab, request, net);
	return 0;
}

struct lab *layout_make(const struct layout_request *request, struct error *err)
{
	if (check_empty(request->dir, err) < 0 || file_make_dirs(request->dir, 0755, err) < 0)
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
