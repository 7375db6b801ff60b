/* SPDX-License-Identifier: Apache-2.0 */
/* Hex, base64 (RFC 4648, section 4) and random IDs; declared in base/digest.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/digest.h"

void hex_encode(const void *data, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *bytes = data;
	for (size_t i = 0; i < len; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = '\0';
}

static unsigned int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	return (unsigned int)((c | 0x20) - 'a' + 10);
}

int hex_decode(const char *hex, unsigned char *out, size_t out_len, struct error *err)
{
	if (strlen(hex) != 2 * out_len || strspn(hex, "0123456789abcdefABCDEF") != 2 * out_len)
		return error_set(err, ERROR_CORRUPT, "\"%.80s\" is not %zu hex digits", hex, 2 * out_len);
	for (size_t i = 0; i < out_len; i++)
		out[i] = (unsigned char)(hex_value(hex[2 * i]) << 4 | hex_value(hex[2 * i + 1]));
	return 0;
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_encode(const void *data, size_t len)
{
	const unsigned char *bytes = data;
	char *text = xmalloc((len + 2) / 3 * 4 + 1);
	char *at = text;
	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		unsigned int group = (unsigned int)bytes[i] << 16;
		group |= left > 1 ? (unsigned int)bytes[i + 1] << 8 : 0;
		group |= left > 2 ? (unsigned int)bytes[i + 2] : 0;
		*at++ = alphabet[group >> 18];
		*at++ = alphabet[group >> 12 & 63];
		*at++ = left > 1 ? alphabet[group >> 6 & 63] : '=';
		*at++ = left > 2 ? alphabet[group & 63] : '=';
	}
	*at = '\0';
	return text;
}

/* Four characters as 24 bits, padding as zeros. -1: a character that does not belong. */
static int decode_group(const char *text, size_t padding, unsigned int *group)
{
	*group = 0;
	for (size_t i = 0; i < 4; i++) {
		const char *found = strchr(alphabet, text[i]);
		if (i >= 4 - padding)
			found = alphabet;
		if (found == NULL)
			return -1;
		*group = *group << 6 | (unsigned int)(found - alphabet);
	}
	/* Bits that belong to no byte must be zero: each value has one spelling. */
	unsigned int spare = padding == 2 ? 0xffff : padding == 1 ? 0xff : 0;
	return (*group & spare) == 0 ? 0 : -1;
}

int base64_decode(const char *text, unsigned char **out, size_t *out_len, struct error *err)
{
	size_t len = strlen(text);
	if (len % 4 != 0)
		return error_set(err, ERROR_CORRUPT, "base64 of %zu characters: the length is no multiple of four",
				 len);
	size_t padding = 0;
	while (padding < 2 && padding < len && text[len - 1 - padding] == '=')
		padding++;
	unsigned char *bytes = xmalloc(len / 4 * 3);
	for (size_t i = 0; i < len; i += 4) {
		unsigned int group;
		if (decode_group(text + i, i + 4 == len ? padding : 0, &group) < 0) {
			free(bytes);
			return error_set(err, ERROR_CORRUPT, "no valid base64 at character %zu", i + 1);
		}
		bytes[i / 4 * 3] = (unsigned char)(group >> 16);
		bytes[i / 4 * 3 + 1] = (unsigned char)(group >> 8);
		bytes[i / 4 * 3 + 2] = (unsigned char)group;
	}
	*out = bytes;
	*out_len = len / 4 * 3 - padding;
	return 0;
}

/* Kernels before 3.17 have no getrandom(2); their hosts still run agents. */
static int read_urandom(unsigned char *out, size_t len)
{
	int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ssize_t got = read(fd, out, len);
	close(fd);
	return got == (ssize_t)len ? 0 : -1;
}

void random_id(char out[RANDOM_ID_SIZE])
{
	unsigned char bytes[(RANDOM_ID_SIZE - 1) / 2];
	ssize_t got;
	do
		got = getrandom(bytes, sizeof(bytes), 0); /* up to 256 bytes come whole */
	while (got < 0 && errno == EINTR);
	if (got != (ssize_t)sizeof(bytes) && read_urandom(bytes, sizeof(bytes)) < 0) {
		fputs("no random numbers: neither getrandom(2) nor /dev/urandom works\n", stderr);
		abort();
	}
	hex_encode(bytes, sizeof(bytes), out);
}
