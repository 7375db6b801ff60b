/* SPDX-License-Identifier: Apache-2.0 */
#include "mesos/agent_packed.h"

#include <string.h>

#include "mesos/pb.h"
#include "mesos/wire.h"

/* An agent is a few KB; this bound only stops runaway growth. */
#define PACKED_MAX (64u << 20)

/* Of the messages that are read here; the numbers are in schema/mesos.proto. */
enum agent_field {
	AGENT_INFO = 1,
	AGENT_ACTIVE = 2,
	AGENT_VERSION = 3,
	AGENT_PID = 4,
	AGENT_REGISTERED = 5,
	AGENT_REREGISTERED = 6,
	AGENT_TOTAL = 7,
	AGENT_ALLOCATED = 8,
	AGENT_DEACTIVATED = 12,
};
enum info_field { INFO_HOSTNAME = 1, INFO_RESOURCES = 3, INFO_ID = 6, INFO_PORT = 8, INFO_DOMAIN = 10 };
#define RESOURCE_ALLOCATION 11

void agent_packer_init(struct agent_packer *packer)
{
	buffer_init(&packer->info, PACKED_MAX);
	buffer_init(&packer->total, PACKED_MAX);
	buffer_init(&packer->used, PACKED_MAX);
}

void agent_packer_clear(struct agent_packer *packer)
{
	buffer_clear(&packer->info);
	buffer_clear(&packer->total);
	buffer_clear(&packer->used);
}

static struct bytes bytes_of(const struct buffer *buf)
{
	return (struct bytes){buffer_text(buf), buf->len};
}

static struct bytes text_of(const char *text)
{
	return (struct bytes){text, text != NULL ? strlen(text) : 0};
}

struct bytes agent_address(const char *pid, size_t len)
{
	const char *at = len > 0 ? memchr(pid, '@', len) : NULL;
	const char *colon = at != NULL ? memrchr(at, ':', len - (size_t)(at - pid)) : NULL;

	if (colon == NULL)
		return (struct bytes){"", 0};
	const char *start = at + 1;
	if (*start == '[' && colon > start + 1 && colon[-1] == ']')
		return (struct bytes){start + 1, (size_t)(colon - start) - 2};
	return (struct bytes){start, (size_t)(colon - start)};
}

/* ---- from a view */

static void pack_resources(const struct resources *resources, struct buffer *out)
{
	Mesos__SlaveInfo holder = MESOS__SLAVE_INFO__INIT;
	char none[] = "";

	holder.hostname = none;
	holder.resources = resources->items;
	holder.n_resources = resources->count;
	buffer_reset(out);
	slaveinfo_pack(&holder, out);
}

void agent_pack(struct agent_packer *packer, const struct agent_view *view, struct agent_packed *out)
{
	const Mesos__DomainInfo *domain = view->info->domain;
	const Mesos__DomainInfo__FaultDomain *fault = domain != NULL ? domain->fault_domain : NULL;

	buffer_reset(&packer->info);
	slaveinfo_pack(view->info, &packer->info);
	pack_resources(&view->total, &packer->total);
	pack_resources(&view->used, &packer->used);
	*out = (struct agent_packed){
		.id = text_of(view->id),
		.hostname = text_of(view->hostname),
		.ip = text_of(view->ip),
		.version = text_of(view->version),
		.port = view->port,
		.active = view->active,
		.deactivated = view->deactivated,
		.attributes_complete = view->attributes_complete,
		.registered_ns = view->registered_ns,
		.reregistered_ns = view->reregistered_ns,
		.region = text_of(fault != NULL ? fault->region->name : NULL),
		.zone = text_of(fault != NULL ? fault->zone->name : NULL),
		.info = bytes_of(&packer->info),
		.total = bytes_of(&packer->total),
		.used = bytes_of(&packer->used),
	};
}

/* ---- from the wire; the message is known to be a good one */

static struct bytes payload_of(const struct wire_record *record)
{
	return (struct bytes){(const char *)record->payload, record->payload_len};
}

/* The first record of a message, whose one field is all there is to it. */
static struct wire_record only_field(const struct wire_record *message)
{
	const unsigned char *at = message->payload;
	struct wire_record record = {.number = 0};

