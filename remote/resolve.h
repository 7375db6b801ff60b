/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REMOTE_RESOLVE_H
#define REMOTE_RESOLVE_H
/*
 * Host names to addresses without making the loop wait: literal addresses are read at once, names are looked up in a
 * thread of their own that reports through a socket.
 */
#include <netdb.h>

#include "base/error.h"

/* A socket that becomes readable when the answer is there, for resolve_finish or resolve_cancel; -1 on error. */
int resolve_start(const char *host, int port, struct error *err);

/* After fd became readable: takes the answer and closes fd. *out is freed with freeaddrinfo. ERROR_UNREACHABLE when
 * there is no such host. */
int resolve_finish(int fd, const char *host, struct addrinfo **out, struct error *err);

/* Gives the lookup up and closes fd. */
void resolve_cancel(int fd);

#endif
