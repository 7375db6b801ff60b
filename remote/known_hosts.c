/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/known_hosts.h"

#include <ctype.h>
#include <libssh2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/file.h"

/* A line for each of 100,000 hosts is 20 MB. */
#define FILE_MAX     (64u << 20)
/* A DNS name has 253 characters; with brackets and a port. */
#define NAME_MAX_LEN 300

struct entry {
	char *names; /* the first field of the line; the others follow in the same memory */
	const char *type, *key;
	LIBSSH2_KNOWNHOSTS *hashed; /* this one line, when the name is hashed: libssh2 computes the hash */
	size_t line;
	bool revoked;
};

struct known_hosts {
	char *path;
	LIBSSH2_SESSION *session; /* never connected; libssh2 wants one for the hashed lines */
	struct entry *entries;
	size_t count, capacity;
	struct stat seen;
	bool read;
};

struct known_hosts *known_hosts_new(const char *path)
{
	struct known_hosts *hosts = xcalloc(1, sizeof(*hosts));
	hosts->path = xstrdup(path);
	return hosts;
}

static void forget(struct known_hosts *hosts)
{
	for (size_t i = 0; i < hosts->count; i++) {
		free(hosts->entries[i].names);
		if (hosts->entries[i].hashed != NULL)
			libssh2_knownhost_free(hosts->entries[i].hashed);
	}
	free(hosts->entries);
	hosts->entries = NULL;
	hosts->count = hosts->capacity = 0;
	hosts->read = false;
}

void known_hosts_free(struct known_hosts *hosts)
{
	if (hosts == NULL)
		return;
	forget(hosts);
	if (hosts->session != NULL)
		libssh2_session_free(hosts->session);
	free(hosts->path);
	free(hosts);
}

const char *known_hosts_path(const struct known_hosts *hosts)
{
	return hosts->path;
}

/* ---- reading */

/* The next field of a line, "" at its end; *at moves behind it, which becomes a NUL. */
static char *next_field(char **at)
{
	char *field = *at + strspn(*at, " \t");
	char *end = field + strcspn(field, " \t");
	*at = *end != '\0' ? end + 1 : end;
	*end = '\0';
	return field;
}

static LIBSSH2_KNOWNHOSTS *load_hashed(struct known_hosts *hosts, const struct entry *entry)
{
	if (hosts->session == NULL)
		hosts->session = libssh2_session_init();
	LIBSSH2_KNOWNHOSTS *hashed = hosts->session != NULL ? libssh2_knownhost_init(hosts->session) : NULL;
	if (hashed == NULL)
		return NULL;
	char *line = xasprintf("%s %s %s", entry->names, entry->type, entry->key);
	int result = libssh2_knownhost_readline(hashed, line, strlen(line), LIBSSH2_KNOWNHOST_FILE_OPENSSH);
	free(line);
	if (result == 0)
		return hashed;
	libssh2_knownhost_free(hashed);
	return NULL;
}

static void add_line(struct known_hosts *hosts, const char *text, size_t len, size_t number)
{
	char *line = xstrndup(text, len), *at = line;
	char *first = next_field(&at);
	struct entry entry = {.line = number, .revoked = strcmp(first, "@revoked") == 0};
	bool skip = first[0] == '#' || (first[0] == '@' && !entry.revoked);
	char *names = entry.revoked ? next_field(&at) : first;
	entry.type = next_field(&at);
	entry.key = next_field(&at);
	if (skip || names[0] == '\0' || entry.key[0] == '\0') {
		free(line);
		return;
	}
	/* All fields lie in `line`; what is freed must be its start. */
	memmove(line, names, strlen(names) + 1);
	entry.names = line;
	if (line[0] == '|')
		entry.hashed = load_hashed(hosts, &entry);
	if (hosts->count == hosts->capacity) {
		hosts->capacity = hosts->capacity > 0 ? hosts->capacity * 2 : 64;
		hosts->entries = xreallocarray(hosts->entries, hosts->capacity, sizeof(*hosts->entries));
	}
	hosts->entries[hosts->count++] = entry;
}

static void add_lines(struct known_hosts *hosts, const char *text)
{
	size_t number = 1;
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		size_t used = len > 0 && text[len - 1] == '\r' ? len - 1 : len;
		add_line(hosts, text, used, number++);
		text += len + (text[len] == '\n' ? 1 : 0);
	}
}

