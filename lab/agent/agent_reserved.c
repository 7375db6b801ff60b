/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dynamic reservations and persistent volumes that the agent has checkpointed: resources_and_operations.state, and
 * resources.info in the form that agents before it wrote and an older agent would read.
 */
#include <stdint.h>
#include <stdlib.h>

#include "lab/agent/agent.h"
#include "lab/core/files.h"
#include "mesos/pb.h"
#include "mesos/resource.h"

#define RECORDS_MAX (16u << 20)

static void put_record(struct buffer *out, const void *message)
{
	struct buffer bytes = BUFFER_INIT(RECORDS_MAX);
	pb_pack(message, &bytes);
	uint32_t len = (uint32_t)bytes.len;
	buffer_append(out, &len, sizeof(len));
	buffer_append(out, bytes.data, bytes.len);
	buffer_clear(&bytes);
}

static int write_file(const struct agent *agent, const char *name, const struct buffer *bytes, struct error *err)
{
	char *path = agent_meta_path(agent, "resources/%s", name);
	int result = files_write(path, buffer_text(bytes), bytes->len, 0644, err);
	free(path);
	return result;
}

int agent_checkpoint_resources(const struct agent *agent, struct error *err)
{
	struct buffer state = BUFFER_INIT(RECORDS_MAX), row = BUFFER_INIT(RECORDS_MAX);
	Mesos__ResourceState message = MESOS__RESOURCE_STATE__INIT;
	message.n_resources = agent->reserved.count;
	message.resources = agent->reserved.items;
	put_record(&state, &message);
	for (size_t i = 0; i < agent->reserved.count; i++) {
		Mesos__Resource *old = pb_copy(agent->reserved.items[i]);
		resource_downgrade(old);
		put_record(&row, old);
		pb_free(old);
	}
	int result = 0;
	if (mesos_version_at_least(&agent->release.version, 1, 8))
		result = write_file(agent, "resources_and_operations.state", &state, err);
	if (result == 0)
		result = write_file(agent, "resources.info", &row, err);
	buffer_clear(&state);
	buffer_clear(&row);
	return result;
}
