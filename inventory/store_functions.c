/* SPDX-License-Identifier: Apache-2.0 */
/* What a pattern was compiled to is kept with the statement: SQLite's auxiliary data of the first argument. */
#include "inventory/store_functions.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "inventory/hostset.h"
#include "mesos/version.h"

#define REGEX_MAX      500    /* bytes; no person writes a longer one */
#define REPETITION_MAX 50     /* of {n,m} */
#define REPETITIONS    3      /* how many {n,m} there may be */
#define SIZE_LIMIT     125000 /* three of them, each of 50; what + doubles counts too */

static size_t character_length(const char *text)
{
	size_t len = 1;

	while (((unsigned char)text[len] & 0xc0) == 0x80)
		len++;
	return len;
}

/* One character of a pattern, not %: *used is how long it is there. The result is how much of text it takes, or 0. */
static size_t like_one(const char *pattern, const char *text, size_t *used)
{
	bool escaped = pattern[0] == '\\' && pattern[1];

	*used = 1 + (escaped ? 1 : 0);
	if (*text == '\0')
		return 0;
	if (*pattern == '_' && !escaped)
		return character_length(text);
	return pattern[escaped ? 1 : 0] == *text ? 1 : 0;
}

bool selector_like(const char *pattern, const char *text)
{
	const char *retry_pattern = NULL, *retry_text = NULL;

	while (*text || *pattern) {
		size_t used = 0, taken;

		if (*pattern == '%') {
			retry_pattern = ++pattern;
			retry_text = text;
			continue;
		}
		taken = *pattern ? like_one(pattern, text, &used) : 0;
		if (taken) {
			pattern += used;
			text += taken;
		} else if (retry_pattern && *retry_text) {
			pattern = retry_pattern;
			text = ++retry_text;
		} else {
			return false;
		}
	}
	return true;
}

/* Behind { : the larger number. */
static long largest_count(const char *digits)
{
	long most = 0;

	for (; *digits && *digits != '}'; digits += strcspn(digits, ",}")) {
		digits += *digits == ',' ? 1 : 0;
		if (strtol(digits, NULL, 10) > most)
			most = strtol(digits, NULL, 10);
	}
	return most;
}

/* glibc writes what is repeated out: {n,m} so many times, and each + of something that may itself be repeated twice. */
static int check_repetitions(const char *pattern, struct error *err)
{
	size_t count = 0;
	long size = 1, most;
	char last = '\0';

	for (const char *at = pattern; *at; last = *at++) {
		if (*at == '\\' && at[1]) {
			at++;
		} else if (*at == '{') {
			most = largest_count(at + 1);
			if (++count > REPETITIONS)
				return error_set(err, ERROR_USAGE, "more than %d repetitions {n,m}", REPETITIONS);
			if (most > REPETITION_MAX)
				return error_set(err, ERROR_USAGE, "a repetition of more than %d", REPETITION_MAX);
			size *= most > 1 ? most : 1;
		} else if (*at == '+' && last && strchr(")+*?}", last)) {
			size *= 2;
		}
		if (size > SIZE_LIMIT)
			return error_set(err, ERROR_USAGE, "repetitions of repetitions that come to more than %d",
					 SIZE_LIMIT);
	}
	return 0;
}

int selector_regex_compile(regex_t *out, const char *pattern, struct error *err)
{
	char message[128];
	int code;

	for (const char *at = pattern; *at; at++)
		if (*at == '\\' && *++at >= '1' && *at <= '9')
			return error_set(err, ERROR_USAGE, "\\%c: back-references are not part of it", *at);
		else if (*at == '\0')
			break;
	if (check_repetitions(pattern, err) < 0)
		return -1;
	code = regcomp(out, pattern, REG_EXTENDED | REG_NOSUB);
	if (code == 0)
		return 0;
	regerror(code, out, message, sizeof(message));
	return error_set(err, ERROR_USAGE, "no regular expression: %s", message);
}

