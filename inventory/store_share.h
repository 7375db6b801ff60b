/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_STORE_SHARE_H
#define INVENTORY_STORE_SHARE_H
/*
 * One database for several operators of a workstation. The database file's own mode says whether it is shared: 0600 is one
 * person's; 0660 is its group's, and then every file beside it (the log, the shared memory, locks) becomes the group's too,
 * whatever the umask of whoever makes it.
 */
#include "base/error.h"

/* Makes the database when it is not there yet, and gives it to the group. ERROR_USAGE: no such group; ERROR_REFUSED: its
 * members could not make files in the database's folder, or the database is not ours to give. */
int store_share(const char *path, const char *group, struct error *err);

/* Makes a file beside the database, which the caller has open and may have created, as shared as the database is. A file of
 * somebody else is as it should be already. */
void store_share_beside(const char *path, int fd);

#endif
