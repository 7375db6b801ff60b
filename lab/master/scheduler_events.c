/* SPDX-License-Identifier: Apache-2.0 */
/* What schedulers are told: a row of records, each a length in decimal, a newline, and that many bytes of an event. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "lab/master/scheduler.h"
#include "mesos/pb.h"

#define HEARTBEAT_MS    15000
#define OFFER_MARK      "-O"
#define LENGTH_TEXT_MAX 32
#define EVENT_MAX       (64u << 20)

typedef Mesos__Scheduler__Event event_t;

int64_t scheduler_heartbeat_ms(const struct master *master)
{
	return lab_scaled_ms(master->lab, HEARTBEAT_MS);
}

/* Protobuf-c has no const strings in messages that only borrow. */
static char *borrow(const char *text)
{
	return (char *)(uintptr_t)text;
}

/* ---- records */

static void put_json(const event_t *event, struct buffer *out)
{
	json_t *json = pb_to_json(event);
	api_rename_keys(json);
	char *text = json_dumps(json, JSON_COMPACT);
	buffer_puts(out, text);
	free(text);
	json_decref(json);
}

static void write_record(struct web_stream *stream, bool protobuf, const event_t *event)
{
	char length[LENGTH_TEXT_MAX];
	struct buffer bytes = BUFFER_INIT(EVENT_MAX);
	if (protobuf)
		pb_pack(event, &bytes);
	else
		put_json(event, &bytes);
	snprintf(length, sizeof(length), "%zu\n", bytes.len);
	web_stream_send(stream, length, strlen(length));
	web_stream_send(stream, bytes.data, bytes.len);
	buffer_clear(&bytes);
}

static void send(struct scheduler *scheduler, Mesos__Scheduler__Event__Type type, event_t *event)
{
	if (scheduler->stream == NULL)
		return;
	event->has_type = true;
	event->type = type;
	scheduler->counts.events[type]++;
	write_record(scheduler->stream, scheduler->protobuf, event);
}

/* ---- events */

void scheduler_send_heartbeat(struct scheduler *scheduler)
{
	event_t event = MESOS__SCHEDULER__EVENT__INIT;
	send(scheduler, MESOS__SCHEDULER__EVENT__TYPE__HEARTBEAT, &event);
}

void scheduler_send_error(struct scheduler *scheduler, const char *text)
{
	Mesos__Scheduler__Event__Error error = MESOS__SCHEDULER__EVENT__ERROR__INIT;
	event_t event = MESOS__SCHEDULER__EVENT__INIT;
	error.message = borrow(text);
	event.error = &error;
	send(scheduler, MESOS__SCHEDULER__EVENT__TYPE__ERROR, &event);
}

void scheduler_write_error(struct web_stream *stream, bool protobuf, const char *text)
{
	Mesos__Scheduler__Event__Error error = MESOS__SCHEDULER__EVENT__ERROR__INIT;
	event_t event = MESOS__SCHEDULER__EVENT__INIT;
	error.message = borrow(text);
	event.has_type = true;
	event.type = MESOS__SCHEDULER__EVENT__TYPE__ERROR;
	event.error = &error;
	write_record(stream, protobuf, &event);
}

void scheduler_send_subscribed(struct scheduler *scheduler)
{
	const struct master *master = scheduler->master;
	Mesos__Scheduler__Event__Subscribed subscribed = MESOS__SCHEDULER__EVENT__SUBSCRIBED__INIT;
	event_t event = MESOS__SCHEDULER__EVENT__INIT;
	subscribed.framework_id = scheduler->framework->info->id;
	subscribed.has_heartbeat_interval_seconds = true;
	subscribed.heartbeat_interval_seconds = (double)scheduler_heartbeat_ms(master) / 1000;
	subscribed.master_info = master_info(master);
	event.subscribed = &subscribed;
	send(scheduler, MESOS__SCHEDULER__EVENT__TYPE__SUBSCRIBED, &event);
	pb_free(subscribed.master_info);
}

void scheduler_send_failure(struct scheduler *scheduler, const char *agent_id)
{
	Mesos__SlaveID id = MESOS__SLAVE_ID__INIT;
	Mesos__Scheduler__Event__Failure failure = MESOS__SCHEDULER__EVENT__FAILURE__INIT;
	event_t event = MESOS__SCHEDULER__EVENT__INIT;
	id.value = borrow(agent_id);
	failure.agent_id = &id;
	event.failure = &failure;
	send(scheduler, MESOS__SCHEDULER__EVENT__TYPE__FAILURE, &event);
}

void scheduler_send_status(struct scheduler *scheduler, const Mesos__TaskStatus *status)
{
	Mesos__TaskStatus borrowed = *status;
	Mesos__Scheduler__Event__Update update = MESOS__SCHEDULER__EVENT__UPDATE__INIT;
	event_t event = MESOS__SCHEDULER__EVENT__INIT;
	update.status = &borrowed;
	event.update = &update;
	send(scheduler, MESOS__SCHEDULER__EVENT__TYPE__UPDATE, &event);
}

