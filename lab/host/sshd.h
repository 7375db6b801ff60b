/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_HOST_SSHD_H
#define LAB_HOST_SSHD_H
/* The real OpenSSH behind the lab's hosts: keys, configurations, and one `sshd -i` per connection. */
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "lab/core/lab.h"

#define SSHD_PROGRAM "/usr/sbin/sshd"

/* Writes client key, known_hosts, and each host's key and sshd_config. Key pairs are made in parallel; a lab with more
 * than SSHD_KEYS hosts uses each key several times. */
#define SSHD_KEYS 64
int sshd_prepare(const struct lab *lab, struct error *err);

struct sshd_options {
	bool wrong_key;   /* shows a key that is not in known_hosts */
	bool no_keys;     /* authorises nobody */
	bool wrapped;     /* commands run inside the role `session` */
	bool limit_files; /* files cannot grow beyond file_limit */
	long long file_limit;
};
/* Hands the connection to a new sshd -i; fd stays the caller's. Returns its pid, -1 with errno. */
pid_t sshd_serve(const struct lab *lab, const struct lab_host *host, int fd, const struct sshd_options *options);

#endif
