/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/core/wire.h"

#include <stdlib.h>

#include "base/digest.h"
#include "mesos/pb.h"

#define MESSAGE_MAX (16u << 20)

json_t *wire_pack(const void *message)
{
	struct buffer bytes = BUFFER_INIT(MESSAGE_MAX);
	pb_pack(message, &bytes);
	char *text = base64_encode(buffer_text(&bytes), bytes.len);
	json_t *value = json_string(text);
	free(text);
	buffer_clear(&bytes);
	return value;
}

void *wire_unpack(const ProtobufCMessageDescriptor *descriptor, const json_t *text)
{
	unsigned char *bytes = NULL;
	size_t len = 0;
	if (!json_is_string(text) || base64_decode(json_string_value(text), &bytes, &len, NULL) < 0)
		return NULL;
	void *message = pb_unpack(descriptor, bytes, len);
	free(bytes);
	return message;
}
