#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reports of simulated runs, in every format; the page in a real browser, with names that want to be markup, script or formula."""
import csv
import io
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import documents
from chromium import Chromium
from falsified import Ledger
from lab import BIN

RUN, RESCUE = "r-20231114-1", "rescue-abababababab"
MANY = 400  # more than are laid out at once, and than have their proof in the page itself

# Texts whose contrast with what is painted behind them is too small, as "ratio text".
PALE = """(() => {
    const canvas = document.createElement('canvas'), pen = canvas.getContext('2d', {willReadFrequently: true});
    const known = {};
    function rgba(colour) {
        if (!known[colour]) {
            pen.clearRect(0, 0, 1, 1); pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1);
            const d = pen.getImageData(0, 0, 1, 1).data; known[colour] = [d[0], d[1], d[2], d[3] / 255];
        }
        return known[colour];
    }
    function over(top, below) { return [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3])).concat(1); }
    function ground(e) {
        if (!e) return rgba(getComputedStyle(document.body).backgroundColor);
        const own = rgba(getComputedStyle(e).backgroundColor);
        return own[3] === 1 ? own : over(own, ground(e.parentElement));
    }
    function light(c) {
        const [r, g, b] = c.map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    }
    const found = new Set();
    for (const e of document.querySelectorAll('body *')) {
        const text = [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.data.trim()).join('');
        if (!text || e.closest('svg, script, style') || !e.getClientRects().length) continue;
        const style = getComputedStyle(e), below = ground(e), a = light(over(rgba(style.color), below)), b = light(below);
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), size = parseFloat(style.fontSize);
        if (ratio < (size >= 24 || (size >= 18.6 && style.fontWeight >= 600) ? 3 : 4.5))
            found.add(ratio.toFixed(2) + ' ' + e.tagName + '.' + e.className + ' ' + text.slice(0, 40));
    }
    return [...found].slice(0, 20);
})()"""


