/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/self.h"

#include "base/alloc.h"
#include "base/file.h"

/* The link stays valid when the file was replaced or removed meanwhile. */
#define SELF_PATH "/proc/self/exe"

/* A static build has a few MB; one with sanitizers has tens. */
#define SELF_MAX (128u << 20)

int self_digest(char out[DIGEST_HEX_SIZE], struct error *err)
{
	struct buffer bytes = BUFFER_INIT(SELF_MAX);
	int result = file_read(SELF_PATH, &bytes, err);

	if (result == 0)
		digest_hex(bytes.data, bytes.len, out);
	buffer_clear(&bytes);
	return result;
}

/* A copy with the right name but other bytes (a write that a power cut ended) is replaced. */
static bool is_same(const char *path, const struct buffer *bytes)
{
	struct buffer there = BUFFER_INIT(SELF_MAX);
	bool same = file_exists(path) && file_read(path, &there, NULL) == 0 && there.len == bytes->len &&
		    memcmp(there.data, bytes->data, bytes->len) == 0;

	buffer_clear(&there);
	return same;
}

int self_install(const struct journal *journal, char **path, struct error *err)
{
	static const struct file_attributes attributes = {.mode = 0755};
	struct buffer bytes = BUFFER_INIT(SELF_MAX);
	char digest[DIGEST_HEX_SIZE];
	char *copy;
	int result = 0;

	if (file_read(SELF_PATH, &bytes, err) != 0) {
		buffer_clear(&bytes);
		return -1;
	}
	digest_hex(bytes.data, bytes.len, digest);
	copy = xasprintf("%s/agentctl-%s", journal->dir, digest);
	if (!is_same(copy, &bytes))
		result = file_replace(copy, bytes.data, bytes.len, &attributes, err);
	buffer_clear(&bytes);
	if (result == 0)
		*path = copy;
	else
		free(copy);
	return result;
}
