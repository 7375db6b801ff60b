/* SPDX-License-Identifier: Apache-2.0 */
/* rollcall init: an example of the cluster file, never over one that is there, and the database beside it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "inventory/store_share.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/output.h"
#include "orchestrator/session_ledger.h"

static int write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t written = write(fd, text, len);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -1;
		text += written;
		len -= (size_t)written;
	}
	return fsync(fd);
}

/* database: whose sharing the file follows; NULL: as the umask says. */
static int write_example(const char *path, const char *database, struct error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644), errnum;

	if (fd < 0 && errno == EEXIST)
		return error_set(err, ERROR_REFUSED,
				 "%s: is there already and was left as it is; name another with --config", path);
	if (fd < 0)
		return error_errno(err, ERROR_UNREACHABLE, errno, "%s: cannot be created", path);
	if (database)
		store_share_beside(database, fd);
	if (write_all(fd, cluster_example, strlen(cluster_example)) == 0 && close(fd) == 0)
		return 0;
	errnum = errno;
	unlink(path);
	return error_errno(err, ERROR_SYSTEM, errnum, "%s: cannot be written", path);
}

/* The first act on a database is the first event of its ledger. */
static int record(struct session *session, const char *path)
{
	struct ledger *ledger = session_new_store(session) ? session_ledger(session) : NULL;
	char sha256[DIGEST_HEX_SIZE];
	int result = -1;

	if (ledger) {
		digest_hex(cluster_example, strlen(cluster_example), sha256);
		ledger_event(ledger, "database.init", NULL, NULL,
			     json_pack("{s:o, s:s}", "file", output_text(path), "sha256", sha256));
		result = ledger_commit(ledger, &session->error);
	}
	ledger_close(ledger);
	return result;
}

static int init(struct session *session, const char *path, const char *group)
{
	if (group && store_share(session_database_path(session), group, &session->error) < 0)
		return -1;
	if (write_example(path, group ? session_database_path(session) : NULL, &session->error) < 0)
		return -1;
	if (record(session, path) == 0)
		return 0;
	unlink(path);
	return -1;
}

int command_init(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	const char *group = NULL;
	const struct option own[] = {
		{"group", 0, OPTION_STRING, &group, "NAME", "the database is for the members of this group to share", 0,
		 0},
		{.name = NULL},
	};
	struct arguments operands = {NULL, 0};
	int parsed = command_parse(session, self, argc, argv, own, &operands);
	const char *path = session_config_path(session);

	arguments_clear(&operands);
	if (parsed != 0)
		return parsed < 0 ? -1 : 0;
	if (init(session, path, group) < 0)
		return -1;
	if (session->json)
		return output_json(json_pack("{s:o}", "file", output_text(path)));
	output_told(session, stdout, "%s: written; put your masters and hosts in, then run `rollcall inventory sync`\n",
		    path);
	return 0;
}
