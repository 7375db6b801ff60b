/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_CORE_WIRE_H
#define LAB_CORE_WIRE_H
/* Messages of schema/mesos.proto inside the lab's JSON lines: base64 of their bytes. */
#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

json_t *wire_pack(const void *message);
/* NULL when text is no such message; free with pb_free. */
void *wire_unpack(const ProtobufCMessageDescriptor *descriptor, const json_t *text);

#endif
