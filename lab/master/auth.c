/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Basic authentication, as a master with --authenticate_http_readonly, --authenticate_http_readwrite and
 * --http_authenticators=basic does it. The credentials are in DIR/credentials.json, in the real master's form.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/json.h"
#include "lab/master/master.h"

#define CREDENTIALS_MAX (64u << 10)

int auth_load(struct master *master, struct error *err)
{
	if (!master->lab->authenticate)
		return 0;
	char *path = lab_path(master->lab, "credentials.json");
	json_t *root = json_read_file(path, CREDENTIALS_MAX, err);
	const json_t *first = json_array_get(json_object_get(root, "credentials"), 0);
	const char *principal = json_string_value(json_object_get(first, "principal"));
	const char *secret = json_string_value(json_object_get(first, "secret"));
	if (principal != NULL && secret != NULL)
		master->credentials = xasprintf("%s:%s", principal, secret);
	else if (root != NULL)
		error_set(err, ERROR_USAGE, "%s must contain at least one credential", path);
	json_decref(root);
	free(path);
	return master->credentials != NULL ? 0 : -1;
}

static bool is_good(const struct master *master, const char *header)
{
	char *wanted = base64_encode(master->credentials, strlen(master->credentials));
	bool good = strncasecmp(header, "Basic ", 6) == 0 && strcmp(header + 6, wanted) == 0;
	free(wanted);
	return good;
}

bool auth_check(const struct master *master, const struct web_call *call, const char *realm, struct web_reply *reply)
{
	if (master->credentials == NULL || realm == NULL || is_good(master, call->authorization))
		return true;
	web_refuse(reply, 401, "401 Unauthorized.");
	reply->authenticate = xasprintf("Basic realm=\"%s\"", realm);
	return false;
}