void scheduler_update(const struct master_framework *framework, const Mesos__TaskStatus *status)
{
	if (framework->scheduler != NULL)
		scheduler_send_status(framework->scheduler, status);
}

void scheduler_say(struct scheduler *scheduler, const struct scheduler_word *word)
{
	Mesos__TaskID task_id = MESOS__TASK_ID__INIT;
	Mesos__SlaveID agent_id = MESOS__SLAVE_ID__INIT;
	Mesos__TaskStatus status = MESOS__TASK_STATUS__INIT;
	task_id.value = borrow(word->task_id);
	agent_id.value = borrow(word->agent_id);
	status.task_id = &task_id;
	status.slave_id = word->agent_id != NULL ? &agent_id : NULL;
	status.state = word->state;
	status.has_timestamp = true;
	status.timestamp = master_now();
	status.has_source = true;
	status.source = MESOS__TASK_STATUS__SOURCE__SOURCE_MASTER;
	status.has_reason = true;
	status.reason = word->reason;
	status.message = borrow(word->text);
	scheduler_send_status(scheduler, &status);
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

void scheduler_send_rescind(struct scheduler *scheduler, const struct allocator_offer *offer)
{
	Mesos__Scheduler__OfferID id = MESOS__SCHEDULER__OFFER_ID__INIT;
	Mesos__Scheduler__Event__Rescind rescind = MESOS__SCHEDULER__EVENT__RESCIND__INIT;
	event_t event = MESOS__SCHEDULER__EVENT__INIT;
	id.value = scheduler_offer_id(scheduler->master, offer->number);
	rescind.offer_id = &id;
	event.rescind = &rescind;
	scheduler->counts.rescinded += scheduler->stream != NULL;
	send(scheduler, MESOS__SCHEDULER__EVENT__TYPE__RESCIND, &event);
	free(id.value);
}

static Mesos__Scheduler__URL *url_of(const struct master_agent *agent)
{
	Mesos__Scheduler__URL *url = pb_new(&mesos__scheduler__url__descriptor);
	url->scheme = xstrdup("http");
	url->path = xstrdup("/slave(1)");
	url->address = pb_new(&mesos__scheduler__url__address__descriptor);
	url->address->hostname = xstrdup(agent->info->hostname);
	url->address->ip = xstrdup(agent->ip);
	url->address->port = agent->port;
	return url;
}

/* The offer's own resources, allocated to its role. */
static void add_resources(Mesos__Scheduler__Offer *message, const struct allocator_offer *offer)
{
	for (size_t i = 0; i < offer->resources.count; i++) {
		Mesos__Resource *copy = pb_copy(offer->resources.items[i]);
		copy->allocation_info = pb_copy(message->allocation_info);
		PB_APPEND(message->resources, message->n_resources, copy);
	}
}

static Mesos__Scheduler__Offer *make_offer(const struct master *master, const struct allocator_offer *offer,
					   const struct master_agent *agent)
{
	Mesos__Scheduler__Offer *message = pb_new(&mesos__scheduler__offer__descriptor);
	message->id = pb_new(&mesos__scheduler__offer_id__descriptor);
	message->id->value = scheduler_offer_id(master, offer->number);
	message->framework_id = pb_new(&mesos__framework_id__descriptor);
	message->framework_id->value = xstrdup(offer->framework);
	message->agent_id = pb_new(&mesos__slave_id__descriptor);
	message->agent_id->value = xstrdup(offer->agent);
	message->hostname = xstrdup(agent->info->hostname);
	message->allocation_info = pb_new(&mesos__resource__allocation_info__descriptor);
	message->allocation_info->role = xstrdup(offer->role);
	message->url = url_of(agent);
	message->domain = agent->info->domain != NULL ? pb_copy(agent->info->domain) : NULL;
	for (size_t i = 0; i < agent->info->n_attributes; i++) {
		Mesos__Attribute *copy = pb_copy(agent->info->attributes[i]);
		PB_APPEND(message->attributes, message->n_attributes, copy);
	}
	add_resources(message, offer);
	return message;
}

void scheduler_send_offer(struct scheduler *scheduler, const struct allocator_offer *offer)
{
	const struct master_agent *agent = master_agent_find(scheduler->master, offer->agent);
	if (agent == NULL)
		return;
	Mesos__Scheduler__Offer *message = make_offer(scheduler->master, offer, agent);
	Mesos__Scheduler__Event__Offers offers = MESOS__SCHEDULER__EVENT__OFFERS__INIT;
	event_t event = MESOS__SCHEDULER__EVENT__INIT;
	offers.n_offers = 1;
	offers.offers = &message;
	event.offers = &offers;
	scheduler->counts.sent += scheduler->stream != NULL;
	send(scheduler, MESOS__SCHEDULER__EVENT__TYPE__OFFERS, &event);
	pb_free(message);
}
