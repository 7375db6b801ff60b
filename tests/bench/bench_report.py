#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the HTML report of a large run costs: its making, its size, and in headless Chromium its loading and the longest time in
which the page does not answer. Usage: bench_report.py [AGENTS] (5000). ROLLCALL_BIN names the folder of the programs."""
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../system"))
from chromium import Chromium  # noqa: E402

BIN = os.environ.get("ROLLCALL_BIN", os.path.abspath("build/gcc/bin"))
ACTIONS = {
    "sort by time away": "document.querySelector('table.agents thead th:nth-child(7) button').click()",
    "open a proof": "document.querySelector('table.agents tbody a').click()",
    "filter": "form = document.querySelector('form.controls'); form.text.value = 'east'; form.dispatchEvent(new Event('input'))",
}


def main():
    agents = sys.argv[1] if len(sys.argv) > 1 else "5000"
    with tempfile.TemporaryDirectory() as folder, Chromium() as browser:
        database, path = os.path.join(folder, "run.db"), os.path.join(folder, "report.html")
        subprocess.run([os.path.join(BIN, "tests/report/make_run"), database, "--agents", agents], check=True)
        began = time.monotonic()
        subprocess.run([os.path.join(BIN, "rollcall"), "--db", database, "audit", "report", "latest", "--format", "html", "--out", path],
                       check=True)
        print(f"{agents} agents: made in {time.monotonic() - began:.1f} s, {os.path.getsize(path) / 1e6:.1f} MB")
        page = browser.open(path)
        page.run("new Promise(done => setTimeout(done, 1000))")
        print(f"loaded in {page.load_seconds:.2f} s; longest task {max(page.run('longTasks') + [0]):.0f} ms; "
              f"complaints: {page.complaints() or 'none'}")
        for name, script in ACTIONS.items():
            page.run("longTasks.length = 0; " + script)
            page.run("new Promise(done => setTimeout(done, 1000))")
            longest = max(page.run("longTasks") + [0])
            print(f"{name}: " + (f"longest task {longest:.0f} ms" if longest else "no task of 50 ms or more"))


if __name__ == "__main__":
    main()
