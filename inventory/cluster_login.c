/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/cluster_login.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "inventory/cluster_access.h"

void cluster_login_clear(struct cluster_login *login)
{
	free(login->user);
	free(login->identity);
	*login = (struct cluster_login){.user = NULL};
}

static int read_user(const json_t *object, const struct json_place *place, struct cluster_login *out, struct error *err)
{
	struct json_place here = {.parent = place, .key = "user"};
	const char *user = NULL;

	if (json_optional_string(object, "user", &user, place, err) < 0)
		return -1;
	if (user && (!*user || user[0] == '-' || strpbrk(user, " \t\r\n'\"@")))
		return json_error(&here, err, "\"%s\" is no user name", user);
	out->user = user ? xstrdup(user) : NULL;
	return 0;
}

static int read_port(const json_t *object, const struct json_place *place, struct cluster_login *out, struct error *err)
{
	struct json_place here = {.parent = place, .key = "port"};
	int64_t port = 0;

	if (json_optional_int(object, "port", &port, place, err) < 0)
		return -1;
	if (json_object_get(object, "port") && (port < 1 || port > 65535))
		return json_error(&here, err, "must be from 1 to 65535");
	out->port = (int)port;
	return 0;
}

int cluster_login_read(const json_t *object, const char *folder, const struct json_place *place,
		       struct cluster_login *out, struct error *err)
{
	const char *identity = NULL;

	if (read_user(object, place, out, err) < 0 || read_port(object, place, out, err) < 0 ||
	    json_optional_string(object, "identity", &identity, place, err) < 0 ||
	    json_optional_bool(object, "become", &out->become, place, err) < 0)
		return -1;
	out->identity = identity ? cluster_file_path(folder, identity) : NULL;
	out->has_become = json_object_get(object, "become") != NULL;
	return 0;
}
