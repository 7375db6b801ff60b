/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_HOST_READ_ONLY_H
#define LAB_HOST_READ_ONLY_H
/* A read-only file system for a process of a lab host and all it starts (the fault read-only). */
#include "base/error.h"

/* From now on nothing below root can be written. By a mount that this process alone sees, which fails with EROFS as a
 * real one does; where mounting is not allowed, by Landlock, which fails with EACCES. ERROR_SYSTEM when neither is
 * there. */
int read_only_enter(const char *root, struct error *err);

#endif
