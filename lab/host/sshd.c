/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/host/sshd.h"

#include <errno.h>
#include <fcntl.h>
#include <shadow.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/file.h"
#include "lab/core/events.h"
#include "lab/core/files.h"
#include "lab/core/processes.h"

#define KEYS_AT_ONCE 8

static pid_t start_keygen(const char *path)
{
	unlink(path);
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	int null = open("/dev/null", O_RDWR);
	dup2(null, 0);
	dup2(null, 1);
	execlp("ssh-keygen", "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "rollcall-lab", "-f", path,
	       (char *)NULL);
	_exit(127);
}

static int wait_keygen(pid_t pid)
{
	int status = -1;
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return pid > 0 && status == 0 ? 0 : -1;
}

/* Key 0 is the client's, the last one is the wrong one of the fault `hostkey`, the others are the hosts'. */
static char *key_path(const struct lab *lab, size_t index, size_t count)
{
	if (index == 0)
		return lab_path(lab, "id_ed25519");
	if (index == count - 1)
		return lab_path(lab, "ssh/wrong_key");
	return lab_path(lab, "ssh/key%zu", index);
}

static size_t host_keys(const struct lab *lab)
{
	return lab->host_count < SSHD_KEYS ? lab->host_count : SSHD_KEYS;
}

static int make_keys(const struct lab *lab, struct error *err)
{
	size_t count = host_keys(lab) + 2;
	pid_t running[KEYS_AT_ONCE] = {0};
	int result = 0;
	for (size_t i = 0; i < count + KEYS_AT_ONCE; i++) {
		pid_t *slot = &running[i % KEYS_AT_ONCE];
		if (*slot != 0)
			result |= wait_keygen(*slot);
		*slot = 0;
		if (i < count) {
			char *path = key_path(lab, i, count);
			*slot = start_keygen(path);
			free(path);
		}
	}
	return result == 0 ? 0 : error_set(err, ERROR_SYSTEM, "ssh-keygen failed: is openssh-client installed?");
}

static char *host_key(const struct lab *lab, size_t host)
{
	return lab_path(lab, "ssh/key%zu", host % host_keys(lab) + 1);
}

/* An account without a password ("!" in the shadow file) is let in by sshd only when PAM decides. */
static bool needs_pam(const char *user)
{
	struct spwd *entry = geteuid() == 0 ? getspnam(user) : NULL;
	return entry != NULL && entry->sp_pwdp != NULL && entry->sp_pwdp[0] == '!';
}

static void config_text(const struct lab *lab, const char *root, const char *key, struct buffer *out)
{
	buffer_printf(out, "HostKey %s\n", key);
	buffer_printf(out, "AuthorizedKeysFile %s/id_ed25519.pub\n", lab->dir);
	buffer_printf(out, "UsePAM %s\n", needs_pam(lab->user) ? "yes" : "no");
	buffer_puts(out, "PermitRootLogin prohibit-password\n"
			 "PubkeyAuthentication yes\n"
			 "PasswordAuthentication no\n"
			 "KbdInteractiveAuthentication no\n"
			 "StrictModes no\n" /* the lab may lie anywhere, also below a folder others may write */
			 "UseDNS no\n"
			 "PrintMotd no\n"
			 "PrintLastLog no\n"
			 "LogLevel ERROR\n"
			 "Subsystem sftp internal-sftp\n");
	buffer_printf(out,
		      "SetEnv HOME=\"%s\" ROLLCALL_ROOT=\"%s\" ROLLCALL_LAB=%s LANG=C.UTF-8 "
		      "\"PATH=%s/usr/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"\n",
		      root, root, lab->id, root);
}

static int write_config(const struct lab *lab, size_t index, struct error *err)
{
	const struct lab_host *host = &lab->hosts[index];
	char *root = lab_host_root(lab, host->name), *key = host_key(lab, index);
	char *wrong = lab_path(lab, "ssh/wrong_key");
	const char *const keys[2] = {key, wrong};
	static const char *const names[2] = {"sshd_config", "sshd_config.wrong_key"};
	int result = 0;
	for (size_t i = 0; i < 2 && result == 0; i++) {
		struct buffer text = BUFFER_INIT(64u << 10);
		char *path = lab_path(lab, "ssh/%s/%s", host->name, names[i]);
		config_text(lab, root, keys[i], &text);
		result = files_write(path, text.data, text.len, 0644, err);
		free(path);
		buffer_clear(&text);
	}
	free(root);
	free(key);
	free(wrong);
	return result;
}

