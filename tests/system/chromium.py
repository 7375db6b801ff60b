# SPDX-License-Identifier: Apache-2.0
"""A page in Debian's headless Chromium, driven over two pipes: no port, no network.

    with Chromium() as browser:
        page = browser.open("/path/report.html", dark=True, width=1280)
        page.run("document.title")
        page.screenshot("page.png")
"""
import base64
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PATIENCE = 120  # seconds for one answer; a page of thousands of agents on a busy machine takes a few
PROGRAMS = ["chromium-headless-shell", "chromium"]

# The browser reads commands from descriptor 3 and writes to 4.
START = """import os, sys
os.dup2(int(sys.argv[1]), 60); os.dup2(int(sys.argv[2]), 61); os.dup2(60, 3); os.dup2(61, 4)
os.execvp(sys.argv[3], sys.argv[3:])"""

# Before anything of the page runs: what a stall is measured by.
OBSERVE = """window.longTasks = [];
new PerformanceObserver(list => list.getEntries().forEach(entry => window.longTasks.push(entry.duration)))
    .observe({type: 'longtask', buffered: true});"""


class Chromium:
    def __init__(self):
        program = next((name for name in PROGRAMS if shutil.which(name)), None)
        if not program:
            raise AssertionError("no Chromium: tests/checks/deps installs chromium-headless-shell")
        self.folder = tempfile.mkdtemp(prefix="chromium-")
        theirs, self.to = os.pipe()
        self.from_, others = os.pipe()
        self.number, self.events, self.rest = 0, [], b""
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, str(theirs), str(others), program, "--headless", "--no-sandbox",
             "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", "--disable-breakpad", "--hide-scrollbars",
             "--user-data-dir=" + self.folder, "--remote-debugging-pipe", "about:blank"],
            pass_fds=(theirs, others), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(theirs)
        os.close(others)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        os.close(self.to)
        try:
            os.killpg(self.process.pid, signal.SIGKILL)  # the group that was made for it
        except ProcessLookupError:
            pass
        self.process.wait()
        os.close(self.from_)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _receive(self, deadline):
        while b"\0" not in self.rest:
            if not select.select([self.from_], [], [], max(0, deadline - time.monotonic()))[0]:
                raise AssertionError(f"the browser has not answered within {PATIENCE} s")
            read = os.read(self.from_, 1 << 20)
            if not read:
                raise AssertionError("the browser has ended")
            self.rest += read
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)

    def ask(self, method, session=None, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.to, data):]
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = self._receive(deadline)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait_for(self, session, method):
        deadline = time.monotonic() + PATIENCE
        while True:
            for index, event in enumerate(self.events):
                if event.get("sessionId") == session and event["method"] == method:
                    return self.events.pop(index)["params"]
            self.events.append(self._receive(deadline))

    def open(self, path, **looks):
        return Page(self, path, **looks)


class Page:
    def __init__(self, browser, path, dark=False, width=1280, height=900, scripts=True):
        self.browser = browser
        target = browser.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(domain + ".enable")
        self.resize(width, height)
        self.ask("Emulation.setEmulatedMedia",
                 features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.ask("Page.addScriptToEvaluateOnNewDocument", source=OBSERVE)
        self.ask("Emulation.setScriptExecutionDisabled", value=not scripts)
        began = time.monotonic()
        self.ask("Page.navigate", url="file://" + os.path.abspath(path))
        browser.wait_for(self.session, "Page.loadEventFired")
        self.load_seconds = time.monotonic() - began

    def ask(self, method, **params):
        return self.browser.ask(method, self.session, **params)

    def resize(self, width, height):
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def run(self, expression):
        """The value of a JavaScript expression; a promise is waited for."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait_until(self, expression):
        deadline = time.monotonic() + PATIENCE
        while not self.run(expression):
            if time.monotonic() > deadline:
                raise AssertionError(f"never true: {expression}")
            time.sleep(0.05)

    def key(self, name):
        code = {"Enter": 13, "Tab": 9}.get(name, 0)
        text = {"text": "\r"} if name == "Enter" else {}
        self.ask("Input.dispatchKeyEvent", type="keyDown", key=name, code=name, windowsVirtualKeyCode=code, **text)
        self.ask("Input.dispatchKeyEvent", type="keyUp", key=name, code=name, windowsVirtualKeyCode=code)

    def screenshot(self, path, whole=False):
        data = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def pdf(self):
        return base64.b64decode(self.ask("Page.printToPDF", printBackground=False, preferCSSPageSize=True)["data"])

    def complaints(self):
        """What the console said as a warning or an error, exceptions, and every request but the one for the file itself."""
        self.run("1")  # what was said before has come
        found = []
        for event in self.browser.events:
            if event.get("sessionId") != self.session:
                continue
            params, method = event["params"], event["method"]
            if method == "Runtime.exceptionThrown":
                found.append(str(params["exceptionDetails"]))
            elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
                found.append(str(params["args"]))
            elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
                found.append(params["entry"]["text"])
            elif method == "Network.requestWillBeSent" and params["documentURL"] != params["request"]["url"]:
                found.append("request: " + params["request"]["url"])
        return found
