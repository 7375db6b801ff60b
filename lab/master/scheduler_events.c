/* SPDX-License-Identifier: Apache-2.0 */
/* What schedulers are told: a row of records, each a length in decimal, a newline, and that many bytes of JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "lab/master/scheduler.h"
#include "mesos/pb.h"

#define HEARTBEAT_MS    15000
#define OFFER_MARK      "-O"
#define LENGTH_TEXT_MAX 32

int64_t scheduler_heartbeat_ms(const struct master *master)
{
	return lab_scaled_ms(master->lab, HEARTBEAT_MS);
}

void scheduler_send(struct scheduler *scheduler, const char *type, const char *member, json_t *value)
{
	char length[LENGTH_TEXT_MAX];
	json_t *event = json_pack("{ss}", "type", type);
	if (member != NULL)
		json_object_set_new(event, member, value);
	char *text = json_dumps(event, JSON_COMPACT);
	json_decref(event);
	if (scheduler->stream != NULL && text != NULL) {
		snprintf(length, sizeof(length), "%zu\n", strlen(text));
		web_stream_send(scheduler->stream, length, strlen(length));
		web_stream_send(scheduler->stream, text, strlen(text));
	}
	free(text);
}

void scheduler_send_error(struct scheduler *scheduler, const char *text)
{
	scheduler_send(scheduler, "ERROR", "error", json_pack("{ss}", "message", text));
}

void scheduler_send_subscribed(struct scheduler *scheduler)
{
	const struct master *master = scheduler->master;
	Mesos__MasterInfo *info = master_info(master);
	double seconds = (double)scheduler_heartbeat_ms(master) / 1000;
	scheduler_send(scheduler, "SUBSCRIBED", "subscribed",
		       json_pack("{s{ss} sf so}", "framework_id", "value", scheduler->framework->info->id->value,
				 "heartbeat_interval_seconds", seconds, "master_info", pb_to_json(info)));
	pb_free(info);
}

void scheduler_send_status(struct scheduler *scheduler, const Mesos__TaskStatus *status)
{
	json_t *json = pb_to_json(status);
	api_rename_keys(json);
	scheduler_send(scheduler, "UPDATE", "update", json_pack("{so}", "status", json));
}

void scheduler_update(const struct master_framework *framework, const Mesos__TaskStatus *status)
{
	if (framework->scheduler != NULL)
		scheduler_send_status(framework->scheduler, status);
}

void scheduler_say(struct scheduler *scheduler, const struct scheduler_word *word)
{
	Mesos__TaskStatus *status = pb_new(&mesos__task_status__descriptor);
	status->task_id = pb_new(&mesos__task_id__descriptor);
	status->task_id->value = xstrdup(word->task_id);
	if (word->agent_id != NULL) {
		status->slave_id = pb_new(&mesos__slave_id__descriptor);
		status->slave_id->value = xstrdup(word->agent_id);
	}
	status->state = word->state;
	status->has_timestamp = true;
	status->timestamp = master_now();
	status->has_source = true;
	status->source = MESOS__TASK_STATUS__SOURCE__SOURCE_MASTER;
	status->has_reason = true;
	status->reason = word->reason;
	pb_set_string(&status->message, word->text);
	scheduler_send_status(scheduler, status);
	pb_free(status);
}

/* ---- offers */

char *scheduler_offer_id(const struct master *master, uint64_t number)
{
	return xasprintf("%s" OFFER_MARK "%llu", master->id, (unsigned long long)number);
}

uint64_t scheduler_offer_number(const struct master *master, const char *id)
{
	size_t len = strlen(master->id), mark = strlen(OFFER_MARK);
	char *end;
	if (strncmp(id, master->id, len) != 0 || strncmp(id + len, OFFER_MARK, mark) != 0 || id[len + mark] == '\0')
		return 0;
	uint64_t number = strtoull(id + len + mark, &end, 10);
	return *end == '\0' ? number : 0;
}

static json_t *list_of(ProtobufCMessage *const *items, size_t count)
{
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, pb_to_json(items[i]));
	return list;
}

static json_t *resources_of(const struct allocator_offer *offer)
{
	json_t *list = list_of((ProtobufCMessage *const *)offer->resources.items, offer->resources.count), *item;
	size_t index;
	json_array_foreach(list, index, item)
		json_object_set_new(item, "allocation_info", json_pack("{ss}", "role", offer->role));
	return list;
}

void scheduler_send_offer(struct scheduler *scheduler, const struct allocator_offer *offer)
{
	const struct master_agent *agent = master_agent_find(scheduler->master, offer->agent);
	if (agent == NULL)
		return;
	const Mesos__SlaveInfo *info = agent->info;
	char *id = scheduler_offer_id(scheduler->master, offer->number);
	json_t *json = json_pack("{s{ss} s{ss} s{ss} ss s{ss} so so}", "id", "value", id, "framework_id", "value",
				 offer->framework, "agent_id", "value", offer->agent, "hostname", info->hostname,
				 "allocation_info", "role", offer->role, "resources", resources_of(offer), "attributes",
				 list_of((ProtobufCMessage *const *)info->attributes, info->n_attributes));
	if (info->domain != NULL)
		json_object_set_new(json, "domain", pb_to_json(info->domain));
	scheduler_send(scheduler, "OFFERS", "offers", json_pack("{s[o]}", "offers", json));
	free(id);
}