static int write_known_hosts(const struct lab *lab, struct error *err)
{
	struct buffer text = BUFFER_INIT(4u << 20);
	for (size_t i = 0; i < lab->host_count; i++) {
		char *key = host_key(lab, i), *path = xasprintf("%s.pub", key), *line = files_read_line(path);
		char *comment = line != NULL ? strstr(line, " rollcall-lab") : NULL;
		if (comment != NULL)
			*comment = '\0';
		buffer_printf(&text, "[%s]:%d %s\n", lab->hosts[i].address, LAB_SSH_PORT, line != NULL ? line : "");
		free(line);
		free(path);
		free(key);
	}
	char *path = lab_path(lab, "known_hosts");
	int result = files_write(path, text.data, text.len, 0644, err);
	free(path);
	buffer_clear(&text);
	return result;
}

int sshd_prepare(const struct lab *lab, struct error *err)
{
	char *dir = lab_path(lab, "ssh"), *run = lab_path(lab, "run/sshd");
	int result = file_make_dirs(dir, 0755, err);
	if (result == 0)
		result = file_make_dirs(run, 0755, err);
	if (result == 0 && access(SSHD_PROGRAM, X_OK) < 0)
		result = error_set(err, ERROR_UNREACHABLE, "%s is missing: install openssh-server", SSHD_PROGRAM);
	if (result == 0 && geteuid() == 0 && mkdir("/run/sshd", 0755) < 0 && errno != EEXIST)
		result = error_errno(err, ERROR_SYSTEM, errno, "cannot make /run/sshd, which sshd needs");
	if (result == 0)
		result = make_keys(lab, err);
	for (size_t i = 0; result == 0 && i < lab->host_count; i++)
		result = write_config(lab, i, err);
	if (result == 0)
		result = write_known_hosts(lab, err);
	free(dir);
	free(run);
	return result;
}

static void limit_files(long long bytes)
{
	struct rlimit limit = {.rlim_cur = (rlim_t)bytes, .rlim_max = (rlim_t)bytes};
	setrlimit(RLIMIT_FSIZE, &limit);
	signal(SIGXFSZ, SIG_IGN); /* so that a write fails instead of killing the writer */
}

static void __attribute__((noreturn))
become_sshd(const struct lab *lab, const struct lab_host *host, int fd, const struct sshd_options *options)
{
	char *config = lab_path(lab, "ssh/%s/sshd_config%s", host->name, options->wrong_key ? ".wrong_key" : "");
	char *dir = lab_path(lab, "run/sshd"), *log = lab_path(lab, "log/sshd.log"), *program = process_host_program();
	char *force = xasprintf("ForceCommand=%s session", program);
	const char *argv[12] = {SSHD_PROGRAM, "-i", "-f", config, "-E", log};
	size_t count = 6;
	if (options->no_keys) {
		argv[count++] = "-o";
		argv[count++] = "AuthorizedKeysFile=none";
	}
	if (options->wrapped) {
		argv[count++] = "-o";
		argv[count++] = force;
	}
	events_reset_signals();
	if (options->limit_files)
		limit_files(options->file_limit);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	int null = open("/dev/null", O_WRONLY);
	dup2(fd, 0);
	dup2(fd, 1);
	dup2(null, 2);
	setsid();
	if (chdir(dir) == 0)
		execv(SSHD_PROGRAM, (char *const *)(uintptr_t)argv);
	_exit(127);
}

pid_t sshd_serve(const struct lab *lab, const struct lab_host *host, int fd, const struct sshd_options *options)
{
	pid_t pid = fork();
	if (pid == 0)
		become_sshd(lab, host, fd, options);
	return pid;
}
