/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/cluster_text.h"

#include <stdlib.h>

#include "tests/support/scratch.h"

struct cluster_file *cluster_text(const char *text, struct error *err)
{
	char *folder = scratch_new(), *path = scratch_write(folder, "rollcall.json", text);
	struct cluster_file *file = cluster_file_read(path, err);

	free(path);
	scratch_remove(folder);
	return file;
}
