/* SPDX-License-Identifier: Apache-2.0 */
/* slave.info: a length of four bytes in host byte order, then one SlaveInfo. */
#include "mesos/checkpoint.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "mesos/pb.h"
#include "mesos/resource.h"

#define PREFIX 4u

#define NEXT_STEP "; put a copy from before back, or let the agent register anew by removing the link slaves/latest"

static int check_length(const char *path, const void *data, size_t len, struct error *err)
{
	uint32_t size;

	if (len == 0)
		return error_set(err, ERROR_CORRUPT, "%s is empty" NEXT_STEP, path);
	if (len > CHECKPOINT_MAX)
		return error_set(err, ERROR_CORRUPT, "%s is larger than %u bytes; no agent writes such a checkpoint",
				 path, CHECKPOINT_MAX);
	if (len < PREFIX)
		return error_set(err, ERROR_CORRUPT, "%s is truncated: %zu of at least %u bytes" NEXT_STEP, path, len,
				 PREFIX);
	memcpy(&size, data, PREFIX);
	if (size > CHECKPOINT_MAX - PREFIX)
		return error_set(
			err, ERROR_CORRUPT,
			"%s is no checkpoint: it begins with a length of %u bytes, and no agent writes more than %u",
			path, size, CHECKPOINT_MAX);
	if (size > len - PREFIX)
		return error_set(err, ERROR_CORRUPT, "%s is truncated: %zu of %u bytes" NEXT_STEP, path, len,
				 size + PREFIX);
	if (size < len - PREFIX)
		return error_set(err, ERROR_CORRUPT,
				 "%s is no checkpoint: %zu bytes follow the %u that belong to the message", path,
				 len - PREFIX - size, size);
	return 0;
}

static bool is_plain_text(const char *text)
{
	for (; *text != '\0'; text++)
		if (iscntrl((unsigned char)*text))
			return false;
	return true;
}

/* Another message can look like a SlaveInfo on the wire; it has no hostname and ID as agents have them. */
static bool is_plausible(const Mesos__SlaveInfo *info)
{
	if (info->hostname[0] == '\0' || !is_plain_text(info->hostname))
		return false;
	return info->id != NULL && info->id->value[0] != '\0' && is_plain_text(info->id->value) &&
	       strchr(info->id->value, '/') == NULL;
}

Mesos__SlaveInfo *checkpoint_parse(const char *path, const void *data, size_t len, struct error *err)
{
	Mesos__SlaveInfo *info;

	if (check_length(path, data, len, err) != 0)
		return NULL;
	info = slaveinfo_unpack((const char *)data + PREFIX, len - PREFIX, NULL);
	if (info == NULL) {
		error_set(err, ERROR_CORRUPT,
			  "%s is no checkpoint of an agent: its %zu bytes are no SlaveInfo" NEXT_STEP, path,
			  len - PREFIX);
		return NULL;
	}
	if (!is_plausible(info)) {
		error_set(err, ERROR_CORRUPT,
			  "%s is no checkpoint of an agent: it holds no hostname and agent ID" NEXT_STEP, path);
		slaveinfo_free(info);
		return NULL;
	}
	return info;
}

void checkpoint_build(const Mesos__SlaveInfo *info, struct buffer *out)
{
	Mesos__SlaveInfo *copy = slaveinfo_copy(info);
	struct buffer message = BUFFER_INIT(CHECKPOINT_MAX);
	uint32_t size;

	for (size_t i = 0; i < copy->n_resources; i++) {
		resource_upgrade(copy->resources[i]);
		resource_downgrade(copy->resources[i]);
	}
	slaveinfo_pack(copy, &message);
	size = (uint32_t)message.len;
	buffer_append(out, &size, PREFIX);
	buffer_append(out, buffer_text(&message), message.len);
	buffer_clear(&message);
	slaveinfo_free(copy);
}
