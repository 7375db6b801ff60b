/* SPDX-License-Identifier: Apache-2.0 */
/* One executor's ExecutorInfo: read only where somebody asks, as a large host has a thousand of them. */
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "mesos/checkpoint.h"
#include "mesos/checkpoint_files.h"
#include "mesos/wire.h"

#define EXECUTOR_INFO_CONTAINER 11
#define CONTAINER_INFO_TYPE     1
#define CONTAINER_TYPE_DOCKER   1

/* The last record of a field counts, as for any reader of protobuf. */
static bool find_record(const void *data, size_t len, uint32_t number, enum wire_type type, struct wire_record *out)
{
	const unsigned char *at = data;
	const unsigned char *end = at + len;
	struct wire_record record;
	bool found = false;

	while (wire_next(&at, end, &record)) {
		if (record.number != number || record.type != type)
			continue;
		*out = record;
		found = true;
	}
	return found;
}

static bool says_docker(const struct buffer *bytes)
{
	struct wire_record container, type;
	uint32_t size = 0;

	if (bytes->len < sizeof size)
		return false;
	memcpy(&size, bytes->data, sizeof size);
	return size <= bytes->len - sizeof size &&
	       find_record(bytes->data + sizeof size, size, EXECUTOR_INFO_CONTAINER, WIRE_BYTES, &container) &&
	       find_record(container.payload, container.payload_len, CONTAINER_INFO_TYPE, WIRE_VARINT, &type) &&
	       type.value == CONTAINER_TYPE_DOCKER;
}

void checkpoint_agent_open(const char *root, const char *work_dir, const char *agent_id, struct checkpoint_agent *out)
{
	*out = (struct checkpoint_agent){.dir = {.fd = -1}, .bytes = BUFFER_INIT(CHECKPOINT_MAX)};
	if (agent_id == NULL)
		return;
	char *folder = xasprintf("%s/meta/slaves/%s", strcmp(work_dir, "/") == 0 ? "" : work_dir, agent_id);
	char *path = path_under(root, folder);
	meta_open(path, &out->dir, NULL);
	free(path);
	free(folder);
}

void checkpoint_agent_close(struct checkpoint_agent *agent)
{
	meta_close(&agent->dir);
	buffer_clear(&agent->bytes);
}

bool checkpoint_executor_in_docker(struct checkpoint_agent *agent, const struct checkpoint_task *task)
{
	bool in_docker;
	char *name;

	if (agent->dir.fd < 0)
		return false;
	name = xasprintf("frameworks/%s/executors/%s/executor.info", task->framework_id, task->executor_id);
	buffer_reset(&agent->bytes);
	in_docker = meta_read(&agent->dir, name, &agent->bytes, NULL, NULL) == META_FOUND && says_docker(&agent->bytes);
	free(name);
	return in_docker;
}
