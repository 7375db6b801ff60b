/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/json_plain.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX      16
#define NUMBER_MAX     40 /* characters */
#define INTEGER_DIGITS 18 /* that many always fit into 64 bits; more may be refused */

static bool take(struct plain *plain, char c)
{
	if (plain->at == plain->end || *plain->at != c)
		return false;
	plain->at++;
	return true;
}

static bool take_word(struct plain *plain, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(plain->end - plain->at) < len || memcmp(plain->at, word, len) != 0)
		return false;
	plain->at += len;
	return true;
}

/* ---- objects and arrays */

/* A comma or the bracket at the end; before the first item neither. */
static enum plain_more next_item(struct plain *plain, bool *begun, char open, char close)
{
	if (!*begun) {
		*begun = true;
		if (!take(plain, open))
			return PLAIN_NO;
		return take(plain, close) ? PLAIN_END : PLAIN_MORE;
	}
	if (take(plain, close))
		return PLAIN_END;
	return take(plain, ',') ? PLAIN_MORE : PLAIN_NO;
}

enum plain_more plain_member(struct plain *plain, bool *begun, struct bytes *key)
{
	enum plain_more more = next_item(plain, begun, '{', '}');

	if (more != PLAIN_MORE)
		return more;
	return plain_text(plain, key) && take(plain, ':') ? PLAIN_MORE : PLAIN_NO;
}

enum plain_more plain_element(struct plain *plain, bool *begun)
{
	return next_item(plain, begun, '[', ']');
}

/* ---- texts, numbers and words */

bool plain_is_text(const struct plain *plain)
{
	return plain->at < plain->end && *plain->at == '"';
}

bool plain_text(struct plain *plain, struct bytes *out)
{
	const char *at = plain->at + 1;

	if (!plain_is_text(plain))
		return false;
	for (; at < plain->end && *at != '"'; at++)
		if ((unsigned char)*at < ' ' || (unsigned char)*at > '~' || *at == '\\')
			return false;
	if (at == plain->end)
		return false;
	*out = (struct bytes){plain->at + 1, (size_t)(at - plain->at) - 1};
	plain->at = at + 1;
	return true;
}

/* *value is right up to 19 of them. */
static unsigned take_digits(struct plain *plain, uint64_t *value)
{
	unsigned count = 0;

	for (; plain->at < plain->end && *plain->at >= '0' && *plain->at <= '9'; plain->at++, count++)
		*value = *value * 10 + (uint64_t)(*plain->at - '0');
	return count;
}

static unsigned take_whole(struct plain *plain, uint64_t *out)
{
	const char *start = plain->at;
	unsigned count;

	*out = 0;
	count = take_digits(plain, out);
	return count > 1 && *start == '0' ? 0 : count;
}

/* Does the number go on in a way that is not read here? */
static bool goes_on(const struct plain *plain)
{
	return plain->at < plain->end && (*plain->at == '.' || *plain->at == 'e' || *plain->at == 'E');
}

bool plain_whole(struct plain *plain, uint64_t *out)
{
	unsigned count = take_whole(plain, out);

	return count > 0 && count < 19 && !goes_on(plain);
}

/* A whole number below 2^53, divided by a power of ten that is one too: the division rounds once, as strtod does. */
static double from_digits(uint64_t digits, unsigned decimals)
{
	static const double powers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
					1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

	return (double)digits / powers[decimals];
}

static double from_text(const char *text, size_t len)
{
	char copy[NUMBER_MAX + 1];

	memcpy(copy, text, len);
	copy[len] = '\0';
	return strtod(copy, NULL);
}

bool plain_number(struct plain *plain, double *out)
{
	const char *start = plain->at;
	uint64_t digits;
	unsigned whole = take_whole(plain, &digits), decimals = 0;

	if (whole == 0)
		return false;
	if (take(plain, '.') && (decimals = take_digits(plain, &digits)) == 0)
		return false;
	size_t len = (size_t)(plain->at - start);
	if (goes_on(plain) || len > NUMBER_MAX || (decimals == 0 && whole > INTEGER_DIGITS))
		return false;
	*out = whole + decimals <= 15 ? from_digits(digits, decimals) : from_text(start, len);
	return true;
}

bool plain_bool(struct plain *plain, bool *out)
{
	*out = plain->at < plain->end && *plain->at == 't';
	return take_word(plain, *out ? "true" : "false");
}

/* ---- what nobody asks for */

static bool skip(struct plain *plain, unsigned depth);

static bool skip_object(struct plain *plain, unsigned depth)
{
	bool begun = false;
	struct bytes key;
	enum plain_more more;

	while ((more = plain_member(plain, &begun, &key)) == PLAIN_MORE)
		if (!skip(plain, depth))
			return false;
	return more == PLAIN_END;
}

static bool skip_array(struct plain *plain, unsigned depth)
{
	bool begun = false;
	enum plain_more more;

	while ((more = plain_element(plain, &begun)) == PLAIN_MORE)
		if (!skip(plain, depth))
			return false;
	return more == PLAIN_END;
}

static bool skip(struct plain *plain, unsigned depth)
{
	struct bytes text;
	double number;

	if (plain->at == plain->end || depth == 0)
		return false;
	switch (*plain->at) {
	case '"':
		return plain_text(plain, &text);
	case '{':
		return skip_object(plain, depth - 1);
	case '[':
		return skip_array(plain, depth - 1);
	case 't':
		return take_word(plain, "true");
	case 'f':
		return take_word(plain, "false");
	case 'n':
		return take_word(plain, "null");
	default:
		return plain_number(plain, &number);
	}
}

bool plain_skip(struct plain *plain)
{
	return skip(plain, DEPTH_MAX);
}

size_t plain_find(const struct bytes *key, const char *const names[], size_t count)
{
	size_t i = 0;

	while (i < count && (names[i][0] != key->data[0] || strncmp(names[i], key->data, key->len) != 0 ||
			     names[i][key->len] != '\0'))
		i++;
	return i;
}
