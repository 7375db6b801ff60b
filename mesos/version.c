/* SPDX-License-Identifier: Apache-2.0 */
#include "mesos/version.h"

#include <ctype.h>

/* No Mesos had a component near this; it keeps the arithmetic small. */
#define COMPONENT_MAX 9999

const struct mesos_version mesos_version_newest = {1, 12, 0};

bool mesos_version_is_known(const struct mesos_version *version)
{
	return version->major == 1 && version->minor >= 4 && version->minor <= 12;
}

static bool take_number(const char **at, int *out)
{
	int value = 0;
	const char *p = *at;

	if (!isdigit((unsigned char)*p))
		return false;
	for (; isdigit((unsigned char)*p); p++) {
		value = value * 10 + (*p - '0');
		if (value > COMPONENT_MAX)
			return false;
	}
	*at = p;
	*out = value;
	return true;
}

static bool is_suffix(const char *text)
{
	if (*text == '\0')
		return true;
	if (*text != '-' && *text != '+')
		return false;
	for (text++; *text != '\0'; text++)
		if (!isalnum((unsigned char)*text) && *text != '.' && *text != '-' && *text != '+')
			return false;
	return true;
}

int mesos_version_parse(const char *text, struct mesos_version *out, struct error *err)
{
	struct mesos_version version = {0, 0, 0};
	const char *p = text;
	bool ok = take_number(&p, &version.major) && *p == '.';

	if (ok) {
		p++;
		ok = take_number(&p, &version.minor);
	}
	if (ok && *p == '.') {
		p++;
		ok = take_number(&p, &version.patch);
	}
	if (!ok || !is_suffix(p))
		return error_set(err, ERROR_USAGE, "'%s' is no version of Mesos; write it as 1.11.0", text);
	*out = version;
	return 0;
}

int mesos_version_compare(const struct mesos_version *a, const struct mesos_version *b)
{
	if (a->major != b->major)
		return a->major < b->major ? -1 : 1;
	if (a->minor != b->minor)
		return a->minor < b->minor ? -1 : 1;
	if (a->patch != b->patch)
		return a->patch < b->patch ? -1 : 1;
	return 0;
}

bool mesos_version_at_least(const struct mesos_version *version, int major, int minor)
{
	if (version->major != major)
		return version->major > major;
	return version->minor >= minor;
}
