/* SPDX-License-Identifier: Apache-2.0 */
/* One value of a flag, as the agent takes it apart. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "mesos/pb.h"
#include "mesos/value.h"

void value_clear(struct value *value)
{
	pb_free(value->ranges);
	pb_free(value->set);
	free(value->text);
	memset(value, 0, sizeof(*value));
}

static char *without_spaces(const char *text)
{
	char *copy = xmalloc(strlen(text) + 1);
	size_t len = 0;

	for (; *text != '\0'; text++)
		if (*text != ' ')
			copy[len++] = *text;
	copy[len] = '\0';
	return copy;
}

static bool brackets_match(const char *text, char open, char close)
{
	long depth = 0;

	for (; *text != '\0'; text++) {
		depth += *text == open;
		depth -= *text == close;
		if (depth < 0)
			return false;
	}
	return depth == 0;
}

/* Cuts text, which it changes, into its non-empty pieces; the array is the caller's, the pieces point into text. */
static char **split(char *text, const char *separators, size_t *count)
{
	char **pieces = NULL;

	*count = 0;
	for (;;) {
		size_t len;

		text += strspn(text, separators);
		len = strcspn(text, separators);
		if (len == 0)
			return pieces;
		PB_APPEND(pieces, *count, text);
		text += len;
		if (*text == '\0')
			return pieces;
		*text++ = '\0';
	}
}

/* Decimal with an optional sign, or hexadecimal behind 0x. */
static bool parse_unsigned(const char *text, uint64_t *out)
{
	bool hex = strncasecmp(text, "0x", 2) == 0;
	const char *digits = hex ? text + 2 : text + (*text == '+');
	char *end;

	if (!(hex ? isxdigit((unsigned char)*digits) : isdigit((unsigned char)*digits)))
		return false;
	errno = 0;
	*out = strtoull(digits, &end, hex ? 16 : 10);
	return errno == 0 && *end == '\0';
}

static int parse_ranges(char *text, struct value *value, struct error *err)
{
	size_t count;
	char **tokens = split(text, "[]-,\n", &count);
	int rc = 0;

	value->type = MESOS__VALUE__TYPE__RANGES;
	value->ranges = pb_new(&mesos__value__ranges__descriptor);
	if (count % 2 != 0)
		rc = error_set(err, ERROR_USAGE, "Expecting one or more \"ranges\"");
	for (size_t i = 0; rc == 0 && i < count; i += 2) {
		Mesos__Value__Range *range = pb_new(&mesos__value__range__descriptor);

		PB_APPEND(value->ranges->range, value->ranges->n_range, range);
		if (!parse_unsigned(tokens[i], &range->begin) || !parse_unsigned(tokens[i + 1], &range->end))
			rc = error_set(err, ERROR_USAGE, "Expecting non-negative integers in '%s'", tokens[i]);
	}
	free(tokens);
	if (rc == 0)
		ranges_coalesce(value->ranges);
	return rc;
}

static void parse_set(char *text, struct value *value)
{
	size_t count;
	char **tokens = split(text, "{},\n", &count);

	value->type = MESOS__VALUE__TYPE__SET;
	value->set = pb_new(&mesos__value__set__descriptor);
	for (size_t i = 0; i < count; i++)
		PB_APPEND(value->set->item, value->set->n_item, xstrdup(tokens[i]));
	free(tokens);
}

/* "inf", "infinity", "nan", "nan(…)" with a sign, in any case: numbers to the agent, before it looks closer. */
static bool parse_special(const char *text, double *out)
{
	bool negative = *text == '-';
	size_t len;

	text += *text == '-' || *text == '+';
	len = strlen(text);
	if (strcasecmp(text, "inf") == 0 || strcasecmp(text, "infinity") == 0)
		*out = negative ? -INFINITY : INFINITY;
	else if (strcasecmp(text, "nan") == 0 || (strncasecmp(text, "nan(", 4) == 0 && text[len - 1] == ')'))
		*out = NAN;
	else
		return false;
	return true;
}

/* Digits with at most one point, then an exponent or nothing; no hexadecimal. */
static bool looks_like_number(const char *p)
{
	size_t digits, fraction = 0;

	p += *p == '-' || *p == '+';
	digits = strspn(p, "0123456789");
	p += digits;
	if (*p == '.') {
		fraction = strspn(++p, "0123456789");
		p += fraction;
	}
	if (digits + fraction == 0)
		return false;
	if (*p == 'e' || *p == 'E') {
		p++;
		p += *p == '-' || *p == '+';
		if (!isdigit((unsigned char)*p))
			return false;
		p += strspn(p, "0123456789");
	}
	return *p == '\0';
}

static bool parse_double(const char *text, double *out)
{
	if (parse_special(text, out))
		return true;
	if (!looks_like_number(text))
		return false;
	*out = strtod(text, NULL);
	return isfinite(*out); /* what does not fit is no number, so it is text */
}

/* NULL: a scalar. "": not one, take it as text. Else what is wrong with it. */
static const char *scalar_problem(double value, const struct mesos_version *version)
{
	bool newest = mesos_version_at_least(version, 1, 12);

	switch (fpclassify(value)) {
	case FP_INFINITE:
		return newest ? "" : "Infinite values not supported";
	case FP_NAN:
		return newest ? "" : "NaN not supported";
	case FP_SUBNORMAL:
		return "Subnormal values not supported";
	case FP_NORMAL:
		if (value < 0 && mesos_version_at_least(version, 1, 8))
			return newest ? "" : "Negative values not supported";
		return NULL;
	default:
		return NULL;
	}
}

static int parse_plain(const char *text, const struct mesos_version *version, struct value *value, struct error *err)
{
	const char *problem = "";
	double number = 0;

	if (parse_double(text, &number))
		problem = scalar_problem(number, version);
	if (problem == NULL) {
		value->type = MESOS__VALUE__TYPE__SCALAR;
		value->scalar = number;
		return 0;
	}
	if (*problem == '\0') {
		value->type = MESOS__VALUE__TYPE__TEXT;
		value->text = xstrdup(text);
		return 0;
	}
	if (mesos_version_at_least(version, 1, 12))
		return error_set(err, ERROR_USAGE, "%s", problem);
	return error_set(err, ERROR_USAGE, "Invalid scalar value '%s':%s", text, problem);
}

static int parse_squeezed(char *text, const struct mesos_version *version, struct value *value, struct error *err)
{
	if (*text == '\0')
		return error_set(err, ERROR_USAGE, "Expecting non-empty string");
	if (!brackets_match(text, '{', '}') || !brackets_match(text, '[', ']') || !brackets_match(text, '(', ')'))
		return error_set(err, ERROR_USAGE, "Mismatched brackets");
	if (*text == '[')
		return parse_ranges(text, value, err);
	if (strchr(text, '[') != NULL)
		return error_set(err, ERROR_USAGE, "Unexpected '[' found");
	if (*text == '{') {
		parse_set(text, value);
		return 0;
	}
	if (strchr(text, '{') != NULL)
		return error_set(err, ERROR_USAGE, "Unexpected '{' found");
	return parse_plain(text, version, value, err);
}

int value_parse(const char *text, const struct mesos_version *version, struct value *out, struct error *err)
{
	struct value value = {.type = MESOS__VALUE__TYPE__TEXT};
	char *squeezed = without_spaces(text);
	int rc = parse_squeezed(squeezed, version, &value, err);

	free(squeezed);
	if (rc != 0)
		value_clear(&value);
	else
		*out = value;
	return rc;
}
