/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_HOST_STAND_IN_H
#define LAB_HOST_STAND_IN_H
/* What every program on a lab host needs to know: which host it runs on. */
#include "base/error.h"
#include "lab/core/lab.h"

char *stand_in_root(void); /* the host's root alone; NULL when this is no host of a lab. Caller frees. */

/* From ROLLCALL_ROOT, else from the path this program was started by (<root>/usr/bin/NAME). *host is borrowed from
 * *root; the caller frees *root and *lab. */
int stand_in_host(struct lab **lab, char **root, const char **host, struct error *err);

#endif
