/* SPDX-License-Identifier: Apache-2.0 */
/* What the scheduler does about what it hears: launch, decline, acknowledge; and print it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "lab/commands/framework.h"
#include "lab/core/wire.h"
#include "mesos/pb.h"
#include "schema/mesos.pb-c.h"

#define ANSWER_MAX (1u << 20)

void framework_say(const struct framework *framework, const char *type, const char *member, json_t *value)
{
	struct buffer text = BUFFER_INIT(ANSWER_MAX);
	json_t *call = json_pack("{ss s{ss}}", "type", type, "framework_id", "value", framework->id);
	if (member != NULL)
		json_object_set_new(call, member, value);
	int status = framework_call(framework->address, call, framework->link.stream_id, &text);
	if (status != 202)
		log_warning("%s was answered with %d: %s", type, status, buffer_text(&text));
	json_decref(call);
	buffer_clear(&text);
}

/* ---- offers */

static bool is_scalar(const json_t *resource, const char *name)
{
	const char *given = json_string_value(json_object_get(resource, "name"));
	return given != NULL && strcmp(given, name) == 0 && json_is_object(json_object_get(resource, "scalar"));
}

static double value_of(const json_t *resource)
{
	return json_number_value(json_object_get(json_object_get(resource, "scalar"), "value"));
}

static double sum_of(const json_t *resources, const char *name)
{
	const json_t *resource;
	size_t index;
	double sum = 0;
	json_array_foreach(resources, index, resource) sum += is_scalar(resource, name) ? value_of(resource) : 0;
	return sum;
}

static void set_value(json_t *resource, double value)
{
	json_object_set_new(json_object_get(resource, "scalar"), "value", json_real(value));
}

/* Moves so much of what is (not) reserved from an offer's resources to a task's; gives what is still wanted. */
static double move(json_t *from, const char *name, bool reserved, double wanted, json_t *to)
{
	json_t *resource;
	size_t index;
	json_array_foreach(from, index, resource)
	{
		double have = value_of(resource), part = have < wanted ? have : wanted;
		bool is_reserved = json_array_size(json_object_get(resource, "reservations")) > 0;
		if (!is_scalar(resource, name) || is_reserved != reserved || part <= 0)
			continue;
		json_t *taken = json_deep_copy(resource);
		set_value(taken, part);
		json_array_append_new(to, taken);
		set_value(resource, have - part);
		wanted -= part;
	}
	return wanted;
}

static json_t *make_task(struct framework *framework, const json_t *offer, json_t *left)
{
	json_t *resources = json_array();
	char *id = xasprintf("%s-%.8s-%lld", framework->name, framework->mark, (long long)++framework->numbers);
	/* What is reserved for it goes first: nobody else may have it. */
	move(left, "cpus", false, move(left, "cpus", true, framework->cpus, resources), resources);
	move(left, "mem", false, move(left, "mem", true, (double)framework->mem, resources), resources);
	json_t *task = json_pack("{ss s{ss} sO so s{ss}}", "name", framework->name, "task_id", "value", id, "agent_id",
				 json_object_get(offer, "agent_id"), "resources", resources, "command", "value",
				 "sleep 86400");
	free(id);
	return task;
}

static void answer_offer(struct framework *framework, const json_t *offer)
{
	json_t *tasks = json_array(), *left = json_deep_copy(json_object_get(offer, "resources"));
	while (framework->launched < framework->tasks && sum_of(left, "cpus") >= framework->cpus &&
	       sum_of(left, "mem") >= (double)framework->mem) {
		json_array_append_new(tasks, make_task(framework, offer, left));
		framework->launched++;
	}
	json_t *answer = json_pack("{s[O]}", "offer_ids", json_object_get(offer, "id"));
	if (json_array_size(tasks) > 0) {
		json_object_set_new(answer, "operations",
				    json_pack("[{ss s{sO}}]", "type", "LAUNCH", "launch", "task_infos", tasks));
		framework_say(framework, "ACCEPT", "accept", answer);
	} else {
		framework_say(framework, "DECLINE", "decline", answer);
	}
	json_decref(tasks);
	json_decref(left);
}

static void hear_offers(struct framework *framework, const json_t *event)
{
	const json_t *offers = json_object_get(json_object_get(event, "offers"), "offers"), *offer;
	size_t index;
	json_array_foreach(offers, index, offer) answer_offer(framework, offer);
}

/* ---- updates */

static const char *text_of(const json_t *status, const char *key)
{
	const char *text = json_string_value(json_object_get(status, key));
	return text != NULL ? text : "";
}

/* The data of REASON_SLAVE_STATE_CHANGED as it is read, beside the bytes. */
static void show_agent_info(json_t *status)
{
	if (strcmp(text_of(status, "reason"), "REASON_SLAVE_STATE_CHANGED") != 0)
		return;
	void *info = wire_unpack(&mesos__slave_info__descriptor, json_object_get(status, "data"));
	if (info != NULL)
		json_object_set_new(status, "agent_info", pb_to_json(info));
	pb_free(info);
}

static void hear_update(struct framework *framework, const json_t *event)
{
	const json_t *status = json_object_get(json_object_get(event, "update"), "status");
	if (strcmp(text_of(status, "reason"), "REASON_INVALID_OFFERS") == 0)
		framework->launched--; /* it was never launched: the next offer will do */
	if (!framework->acknowledge || json_object_get(status, "uuid") == NULL)
		return;
	framework_say(framework, "ACKNOWLEDGE", "acknowledge",
		      json_pack("{sO sO sO}", "agent_id", json_object_get(status, "agent_id"), "task_id",
				json_object_get(status, "task_id"), "uuid", json_object_get(status, "uuid")));
}

/* ---- events */

static void hear_subscribed(struct framework *framework, const json_t *event)
{
	const json_t *id = json_object_get(json_object_get(event, "subscribed"), "framework_id");
	free(framework->id);
	framework->id = xstrdup(text_of(id, "value"));
}

static void print(json_t *event)
{
	show_agent_info(json_object_get(json_object_get(event, "update"), "status"));
	char *text = json_dumps(event, JSON_COMPACT);
	printf("%s\n", text);
	fflush(stdout);
	free(text);
}

int framework_hear(struct framework *framework, json_t *event, struct error *err)
{
	const char *type = text_of(event, "type");
	if (strcmp(type, "HEARTBEAT") != 0 || framework->heartbeats)
		print(event);
	if (strcmp(type, "SUBSCRIBED") == 0)
		hear_subscribed(framework, event);
	else if (strcmp(type, "OFFERS") == 0)
		hear_offers(framework, event);
	else if (strcmp(type, "UPDATE") == 0)
		hear_update(framework, event);
	else if (strcmp(type, "ERROR") == 0)
		return error_set(err, ERROR_REFUSED, "the master has ended the subscription: %s",
				 text_of(json_object_get(event, "error"), "message"));
	return 0;
}
