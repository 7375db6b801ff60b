/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_HOST_SLOW_H
#define LAB_HOST_SLOW_H
/*
 * A slow network between an SSH client and its sshd (the faults latency and bandwidth): what one side sends reaches
 * the other later, and no more of it per second than fits. Both directions are alike.
 */
#include <stdint.h>

#include "base/error.h"
#include "lab/core/events.h"

struct slow; /* a connection that is passed on */

struct slow_speed {
	int64_t latency_ms;       /* 0: none is added */
	int64_t bytes_per_second; /* 0: as many as come */
};

/* Makes the other end of a connection for sshd: a TCP socket on address, returned in *server_fd, which is the caller's
 * and may be closed once sshd has it. client_fd stays the caller's. ended is called once, when sshd has hung up
 * and all it said has arrived; slow is still to be freed then. NULL with err set. */
struct slow *slow_new(struct events *events, int client_fd, const char *address, const struct slow_speed *speed,
		      void (*ended)(void *ctx), void *ctx, int *server_fd, struct error *err);
void slow_free(struct slow *slow); /* NULL is fine; what is under way is lost */

#endif