	wire_next(&at, message->payload + message->payload_len, &record);
	return record;
}

static struct bytes name_in(const struct wire_record *message)
{
	const struct wire_record name = only_field(message);

	return payload_of(&name);
}

static void read_domain(const struct wire_record *domain, struct agent_packed *out)
{
	const struct wire_record fault = only_field(domain);
	const unsigned char *at = fault.payload, *end = at + fault.payload_len;
	struct wire_record region, zone;

	if (fault.number == 0 || !wire_next(&at, end, &region) || !wire_next(&at, end, &zone))
		return;
	out->region = name_in(&region);
	out->zone = name_in(&zone);
}

static void read_info(const struct wire_record *info, struct agent_packed *out)
{
	const unsigned char *at = info->payload, *end = at + info->payload_len;
	struct wire_record record;

	out->info = payload_of(info);
	while (at < end && wire_next(&at, end, &record)) {
		switch (record.number) {
		case INFO_HOSTNAME:
			out->hostname = payload_of(&record);
			break;
		case INFO_ID:
			out->id = name_in(&record);
			break;
		case INFO_PORT:
			out->port = record.value <= 65535 ? (int)record.value : -1;
			break;
		case INFO_DOMAIN:
			read_domain(&record, out);
			break;
		default:
			break;
		}
	}
}

/* The same resource under the number it has in a SlaveInfo; neither number takes more than a byte. */
static void add_resource(struct buffer *out, const struct wire_record *resource)
{
	buffer_putc(out, INFO_RESOURCES << 3 | WIRE_BYTES);
	buffer_append(out, resource->start + 1, resource->len - 1);
}

/* To which role of a framework a resource went is no part of what is used. */
static void add_used(struct buffer *out, const struct wire_record *resource)
{
	const unsigned char *at = resource->payload, *end = at + resource->payload_len;
	struct wire_record record;

	while (at < end && wire_next(&at, end, &record)) {
		if (record.number != RESOURCE_ALLOCATION)
			continue;
		buffer_putc(out, INFO_RESOURCES << 3 | WIRE_BYTES);
		wire_put_varint(out, resource->payload_len - record.len);
		buffer_append(out, resource->payload, (size_t)(record.start - resource->payload));
		buffer_append(out, at, (size_t)(end - at));
		return;
	}
	add_resource(out, resource);
}

static void read_field(struct agent_packer *packer, const struct wire_record *record, struct agent_packed *out)
{
	switch (record->number) {
	case AGENT_INFO:
		read_info(record, out);
		break;
	case AGENT_ACTIVE:
		out->active = record->value != 0;
		break;
	case AGENT_VERSION:
		out->version = payload_of(record);
		break;
	case AGENT_PID:
		out->ip = agent_address((const char *)record->payload, record->payload_len);
		break;
	case AGENT_REGISTERED:
		out->registered_ns = (int64_t)only_field(record).value;
		break;
	case AGENT_REREGISTERED:
		out->reregistered_ns = (int64_t)only_field(record).value;
		break;
	case AGENT_TOTAL:
		add_resource(&packer->total, record);
		break;
	case AGENT_ALLOCATED:
		add_used(&packer->used, record);
		break;
	case AGENT_DEACTIVATED:
		out->deactivated = record->value != 0;
		break;
	default:
		break;
	}
}

static void start_resources(struct buffer *out)
{
	buffer_reset(out);
	wire_put_bytes(out, INFO_HOSTNAME, "", 0);
}

bool agent_pack_wire(struct agent_packer *packer, const void *data, size_t len, struct agent_packed *out)
{
	const unsigned char *at = data, *end = at + len;
	struct agent_packed found = {.ip = {"", 0}, .port = AGENT_DEFAULT_PORT, .attributes_complete = true};
	struct wire_record record;

	if (!pb_is_plain(&mesos__master__response__get_agents__agent__descriptor, data, len))
		return false;
	start_resources(&packer->total);
	start_resources(&packer->used);
	while (at < end && wire_next(&at, end, &record))
		read_field(packer, &record, &found);
	if (found.id.len == 0 || found.port < 1)
		return false;
	found.total = bytes_of(&packer->total);
	found.used = bytes_of(&packer->used);
	*out = found;
	return true;
}
