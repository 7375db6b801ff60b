#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A master with a large fleet that does nothing but answer. Usage: tests/bench/big_master.py FOLDER [AGENTS [TASKS_EACH]]

Writes the answers to files in FOLDER once (in the forms a master has them: GET_AGENTS in protobuf and in JSON, /slaves, the tasks,
the frameworks, and the few words about itself) and serves them on a free loopback port, which it prints. FOLDER/only-slaves, when
it exists, makes it a master without the operator API. Ends when its stdin does.
"""
import http.server
import json
import os
import struct
import sys
import threading

ID = "8f2ece77-393b-4ca8-b8c1-0914a9839fd8"
CAPABILITIES = ["MULTI_ROLE", "HIERARCHICAL_ROLE", "RESERVATION_REFINEMENT", "RESOURCE_PROVIDER", "RESIZE_VOLUME",
                "AGENT_OPERATION_FEEDBACK", "AGENT_DRAINING", "TASK_RESOURCE_LIMITS"]


# ---- the fleet, as GET_AGENTS says it

def scalar(name, value, role="*", reserved=False):
    resource = {"name": name, "type": "SCALAR", "scalar": {"value": float(value)}, "role": role}
    if reserved:
        resource.update(reservation={}, reservations=[{"type": "STATIC", "role": role}])
    return resource


def resources_of(number):
    found = [scalar("cpus", 32 if number % 2 else 16), scalar("mem", 131072 if number % 2 else 65536), scalar("disk", 1000000)]
    if number % 2 == 0:
        found += [scalar("gpus", 2), scalar("mem", 8192, "web", True)]
    return found + [{"name": "ports", "type": "RANGES", "ranges": {"range": [{"begin": 31000, "end": 32000}]}, "role": "*"}]


def used_of(number):
    if number % 8 == 0:
        return []
    used = [scalar("cpus", number % 13 + 1), scalar("mem", number % 13 * 1024 + 512)]
    for resource in used:
        resource["allocation_info"] = {"role": "*"}
    return used


def attributes_of(number):
    texts = {"rack": "r%d" % (number // 40), "tier": "batch" if number % 5 else "web", "ssd": "true" if number % 2 else "false",
             "generation": "g%d" % (number % 7)}
    found = [{"name": name, "type": "TEXT", "text": {"value": value}} for name, value in texts.items()]
    return found + [{"name": "cores", "type": "SCALAR", "scalar": {"value": float(number % 4 * 8 + 8)}}]


def agent(number):
    resources = resources_of(number)
    return {
        "agent_info": {
            "hostname": "node%05d.example.com" % number, "port": 5051, "resources": resources,
            "attributes": attributes_of(number), "id": {"value": "%s-S%d" % (ID, number)},
            "domain": {"fault_domain": {"region": {"name": "eu" if number % 2000 < 1000 else "us"},
                                        "zone": {"name": "z%d" % (number // 2000)}}},
            "checkpoint": True},
        "active": number % 500 != 0, "deactivated": False, "version": "1.11.0" if number % 3 else "1.9.0",
        "pid": "slave(1)@10.%d.%d.%d:5051" % (number >> 16, number >> 8 & 255, number & 255),
        "registered_time": {"nanoseconds": 1795416837285767936 + number * 1000000},
        "reregistered_time": {"nanoseconds": 1795417837285767936 + number * 1000000},
        "total_resources": resources, "allocated_resources": used_of(number),
        "capabilities": [{"type": name} for name in CAPABILITIES]}


def task(agent_number, number):
    return {"name": "service-%d" % (number % 100), "task_id": {"value": "task-%d" % number},
            "framework_id": {"value": "%s-%04d" % (ID, number % 10)},
            "agent_id": {"value": "%s-S%d" % (ID, agent_number)}, "state": "TASK_RUNNING",
            "resources": [scalar("cpus", 0.5), scalar("mem", 32)],
            "statuses": [{"task_id": {"value": "task-%d" % number}, "state": "TASK_RUNNING", "source": "SOURCE_EXECUTOR",
                          "timestamp": 1795416842.2}]}


def framework(number):
    return {"framework_info": {"user": "root", "name": "marathon-%d" % number, "id": {"value": "%s-%04d" % (ID, number)},
                               "checkpoint": True, "roles": ["*"]},
            "active": True, "connected": True}


# ---- the same agent in /slaves

def plain(resources):
    shown = {name: 0.0 for name in ("disk", "mem", "gpus", "cpus")}
    for resource in resources:
        if resource["type"] == "SCALAR":
            shown[resource["name"]] += resource["scalar"]["value"]
        else:
            shown[resource["name"]] = "[31000-32000]"
    return shown


def slave(agent_of_api):
    info, total = agent_of_api["agent_info"], agent_of_api["total_resources"]
    reserved = [resource for resource in total if resource["role"] != "*"]
    unreserved = [resource for resource in total if resource["role"] == "*"]
    used = agent_of_api["allocated_resources"]
    return {
        "id": info["id"]["value"], "hostname": info["hostname"], "port": info["port"],
        "attributes": {a["name"]: a["text"]["value"] if a["type"] == "TEXT" else a["scalar"]["value"]
                       for a in info["attributes"]},
        "domain": info["domain"], "pid": agent_of_api["pid"],
        "registered_time": agent_of_api["registered_time"]["nanoseconds"] / 1e9,
        "reregistered_time": agent_of_api["reregistered_time"]["nanoseconds"] / 1e9,
        "resources": plain(total), "used_resources": plain(used), "offered_resources": plain([]),
        "reserved_resources": {"web": plain(reserved)} if reserved else {}, "unreserved_resources": plain(unreserved),
        "active": agent_of_api["active"], "deactivated": False, "version": agent_of_api["version"],
        "capabilities": CAPABILITIES, "reserved_resources_full": {"web": reserved} if reserved else {},
        "unreserved_resources_full": unreserved, "used_resources_full": used, "offered_resources_full": []}


# ---- protobuf: field numbers as in schema/mesos.proto

def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def number_field(field, value):
    return varint(field << 3) + varint(int(value))


def bytes_field(field, value):
    data = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(data)) + data


def double_field(field, value):
    return varint(field << 3 | 1) + struct.pack("<d", value)


def scalar_pb(value):
    return double_field(1, value["value"])


def resource_pb(resource):
    out = bytes_field(1, resource["name"])
    if resource["type"] == "SCALAR":
        out += number_field(2, 0) + bytes_field(3, scalar_pb(resource["scalar"]))
    else:
        ranges = b"".join(bytes_field(1, number_field(1, r["begin"]) + number_field(2, r["end"]))
                          for r in resource["ranges"]["range"])
        out += number_field(2, 1) + bytes_field(4, ranges)
    if "reservations" in resource:
        out += bytes_field(13, bytes_field(3, resource["role"]) + number_field(4, 1))
    if "allocation_info" in resource:
        out += bytes_field(11, bytes_field(1, "*"))
    return out


def attribute_pb(attribute):
    out = bytes_field(1, attribute["name"])
    if attribute["type"] == "TEXT":
        return out + number_field(2, 3) + bytes_field(5, bytes_field(1, attribute["text"]["value"]))
    return out + number_field(2, 0) + bytes_field(3, scalar_pb(attribute["scalar"]))


def info_pb(info):
    domain = info["domain"]["fault_domain"]
    fault = b"".join(bytes_field(field, bytes_field(1, domain[part]["name"])) for field, part in ((1, "region"), (2, "zone")))
    return (bytes_field(1, info["hostname"]) + b"".join(bytes_field(3, resource_pb(r)) for r in info["resources"]) +
            b"".join(bytes_field(5, attribute_pb(a)) for a in info["attributes"]) +
            bytes_field(6, bytes_field(1, info["id"]["value"])) + number_field(7, 1) + number_field(8, info["port"]) +
            bytes_field(10, bytes_field(1, fault)))


def agent_pb(one):
    out = bytes_field(1, info_pb(one["agent_info"])) + number_field(2, one["active"])
    out += bytes_field(3, one["version"]) + bytes_field(4, one["pid"])
    out += bytes_field(5, number_field(1, one["registered_time"]["nanoseconds"]))
    out += bytes_field(6, number_field(1, one["reregistered_time"]["nanoseconds"]))
    out += b"".join(bytes_field(7, resource_pb(r)) for r in one["total_resources"])
    out += b"".join(bytes_field(8, resource_pb(r)) for r in one["allocated_resources"])
    out += b"".join(bytes_field(10, number_field(1, kind)) for kind in range(1, 9))
    return out + number_field(12, 0)


def task_pb(one):
    status = (bytes_field(1, bytes_field(1, one["task_id"]["value"])) + number_field(2, 1) + double_field(6, 1795416842.2))
    return (bytes_field(1, one["name"]) + bytes_field(2, bytes_field(1, one["task_id"]["value"])) +
            bytes_field(3, bytes_field(1, one["framework_id"]["value"])) +
            bytes_field(5, bytes_field(1, one["agent_id"]["value"])) + number_field(6, 1) +
            b"".join(bytes_field(7, resource_pb(r)) for r in one["resources"]) + bytes_field(8, status))


# ---- the files

def write_json(path, head, items, tail):
    with open(path, "w", encoding="utf-8") as out:
        out.write(head)
        for index, item in enumerate(items):
            out.write(("," if index else "") + json.dumps(item, separators=(",", ":")))
        out.write(tail)


def write_pb(path, call, member, items, pack):
    body = b"".join(bytes_field(items[1], pack(item)) for item in items[0])
    with open(path, "wb") as out:
        out.write(number_field(1, call) + bytes_field(member, body))


def write_small(folder):
    captured = os.path.join(os.environ.get("TEST_DATA", "tests/data"), "mesos", "captured")
    for name, captured_name in (("GET_MASTER.json", "master-v1-GET_MASTER.json"), ("flags.json", "master-flags.json")):
        with open(os.path.join(captured, captured_name), encoding="utf-8") as source:
            with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
                out.write(source.read())


def write_state(folder, frameworks, tasks):
    """/state of a master without the operator API; who syncs from it wants the tasks and the frameworks."""
    by_framework = {}
    for one in tasks:
        by_framework.setdefault(one["framework_id"]["value"], []).append({
            "id": one["task_id"]["value"], "name": one["name"], "framework_id": one["framework_id"]["value"],
            "executor_id": "", "slave_id": one["agent_id"]["value"], "state": one["state"], "statuses": [
                {"state": "TASK_RUNNING", "timestamp": 1795416842.2}]})
    shown = [{"id": one["framework_info"]["id"]["value"], "name": one["framework_info"]["name"], "roles": ["*"],
              "active": True, "checkpoint": True, "capabilities": [], "completed_tasks": [], "unreachable_tasks": [],
              "tasks": by_framework.get(one["framework_info"]["id"]["value"], [])} for one in frameworks]
    with open(os.path.join(folder, "flags.json"), encoding="utf-8") as source:
        flags = json.load(source)["flags"]
    with open(os.path.join(folder, "state.json"), "w", encoding="utf-8") as out:
        json.dump({"id": ID, "version": "1.4.0", "capabilities": [], "flags": flags, "frameworks": shown,
                   "orphan_tasks": []}, out, separators=(",", ":"))


def write_all(folder, count, tasks_each):
    agents = [agent(number) for number in range(count)]
    tasks = [task(number // tasks_each, number) for number in range(count * tasks_each)] if tasks_each else []
    frameworks = [framework(number) for number in range(10)]

    def place(name):
        return os.path.join(folder, name)
    write_small(folder)
    write_json(place("slaves.json"), '{"slaves":[', (slave(one) for one in agents), '],"recovered_slaves":[]}')
    write_json(place("GET_AGENTS.json"), '{"type":"GET_AGENTS","get_agents":{"agents":[', agents, ']}}')
    write_json(place("GET_TASKS.json"), '{"type":"GET_TASKS","get_tasks":{"tasks":[', tasks, ']}}')
    write_json(place("GET_FRAMEWORKS.json"), '{"type":"GET_FRAMEWORKS","get_frameworks":{"frameworks":[', frameworks, ']}}')
    write_pb(place("GET_AGENTS.pb"), 9, 10, (agents, 1), agent_pb)
    write_pb(place("GET_TASKS.pb"), 12, 13, (tasks, 2), task_pb)
    write_state(folder, frameworks, tasks)
    with open(place("ready"), "w", encoding="utf-8") as out:
        out.write("%d %d\n" % (count, tasks_each))


# ---- the server

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a master's headers and body leave together
    folder = "."

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass

    def place(self, name):
        path = os.path.join(self.folder, name)
        return path if os.path.exists(path) else None

    def send_file(self, path, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(os.path.getsize(path)))
        self.end_headers()
        self.wfile.flush()
        with open(path, "rb") as source:
            self.connection.sendfile(source)

    def do_GET(self):
        name = self.path.split("?")[0].strip("/") + ".json"
        path = self.place(name) if name in ("slaves.json", "state.json", "flags.json") else None
        if path:
            self.send_file(path, "application/json")
        else:
            self.send_error(404)

    def do_POST(self):
        call = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0)))).get("type", "")
        protobuf = self.place(call + ".pb") if "protobuf" in self.headers.get("Accept", "") else None
        path = protobuf or self.place(call + ".json")
        if self.place("only-slaves") or not path:
            self.send_error(404)
        else:
            self.send_file(path, "application/x-protobuf" if protobuf else "application/json")


def main():
    folder = sys.argv[1]
    wanted = "%d %d\n" % (int((sys.argv + ["", ""])[2] or 50000), int((sys.argv + ["", "", ""])[3] or 0))
    os.makedirs(folder, exist_ok=True)
    ready = os.path.join(folder, "ready")
    if not os.path.exists(ready) or open(ready, encoding="utf-8").read() != wanted:
        write_all(folder, *(int(word) for word in wanted.split()))
    Handler.folder = folder
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
