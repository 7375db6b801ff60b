/* SPDX-License-Identifier: Apache-2.0 */
/* The session's way to the hosts, and the agentctl that is carried there. */
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "orchestrator/session.h"
#include "remote/transport_openssh.h"
#include "remote/transport_ssh.h"

/* Where agentctl lies, seen from the folder of this program: in the build folder, and once installed. */
static const char *const places[] = {"agentctl", "../lib/rollcall/agentctl", "../libexec/rollcall/agentctl"};

/* The folder this program was started from. The caller's. */
static char *own_folder(void)
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (len < 0)
		return xstrdup(".");
	path[len] = '\0';
	return path_dir(path);
}

/* The caller's; NULL with ERROR_UNREACHABLE. */
static char *find_agentctl(struct error *err)
{
	const char *given = getenv("ROLLCALL_AGENTCTL");
	char *folder, *path = NULL;

	if (given && *given)
		return xstrdup(given);
	folder = own_folder();
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		path = path_join(folder, places[i]);
		if (access(path, R_OK) == 0)
			break;
		free(path);
		path = NULL;
	}
	if (!path)
		error_set(err, ERROR_UNREACHABLE,
			  "%s/agentctl: missing, and it is what is carried to the hosts; put it beside rollcall or "
			  "name it with $ROLLCALL_AGENTCTL",
			  folder);
	free(folder);
	return path;
}

struct transport *session_transport(struct session *session)
{
	const struct cluster *cluster = session_cluster(session);
	struct loop *loop = cluster ? session_loop(session) : NULL;
	char *agentctl;

	if (session->transport || !loop)
		return session->transport;
	agentctl = find_agentctl(&session->error);
	if (agentctl) {
		const struct ssh_transport_options options = {.agentctl = agentctl,
							      .connect_timeout_ms = cluster->ssh.connect_timeout_ms};

		session->transport = cluster->ssh.openssh ? transport_openssh_new(loop, &options, &session->error)
							  : transport_ssh_new(loop, &options, &session->error);
	}
	free(agentctl);
	return session->transport;
}
