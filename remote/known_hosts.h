/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REMOTE_KNOWN_HOSTS_H
#define REMOTE_KNOWN_HOSTS_H
/*
 * OpenSSH's known_hosts file: which keys a host may have. Names are plain, patterns (* ? !) or hashed; a port other
 * than 22 is written [host]:port; @revoked is honoured; @cert-authority lines and lines nobody can read are passed
 * over, which can only make a host unknown. The file is read once and again when it has changed.
 */
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"

struct known_hosts;

/* Reads nothing yet. */
struct known_hosts *known_hosts_new(const char *path);
void known_hosts_free(struct known_hosts *hosts); /* NULL is fine */
const char *known_hosts_path(const struct known_hosts *hosts);

/* Reads the file if it is new or has changed. ERROR_UNREACHABLE when it cannot be read. */
int known_hosts_refresh(struct known_hosts *hosts, struct error *err);

enum known_host_verdict {
	KNOWN_HOST_MATCHES,
	KNOWN_HOST_UNKNOWN, /* the file has no key for it */
	KNOWN_HOST_CHANGED, /* the file has other keys for it */
	KNOWN_HOST_REVOKED,
};

/* key: as it goes over the wire. *line is set for CHANGED and REVOKED: where the file says so. */
enum known_host_verdict known_hosts_check(const struct known_hosts *hosts, const char *host, int port, const void *key,
					  size_t len, size_t *line);

/* Appends the types of the keys the file has for the host, "ssh-ed25519,ssh-rsa": to ask the host for a key that can be
 * compared. Nothing when it is unknown. */
void known_hosts_types(const struct known_hosts *hosts, const char *host, int port, struct buffer *out);

#endif
