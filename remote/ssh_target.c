/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/ssh_target.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static char *copy_text(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

void ssh_target_copy(struct ssh_target *to, const struct transport_target *from)
{
	*to = (struct ssh_target){
		.name = xstrdup(from->name != NULL ? from->name : "?"),
		.address = copy_text(from->address),
		.user = copy_text(from->user),
		.identity = copy_text(from->identity),
		.known_hosts = copy_text(from->known_hosts),
		.directory = copy_text(from->directory),
		.port = from->port != 0 ? from->port : 22,
		.become = from->become,
	};
}

void ssh_target_clear(struct ssh_target *target)
{
	free(target->name);
	free(target->address);
	free(target->user);
	free(target->identity);
	free(target->known_hosts);
	free(target->directory);
}

static bool is_plain(const char *text, const char *more)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	for (; *text != '\0'; text++) {
		if (strchr(letters, *text) == NULL && strchr(more, *text) == NULL)
			return false;
	}
	return true;
}

static bool is_harmless_directory(const char *dir)
{
	return dir != NULL && dir[0] == '/' && strlen(dir) <= 1000 && is_plain(dir, "._/-") &&
	       strstr(dir, "..") == NULL;
}

int ssh_target_check(const struct transport_target *target, const char *word, struct error *err)
{
	if (target->address == NULL || target->address[0] == '\0')
		return error_set(err, ERROR_USAGE, "no address is given");
	if (target->port < 0 || target->port > 65535)
		return error_set(err, ERROR_USAGE, "%d is no port", target->port);
	if (target->user == NULL || target->user[0] == '\0')
		return error_set(err, ERROR_USAGE, "no SSH user is given");
	if (target->known_hosts == NULL)
		return error_set(err, ERROR_USAGE, "no known_hosts file is given");
	if (!is_harmless_directory(target->directory))
		return error_set(err, ERROR_USAGE,
				 "\"%s\" cannot be the directory of agentctl: it must be absolute, of letters, digits, "
				 ". _ - and /, without ..",
				 target->directory != NULL ? target->directory : "");
	if (word[0] == '\0' || !is_plain(word, "-"))
		return error_set(err, ERROR_BUG, "\"%s\" is no word of agentctl's", word);
	return 0;
}

/* sudo would say 1 where a shell says 127, so with it the shell looks first. */
static char *agentctl_command(const struct ssh_target *target, const char *path, const char *word)
{
	if (target->become)
		return xasprintf("test -x %s || exit 127; exec sudo -n %s %s --request", path, path, word);
	return xasprintf("exec %s %s --request", path, word);
}

/* The file gets its name only when all of it has come and lies on the disk: a connection that breaks ends `cat` just as
 * the end of the file does. */
static char *carry_command(const struct ssh_target *target, const struct ssh_program *program, const char *path)
{
	return xasprintf(
		"exec sh -c 'umask 077; t=%s/.agentctl-%s.$$; mkdir -p %s && cat > $t && test $(wc -c < $t) -eq %zu && "
		"chmod 755 $t && { sync $t 2>/dev/null || sync; } && mv -f $t %s || { rm -f $t; exit 1; }'",
		target->directory, program->hash, target->directory, program->size, path);
}

char *ssh_command_line(enum ssh_job job, const struct ssh_target *target, const struct ssh_program *program,
		       const char *word)
{
	char *path = xasprintf("%s/agentctl-%s", target->directory, program->hash);
	char *command;
	if (job == SSH_JOB_CARRY)
		command = carry_command(target, program, path);
	else if (job == SSH_JOB_VERIFY)
		command = xasprintf("exec %s --version", path);
	else
		command = agentctl_command(target, path, word);
	free(path);
	return command;
}

bool ssh_agentctl_is_missing(int exit_status, bool spoke)
{
	return (exit_status == 126 || exit_status == 127) && !spoke;
}
