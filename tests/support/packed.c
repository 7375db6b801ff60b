/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/packed.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"

static void put(struct buffer *out, const struct bytes *bytes)
{
	buffer_printf(out, "%s%zu:", bytes->data == NULL ? "none " : "", bytes->len);
	buffer_append(out, bytes->data, bytes->len);
}

static void put_agent(struct buffer *out, const struct agent_packed *agent)
{
	const struct bytes *const all[] = {&agent->id,      &agent->hostname, &agent->ip,
					   &agent->version, &agent->region,   &agent->zone,
					   &agent->info,    &agent->total,    &agent->used};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		put(out, all[i]);
	buffer_printf(out, "%d %d %d %d %" PRId64 " %" PRId64 "\n", agent->port, agent->active, agent->deactivated,
		      agent->attributes_complete, agent->registered_ns, agent->reregistered_ns);
}

static int take_packed(void *ctx, const struct agent_packed *agent, const void *raw, size_t len, struct error *err)
{
	struct packed_reading *reading = ctx;

	(void)raw, (void)len, (void)err;
	reading->quick++;
	put_agent(&reading->said, agent);
	return 0;
}

static int take_view(void *ctx, struct agent_view *view, const void *raw, size_t len, struct error *err)
{
	struct packed_reading *reading = ctx;
	struct agent_packer packer;
	struct agent_packed agent;

	(void)raw, (void)len, (void)err;
	reading->thorough++;
	agent_packer_init(&packer);
	agent_pack(&packer, view, &agent);
	put_agent(&reading->said, &agent);
	agent_packer_clear(&packer);
	return 0;
}

void packed_read(enum master_answer answer, bool protobuf, const void *data, size_t len, bool quick,
		 struct packed_reading *out)
{
	const struct master_taker taker = {.ctx = out, .agent = take_view, .packed = quick ? take_packed : NULL};
	struct master_facts facts = {.version = NULL};
	struct master_reading reading = {
		.answer = answer, .url = "http://m", .protobuf = protobuf, .taker = &taker, .facts = &facts};
	char *copy = xmemdup(data, len); /* so that reading past its end is seen */

	*out = (struct packed_reading){.said = BUFFER_INIT(64u << 20)};
	out->result = master_read_all(&reading, copy, len, &out->error);
	free(copy);
	master_facts_clear(&facts);
}

void packed_clear(struct packed_reading *reading)
{
	buffer_clear(&reading->said);
}

bool packed_equal(const struct packed_reading *a, const struct packed_reading *b)
{
	return a->result == b->result && strcmp(a->error.text, b->error.text) == 0 && a->said.len == b->said.len &&
	       memcmp(buffer_text(&a->said), buffer_text(&b->said), a->said.len) == 0;
}
