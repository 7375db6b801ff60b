/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/ssh_identity.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/file.h"

/* A 16384-bit RSA key has 13 KB. */
#define KEY_MAX (64u << 10)

/* What lies between the BEGIN and END lines, decoded; NULL when it is no base64. */
static unsigned char *decode_pem(const char *text, size_t *len)
{
	const char *start = strchr(text, '\n');
	const char *end = start != NULL ? strstr(start, "-----END") : NULL;
	if (end == NULL)
		return NULL;
	char *plain = xmalloc((size_t)(end - start) + 1);
	size_t used = 0;
	for (const char *at = start; at < end; at++) {
		if (*at != '\n' && *at != '\r' && *at != ' ')
			plain[used++] = *at;
	}
	plain[used] = '\0';
	unsigned char *data = NULL;
	struct error ignored = ERROR_INIT;
	if (base64_decode(plain, &data, len, &ignored) < 0)
		data = NULL;
	explicit_bzero(plain, used);
	free(plain);
	return data;
}

/* "openssh-key-v1", then strings with their lengths: the cipher, and some fields later the public key with its type. */
static void inspect_openssh(struct ssh_identity *identity, bool *encrypted)
{
	static const char magic[] = "openssh-key-v1";
	static const char plain[] = {0, 0, 0, 4, 'n', 'o', 'n', 'e'};
	static const char rsa[] = {0, 0, 0, 7, 's', 's', 'h', '-', 'r', 's', 'a'};
	size_t len = 0;
	unsigned char *data = decode_pem(buffer_text(&identity->bytes), &len);
	if (data == NULL)
		return;
	if (len > sizeof(magic) + sizeof(plain) && memcmp(data, magic, sizeof(magic)) == 0) {
		*encrypted = memcmp(data + sizeof(magic), plain, sizeof(plain)) != 0;
		identity->rsa = memmem(data, len, rsa, sizeof(rsa)) != NULL;
	}
	explicit_bzero(data, len);
	free(data);
}

static int inspect(struct ssh_identity *identity, struct error *err)
{
	const char *text = buffer_text(&identity->bytes);
	const char *begin = strstr(text, "-----BEGIN ");
	bool encrypted = strstr(text, "ENCRYPTED") != NULL;
	if (begin == NULL || strstr(begin, "PRIVATE KEY-----") == NULL)
		return error_set(err, ERROR_CORRUPT, "%s is no private key", identity->path);
	identity->rsa = strncmp(begin, "-----BEGIN RSA", 14) == 0;
	if (strncmp(begin, "-----BEGIN OPENSSH", 18) == 0)
		inspect_openssh(identity, &encrypted);
	if (encrypted)
		return error_set(
			err, ERROR_USAGE,
			"the key %s has a passphrase: load it into an SSH agent (ssh-add) and leave \"identity\" "
			"out, or use a key without one",
			identity->path);
	return 0;
}

struct ssh_identity *ssh_identity_read(const char *path, struct error *err)
{
	struct ssh_identity *identity = xcalloc(1, sizeof(*identity));
	identity->path = xstrdup(path);
	buffer_init(&identity->bytes, KEY_MAX);
	if (file_read(path, &identity->bytes, err) == 0 && inspect(identity, err) == 0)
		return identity;
	ssh_identity_free(identity);
	error_prefix(err, "the SSH key");
	return NULL;
}

void ssh_identity_free(struct ssh_identity *identity)
{
	if (identity == NULL)
		return;
	if (identity->bytes.data != NULL)
		explicit_bzero(identity->bytes.data, identity->bytes.len);
	buffer_clear(&identity->bytes);
	free(identity->path);
	free(identity);
}
