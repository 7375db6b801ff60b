# SPDX-License-Identifier: Apache-2.0
"""Protobuf for tests: the messages of schema/*.proto to and from dicts as Mesos' JSON has them, with v1's names."""
import base64
import re
import struct


def tokens(path):
    with open(path, encoding="utf-8") as file:
        text = re.sub(r"//.*", "", file.read())
    return re.findall(r'"[^"]*"|[\w.]+|[{}=;]', text)


class Messages:
    """Of a file: {"Offer.Operation": {number: (name, label, type)}}, and the enums by name and by number."""

    def __init__(self, *paths):
        self.fields, self.enums = {}, {}
        for path in paths:
            self._read(tokens(path))

    def _read(self, words):
        scope = []
        while words:
            word = words.pop(0)
            if word in ("message", "enum"):
                scope.append((word, ".".join([name for _, name in scope[-1:]] + [words.pop(0)])))
                (self.fields if word == "message" else self.enums)[scope[-1][1]] = {}
                words.pop(0)
            elif word == "}":
                scope.pop()
            elif word in ("required", "optional", "repeated"):
                kind, name, _, number = words[:4]
                del words[:4]
                self.fields[scope[-1][1]][int(number)] = (name, word, kind)
            elif words and words[0] == "=" and scope and scope[-1][0] == "enum":
                self.enums[scope[-1][1]][int(words[1])] = word

    def _find(self, scope, kind, among):
        """A type's name as it is meant inside a message."""
        parts = scope.split(".")
        for depth in range(len(parts), -1, -1):
            name = ".".join(parts[:depth] + [kind])
            if name in among:
                return name
        return None

    # ---- from bytes

    def decode(self, message, data):
        found = {}
        for number, wire, value in fields(data):
            if number not in self.fields[message]:
                continue
            name, label, kind = self.fields[message][number]
            value = self._value(message, kind, wire, value)
            if label == "repeated":
                found.setdefault(v1(name), []).append(value)
            else:
                found[v1(name)] = value
        return found

    def _value(self, scope, kind, wire, value):
        if kind == "double":
            return struct.unpack("<d", value)[0]
        if kind == "string":
            return value.decode()
        if kind == "bytes":
            return base64.b64encode(value).decode()
        if wire == 2:
            return self.decode(self._find(scope, kind, self.fields), value)
        enum = self._find(scope, kind, self.enums)
        if enum:
            return re.sub("^(REASON|SOURCE)_SLAVE", r"\1_AGENT", self.enums[enum][value])
        return bool(value) if kind == "bool" else value

    # ---- to bytes

    def encode(self, message, given):
        data = b""
        for number, (name, label, kind) in self.fields[message].items():
            values = given.get(v1(name), given.get(name))
            if values is None:
                continue
            for value in values if label == "repeated" else [values]:
                data += self._put(message, number, kind, value)
        return data

    def _put(self, scope, number, kind, value):
        if kind == "double":
            return varint(number << 3 | 1) + struct.pack("<d", value)
        enum = self._find(scope, kind, self.enums)
        if kind == "string":
            value = value.encode()
        elif kind == "bytes":
            value = base64.b64decode(value)
        elif enum:
            value = next((at for at, name in self.enums[enum].items() if name == value), 99)
        elif isinstance(value, dict):
            value = self.encode(self._find(scope, kind, self.fields), value)
        if isinstance(value, bytes):
            return varint(number << 3 | 2) + varint(len(value)) + value
        return varint(number << 3) + varint(int(value))


def v1(name):
    return "agent_id" if name == "slave_id" else name


def varint(value):
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def fields(data):
    """(number, wire type, value) of each; a double is its 8 bytes."""
    at = 0

    def number():
        nonlocal at
        value, shift = 0, 0
        while True:
            value |= (data[at] & 127) << shift
            shift, at = shift + 7, at + 1
            if data[at - 1] < 128:
                return value
    while at < len(data):
        key = number()
        if key & 7 == 0:
            yield key >> 3, 0, number()
        else:
            size = number() if key & 7 == 2 else 8
            yield key >> 3, key & 7, data[at:at + size]
            at += size


MESOS = Messages("schema/mesos.proto")
SCHEDULER = Messages("schema/mesos.proto", "schema/scheduler.proto")
