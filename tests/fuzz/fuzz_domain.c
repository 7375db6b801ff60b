/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as --domain: what parses is printed so that it parses to the same again. */
#include <stdint.h>

#include "base/alloc.h"
#include "mesos/domain.h"
#include "mesos/pb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size);
	struct error err = ERROR_INIT;
	Mesos__DomainInfo *domain = domain_parse(text, &err), *again;
	struct buffer out = BUFFER_INIT(1 << 20);

	if (domain != NULL) {
		domain_print(domain, &mesos_version_newest, &out);
		again = domain_parse(buffer_text(&out), &err);
		if (again == NULL || !domain_equal(domain, again))
			__builtin_trap();
		pb_free(again);
	} else if (err.kind != ERROR_USAGE) {
		__builtin_trap();
	}
	pb_free(domain);
	buffer_clear(&out);
	free(text);
	return 0;
}
