/* SPDX-License-Identifier: Apache-2.0 */
#include "mesos/flags.h"

#include <ctype.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/file.h"

#define FLAG_FILE_MAX (4u << 20) /* as large as anybody's list of resources */
#define ENV_PREFIX    "MESOS_"
#define FILE_PREFIX   "file://"

void flags_clear(struct flags *flags)
{
	for (size_t i = 0; i < flags->count; i++) {
		free(flags->items[i].name);
		free(flags->items[i].value);
	}
	free(flags->items);
	flags->items = NULL;
	flags->count = 0;
}

static struct flag *find(const struct flags *flags, const char *name)
{
	for (size_t i = 0; i < flags->count; i++)
		if (strcmp(flags->items[i].name, name) == 0)
			return &flags->items[i];
	return NULL;
}

void flags_set(struct flags *flags, const char *name, const char *value)
{
	struct flag *flag = find(flags, name);
	char *copy = xstrdup(value);

	if (flag != NULL) {
		free(flag->value);
		flag->value = copy;
		return;
	}
	flags->items = xreallocarray(flags->items, flags->count + 1, sizeof(*flags->items));
	flags->items[flags->count++] = (struct flag){.name = xstrdup(name), .value = copy};
}

void flags_remove(struct flags *flags, const char *name)
{
	struct flag *flag = find(flags, name);
	size_t behind;

	if (flag == NULL)
		return;
	free(flag->name);
	free(flag->value);
	behind = flags->count - (size_t)(flag - flags->items) - 1;
	memmove(flag, flag + 1, behind * sizeof(*flag));
	flags->count--;
}

const char *flags_get(const struct flags *flags, const char *name)
{
	const struct flag *flag = find(flags, name);

	return flag != NULL ? flag->value : NULL;
}

void flags_copy(struct flags *to, const struct flags *from)
{
	for (size_t i = 0; i < from->count; i++)
		flags_set(to, from->items[i].name, from->items[i].value);
}

bool flags_equal(const struct flags *a, const struct flags *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const char *value = flags_get(b, a->items[i].name);

		if (value == NULL || strcmp(value, a->items[i].value) != 0)
			return false;
	}
	return true;
}

/* ---- JSON */

int flags_from_json(const json_t *object, const char *source, struct flags *out, struct error *err)
{
	struct flags flags = FLAGS_INIT;
	const char *name;
	json_t *value;

	if (!json_is_object(object))
		return error_set(err, ERROR_USAGE, "%s: expected an object of flag name to string", source);
	json_object_foreach((json_t *)object, name, value)
	{
		if (!json_is_string(value) || *name == '\0' || *name == '-' ||
		    strlen(json_string_value(value)) != json_string_length(value)) {
			flags_clear(&flags);
			return error_set(err, ERROR_USAGE,
					 "%s: flag '%s' needs a string as on the agent's command line, and its name no"
					 " dashes",
					 source, name);
		}
		flags_set(&flags, name, json_string_value(value));
	}
	*out = flags;
	return 0;
}

json_t *flags_to_json(const struct flags *flags)
{
	json_t *object = json_object();

	for (size_t i = 0; i < flags->count; i++)
		json_object_set_new_nocheck(object, flags->items[i].name, json_string_nocheck(flags->items[i].value));
	return object;
}

/* ---- a process */

static void lower(char *name)
{
	for (; *name != '\0'; name++)
		*name = (char)tolower((unsigned char)*name);
}

static void take_variable(const char *variable, struct flags *out)
{
	const char *equals = strchr(variable, '=');
	size_t prefix = strlen(ENV_PREFIX);
	char *name;

	if (equals == NULL || strncmp(variable, ENV_PREFIX, prefix) != 0 || equals == variable + prefix)
		return;
	name = xstrndup(variable + prefix, (size_t)(equals - variable) - prefix);
	lower(name);
	flags_set(out, name, equals + 1);
	free(name);
}

/* What an agent cuts off both ends of an argument. */
#define ARGUMENT_SPACE " \t\n\r"

static size_t trimmed_len(const char *text)
{
	size_t len = strlen(text);

	while (len > 0 && strchr(ARGUMENT_SPACE, text[len - 1]) != NULL)
		len--;
	return len;
}

static char *trimmed(const char *argument)
{
	argument += strspn(argument, ARGUMENT_SPACE);
	return xstrndup(argument, trimmed_len(argument));
}

/* argument: trimmed, without its dashes; changed. */
static void take_flag(char *argument, struct flags *out)
{
	char *equals = strchr(argument, '=');

	if (equals != NULL)
		*equals = '\0';
	lower(argument);
	if (equals != NULL)
		flags_set(out, argument, equals + 1);
	else if (strncmp(argument, "no-", 3) == 0)
		flags_set(out, argument + 3, "false");
	else
		flags_set(out, argument, "true");
}

