/* SPDX-License-Identifier: Apache-2.0 */
/* What base/ decodes from words of others: base64, hex, durations, UTF-8. Each result must be consistent. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* Each value has one spelling, so what decodes must encode to the same text. */
static void try_base64(const char *text)
{
	unsigned char *bytes;
	size_t len;
	if (base64_decode(text, &bytes, &len, NULL) < 0)
		return;
	char *again = base64_encode(bytes, len);
	require(strcmp(again, text) == 0);
	free(again);
	free(bytes);
}

static void try_hex(const char *text)
{
	unsigned char bytes[16];
	char again[2 * sizeof(bytes) + 1];
	if (hex_decode(text, bytes, sizeof(bytes), NULL) < 0)
		return;
	hex_encode(bytes, sizeof(bytes), again);
	require(strcasecmp(again, text) == 0);
}

static void try_duration(const char *text)
{
	int64_t ms = 0;
	if (clock_parse_duration(text, &ms, NULL) == 0)
		require(ms >= 0);
}

static void try_printable(const char *text)
{
	char *shown = text_printable(text, false);
	require(strlen(shown) <= strlen(text));
	for (const char *at = shown; *at != '\0';) {
		uint32_t code;
		at += text_decode(at, &code);
		require(!text_is_control(code));
	}
	require(text_width(shown) <= 2 * strlen(shown));
	free(shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size);
	try_base64(text);
	try_hex(text);
	try_duration(text);
	try_printable(text);
	free(text);
	return 0;
}
