/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as --attributes: what parses equals itself, and an edit changes nothing else. */
#include <stdint.h>

#include "base/alloc.h"
#include "mesos/attributes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct mesos_version versions[] = {{1, 12, 0}, {1, 9, 0}, {1, 4, 0}};
	char *text = xstrndup((const char *)data, size);

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		struct attributes parsed = {NULL, 0};
		struct buffer out = BUFFER_INIT(1 << 20);
		struct error err = ERROR_INIT;

		if (attributes_parse(text, &versions[i], &parsed, &err) == 0) {
			if (!attributes_equal(&parsed, &parsed, &versions[0]))
				__builtin_trap();
			if (attributes_edit(text, "added", "1", &versions[i], &out, &err) != 0)
				__builtin_trap();
			attributes_clear(&parsed);
			if (attributes_parse(buffer_text(&out), &versions[i], &parsed, &err) != 0)
				__builtin_trap();
		}
		attributes_clear(&parsed);
		buffer_clear(&out);
	}
	free(text);
	return 0;
}
