#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Seeds for the fuzz targets from what real agents took and wrote. Usage: tests/fuzz/seeds.py FOLDER

Writes FOLDER/TARGET/NUMBER from tests/data/mesos (or $TEST_DATA/mesos): flags, checkpoints, whole meta folders, refusals.
"""
import base64
import glob
import json
import os
import sys

# The first byte of an input of fuzz_meta: which file it is.
META = {"executor.info": 0, "framework.info": 1, "task.updates": 2, "slave.info": 3, "resources.info": 4,
        "resources_and_operations.state": 5, "forked.pid": 6, "boot_id": 7}
OF_FLAG = {"attributes": "attributes", "resources": "resources", "domain": "domain"}


def verdicts(data):
    for name in ("verdicts.json", "verdicts-more.json"):
        with open(os.path.join(data, name), encoding="utf-8") as text:
            document = json.load(text)
        yield from (case for cases in document.values() if isinstance(cases, list) for case in cases)


def texts(value):
    """Every text in a document, with the name it has."""
    if isinstance(value, dict):
        for name, item in value.items():
            if isinstance(item, str):
                yield name, item
            else:
                yield from texts(item)


def store_line(name, value):
    return f"MESOS_{name.upper()}='{value}'\n"


def seeds_of(case):
    for name, text in texts(case):
        if name in OF_FLAG:
            yield OF_FLAG[name], text.encode()
            yield "store", store_line(name, text).encode()
            yield "store_directory", f"{name}={text}\n?strict=\n".encode()
        elif name == "slave_info_base64":
            yield "checkpoint", base64.b64decode(text)
        elif name == "message" and "New agent info:\n" in text:
            yield "refusal", text.encode()
            yield "refusal", text.split("New agent info:\n")[1].encode()


def all_seeds(data):
    for case in verdicts(data):
        yield from seeds_of(case)
    yield "store_directory", b"attributes/rack=r1\nattributes/zone=z1\nresources/cpus=4\n?no-strict=\nmaster=m:5050\n"
    for path in sorted(glob.glob(os.path.join(data, "captured/agent-meta-*/**"), recursive=True)):
        name = os.path.basename(path)
        if os.path.isfile(path) and name in META:
            with open(path, "rb") as file:
                content = file.read()
            yield "meta", bytes([META[name]]) + content
            if name == "slave.info":
                yield "checkpoint", content


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    data = os.path.join(os.environ.get("TEST_DATA", "tests/data"), "mesos")
    written = {}
    for target, content in all_seeds(data):
        known = written.setdefault(target, set())
        if content in known:
            continue
        os.makedirs(os.path.join(sys.argv[1], target), exist_ok=True)
        with open(os.path.join(sys.argv[1], target, str(len(known))), "wb") as file:
            file.write(content)
        known.add(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
