/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/sshd.h"

#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/process.h"
#include "tests/support/http_server.h"
#include "tests/support/scratch.h"

static void must(bool fine, const char *what)
{
	if (fine)
		return;
	perror(what);
	abort();
}

char *sshd_make_key(const struct sshd *sshd, const char *name, const char *type)
{
	char *path = xasprintf("%s/%s", sshd->folder, name);
	const char *argv[] = {"ssh-keygen", "-q", "-t", type, "-N", "", "-C", name, "-f", path, NULL};
	struct error err = ERROR_INIT;
	int status = -1;
	must(process_run(argv, NULL, 30000, NULL, NULL, &status, &err) == 0 && status == 0, "ssh-keygen");
	return path;
}

static char *public_half(const char *private_key)
{
	char *path = xasprintf("%s.pub", private_key);
	char *text = scratch_read(path, NULL);
	text[strcspn(text, "\n")] = '\0';
	free(path);
	return text;
}

static void write_known_hosts(struct sshd *sshd, const char *host_key)
{
	char *key = public_half(host_key);
	char *line = xasprintf("# of this test\n[127.0.0.1]:%d %s\n", sshd->port, key);
	sshd->known_hosts = scratch_write(sshd->folder, "known_hosts", line);
	free(line);
	free(key);
}

static char *write_configuration(struct sshd *sshd, const char *host_key)
{
	char *mine = public_half(sshd->identity), *rsa = public_half(sshd->rsa);
	char *keys = xasprintf("%s\n%s\n", mine, rsa);
	free(scratch_write(sshd->folder, "authorized_keys", keys));
	char *text = xasprintf("ListenAddress 127.0.0.1\nPort %d\nHostKey %s\nAuthorizedKeysFile %s/authorized_keys\n"
			       "StrictModes no\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication no\n"
			       "PidFile none\nMaxStartups 500\nUseDNS no\nPrintMotd no\n"
			       "SetEnv PATH=%s/bin:/usr/local/bin:/usr/bin:/bin\n",
			       sshd->port, host_key, sshd->folder, sshd->folder);
	char *path = scratch_write(sshd->folder, "sshd_config", text);
	free(text);
	free(keys);
	free(mine);
	free(rsa);
	return path;
}

static bool answers(int port)
{
	char greeting[4] = "";
	int fd = connect_to_loopback(port);
	bool spoke = fd >= 0 && recv(fd, greeting, 3, 0) == 3 && strcmp(greeting, "SSH") == 0;
	if (fd >= 0)
		close(fd);
	return spoke;
}

static void launch(struct sshd *sshd, const char *configuration)
{
	char *log = xasprintf("%s/sshd.log", sshd->folder);
	pid_t parent = getpid();
	sshd->pid = fork();
	must(sshd->pid >= 0, "fork");
	if (sshd->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM); /* a test that aborts leaves no server behind */
		if (getppid() != parent || freopen(log, "w", stderr) == NULL)
			_exit(1);
		execl("/usr/sbin/sshd", "/usr/sbin/sshd", "-D", "-e", "-f", configuration, (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 200 && !answers(sshd->port); i++)
		usleep(50000);
	must(answers(sshd->port), "sshd does not answer");
	free(log);
}

void sshd_start(struct sshd *sshd)
{
	memset(sshd, 0, sizeof(*sshd));
	sshd->folder = scratch_new();
	sshd->user = xstrdup(getpwuid(getuid())->pw_name);
	sshd->port = closed_port();
	char *host_key = sshd_make_key(sshd, "host_key", "ed25519");
	sshd->identity = sshd_make_key(sshd, "identity", "ed25519");
	sshd->stranger = sshd_make_key(sshd, "stranger", "ed25519");
	sshd->rsa = sshd_make_key(sshd, "rsa", "rsa");
	char *configuration = write_configuration(sshd, host_key);
	write_known_hosts(sshd, host_key);
	if (getuid() == 0)
		mkdir("/run/sshd", 0755); /* where sshd locks itself in before it knows who is there */
	launch(sshd, configuration);
	free(configuration);
	free(host_key);
}

void sshd_stop(struct sshd *sshd)
{
	kill(sshd->pid, SIGTERM);
	waitpid(sshd->pid, NULL, 0);
	scratch_remove(sshd->folder);
	free(sshd->user);
	free(sshd->identity);
	free(sshd->rsa);
	free(sshd->stranger);
	free(sshd->known_hosts);
}
