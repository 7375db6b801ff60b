/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/guard.h"

#include <ctype.h>
#include <string.h>
#include <unistd.h>

#include "agentctl/control.h"
#include "base/alloc.h"
#include "base/file.h"

#define DROP_IN      "/etc/systemd/system/%s.d/zz-rollcall-guard.conf"
#define DROP_IN_MARK "# rollcall:"
#define GUARD_MAX    65536

char *guard_path(const struct host_settings *host)
{
	char *below;
	char *path;

	if (host->control == CONTROL_COMMANDS)
		return path_under(host->root, host->start_hook);
	below = xasprintf(DROP_IN, host->unit);
	path = path_under(host->root, below);
	free(below);
	return path;
}

/* What systemd and a line of the hook take as it is. */
static bool is_plain(const char *path)
{
	for (const char *c = path; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && strchr("/._-+@:,=", *c) == NULL)
			return false;
	return true;
}

static int check_plain(const char *path, struct error *err)
{
	if (is_plain(path))
		return 0;
	return error_set(err, ERROR_REFUSED,
			 "the path %s cannot stand in the guard: use one of letters, digits and /._-+@:,= only", path);
}

static void write_guard(const struct host_settings *host, const char *program, struct buffer *out)
{
	const char *const argv[] = {program,    "settle",      "--starting",    "--root",
				    host->root, "--state-dir", host->state_dir, NULL};

	if (host->control == CONTROL_COMMANDS) {
		for (size_t i = 0; argv[i] != NULL; i++)
			buffer_printf(out, "%s\n", argv[i]);
		return;
	}
	buffer_puts(out, DROP_IN_MARK
		    " a change of this agent is under way; it goes when that has ended\n[Service]\nExecStartPre=");
	for (size_t i = 0; argv[i] != NULL; i++)
		buffer_printf(out, "%s%s", i == 0 ? "" : " ", argv[i]);
	buffer_putc(out, '\n');
}

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Ours: a hook whose program is an agentctl that settles, or a drop-in with our mark. An empty file is free to take. */
static bool is_ours(const struct host_settings *host, const struct buffer *text)
{
	const char *content = buffer_text(text);

	if (text->len == 0)
		return true;
	if (host->control == CONTROL_SYSTEMD)
		return starts_with(content, DROP_IN_MARK);
	return strstr(content, "/agentctl-") != NULL && strstr(content, "\nsettle\n--starting\n") != NULL;
}

/* What stands at the guard's place, and whether it is ours. */
static int look_at(const struct host_settings *host, const char *path, bool *ours, struct error *err)
{
	struct buffer text = BUFFER_INIT(GUARD_MAX);
	int result = file_read(path, &text, err);

	if (result == 0)
		*ours = is_ours(host, &text);
	buffer_clear(&text);
	return result;
}

static int check_owner(const struct host_settings *host, const char *path, struct error *err)
{
	bool ours = true;

	if (file_exists(path) && look_at(host, path, &ours, err) != 0)
		return -1;
	if (ours)
		return 0;
	return error_set(err, ERROR_REFUSED, "%s is there already and is not agentctl's: it must be free for the guard",
			 path);
}

/* What is not ours was there before a guard could be placed, and stays. */
static int remove_own(const struct host_settings *host, const char *path, struct error *err)
{
	bool ours = true;

	if (!file_exists(path))
		return 0;
	if (look_at(host, path, &ours, err) != 0)
		return -1;
	return ours ? file_remove(path, err) : 0;
}

int guard_place(const struct host_settings *host, const char *program, struct error *err)
{
	struct buffer text = BUFFER_INIT(GUARD_MAX);
	char *path = guard_path(host);
	char *dir = path_dir(path);
	int result = -1;

	if (check_plain(program, err) == 0 && check_plain(host->root, err) == 0 &&
	    check_plain(host->state_dir, err) == 0 && check_owner(host, path, err) == 0 &&
	    file_make_dirs(dir, 0755, err) == 0) {
		write_guard(host, program, &text);
		result = file_replace(path, buffer_text(&text), text.len, NULL, err);
	}
	if (result == 0 && host->control == CONTROL_SYSTEMD)
		result = systemd_reload(err);
	buffer_clear(&text);
	free(dir);
	free(path);
	return result;
}

int guard_remove(const struct host_settings *host, bool starting, struct error *err)
{
	char *path = guard_path(host);
	char *dir = path_dir(path);
	int result = remove_own(host, path, err);

	if (result == 0 && host->control == CONTROL_SYSTEMD) {
		/* Only when nobody else has put a drop-in there. */
		rmdir(dir);
		/* In the middle of a start systemd keeps what it has loaded; the guard would say yes to every start. */
		if (!starting)
			result = systemd_reload(err);
	}
	free(dir);
	free(path);
	return result;
}
