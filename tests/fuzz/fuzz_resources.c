/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as --resources: what parses equals itself and contains itself, and can be edited. */
#include <stdint.h>

#include "base/alloc.h"
#include "mesos/resources.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size);
	struct resources parsed = {NULL, 0};
	struct buffer out = BUFFER_INIT(1 << 20);
	struct error err = ERROR_INIT;

	if (resources_parse(text, NULL, &mesos_version_newest, &parsed, &err) == 0) {
		if (!resources_equal(&parsed, &parsed) || !resources_contain(&parsed, &parsed))
			__builtin_trap();
		resources_to_text(&parsed, &out);
		buffer_reset(&out);
		resources_edit(text, "cpus", "4", &mesos_version_newest, &out, &err);
	} else if (err.kind != ERROR_USAGE) {
		__builtin_trap();
	}
	resources_clear(&parsed);
	buffer_clear(&out);
	free(text);
	return 0;
}
