/* SPDX-License-Identifier: Apache-2.0 */
/* What a master calls text is UTF-8, or the answer is refused. */
#include "remote/master_parse.h"

static bool is_utf8(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	while (*at != '\0') {
		unsigned more = *at < 0x80 ? 0 : *at >= 0xf0 ? 3 : *at >= 0xe0 ? 2 : 1;
		uint32_t code = more == 0 ? *at : *at & (0x3fu >> more);
		static const uint32_t smallest[] = {0, 0x80, 0x800, 0x10000};
		if ((*at >= 0x80 && *at < 0xc2) || *at > 0xf4)
			return false;
		at++;
		for (unsigned i = 0; i < more; i++, at++) {
			if ((*at & 0xc0) != 0x80)
				return false;
			code = code << 6 | (*at & 0x3f);
		}
		if (code < smallest[more] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
			return false;
	}
	return true;
}

static bool value_is_text(const ProtobufCFieldDescriptor *field, const void *value)
{
	if (field->type == PROTOBUF_C_TYPE_STRING)
		return *(char *const *)value == NULL || is_utf8(*(char *const *)value);
	const ProtobufCMessage *message = *(ProtobufCMessage *const *)value;
	return message == NULL || master_is_text(message);
}

bool master_is_text(const ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;
	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
		const char *member = (const char *)message + field->offset;
		if (field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE)
			continue;
		if (field->label != PROTOBUF_C_LABEL_REPEATED) {
			if (!value_is_text(field, member))
				return false;
			continue;
		}
		size_t count = *(const size_t *)((const char *)message + field->quantifier_offset);
		void *const *values = *(void *const *const *)member;
		for (size_t j = 0; j < count; j++) {
			if (!value_is_text(field, &values[j]))
				return false;
		}
	}
	return true;
}
