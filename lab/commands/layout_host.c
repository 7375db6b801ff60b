/* SPDX-License-Identifier: Apache-2.0 */
/* A host's files: the flags of its agent, its unit, its programs, its version of Mesos. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/file.h"
#include "lab/agent/agent.h"
#include "lab/commands/layout.h"
#include "lab/core/files.h"
#include "lab/host/service.h"

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
static void put_own_flags(const struct lab_host *host, size_t index, size_t zones, struct buffer *out)
{
	buffer_printf(out, "MESOS_PORT=%d\n", LAB_AGENT_PORT);
	buffer_printf(out, "MESOS_ATTRIBUTES=\"zone:%s;rack:rack-%zu;tier:%s;generation:g1\"\n", host->zone,
		      index / zones + 1, index % 3 == 2 ? "db" : "web");
	buffer_puts(out, "MESOS_RESOURCES=\"cpus:8;mem:4096;disk:20000;ports:[31000-32000]\"\n");
	if (index % 4 != 3)
		buffer_printf(
			out,
			"MESOS_DOMAIN='{\"fault_domain\":{\"region\":{\"name\":\"%s\"},\"zone\":{\"name\":\"%s\"}}}'\n",
			LAB_REGION, host->zone);
}

static void environment_text(const struct lab *lab, const struct layout_request *request, size_t index,
			     struct buffer *out)
{
	const struct lab_host *host = &lab->hosts[index];
	const struct likeness_host *like = request->likeness != NULL ? &request->likeness->hosts[index] : NULL;
	buffer_puts(out, "# The flags of this host's agent.\n");
	char *master = lab_master_flag(lab);
	buffer_printf(out, "MESOS_MASTER=%s\n", master);
	free(master);
	buffer_printf(out, "MESOS_HOSTNAME=%s\n", host->name);
	buffer_printf(out, "MESOS_IP=%s\n", host->address);
	buffer_puts(out, "MESOS_WORK_DIR=/var/lib/mesos\n");
	buffer_puts(out, "MESOS_LOG_DIR=/var/log/mesos\n");
	if (like == NULL) {
		put_own_flags(host, index, (size_t)request->zones, out);
		return;
	}
	buffer_printf(out, "MESOS_PORT=%d\n", like->info->has_port ? like->info->port : LAB_AGENT_PORT);
	likeness_put_flags(like, out);
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

/* Which Mesos the host has: what the likeness had, or the wanted ones in turn. */
static int write_version(const struct layout_request *request, const char *root, size_t index, struct error *err)
{
	struct mesos_version version = mesos_version_newest;
	const char *given = request->likeness != NULL ? request->likeness->hosts[index].version : NULL;
	char text[64];
	if (request->version_count > 0)
		version = request->versions[index % request->version_count];
	else if (given != NULL && mesos_version_parse(given, &version, err) < 0)
		return -1;
	snprintf(text, sizeof(text), "%d.%d.%d\n", version.major, version.minor, version.patch);
	return write_under(root, LAB_VERSION_FILE, text, err);
}

static int write_dialect(const struct layout_request *request, const char *root, size_t index, struct error *err)
{
	bool proposal = request->dialect_count > 0 && request->proposal[index % request->dialect_count];
	return proposal ? write_under(root, LAB_DIALECT_FILE, LAB_DIALECT_PROPOSAL "\n", err) : 0;
}

/* Dynamic reservations lie in the agent's checkpoint before it starts for the first time. */
static int write_reserved(const struct layout_request *request, char *root, size_t index, struct error *err)
{
	char work_dir[] = "/var/lib/mesos";
	struct agent agent = {.root = root, .work_dir = work_dir};
	if (request->likeness == NULL || request->likeness->hosts[index].reserved.count == 0)
		return 0;
	agent.reserved = request->likeness->hosts[index].reserved;
	return agent_checkpoint_resources(&agent, err);
}

static int make_folders(const char *root, struct error *err)
{
	static const char *const folders[] = {"var/lib/mesos", "var/lib/rollcall", "var/log", "tmp"};
	int result = 0;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]) && result == 0; i++) {
		char *path = path_join(root, folders[i]);
		result = files_make_dirs(path, err);
		free(path);
	}
	return result;
}

int layout_host(const struct lab *lab, const struct layout_request *request, size_t index, const char *program,
		struct error *err)
{
	char *root = lab_host_root(lab, lab->hosts[index].name);
	struct buffer text = BUFFER_INIT(8u << 20);
	environment_text(lab, request, index, &text);
	int result = make_folders(root, err);
	if (result == 0)
		result = write_under(root, "etc/default/mesos-agent", text.data, err);
	if (result == 0)
		result = write_under(root, "etc/systemd/system/" LAB_UNIT, unit_text, err);
	if (result == 0)
		result = write_version(request, root, index, err);
	if (result == 0)
		result = write_dialect(request, root, index, err);
	if (result == 0)
		result = write_reserved(request, root, index, err);
	if (result == 0)
		result = link_programs(root, program, err);
	if (result == 0)
		result = service_new_boot_id(root, err);
	buffer_clear(&text);
	free(root);
	return result;
}
