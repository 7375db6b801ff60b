# SPDX-License-Identifier: Apache-2.0
"""Schedulers for tests: the lab's own program, and one that speaks HTTP itself."""
import http.client
import json
import signal
import subprocess
import threading
import time

from lab import LAB, eventually
from wire import SCHEDULER

LONG = 60  # seconds: what is waited for comes at once on an idle machine


def generations(changes):
    """What changed agents have become: the lab's attribute that tests change."""
    return [attribute["text"]["value"] for status in changes for attribute in status["agent_info"]["attributes"]
            if attribute["name"] == "generation"]


class Scheduler:
    """rollcall-lab framework, read as it talks."""

    def __init__(self, lab, *words):
        self.process = subprocess.Popen([LAB, "framework", "--dir", lab.dir, *words], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.events = []
        self.reader = threading.Thread(target=self._read)
        self.reader.start()
        self.wait(lambda: self.id, "the subscription")

    def _read(self):
        for line in self.process.stdout:
            self.events.append(json.loads(line))

    def wait(self, condition, what):
        return eventually(condition, LONG, what)

    def of(self, kind):
        return [event[kind.lower()] for event in list(self.events) if event["type"] == kind and kind.lower() in event]

    @property
    def id(self):
        found = self.of("SUBSCRIBED")
        return found[-1]["framework_id"]["value"] if found else None

    def updates(self, state=None, reason=None):
        found = [event["status"] for event in self.of("UPDATE")]
        return [status for status in found if state in (None, status["state"]) and reason in (None, status.get("reason"))]

    def changes(self):
        """The updates of the proposal."""
        return self.updates("TASK_RUNNING", "REASON_SLAVE_STATE_CHANGED")

    def wait_running(self, count):
        def look():
            ids = {status["task_id"]["value"] for status in self.updates("TASK_RUNNING")}
            return ids if len(ids) >= count else None
        return self.wait(look, f"{count} running tasks")

    def executor(self, task_id):
        return next(status["container_status"]["executor_pid"] for status in self.updates("TASK_RUNNING")
                    if status["task_id"]["value"] == task_id)

    def stop(self):
        """Ends the program; the framework stays until its failover timeout is over."""
        self.process.send_signal(signal.SIGTERM)
        return self.finish()

    def finish(self):
        code = self.process.wait(LONG)
        self.reader.join()
        self.said = self.process.stderr.read()
        self.process.stdout.close()
        self.process.stderr.close()
        return code


class Json:
    """How calls are written and events read."""
    TYPE = "application/json"

    @staticmethod
    def write(call):
        return json.dumps(call)

    read = staticmethod(json.loads)


class Protobuf:
    TYPE = "application/x-protobuf"

    @staticmethod
    def write(call):
        return SCHEDULER.encode("Call", call)

    @staticmethod
    def read(data):
        return SCHEDULER.decode("Event", data)


def launch(*tasks):
    return {"type": "LAUNCH", "launch": {"task_infos": tasks}}


class Plain:
    """A scheduler made of nothing but HTTP. Refused with an event: `refused` is its text."""

    def __init__(self, lab, name="plain", role="*", speaks=Json, **info):
        self.lab, self.speaks, self.refused = lab, speaks, None
        self.kept, self.acknowledged = [], set()
        self.connection = http.client.HTTPConnection(lab.master, timeout=LONG)
        subscribe = {"framework_info": {"user": "root", "name": name, **({"role": role} if role else {}), **info}}
        call = {"type": "SUBSCRIBE", "subscribe": subscribe}
        if "id" in info:
            call["framework_id"] = info["id"]
        self.connection.request("POST", "/api/v1/scheduler", speaks.write(call),
                                {"Content-Type": speaks.TYPE, "Accept": speaks.TYPE})
        self.answer = self.connection.getresponse()
        self.stream = self.answer.getheader("Mesos-Stream-Id")
        if self.answer.status == 200:
            first = self.event()
            if first["type"] == "SUBSCRIBED":
                self.id = first["subscribed"]["framework_id"]
            else:
                self.refused = first["error"]["message"]

    def close(self):
        self.answer.close()
        self.connection.close()

    def event(self):
        length = b""
        while not length.endswith(b"\n"):
            piece = self.answer.read(1)
            if not piece:
                raise EOFError("the master has ended the subscription")
            length += piece
        return self.speaks.read(self.answer.read(int(length)))

    def next(self, kind):
        """The next event of that kind. Others that come before it are kept for whoever asks for them."""
        for event in self.kept:
            if event["type"] == kind:
                self.kept.remove(event)
                return event
        deadline = time.monotonic() + LONG
        while time.monotonic() < deadline:
            event = self.event()
            if event["type"] == kind:
                return event
            self._keep(event)
        raise AssertionError(f"no {kind} came; what came was {self.kept[-5:]}")

    def _keep(self, event):
        """An offer that has been taken back is none."""
        if event["type"] == "RESCIND":
            gone = event["rescind"]["offer_id"]
            self.kept = [old for old in self.kept if old["type"] != "OFFERS" or old["offers"]["offers"][0]["id"] != gone]
        if event["type"] != "HEARTBEAT":
            self.kept.append(event)

    def wait_rescinded(self, offer):
        while self.next("RESCIND")["rescind"]["offer_id"] != offer["id"]:
            pass

    def offers(self):
        """What the next offers hold: (offer, {"cpus": 7.0, "mem(web)": 100.0})."""
        found = []
        for offer in self.next("OFFERS")["offers"]["offers"]:
            sums = {}
            for resource in offer["resources"]:
                name = resource["name"] + "".join(f"({stack['role']})" for stack in resource.get("reservations", []))
                volume = resource.get("disk", {}).get("persistence")
                name += f"[{volume['id']}]" if volume else ""
                sums[name] = sums.get(name, 0) + resource.get("scalar", {}).get("value", 0)
            found.append((offer, sums))
        return found

    def post(self, kind, stream=None, **member):
        """(status, text) of a call."""
        call = {"type": kind, "framework_id": self.id, **({kind.lower(): member} if member else {})}
        connection = http.client.HTTPConnection(self.lab.master, timeout=LONG)
        headers = {"Content-Type": self.speaks.TYPE, "Mesos-Stream-Id": stream or self.stream}
        connection.request("POST", "/api/v1/scheduler", self.speaks.write(call), headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def decline(self, offer, seconds=0.0):
        return self.post("DECLINE", offer_ids=[offer["id"]], filters={"refuse_seconds": seconds})

    def launch(self, offer, task_id, **amounts):
        resources = [{"name": name, "type": "SCALAR", "scalar": {"value": value}} for name, value in amounts.items()]
        task = {"name": task_id, "task_id": {"value": task_id}, "agent_id": offer["agent_id"], "resources": resources}
        return self.accept(offer, launch(task))

    def accept(self, offer, *operations):
        return self.post("ACCEPT", offer_ids=[offer["id"]], filters={"refuse_seconds": 0.0}, operations=operations)

    def acknowledge(self, status):
        return self.post("ACKNOWLEDGE", agent_id=status["agent_id"], task_id=status["task_id"], uuid=status["uuid"])

    def wait_update(self, state):
        """Acknowledges updates until one of that state, which has not come before; gives it."""
        seen = []
        while len(seen) < 20:
            try:
                status = self.next("UPDATE")["update"]["status"]
            except AssertionError as error:
                raise AssertionError(f"{state} did not come; what came was {seen}") from error
            again = status.get("uuid") in self.acknowledged
            if "uuid" in status:
                self.acknowledged.add(status["uuid"])
                self.acknowledge(status)
            if status["state"] == state and not again:
                return status
            seen.append(status)
        raise AssertionError(f"{state} did not come; what came was {seen}")
