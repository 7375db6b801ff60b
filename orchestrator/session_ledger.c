/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/session_ledger.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "orchestrator/output.h"
#include "orchestrator/version.h"

/* Of "client port server port" the client's half. */
static void add_ssh(json_t *origin)
{
	const char *connection = getenv("SSH_CONNECTION");
	size_t len;

	if (!connection || !*connection)
		return;
	len = strcspn(connection, " ");
	if (connection[len])
		len += 1 + strcspn(connection + len + 1, " ");
	json_object_set_new(origin, "ssh", json_stringn(connection, len));
}

static void add_terminal(json_t *origin)
{
	char name[128];

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (ttyname_r(fd, name, sizeof(name)) == 0) {
			json_object_set_new(origin, "terminal", output_text(name));
			return;
		}
}

json_t *session_origin(void)
{
	const char *sudo_user = getenv("SUDO_USER");
	json_t *origin = json_pack("{s:i}", "pid", (int)getpid());

	add_terminal(origin);
	add_ssh(origin);
	if (sudo_user && *sudo_user)
		json_object_set_new(origin, "sudo_user", output_text(sudo_user));
	json_object_set_new(origin, "version", json_string(ROLLCALL_VERSION));
	return origin;
}

struct ledger *session_ledger(struct session *session)
{
	struct store *store = session_store(session);
	struct ledger *ledger = store ? ledger_open(store, session_actor(session), &session->error) : NULL;

	if (ledger)
		ledger_set_origin(ledger, session_origin());
	return ledger;
}

/* ---- deeds */

static int write_events(void *ctx, struct error *err)
{
	struct deed *deed = ctx;
	struct ledger *ledger = ledger_open(deed->session->store, session_actor(deed->session), err);
	int result;

	if (!ledger)
		return -1;
	ledger_set_origin(ledger, session_origin());
	result = deed->describe(deed->ctx, ledger, err);
	if (result == 0)
		result = ledger_commit_within(ledger, err);
	ledger_close(ledger);
	return result;
}

void deed_announce(struct deed *deed)
{
	store_before_commit(deed->session->store, write_events, deed);
}

void deed_end(struct deed *deed)
{
	if (deed->session->store)
		store_before_commit(deed->session->store, NULL, NULL);
}