int selector_regex_check(const char *pattern, struct error *err)
{
	regex_t regex;

	if (strlen(pattern) > REGEX_MAX)
		return error_set(err, ERROR_USAGE, "a regular expression of more than %d bytes", REGEX_MAX);
	if (selector_regex_compile(&regex, pattern, err) < 0)
		return -1;
	regfree(&regex);
	return 0;
}

bool selector_version(const char *text, int64_t *number)
{
	struct mesos_version version;

	if (mesos_version_parse(text, &version, NULL) < 0)
		return false;
	*number = ((int64_t)version.major << 40) + ((int64_t)version.minor << 20) + version.patch;
	return true;
}

/* ---- as SQLite calls them */

static const char *argument(sqlite3_value *value)
{
	return (const char *)sqlite3_value_text(value);
}

static void call_like(sqlite3_context *context, int count, sqlite3_value *values[])
{
	const char *pattern = argument(values[0]), *text = argument(values[1]);

	(void)count;
	sqlite3_result_int(context, pattern && text && selector_like(pattern, text));
}

static void free_regex(void *regex)
{
	regfree(regex);
	free(regex);
}

/* The compiled pattern, borrowed until the call ends; NULL: the error is set. */
static regex_t *regex_of(sqlite3_context *context, sqlite3_value *pattern)
{
	regex_t *regex = sqlite3_get_auxdata(context, 0);
	struct error err = ERROR_INIT;

	if (regex)
		return regex;
	regex = xmalloc(sizeof(*regex));
	if (selector_regex_compile(regex, argument(pattern), &err) < 0) {
		free(regex);
		sqlite3_result_error(context, err.text, -1);
		return NULL;
	}
	sqlite3_set_auxdata(context, 0, regex, free_regex);
	regex = sqlite3_get_auxdata(context, 0);
	if (!regex)
		sqlite3_result_error_nomem(context);
	return regex;
}

static void call_regex(sqlite3_context *context, int count, sqlite3_value *values[])
{
	const char *text = argument(values[1]);
	const regex_t *regex;

	(void)count;
	if (!text || !argument(values[0])) {
		sqlite3_result_int(context, 0);
		return;
	}
	regex = regex_of(context, values[0]);
	if (regex)
		sqlite3_result_int(context, regexec(regex, text, 0, NULL, 0) == 0);
}

static void free_hostset(void *set)
{
	hostset_free(set);
}

static struct hostset *hostset_of(sqlite3_context *context, sqlite3_value *text)
{
	struct hostset *set = sqlite3_get_auxdata(context, 0);
	struct error err = ERROR_INIT;
	size_t at;

	if (set)
		return set;
	set = hostset_parse(argument(text), &at, &err);
	if (!set) {
		sqlite3_result_error(context, err.text, -1);
		return NULL;
	}
	sqlite3_set_auxdata(context, 0, set, free_hostset);
	set = sqlite3_get_auxdata(context, 0);
	if (!set)
		sqlite3_result_error_nomem(context);
	return set;
}

static void call_hostset(sqlite3_context *context, int count, sqlite3_value *values[])
{
	const char *text = argument(values[1]);
	const struct hostset *set;

	(void)count;
	if (!text || !argument(values[0])) {
		sqlite3_result_int(context, 0);
		return;
	}
	set = hostset_of(context, values[0]);
	if (set)
		sqlite3_result_int(context, hostset_has(set, text));
}

static void call_version(sqlite3_context *context, int count, sqlite3_value *values[])
{
	const char *text = argument(values[0]);
	int64_t number;

	(void)count;
	if (text && selector_version(text, &number))
		sqlite3_result_int64(context, number);
	else
		sqlite3_result_null(context);
}

const struct sql_function store_functions[] = {
	{"selector_like", 2, call_like},
	{"selector_regex", 2, call_regex},
	{"selector_hostset", 2, call_hostset},
	{"selector_version", 1, call_version},
	{.name = NULL},
};