static bool unchanged(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

int known_hosts_refresh(struct known_hosts *hosts, struct error *err)
{
	struct stat now;
	struct buffer text = BUFFER_INIT(FILE_MAX);
	if (hosts->read && stat(hosts->path, &now) == 0 && unchanged(&now, &hosts->seen))
		return 0;
	if (stat(hosts->path, &now) < 0)
		memset(&now, 0, sizeof(now));
	if (file_read(hosts->path, &text, err) < 0) {
		buffer_clear(&text);
		return error_prefix(err, "the known hosts");
	}
	forget(hosts);
	add_lines(hosts, buffer_text(&text));
	buffer_clear(&text);
	hosts->seen = now; /* from before the read: a change in between is noticed next time */
	hosts->read = true;
	return 0;
}

/* ---- matching */

/* * and ? as in OpenSSH; brackets are plain characters. Both are lower case. */
static bool glob(const char *pattern, const char *text)
{
	for (; *pattern != '\0'; pattern++) {
		if (*pattern == '*') {
			for (const char *rest = text;; rest++) {
				if (glob(pattern + 1, rest))
					return true;
				if (*rest == '\0')
					return false;
			}
		}
		if (*text == '\0' || (*pattern != '?' && *pattern != *text))
			return false;
		text++;
	}
	return *text == '\0';
}

static void lower(const char *from, size_t len, char to[NAME_MAX_LEN])
{
	if (len >= NAME_MAX_LEN)
		len = 0; /* nothing we ask for is so long */
	for (size_t i = 0; i < len; i++)
		to[i] = (char)tolower((unsigned char)from[i]);
	to[len] = '\0';
}

/* "a,b*,!b7": a pattern with ! takes a name out again. */
static bool names_match(const char *names, const char *name)
{
	bool matched = false;
	for (const char *at = names;; at++) {
		size_t len = strcspn(at, ",");
		bool negated = *at == '!';
		char pattern[NAME_MAX_LEN];
		lower(at + negated, len - negated, pattern);
		if (pattern[0] != '\0' && glob(pattern, name)) {
			if (negated)
				return false;
			matched = true;
		}
		at += len;
		if (*at == '\0')
			return matched;
	}
}

static bool entry_is_for(const struct entry *entry, const char *name)
{
	if (entry->hashed != NULL)
		return libssh2_knownhost_checkp(entry->hashed, name, -1, entry->key, strlen(entry->key),
						LIBSSH2_KNOWNHOST_TYPE_PLAIN | LIBSSH2_KNOWNHOST_KEYENC_BASE64,
						NULL) == LIBSSH2_KNOWNHOST_CHECK_MATCH;
	return entry->names[0] != '|' && names_match(entry->names, name);
}

/* How the file names a host: lower case, with brackets when the port is not SSH's own. */
static void name_of(const char *host, int port, char name[NAME_MAX_LEN])
{
	char text[NAME_MAX_LEN];
	if (port == 22 || port == 0)
		snprintf(text, sizeof(text), "%s", host);
	else
		snprintf(text, sizeof(text), "[%s]:%d", host, port);
	lower(text, strlen(text), name);
}

enum known_host_verdict known_hosts_check(const struct known_hosts *hosts, const char *host, int port, const void *key,
					  size_t len, size_t *line)
{
	enum known_host_verdict verdict = KNOWN_HOST_UNKNOWN;
	char name[NAME_MAX_LEN];
	char *text = base64_encode(key, len);
	name_of(host, port, name);
	for (size_t i = 0; i < hosts->count && verdict != KNOWN_HOST_REVOKED; i++) {
		const struct entry *entry = &hosts->entries[i];
		bool same = strcmp(entry->key, text) == 0;
		if ((entry->revoked && !same) || !entry_is_for(entry, name))
			continue;
		if (entry->revoked || (!same && verdict == KNOWN_HOST_UNKNOWN)) {
			verdict = entry->revoked ? KNOWN_HOST_REVOKED : KNOWN_HOST_CHANGED;
			*line = entry->line;
		} else if (same) {
			verdict = KNOWN_HOST_MATCHES;
		}
	}
	free(text);
	return verdict;
}

static bool in_list(const struct buffer *list, const char *type)
{
	size_t len = strlen(type);
	for (const char *at = buffer_text(list); *at != '\0'; at += strspn(at, ",")) {
		size_t item = strcspn(at, ",");
		if (item == len && memcmp(at, type, len) == 0)
			return true;
		at += item;
	}
	return false;
}

void known_hosts_types(const struct known_hosts *hosts, const char *host, int port, struct buffer *out)
{
	char name[NAME_MAX_LEN];
	name_of(host, port, name);
	for (size_t i = 0; i < hosts->count; i++) {
		const struct entry *entry = &hosts->entries[i];
		if (!entry->revoked && !in_list(out, entry->type) && entry_is_for(entry, name))
			buffer_printf(out, "%s%s", out->len > 0 ? "," : "", entry->type);
	}
}