/* False behind the last flag: the argument is "--". */
static bool take_argument(const char *text, struct flags *out)
{
	char *argument = trimmed(text);
	bool last = strcmp(argument, "--") == 0;

	if (!last && strncmp(argument, "--", 2) == 0)
		take_flag(argument + 2, out);
	free(argument);
	return !last;
}

void flags_from_process(const char *const argv[], const char *const env[], struct flags *out)
{
	for (size_t i = 0; env != NULL && env[i] != NULL; i++)
		take_variable(env[i], out);
	for (size_t i = 1; argv != NULL && argv[0] != NULL && argv[i] != NULL; i++)
		if (!take_argument(argv[i], out))
			return;
}

void flags_trim(struct flags *flags)
{
	for (size_t i = 0; i < flags->count; i++)
		flags->items[i].value[trimmed_len(flags->items[i].value)] = '\0';
}

/* ---- secrets and files */

bool flag_is_secret(const char *name)
{
	static const char *const whole[] = {"docker_config", "executor_environment_variables", "modules"};
	static const char *const part[] = {"credential", "secret", "password", "token", "private_key", "jwt"};

	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
		if (strcmp(name, whole[i]) == 0)
			return true;
	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++)
		if (strstr(name, part[i]) != NULL)
			return true;
	return false;
}

/* The file a value is to be read from, or NULL. An absolute path alone is an old way of naming one for JSON flags. */
static const char *file_of(const struct flag *flag)
{
	if (strncmp(flag->value, FILE_PREFIX, strlen(FILE_PREFIX)) == 0)
		return flag->value + strlen(FILE_PREFIX);
	if (strcmp(flag->name, "domain") == 0 && flag->value[0] == '/')
		return flag->value;
	return NULL;
}

/* "cannot open /x: No such file or directory": what the system said of it. */
static const char *system_words(const char *text)
{
	const char *words = text;

	for (const char *at = strstr(text, ": "); at != NULL; at = strstr(words, ": "))
		words = at + strlen(": ");
	return words;
}

static int read_flag(const struct flag *flag, const char *file, const char *root, struct buffer *out, struct error *err)
{
	struct error cause = ERROR_INIT;
	char *path = path_under(root, file);
	int rc = file_read(path, out, &cause);

	free(path);
	if (rc == 0 && strlen(buffer_text(out)) != out->len)
		rc = error_set(&cause, ERROR_CORRUPT, "it holds a NUL character");
	if (rc != 0)
		return error_set(err, cause.kind,
				 "Failed to load flag '%s': Failed to load value '%s': Error reading file '%s': %s",
				 flag->name, flag->value, file, system_words(cause.text));
	return 0;
}

int flags_resolve_files(struct flags *flags, const char *root, struct error *err)
{
	struct flags resolved = FLAGS_INIT;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < flags->count; i++) {
		const struct flag *flag = &flags->items[i];
		const char *file = flag_is_secret(flag->name) ? NULL : file_of(flag);
		struct buffer content = BUFFER_INIT(FLAG_FILE_MAX);

		if (file != NULL)
			rc = read_flag(flag, file, root, &content, err);
		flags_set(&resolved, flag->name, file != NULL ? buffer_text(&content) : flag->value);
		buffer_clear(&content);
	}
	if (rc != 0) {
		flags_clear(&resolved);
		return -1;
	}
	flags_clear(flags);
	*flags = resolved;
	return 0;
}

/* ---- values of several entries */

static size_t count_entries(const char *text, const char *entry, size_t len)
{
	size_t count = 0;

	for (;;) {
		size_t piece = strcspn(text, ";");

		count += piece == len && memcmp(text, entry, len) == 0;
		if (text[piece] == '\0')
			return count;
		text += piece + 1;
	}
}

/* Every entry of a is in b as often. */
static bool entries_in(const char *a, const char *b)
{
	for (const char *at = a;;) {
		size_t len = strcspn(at, ";");

		if (len > 0 && count_entries(a, at, len) != count_entries(b, at, len))
			return false;
		if (at[len] == '\0')
			return true;
		at += len + 1;
	}
}

bool flags_same_value(const char *name, const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	if (strcmp(a, b) == 0)
		return true;
	if (strcmp(name, "attributes") != 0 && strcmp(name, "resources") != 0)
		return false;
	return a[0] != '[' && b[0] != '[' && entries_in(a, b) && entries_in(b, a);
}
