# SPDX-License-Identifier: Apache-2.0
"""Schedulers for tests: the lab's own program, and one that speaks HTTP itself."""
import http.client
import json
import signal
import subprocess
import threading
import time

from lab import LAB, eventually

LONG = 60  # seconds: what is waited for comes at once on an idle machine


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


class Plain:
    """A scheduler made of nothing but HTTP."""

    def __init__(self, lab, name="plain", role="*", **info):
        self.lab = lab
        self.connection = http.client.HTTPConnection(lab.master, timeout=LONG)
        subscribe = {"framework_info": {"user": "root", "name": name, "role": role, **info}}
        call = {"type": "SUBSCRIBE", "subscribe": subscribe}
        if "id" in info:
            call["framework_id"] = info["id"]
        self.connection.request("POST", "/api/v1/scheduler", json.dumps(call), {"Content-Type": "application/json"})
        self.answer = self.connection.getresponse()
        self.stream = self.answer.getheader("Mesos-Stream-Id")
        if self.answer.status == 200:
            self.id = self.next("SUBSCRIBED")["subscribed"]["framework_id"]

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
        return json.loads(self.answer.read(int(length)))

    def next(self, kind):
        """The next event of that kind; others are passed over, for a while."""
        deadline, seen = time.monotonic() + LONG, []
        while time.monotonic() < deadline:
            event = self.event()
            if event["type"] == kind:
                return event
            seen.append(event)
        raise AssertionError(f"no {kind} came; what came was {seen[-5:]}")

    def offers(self):
        """What the next offers hold: (offer, {"cpus": 7.0, "mem(web)": 100.0})."""
        found = []
        for offer in self.next("OFFERS")["offers"]["offers"]:
            sums = {}
            for resource in offer["resources"]:
                name = resource["name"] + "".join(f"({stack['role']})" for stack in resource.get("reservations", []))
                sums[name] = sums.get(name, 0) + resource.get("scalar", {}).get("value", 0)
            found.append((offer, sums))
        return found

    def post(self, kind, stream=None, **member):
        """(status, text) of a call."""
        call = {"type": kind, "framework_id": self.id, **({kind.lower(): member} if member else {})}
        connection = http.client.HTTPConnection(self.lab.master, timeout=LONG)
        headers = {"Content-Type": "application/json", "Mesos-Stream-Id": stream or self.stream}
        connection.request("POST", "/api/v1/scheduler", json.dumps(call), headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def decline(self, offer, seconds=0.0):
        return self.post("DECLINE", offer_ids=[offer["id"]], filters={"refuse_seconds": seconds})

    def launch(self, offer, task_id, **amounts):
        resources = [{"name": name, "type": "SCALAR", "scalar": {"value": value}} for name, value in amounts.items()]
        task = {"name": task_id, "task_id": {"value": task_id}, "agent_id": offer["agent_id"], "resources": resources}
        return self.post("ACCEPT", offer_ids=[offer["id"]], filters={"refuse_seconds": 0.0},
                         operations=[{"type": "LAUNCH", "launch": {"task_infos": [task]}}])

    def acknowledge(self, status):
        return self.post("ACKNOWLEDGE", agent_id=status["agent_id"], task_id=status["task_id"], uuid=status["uuid"])

    def wait_update(self, state):
        """Acknowledges updates until one of that state; gives it."""
        seen = []
        while len(seen) < 20:
            try:
                status = self.next("UPDATE")["update"]["status"]
            except AssertionError as error:
                raise AssertionError(f"{state} did not come; what came was {seen}") from error
            if "uuid" in status:
                self.acknowledge(status)
            if status["state"] == state:
                return status
            seen.append(status)
        raise AssertionError(f"{state} did not come; what came was {seen}")
