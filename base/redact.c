/* SPDX-License-Identifier: Apache-2.0 */
#include "base/redact.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"

#define TEXT_MAX (64u << 20)

static const char mark[] = "<redacted>";

static bool is_of_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

static bool holds(const char *name, size_t len, const char *word)
{
	size_t size = strlen(word);

	for (size_t i = 0; i + size <= len; i++)
		if (strncasecmp(name + i, word, size) == 0)
			return true;
	return false;
}

static bool is_telling(const char *name, size_t len)
{
	static const char *const words[] = {"password",   "passwd",     "passphrase",    "secret",
					    "token",      "credential", "private_key",   "private-key",
					    "api_key",    "api-key",    "apikey",        "access_key",
					    "access-key", "accesskey",  "authorization", "jwt"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (holds(name, len, words[i]))
			return true;
	return false;
}

static bool is_scheme(const char *name, size_t len)
{
	return (len == 6 && strncasecmp(name, "bearer", 6) == 0) || (len == 5 && strncasecmp(name, "basic", 5) == 0);
}

static size_t name_length(const char *text)
{
	size_t len = 0;

	while (is_of_name(text[len]))
		len++;
	return len;
}

/* Behind a telling name: quotes, blanks and one = or colon. 0: there is none. */
static size_t assignment_length(const char *text)
{
	size_t len = strspn(text, "\"' \t");

	if (text[len] != '=' && text[len] != ':')
		return 0;
	len++;
	return len + strspn(text + len, " \t");
}

/* A value in quotes goes on to the closing one; another to the next blank or separator. */
static size_t value_length(const char *text)
{
	if (*text == '"' || *text == '\'') {
		const char *end = strchr(text + 1, *text);

		return end ? (size_t)(end - text) + 1 : strlen(text);
	}
	return strcspn(text, " \t\r\n,;&\"'}])");
}

/* Writes the value behind the name as redacted, and gives how much of the text that was. */
static size_t redact_value(const char *text, struct buffer *out)
{
	size_t before = assignment_length(text), scheme, len;

	if (before == 0)
		return 0;
	scheme = name_length(text + before);
	if (is_scheme(text + before, scheme))
		before += scheme + strspn(text + before + scheme, " \t");
	len = value_length(text + before);
	if (len == 0)
		return 0;
	buffer_append(out, text, before);
	buffer_puts(out, mark);
	return before + len;
}

static size_t redact_scheme(const char *text, struct buffer *out)
{
	size_t blanks = strspn(text, " \t"), len = value_length(text + blanks);

	if (blanks == 0 || len < 8) /* "basic checks": no credential is that short */
		return 0;
	buffer_append(out, text, blanks);
	buffer_puts(out, mark);
	return blanks + len;
}

/* "://" and what is before the last @ in front of the path. Strictly a ? or # ends it too, but passwords are not always escaped. */
static size_t redact_authority(const char *text, struct buffer *out)
{
	size_t len = strcspn(text + 3, "/ \t\r\n\"'"), at = len;

	while (at > 0 && text[3 + at - 1] != '@')
		at--;
	if (at == 0)
		return 0;
	buffer_puts(out, "://");
	buffer_puts(out, mark);
	buffer_putc(out, '@');
	return 3 + at;
}

char *redact_text(const char *text)
{
	struct buffer out = BUFFER_INIT(TEXT_MAX);

	while (*text) {
		size_t len = name_length(text), taken = 0;

		if (len) {
			buffer_append(&out, text, len);
			if (is_telling(text, len))
				taken = redact_value(text + len, &out);
			if (taken == 0 && is_scheme(text, len))
				taken = redact_scheme(text + len, &out);
			text += len + taken;
			continue;
		}
		if (strncmp(text, "://", 3) == 0)
			taken = redact_authority(text, &out);
		if (taken == 0) {
			buffer_putc(&out, *text);
			taken = 1;
		}
		text += taken;
	}
	return buffer_take(&out);
}

char *redact_urls(const char *text)
{
	struct buffer out = BUFFER_INIT(TEXT_MAX);

	while (*text) {
		size_t taken = strncmp(text, "://", 3) == 0 ? redact_authority(text, &out) : 0;

		if (taken == 0) {
			buffer_putc(&out, *text);
			taken = 1;
		}
		text += taken;
	}
	return buffer_take(&out);
}
