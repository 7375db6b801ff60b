/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/master_url.h"

#include <string.h>
#include <strings.h>

#include "base/alloc.h"

char *master_url_base(const char *url)
{
	size_t len = strlen(url);
	while (len > 0 && url[len - 1] == '/')
		len--;
	return xstrndup(url, len);
}

/* Mesos redirects /slaves to //host:port/master/slaves too. */
char *master_url_redirected(const char *location, const char *path)
{
	size_t len = strlen(location), path_len = strlen(path);
	if (len <= path_len || strcmp(location + len - path_len, path) != 0)
		return NULL;
	len -= path_len;
	if (len > strlen("/master") && strncmp(location + len - strlen("/master"), "/master", strlen("/master")) == 0)
		len -= strlen("/master");
	return xstrndup(location, len);
}

bool master_url_is_https(const char *url)
{
	return strncasecmp(url, "https://", strlen("https://")) == 0;
}
