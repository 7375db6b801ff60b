/* SPDX-License-Identifier: Apache-2.0 */
/* The older endpoints of maintenance: the same as in operator API v1, as plain JSON. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "lab/master/master.h"
#include "mesos/pb.h"

/* Takes message. */
static void give(void *message, struct web_reply *reply)
{
	json_t *json = pb_to_json(message);
	char *text = json_dumps(json, JSON_COMPACT);
	buffer_puts(&reply->body, text);
	free(text);
	json_decref(json);
	pb_free(message);
}

/* NULL when the body is no JSON, or of another type than wanted. */
static json_t *parse(const struct web_call *call, json_type type, struct web_reply *reply)
{
	json_t *json = json_loadb(call->body, call->body_len, JSON_DECODE_ANY, NULL);
	if (json == NULL)
		web_refuse(reply, 400, "syntax error at line 1 near: %s", call->body);
	else if (json_typeof(json) != type)
		web_refuse(reply, 400, "Unexpected JSON type parsed");
	if (reply->status == 200)
		return json;
	json_decref(json);
	return NULL;
}

static void set_schedule(struct master *master, const struct web_call *call, struct web_reply *reply)
{
	struct error err = ERROR_INIT;
	json_t *json = parse(call, JSON_OBJECT, reply);
	if (json == NULL)
		return;
	Mesos__Maintenance__Schedule *schedule = pb_from_json(&mesos__maintenance__schedule__descriptor, json, &err);
	if (schedule != NULL)
		maintenance_set(master, schedule, reply);
	else
		web_refuse(reply, 400, "%s", err.text);
	pb_free(schedule);
	json_decref(json);
}

static void set_machines(struct master *master, const struct web_call *call, bool down, struct web_reply *reply)
{
	struct error err = ERROR_INIT;
	Mesos__MachineID **ids = NULL;
	size_t count = 0, index;
	json_t *json = parse(call, JSON_ARRAY, reply), *item;
	json_array_foreach(json, index, item)
	{
		Mesos__MachineID *id = pb_from_json(&mesos__machine_id__descriptor, item, &err);
		if (id != NULL)
			PB_APPEND(ids, count, id);
	}
	if (err.kind != ERROR_NONE)
		web_refuse(reply, 400, "%s", err.text);
	else if (json != NULL && down)
		maintenance_down(master, ids, count, reply);
	else if (json != NULL)
		maintenance_up(master, ids, count, reply);
	for (size_t i = 0; i < count; i++)
		pb_free(ids[i]);
	free(ids);
	json_decref(json);
}

void maintenance_http(struct master *master, const struct web_call *call, const char *path, struct web_reply *reply)
{
	bool get = strcmp(call->method, "GET") == 0, post = strcmp(call->method, "POST") == 0;
	bool schedule = strcmp(path, "/maintenance/schedule") == 0, status = strcmp(path, "/maintenance/status") == 0;
	if (schedule ? !get && !post : status ? !get : !post)
		web_refuse(reply, 405, "405 Method Not Allowed. Expecting one of { %s }, but received '%s'.",
			   schedule ? "'GET', 'POST'"
			   : status ? "'GET'"
				    : "'POST'",
			   call->method);
	else if (status)
		give(maintenance_status(master), reply);
	else if (schedule && get)
		give(maintenance_schedule(master), reply);
	else if (schedule)
		set_schedule(master, call, reply);
	else
		set_machines(master, call, strcmp(path, "/machine/down") == 0, reply);
}
