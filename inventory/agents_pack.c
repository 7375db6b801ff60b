/* SPDX-License-Identifier: Apache-2.0 */
/* An agent in the form in which it is stored, and the digest over all of it. */
#include <string.h>

#include "base/buffer.h"
#include "base/digest.h"
#include "inventory/agents_internal.h"

static void digest_text(struct digest_state *state, const char *text)
{
	digest_add(state, text, strlen(text) + 1);
}

static void digest_buffer(struct digest_state *state, const struct buffer *buf)
{
	uint64_t len = buf->len;

	digest_add(state, &len, sizeof(len));
	digest_add(state, buffer_text(buf), buf->len);
}

static void digest_agent(struct agent_packed *packed)
{
	const struct agent_view *view = packed->view;
	int64_t numbers[] = {view->port,          view->active,         view->deactivated, view->attributes_complete,
			     view->registered_ns, view->reregistered_ns};
	struct digest_state state;

	digest_start(&state);
	digest_text(&state, view->hostname);
	digest_text(&state, view->ip);
	digest_text(&state, view->version);
	digest_add(&state, numbers, sizeof(numbers));
	digest_buffer(&state, &packed->info);
	digest_buffer(&state, &packed->total);
	digest_buffer(&state, &packed->used);
	digest_finish(&state, packed->digest);
}

static void find_domain(const Mesos__SlaveInfo *info, const char **region, const char **zone)
{
	if (!info->domain || !info->domain->fault_domain)
		return;
	*region = info->domain->fault_domain->region->name;
	*zone = info->domain->fault_domain->zone->name;
}

void agents_pack(const struct agent_view *view, struct agent_packed *out)
{
	*out = (struct agent_packed){.view = view,
				     .info = BUFFER_INIT(PACKED_MAX),
				     .total = BUFFER_INIT(PACKED_MAX),
				     .used = BUFFER_INIT(PACKED_MAX)};
	slaveinfo_pack(view->info, &out->info);
	agents_pack_resources(&view->total, &out->total);
	agents_pack_resources(&view->used, &out->used);
	find_domain(view->info, &out->region, &out->zone);
	digest_agent(out);
}

void agents_packed_clear(struct agent_packed *packed)
{
	buffer_clear(&packed->info);
	buffer_clear(&packed->total);
	buffer_clear(&packed->used);
}

void agents_hash_key(const struct store *store, unsigned char key[SIPHASH_SIZE])
{
	unsigned char digest[DIGEST_SIZE];
	const char *uuid = store_uuid(store);

	digest_bytes(uuid, strlen(uuid), digest);
	memcpy(key, digest, SIPHASH_SIZE);
}
