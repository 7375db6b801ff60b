/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/outgoing/receivers.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "orchestrator/outgoing/project.h"
#include "remote/http.h"
#include "remote/secret.h"

#define NAME_MAX_LEN 64
#define URL_MAX_LEN  2048

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

int receiver_check_name(const char *name, struct error *err)
{
	char allowed[80] = "0123456789._-";

	memcpy(allowed + strlen(allowed), letters, sizeof(letters));
	if (*name == '\0' || strlen(name) > NAME_MAX_LEN || name[strspn(name, allowed)] != '\0' || *name == '-')
		return error_set(err, ERROR_USAGE,
				 "\"%.80s\" is no name: letters, digits, '.', '_' and '-', at most %d of them", name,
				 NAME_MAX_LEN);
	return 0;
}

/* Behind "http://" or "https://"; NULL: it is neither. */
static const char *behind_scheme(const char *url)
{
	if (strncasecmp(url, "http://", 7) == 0)
		return url + 7;
	return strncasecmp(url, "https://", 8) == 0 ? url + 8 : NULL;
}

/* A port is a number of 1 to 65535, or not there. host is "HOST:PORT", "HOST", "[::1]:PORT". */
static bool has_good_port(const char *host, size_t len)
{
	const char *close = memchr(host, ']', len), *from = close ? close : host;
	const char *colon = memchr(from, ':', len - (size_t)(from - host));
	long port = 0;

	if (!colon)
		return true;
	size_t digits = len - (size_t)(colon + 1 - host);
	if (digits == 0 || digits > 5 || strspn(colon + 1, "0123456789") < digits)
		return false;
	port = strtol(colon + 1, NULL, 10);
	return port >= 1 && port <= 65535;
}

static bool has_good_host(const char *host, size_t len)
{
	if (len == 0 || host[0] == ':')
		return false;
	if (host[0] == '[')
		return memchr(host, ']', len) != NULL && has_good_port(host, len);
	return memchr(host, '\\', len) == NULL && has_good_port(host, len);
}

static bool is_printable(const char *url)
{
	for (; *url; url++)
		if ((unsigned char)*url <= ' ' || (unsigned char)*url >= 127)
			return false;
	return true;
}

char *receiver_shown_url(const char *url)
{
	char *shown = http_url_for_people(url);
	size_t len = strcspn(shown, "?");

	if (shown[len]) {
		char *cut = xasprintf("%.*s?…", (int)len, shown);

		free(shown);
		shown = cut;
	}
	return shown;
}

char *receiver_read_url(const char *url, struct error *err)
{
	const struct secret_source source = {.file = url + strlen(RECEIVER_URL_FILE)};
	const char *host;
	char *found;

	if (strncmp(url, RECEIVER_URL_FILE, strlen(RECEIVER_URL_FILE)) != 0)
		return xstrdup(url);
	found = secret_read(&source, "the file of the URL", err);
	if (!found)
		return NULL;
	host = behind_scheme(found);
	if (host && is_printable(found) && strlen(found) <= URL_MAX_LEN && !strchr(found, '#') &&
	    has_good_host(host, strcspn(host, "/?")))
		return found;
	error_set(err, ERROR_USAGE, "%s: its line is no http:// or https:// URL", source.file);
	secret_free(found);
	return NULL;
}

int receiver_check_url(const char *url, struct error *err)
{
	const char *host = behind_scheme(url);
	char *shown = receiver_shown_url(url);
	size_t len = host ? strcspn(host, "/?#") : 0;
	int result = 0;

	if (!is_printable(url) || strlen(url) > URL_MAX_LEN)
		result = error_set(err, ERROR_USAGE,
				   "the URL holds blanks, control characters or letters that belong into %%XX, or is "
				   "longer than %d",
				   URL_MAX_LEN);
	else if (!host)
		result = error_set(err, ERROR_USAGE, "%s: only http:// and https:// URLs are posted to", shown);
	else if (memchr(host, '@', len))
		result = error_set(err, ERROR_USAGE,
				   "%s: a user or password in the URL would be in the database, and shown; put the "
				   "whole URL into a file that only you may read, and name that with --url-file",
				   shown);
	else if (strchr(host, '?'))
		result = error_set(
			err, ERROR_USAGE,
			"%s: what follows ? is often a token, and would be in the database, and shown; put the "
			"whole URL into a file that only you may read, and name that with --url-file",
			shown);
	else if (!has_good_host(host, len))
		result = error_set(err, ERROR_USAGE, "%s: that is no host and port", shown);
	else if (strchr(host, '#'))
		result = error_set(err, ERROR_USAGE, "%s: what follows # is never sent to anybody", shown);
	free(shown);
	return result;
}

static bool is_kind(const char *name, size_t len)
{
	for (size_t i = 0; webhook_kinds[i]; i++)
		if (strlen(webhook_kinds[i]) == len && strncmp(webhook_kinds[i], name, len) == 0)
			return true;
	return false;
}

int receiver_check_kinds(const char *kinds, struct error *err)
{
	struct buffer known = BUFFER_INIT(1024);
	const char *at = kinds;

	for (;;) {
		size_t len = strcspn(at, ",");

		if (!is_kind(at, len)) {
			for (size_t i = 0; webhook_kinds[i]; i++)
				buffer_printf(&known, "%s%s", i ? ", " : "", webhook_kinds[i]);
			error_set(err, ERROR_USAGE, "--events %.100s: the kinds of events are %s", kinds,
				  buffer_text(&known));
			buffer_clear(&known);
			return -1;
		}
		if (at[len] == '\0')
			return 0;
		at += len + 1;
	}
}