def command(*words):
    return subprocess.run(list(words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600)


class Reports(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.make("few", "--agents", "12", "--trouble", "100", "--hostile")
        cls.make("many", "--agents", str(MANY), "--trouble", "60")
        cls.browser = Chromium()

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        cls.folder.cleanup()

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder.name, name)

    @classmethod
    def make(cls, name, *words):
        made = command(os.path.join(BIN, "tests/report/make_run"), cls.path(name + ".db"), *words)
        if made.returncode != 0:
            raise AssertionError(made.stderr.decode())
        cls.report(name, "--format", "html", "--out", cls.path(name + ".html"))

    @classmethod
    def report(cls, name, *words, code=0):
        said = command(os.path.join(BIN, "rollcall"), "--db", cls.path(name + ".db"), "audit", "report", "latest", *words)
        if said.returncode != code:
            raise AssertionError(f"exit code {said.returncode}: {said.stderr.decode()}")
        return said.stdout.decode() if code == 0 else said.stderr.decode()

    def page(self, name, **looks):
        page = self.browser.open(self.path(name + ".html"), **looks)
        self.addCleanup(lambda: self.assertEqual(page.complaints(), []))
        return page

    def rows(self, page):
        return page.run("[...document.querySelectorAll('table.agents tbody')[0].rows].map(row => row.id)")

    def filter(self, page, field, value):
        page.run(f"form = document.querySelector('form.controls'); form.{field}.value = {json.dumps(value)};"
                 "form.dispatchEvent(new Event('input'))")

    def counted(self, page, words):
        page.wait_until(f"document.querySelector('form.controls output').textContent === {json.dumps(words)}")

    # ---- the page

    def test_opens_quietly_and_nothing_hostile_comes_alive(self):
        for dark in (False, True):
            page = self.page("few", dark=dark)
            self.assertEqual(page.run("typeof window.attacked"), "undefined")
            self.assertEqual(page.run("document.scripts.length"), 3)
            self.assertEqual(page.run("document.images.length"), 0)
            self.assertEqual(page.run("document.querySelectorAll('a:not([href^=\"#\"]), iframe, object, link').length"), 0)
            colour = page.run("getComputedStyle(document.body).backgroundColor")
            self.assertEqual(max(int(part) for part in re.findall(r"\d+", colour)) < 128, dark)

    def test_its_policy_lets_nothing_else_run(self):
        page = self.page("few")
        page.run("box = document.createElement('div'); document.body.append(box);"
                 "box.innerHTML = '<img src=\"data:,\" onerror=\"window.attacked = 9\">'; 1")
        page.wait_until("box.firstChild.complete")
        self.assertEqual(page.run("typeof window.attacked"), "undefined")
        self.assertTrue([line for line in page.complaints() if "Content Security Policy" in line], page.complaints())
        page.browser.events = [event for event in page.browser.events if event.get("sessionId") != page.session]

    def test_every_agent_has_a_line_and_a_name(self):
        page = self.page("few")
        self.assertEqual(len(self.rows(page)), 12)
        names = page.run("[...document.querySelectorAll('table.agents tbody th')].map(cell => cell.textContent)")
        self.assertTrue([name for name in names if name.startswith("</script><script>window.attacked=1</script>")], names)

    def test_landmarks_and_names_for_who_cannot_see(self):
        page = self.page("few")
        self.assertEqual(page.run("document.querySelectorAll('main, h1').length"), 2)
        self.assertEqual(page.run("[...document.querySelectorAll('section')].filter(section =>"
                                  "!document.getElementById(section.getAttribute('aria-labelledby'))).length"), 0)
        self.assertEqual(page.run("[...document.querySelectorAll('table')].filter(table => !table.caption).length"), 0)
        self.assertEqual(page.run("[...document.querySelectorAll('[id]')].map(e => e.id).filter((id, i, all) =>"
                                  "all.indexOf(id) !== i)"), [])
        self.assertEqual(page.run("[...document.querySelectorAll('a[href]')].filter(a =>"
                                  "!document.getElementById(a.getAttribute('href').slice(1))).length"), 0)

    def test_everything_can_be_reached_and_has_a_name(self):
        page = self.page("few")
        self.assertEqual(page.run("[...document.querySelectorAll('input, select, button, a[href], summary, [tabindex]')].filter(e =>"
                                  "!(e.textContent.trim() || e.getAttribute('aria-label') || (e.labels && e.labels.length)))"
                                  ".map(e => e.outerHTML)"), [])
        # In the order in which it is read, and whatever scrolls can be scrolled by keyboard.
        self.assertEqual(page.run("[...document.querySelectorAll('[tabindex]')].filter(e => e.tabIndex > 0).length"), 0)
        self.assertEqual(page.run("[...document.querySelectorAll('thead th')].filter(e => e.scope !== 'col').length"), 0)
        self.assertEqual(page.run("[...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map(e => +e.tagName[1])"
                                  ".filter((level, i, all) => i && level > all[i - 1] + 1)"), [])
        self.assertEqual(page.run("document.documentElement.lang"), "en")

    def test_words_stand_out_from_their_ground(self):
        """WCAG AA: 4.5 to 1, for large letters 3 to 1."""
        for name in ("few", "many"):
            for dark in (False, True):
                page = self.page(name, dark=dark)
                self.assertEqual(page.run(PALE), [], f"{name}, dark: {dark}")

    def test_sorts(self):
        page = self.page("many")
        head = "document.querySelectorAll('table.agents thead th')"
        page.run(f"{head}[6].querySelector('button').click()")
        self.assertEqual(page.run(f"{head}[6].getAttribute('aria-sort')"), "ascending")
        away = page.run("[...document.querySelectorAll('table.agents tbody')[0].rows].map(row => +row.cells[6].dataset.v)")
        self.assertEqual(away, sorted(away))
        page.run(f"{head}[6].querySelector('button').click()")
        self.assertEqual(page.run(f"{head}[6].getAttribute('aria-sort')"), "descending")
        longest = page.run("+document.querySelectorAll('table.agents tbody')[0].rows[0].cells[6].dataset.v")
        self.assertGreaterEqual(longest, max(away))
        page.run(f"{head}[0].querySelector('button').click()")
        self.assertEqual(page.run(f"[...{head}].filter(cell => cell.hasAttribute('aria-sort')).length"), 1)
        self.assertEqual(self.rows(page)[0], "r1-a0")

    def test_filters(self):
        page = self.page("many")
        self.counted(page, f"{MANY} agents")
        self.filter(page, "text", "AGENT-00007")
        self.counted(page, f"1 of {MANY} agents")
        self.assertEqual(self.rows(page), ["r1-a6"])
        self.filter(page, "text", "")
        self.filter(page, "outcome", "stuck")
        self.counted(page, f"2 of {MANY} agents")
        page.run("form.reset()")
        self.counted(page, f"{MANY} agents")
        page.run("document.querySelector('table.zones a').click()")
        self.counted(page, f"{MANY // 5} of {MANY} agents")

    def test_a_long_list_is_laid_out_in_parts(self):
        page = self.page("many")
        self.assertEqual(len(self.rows(page)), 200)
        page.run("document.querySelector('.more button').click()")
        self.assertEqual(len(set(self.rows(page))), MANY)
        self.assertTrue(page.run("document.querySelector('.more').hidden"))

    def test_a_proof_made_from_data_is_the_one_that_is_written(self):
        page = self.page("few")
        for agent in range(12):
            page.run(f"document.querySelector('#r1-a{agent} a').click()")
            made = page.run(f"document.querySelector('#r1-a{agent} + tr .sheet').textContent.replace(/\\s+/g, ' ').trim()")
            written = page.run(f"document.querySelector('#r1-p{agent} .sheet').textContent.replace(/\\s+/g, ' ').trim()")
            self.assertEqual(made.replace(" ", ""), written.replace(" ", ""))
            self.assertEqual(page.run(f"document.querySelector('#r1-a{agent} a').getAttribute('aria-expanded')"), "true")

    def test_a_proof_that_is_not_in_the_page_is_made_when_asked_for(self):
        page = self.page("many")
        self.assertEqual(page.run("document.getElementById('r1-p0')"), None)
        page.run("document.querySelector('#r1-a0 a').click()")
        text = page.run("document.querySelector('#r1-a0 + tr').textContent")
        for words in ("before and after", "Proof of the planned state: pass", "slave_info", "proving"):
            self.assertIn(words, text)

    def test_the_failing_agent_is_a_click_away(self):
        page = self.page("many")
        page.run("document.querySelector('.cause .hosts a').click()")
        opened = page.run("document.querySelector('tr.open').previousElementSibling.className")
        self.assertEqual(opened, "o-stuck")
        self.assertIn("NEW", page.run("document.querySelector('tr.open').previousElementSibling.textContent"))

    def test_the_timeline_by_keyboard(self):
        for name in ("few", "many"):
            page = self.page(name)
            page.run("document.querySelector('.plot').focus()")
            page.key("ArrowRight")
            first = page.run("document.querySelector('.tip').textContent")
            page.key("ArrowRight")
            second = page.run("document.querySelector('.tip').textContent")
            self.assertNotEqual(first, second)
            page.key("Enter")
            self.assertTrue(second.startswith(page.run("document.querySelector('tr.open').previousElementSibling.cells[0].textContent")))

    def test_the_timeline_by_pointer(self):
        page = self.page("many")
        page.run("document.querySelector('.lanes').scrollIntoView({block: 'start', behavior: 'instant'})")
        box = page.run("box = document.querySelector('.lanes').getBoundingClientRect(), ({x: box.x, y: box.y, width: box.width})")
        bar = page.run("bars = JSON.parse(document.getElementById('r1-bars').textContent).bars, bars[Math.floor(bars.length / 2)]")
        lane = page.run("+document.querySelector('.lanes').dataset.lane")
        page.ask("Input.dispatchMouseEvent", type="mouseMoved", x=box["x"] + box["width"] * (bar[2] + bar[3]) / 20000,
                 y=box["y"] + (bar[1] + 0.4) * lane)
        page.wait_until("!document.querySelector('.tip').hidden")
        self.assertIn("mesos-agent-", page.run("document.querySelector('.tip').textContent"))

    def test_fits_a_narrow_screen(self):
        for name in ("few", "many"):
            page = self.page(name, width=390)
            self.assertLessEqual(page.run("document.documentElement.scrollWidth"), 390)
            page.run("document.querySelector('table.agents tbody a').click()")
            self.assertLessEqual(page.run("document.querySelector('tr.open .facts').getBoundingClientRect().right"), 390)

    def test_without_scripts_everything_is_there(self):
        page = self.page("many", scripts=False)
        root = page.ask("DOM.getDocument", depth=0)["root"]["nodeId"]
        rows = page.ask("DOM.querySelectorAll", nodeId=root, selector="table.agents tbody tr")["nodeIds"]
        self.assertEqual(len(rows), MANY)
        self.assertTrue(page.ask("DOM.getBoxModel", nodeId=rows[-1])["model"]["height"] > 0)
        self.assertEqual(page.ask("DOM.querySelectorAll", nodeId=root, selector="html.js")["nodeIds"], [])
        told = page.ask("DOM.querySelectorAll", nodeId=root, selector="#r1-proofs p.note")["nodeIds"]
        self.assertIn("--format text", page.ask("DOM.getOuterHTML", nodeId=told[-1])["outerHTML"])

    def test_prints_every_agent(self):
        page = self.page("many")
        page.run("window.dispatchEvent(new Event('beforeprint'))")
        self.assertEqual(len(self.rows(page)), MANY)
        page.run("window.dispatchEvent(new Event('afterprint'))")
        self.assertEqual(len(self.rows(page)), 200)
        few = self.page("few")
        few.run("window.dispatchEvent(new Event('beforeprint'))")
        self.assertEqual(few.run("document.querySelectorAll('details.proof[open]').length"), 12)
        few.run("window.dispatchEvent(new Event('afterprint'))")
        self.assertTrue(few.pdf().startswith(b"%PDF-"))

    # ---- a rescue's page, by the same style and script

    @classmethod
    def make_rescue(cls):
        """Of agents with hostile names, in a copy of the small database: one is back, one failed, one came back as another agent."""
        shutil.copy(cls.path("few.db"), cls.path("rescue.db"))
        ledger = Ledger(cls.path("rescue.db"))
        last = ledger.run("SELECT max(time_ms) FROM events")[0][0]

        def tell(kind, agent=None, **body):
            ledger.append(last, "anna@desk", RESCUE, agent, "rescue." + kind, json.dumps(body).encode())
        agents = ledger.run("SELECT agent, hostname FROM run_agents ORDER BY hostname LIMIT 3")
        tell("begun", cluster="prod", where="rack = 'r1'", proposal="ab" * 32, hosts=3)
        for agent, hostname in agents:
            tell("intent", agent, act="rescue", hostname=hostname, operation="0badcafe", epoch=1, request="{}", gives_way="checkpoint")
        tell("failed", agents[1][0], said="</td><script>window.attacked = 7</script>")
        for number in (0, 2):
            tell("done", agents[number][0], said="its agent is back")
            tell("proof", agents[number][0], id_after=agents[number][0] if number == 0 else "X9", tasks=2, tasks_running=2 - number,
                 **{"pass": number == 0})
        ledger.close()
        with open(cls.path("rescue.html"), "wb") as out:
            out.write(command(os.path.join(BIN, "rollcall"), "--db", cls.path("rescue.db"), "audit", "report", RESCUE, "--format",
                              "html").stdout)

    def test_the_page_of_a_rescue(self):
        self.make_rescue()
        for looks in ({}, {"dark": True}, {"width": 390}):
            page = self.page("rescue", **looks)
            self.assertEqual(page.run(PALE), [])
            self.assertLessEqual(page.run("document.documentElement.scrollWidth"), looks.get("width", 1280))
        self.assertEqual(page.run("typeof window.attacked"), "undefined")
        self.assertIn("1 of 3 hosts is done", page.run("document.querySelector('h2').textContent"))
        rows = "[...document.querySelector('table').tBodies[0].rows].map(row => row.cells[1].textContent)"
        self.assertEqual(sorted(page.run(rows)[:2]), ["!NOT proven", "\u2715failed"])
        page.run("document.querySelectorAll('thead th')[1].querySelector('button').click()")
        self.assertEqual(page.run(rows)[0], "\u2713done")
        self.assertEqual(page.run("[...document.querySelectorAll('section')].filter(section =>"
                                  "!document.getElementById(section.getAttribute('aria-labelledby'))).length"), 0)

    # ---- the other formats

    def test_csv(self):
        table = list(csv.DictReader(io.StringIO(self.report("few", "--format", "csv"), newline="")))
        self.assertEqual(len(table), 12)
        for row in table:
            for column, value in row.items():
                self.assertFalse(value.startswith(("=", "+", "-", "@", "\t", "\r")), f"{column}: {value}")
        self.assertEqual({row["same_id"] for row in table if row["state"] == "stuck"}, {"no"})
        self.assertEqual({row["run"] for row in table}, {RUN})
        self.assertIn('=HYPERLINK("http://x","y")2', [row["hostname"].lstrip("'") for row in table])

    def test_json_is_as_its_schema(self):
        document = json.loads(self.report("few", "--format", "json"))
        documents.check(document, documents.load("audit-report"))
        self.assertEqual(document["summary"], json.loads(self.report("few", "--json"))["summary"])

    def test_markdown(self):
        text = self.report("many", "--format", "markdown")
        for words in (f"## Rollout {RUN}", "### What went wrong", "2 stuck", "rollcall audit report --format csv"):
            self.assertIn(words, text)
        self.assertNotIn("<script", self.report("few", "--format", "markdown"))

    def test_out_and_usage(self):
        path = self.path("report.csv")
        self.assertEqual(self.report("few", "--format", "csv", "--out", path), "")
        # Its event has the moment, which tells how long who is not back was away.
        said = command(os.path.join(BIN, "rollcall"), "--db", self.path("few.db"), "audit", "verify", "--report", path).stdout.decode()
        self.assertIn("report.csv: byte for byte what the database gives", said)
        with open(path, encoding="utf-8", newline="") as file:
            written, said = list(csv.DictReader(file)), self.report("few", "--format", "csv")
        # Who is not back is away until now, which is later each time.
        for rows in (written, said := list(csv.DictReader(io.StringIO(said, newline="")))):
            for row in rows:
                row["away_seconds"] = "" if row["away_until"] == "" else row["away_seconds"]
        self.assertEqual(written, said)
        self.assertIn("text, markdown, json, csv or html", self.report("few", "--format", "pdf", code=2))
        self.assertIn("same run", self.report("few", RUN, code=2))
        self.assertIn("--json", self.report("few", "--json", "--format", "csv", code=2))
        self.report("few", "--out", self.path("missing/report.txt"), code=4)


if __name__ == "__main__":
    unittest.main()
