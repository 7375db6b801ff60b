/* SPDX-License-Identifier: Apache-2.0 */
#include "mesos/pb.h"

#include <string.h>

#include "base/alloc.h"

static void *allocate(void *data, size_t size)
{
	(void)data;
	return xmalloc(size > 0 ? size : 1);
}

static void release(void *data, void *memory)
{
	(void)data;
	free(memory);
}

static ProtobufCAllocator aborting_allocator = {.alloc = allocate, .free = release, .allocator_data = NULL};

void *pb_new(const ProtobufCMessageDescriptor *descriptor)
{
	ProtobufCMessage *message = xmalloc(descriptor->sizeof_message);

	protobuf_c_message_init(descriptor, message);
	return message;
}

void pb_free(void *message)
{
	if (message != NULL)
		protobuf_c_message_free_unpacked(message, &aborting_allocator);
}

static void *unpack(const ProtobufCMessageDescriptor *descriptor, const void *data, size_t len)
{
	static const unsigned char nothing;

	return protobuf_c_message_unpack(descriptor, &aborting_allocator, len, len > 0 ? data : &nothing);
}

/* NULL when what the message packs to cannot be unpacked. */
static void *try_copy(const ProtobufCMessage *from)
{
	size_t len = protobuf_c_message_get_packed_size(from);
	unsigned char *bytes = xmalloc(len + 1);
	void *copy;

	protobuf_c_message_pack(from, bytes);
	copy = unpack(from->descriptor, bytes, len);
	free(bytes);
	return copy;
}

void *pb_copy(const void *message)
{
	void *copy = try_copy(message);

	if (copy == NULL) /* built without a required field: nothing sensible can follow */
		abort();
	return copy;
}

bool pb_equal(const void *a, const void *b)
{
	size_t len = protobuf_c_message_get_packed_size(a);
	unsigned char *left, *right;
	bool equal;

	if (len != protobuf_c_message_get_packed_size(b))
		return false;
	left = xmalloc(len + 1);
	right = xmalloc(len + 1);
	protobuf_c_message_pack(a, left);
	protobuf_c_message_pack(b, right);
	equal = memcmp(left, right, len) == 0;
	free(left);
	free(right);
	return equal;
}

void pb_pack(const void *message, struct buffer *out)
{
	size_t len = protobuf_c_message_get_packed_size(message);
	unsigned char *bytes = xmalloc(len + 1);

	protobuf_c_message_pack(message, bytes);
	buffer_append(out, bytes, len);
	free(bytes);
}

/* protobuf-c lets some malformed bytes pass that it then cannot read again (a field numbered 0 in too many bytes), so
 * only a message that survives a copy is taken. */
void *pb_unpack(const ProtobufCMessageDescriptor *descriptor, const void *data, size_t len)
{
	ProtobufCMessage *message = unpack(descriptor, data, len);
	void *copy = message != NULL ? try_copy(message) : NULL;

	if (copy == NULL) {
		pb_free(message);
		return NULL;
	}
	pb_free(copy);
	return message;
}

void pb_set_string(char **slot, const char *value)
{
	char *copy = value != NULL ? xstrdup(value) : NULL;

	free(*slot);
	*slot = copy;
}

const char *pb_enum_name(const ProtobufCEnumDescriptor *descriptor, int value)
{
	const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(descriptor, value);

	return found != NULL ? found->name : NULL;
}

size_t pb_field_size(const ProtobufCFieldDescriptor *field)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_DOUBLE:
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_UINT64:
		return 8;
	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	default:
		return 4;
	}
}

bool pb_field_is_set(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	const char *base = (const char *)message;

	if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE)
		return *(void *const *)(const void *)(base + field->offset) != NULL;
	if (field->label == PROTOBUF_C_LABEL_REQUIRED)
		return true;
	return *(const protobuf_c_boolean *)(const void *)(base + field->quantifier_offset);
}
