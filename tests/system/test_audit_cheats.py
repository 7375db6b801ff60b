#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The cheat: a copy of the database in which any one column of any row that is evidence says something else, rows that are gone, or
rows too many; and reports that were edited, swapped, or are no longer true. `audit verify` must find each."""
import contextlib
import glob
import hashlib
import json
import os
import shutil
import sqlite3
import unittest

import documents
from falsified import COLUMNS, event_hash
from fleet import Fleet
from receiver import Receiver

# What a sender knows of its attempts, and the numbers of rows, are nobody's evidence (docs/audit.md).
NO_EVIDENCE = {"outgoing": {"number", "attempts", "next_ms", "gone", "error", "ended_ms"}}
FORMATS = ("text", "markdown", "json", "html", "csv")
TABLES = ("events", "plans", "runs", "run_agents", "run_orders", "epochs", "receivers", "outgoing", "config_versions", "ignores",
          "configs")
# A change of these is large enough to miss every other row; of all other numbers the least is tried.
NUMBERS = {"seq", "position", "number", "epoch", "version", "config", "id"}


class Cheats(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fleet = fleet = Fleet(agents=3, zones=1, tasks=1, scale=20)
        cls.addClassCleanup(fleet.close)
        cls.receiver = Receiver()
        cls.addClassCleanup(cls.receiver.stop)
        # One message is not taken: it stays in the queue.
        cls.receiver.behave = lambda post: 500 if post.json["kind"] == "rollout.finished" else 200
        fleet.rollcall("inventory", "sync").expect(0)
        fleet.rollcall("inventory", "survey").expect(0)
        fleet.write("values.csv", "hostname,rack\n" + "".join(f"{name},r9\n" for name in fleet.names))
        fleet.write("web.json", '{"name": "web", "rules": [{"attributes": {"rack": "${csv.rack}"}}]}')
        fleet.rollcall("config", "add", fleet.file("web.json"), "--csv", fleet.file("values.csv"), "-m", "why").expect(0)
        fleet.rollcall("inventory", "ignore", "hostname = 'nobody'", "--reason", "a test", "--until", "2d").expect(0)
        fleet.rollcall("inventory", "ignore", "hostname = 'another'", "--reason", "a test").expect(0)
        fleet.rollcall("inventory", "unignore", "2").expect(0)
        framework = next(one for one in fleet.get_json("/frameworks")["frameworks"] if one["tasks"])
        fleet.rollcall("observer", "add", "ops", "--framework", framework["id"], "--url", cls.receiver.url).expect(0)
        fleet.rollcall("observer", "add", "gone", "--framework", "x", "--url", cls.receiver.url).expect(0)
        fleet.rollcall("observer", "remove", "gone").expect(0)
        fleet.rollcall("webhook", "add", "hook", "--url", cls.receiver.url, "--events", "rollout.finished").expect(0)
        fleet.break_(fleet.names[1], "agent-exit")
        fleet.rollcall("rollout", "start", fleet.plan("web", "--ignore", "attributes", "--window", "1")).expect(1)
        cls.report("early.html", "--format", "html", "--out", "early.html")
        cls.report("unrecorded.html", "--format", "html")
        fleet.break_(fleet.names[1], "none")
        fleet.rollcall("rollout", "retry", "latest").expect(0)
        cls.rollout = fleet.latest()["run"]
        for form in FORMATS:
            cls.report("report." + form, "--format", form, "--out", "report." + form)
            cls.report("printed." + form, "--format", form)
        cls.whole = fleet.file("whole.db")
        fleet.rollcall("inventory", "backup", cls.whole).expect(0)

    @classmethod
    def report(cls, name, *words):
        """Into a file, by the command itself or by way of its stdout."""
        words = [cls.fleet.file(word) if word == name else word for word in words]
        result = cls.fleet.rollcall("audit", "report", "latest", *words).expect(0)
        if "--out" not in words:
            with open(cls.fleet.file(name), "w", encoding="utf-8", newline="") as file:
                file.write(result.out.replace("\n", "\r\n") if name.endswith(".csv") else result.out)

    @contextlib.contextmanager
    def copy(self):
        path = self.fleet.file("copy.db")
        for old in glob.glob(path + "*"):
            os.unlink(old)
        shutil.copy(self.whole, path)
        db = sqlite3.connect(path, isolation_level=None)
        self.triggers = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in self.triggers:
            db.execute(f"DROP TRIGGER {name}")
        db.execute("PRAGMA ignore_check_constraints = ON")
        try:
            yield db
        finally:
            db.close()

    def verify(self, code=1, neat=True):
        """neat: the triggers that were in the forger's way are put back."""
        with contextlib.closing(sqlite3.connect(self.fleet.file("copy.db"), isolation_level=None)) as db:
            for _, sql in self.triggers if neat else ():
                db.execute(sql.replace("CREATE TRIGGER", "CREATE TRIGGER IF NOT EXISTS", 1))
        found = self.fleet.rollcall("audit", "verify", "--db", self.fleet.file("copy.db"), "--json").expect(code).json()
        documents.check(found, documents.load("audit-verify"))
        self.assertEqual(found["verified"], code == 0)
        return found["findings"]

    def test_nothing_is_said_against_what_was_recorded(self):
        with self.copy():
            self.assertEqual(self.verify(0), [])

    def test_every_column_of_every_table(self):
        for table in TABLES:
            with self.copy() as db:
                columns = db.execute(f"PRAGMA table_info({table})").fetchall()
                keys = [column[1] for column in columns if column[5]]
                rows = db.execute(f"SELECT {', '.join(keys)} FROM {table} ORDER BY 1").fetchall()
            self.assertTrue(rows, table)
            for column in columns:
                if column[1] in NO_EVIDENCE.get(table, set()):
                    continue
                row = rows[len(rows) // 2]
                with self.subTest(f"{table}.{column[1]}"), self.copy() as db:
                    self.change(db, table, column[1], column[2], dict(zip(keys, row)))
                    self.assertTrue(self.verify(), "nothing was found")

    def change(self, db, table, column, kind, row):
        """Another value of the same kind, also where there was none."""
        name = f'"{column}"'
        other = {"INTEGER": f"coalesce({name}, 0) + {1000000 if column in NUMBERS else 1}", "TEXT": f"coalesce({name}, '') || 'x'",
                 "BLOB": f"CAST(coalesce({name}, '') || 'x' AS BLOB)"}[kind]
        where = " AND ".join(f'"{key}" = :{key}' for key in row)
        self.assertEqual(db.execute(f"UPDATE {table} SET {name} = {other} WHERE {where}", row).rowcount, 1)

    def test_a_row_that_is_gone(self):
        # Messages that were delivered are forgotten in the end: one that waits is not.
        rows = {"run_agents": "position = 1", "config_versions": "version = 1", "outgoing": "outcome IS NULL", "plans": "1"}
        for table in TABLES:
            with self.subTest(table), self.copy() as db:
                where = rows.get(table, f"rowid = (SELECT min(rowid) FROM {table})")
                self.assertEqual(db.execute(f"DELETE FROM {table} WHERE {where}").rowcount, 1)
                self.assertTrue(self.verify(), "nothing was found")

    def test_triggers(self):
        with self.copy():
            self.assertIn("the trigger events_are_immutable is missing", [one["text"].split(":")[0] for one in self.verify(neat=False)])
        with self.copy() as db:
            db.execute("CREATE TRIGGER aside AFTER INSERT ON ignores BEGIN DELETE FROM ignores WHERE number = new.number; END")
            found = self.verify()
            self.assertEqual([(one["kind"], one["text"].split(":")[0]) for one in found], [("schema", "the trigger aside was added")])
        with self.copy() as db:
            db.execute("DROP TRIGGER IF EXISTS events_are_kept")
            db.execute("CREATE TRIGGER events_are_kept BEFORE DELETE ON ignores BEGIN SELECT 1; END")
            self.assertIn("the trigger events_are_kept is not what", self.verify()[0]["text"])

    def test_an_entry_twice(self):
        """What was taken off the list holds again, in the words of the entry that somebody made."""
        with self.copy() as db:
            db.execute("INSERT INTO ignores (cluster, selector, reason, author, created_ms) SELECT cluster, selector, reason, author, "
                       "created_ms FROM ignores WHERE number = 2")
            self.assertIn("the list of agents", self.verify()[0]["text"])

    def test_an_entry_that_ended_before_all_time(self):
        """A time that is no date reads like none: plans would have the agent again. Also with an event of older versions."""
        for older in (False, True):
            with self.subTest(older=older), self.copy() as db:
                if older:
                    db.execute("UPDATE events SET body = CAST(json_remove(CAST(body AS TEXT), '$.number', '$.until_ms') AS BLOB) "
                               "WHERE kind = 'inventory.ignore'")
                    self.rehash(db, 1)
                    self.assertFalse([one for one in self.verify() if "the list of agents" in one["text"]])
                    for name, _ in self.triggers:
                        db.execute(f"DROP TRIGGER {name}")
                db.execute("UPDATE ignores SET until_ms = -9000000000000000 WHERE number = 2")
                self.assertIn("the list of agents", " ".join(one["text"] for one in self.verify()))

    def test_two_entries_that_changed_places(self):
        """What was taken off the list holds again, and what held does not: the same words under each other's numbers."""
        told = "cluster, selector, reason, author, created_ms, until_ms"
        with self.copy() as db:
            one, two = db.execute(f"SELECT {told} FROM ignores ORDER BY number").fetchall()
            for number, row in ((1, two), (2, one)):
                db.execute(f"UPDATE ignores SET ({told}) = (?, ?, ?, ?, ?, ?) WHERE number = ?", (*row, number))
            self.assertEqual({one["text"].split(":")[0] for one in self.verify()},
                             {f"the list of agents that plans leave out, number {number}" for number in (1, 2)})

    def test_what_hides_behind_a_zero_byte(self):
        with self.copy() as db:
            db.execute("UPDATE events SET actor = actor || char(0) || 'x' WHERE seq = 3")
            self.assertIn("zero byte", self.verify()[0]["text"])

    def test_a_run_that_never_was(self):
        with self.copy() as db:
            db.execute("INSERT INTO runs SELECT 'r-20200101-1', \"plan\", state, reason, epoch, forgiven, created_ms, finished_ms, "
                       "rolls_back, rollback_due, stages_passed, memory, before FROM runs")
            self.assertIn("r-20200101-1", self.verify()[0]["text"])

    def test_a_message_that_was_never_delivered(self):
        with self.copy() as db:
            ended = db.execute("UPDATE outgoing SET ended_ms = created_ms, outcome = 'delivered' WHERE outcome IS NULL")
            self.assertEqual(ended.rowcount, 1)
            self.assertIn("has another end", self.verify()[0]["text"])

    # ---- the chain and the clock

    def test_a_clock_that_was_set_back_is_told(self):
        with self.copy() as db:
            middle = db.execute("SELECT max(seq) / 2 FROM events").fetchone()[0]
            db.execute("UPDATE events SET time_ms = time_ms - 3600000 WHERE seq >= ? AND kind <> 'run.epoch'", (middle,))
            self.rehash(db, 1)
            found = self.fleet.rollcall("audit", "verify", "--db", self.fleet.file("copy.db"), "--json").json()
            self.assertGreater(found["clock_set_back"]["seconds"], 3000)

    def test_another_name_for_the_database(self):
        with self.copy() as db:
            self.assertEqual(db.execute("UPDATE database SET uuid = ?", ("0" * 32,)).rowcount, 1)
            self.assertIn("renamed", self.verify()[0]["text"])
        with self.copy() as db:
            self.assertEqual(db.execute("UPDATE database SET created_ms = created_ms + 1").rowcount, 1)
            self.assertIn("its ledger began as", self.verify()[0]["text"])
        with self.copy() as db:
            db.execute("INSERT INTO database SELECT * FROM database")
            self.assertIn("has 2 names", self.verify()[0]["text"])

    @staticmethod
    def rehash(db, first):
        previous = (db.execute("SELECT hash FROM events WHERE seq = ?", (first - 1,)).fetchone() or ["0" * 64])[0]
        for row in db.execute(f"SELECT {COLUMNS} FROM events WHERE seq >= ? ORDER BY seq", (first,)).fetchall():
            previous = event_hash(previous, *row[:7])
            db.execute("UPDATE events SET hash = ? WHERE seq = ?", (previous, row[0]))

    # ---- journals on hosts

    def test_a_host_that_does_not_know_what_was_done_there(self):
        """Its journal is gone; or the run is nothing but rows and events."""
        for host in self.fleet.names[:2]:
            journal = self.fleet.path(host, "var/lib/rollcall/operations")
            os.rename(journal, journal + ".gone")
            try:
                self.fleet.rollcall("audit", "verify", "--witness", f"hostname = '{host}'").expect(
                    1, "does not know 1 operation", self.fleet.latest_of(host)["operation"])
            finally:
                os.rename(journal + ".gone", journal)
        self.fleet.rollcall("audit", "verify", "--witness", "all").expect(0)

    def test_a_rescue_that_never_was(self):
        host, operation = self.fleet.names[2], "0badcafe" * 4
        with self.copy() as db:
            agent = db.execute("SELECT agent FROM run_agents WHERE hostname = ?", (host,)).fetchone()[0]
            last = db.execute("SELECT max(seq) FROM events").fetchone()[0]
            for number, (kind, body) in enumerate((
                    ("begun", {"cluster": "lab", "where": "all", "proposal": "ab" * 32, "hosts": 1}),
                    ("intent", {"act": "rescue", "hostname": host, "operation": operation, "epoch": 1, "request": "{}"}),
                    ("done", {"operation": operation, "said": "its agent is back"}))):
                db.execute("INSERT INTO events SELECT ?, time_ms, actor, 'rescue-abababababab', ?, ?, ?, ? FROM events WHERE seq = ?",
                           (last + 1 + number, agent if number else None, "rescue." + kind, json.dumps(body).encode(), str(number), last))
            self.rehash(db, last + 1)
        self.assertEqual(self.verify(0), [])
        self.fleet.rollcall("audit", "verify", "--witness", "all", "--db", self.fleet.file("copy.db")).expect(
            1, f"{host}: its journal does not know 1 operation", f"{operation} of rescue-abababababab")

    def test_a_head_in_a_journal_that_was_edited(self):
        host = self.fleet.names[0]
        path = self.fleet.path(host, f"var/lib/rollcall/operations/{self.fleet.latest_of(host)['operation']}/request")
        with open(path, encoding="utf-8") as file:
            kept = file.read()
        head = json.loads(kept)["chain_head"]
        with open(path, "w", encoding="utf-8") as file:
            file.write(kept.replace(head, head[::-1]))
        try:
            self.fleet.rollcall("audit", "verify", "--witness", "all").expect(1, "no event has that hash", host)
        finally:
            with open(path, "w", encoding="utf-8") as file:
                file.write(kept)

    # ---- reports

    def check(self, name, code, *words, db=None):
        return self.fleet.rollcall("audit", "verify", "--report", self.fleet.file(name), *(("--db", db) if db else ())).expect(
            code, *words)

    def read(self, name):
        with open(self.fleet.file(name), encoding="utf-8", newline="") as file:
            return file.read()

    def test_a_report_is_what_was_written(self):
        for form in FORMATS:
            with self.subTest(form):
                self.check("report." + form, 0, "recorded as event", f"report.{form}, of {self.rollout})", "byte for byte")
                self.check("printed." + form, 0, "byte for byte")
        documents.check(json.loads(self.fleet.rollcall("audit", "verify", "--report", self.fleet.file("report.html"), "--json")
                                   .expect(0).out), documents.load("audit-verify"))

    def test_an_edited_report(self):
        for form in FORMATS:
            text = self.read("report." + form)
            for number, (old, new) in enumerate((("process ended", "process hung"), (self.fleet.names[0], "elsewhere"), ("r9", "r1"))):
                with self.subTest(f"{form}: {old}"):
                    self.assertIn(old, text)
                    self.write_raw("edited", text.replace(old, new, 1))
                    self.check("edited", 1)
            for other in (text + " ", text + "\0", text[1:], text[:len(text) // 2]):
                self.write_raw("edited", other)
                self.check("edited", 1)

    def write_raw(self, name, text):
        with open(self.fleet.file(name), "w", encoding="utf-8", newline="") as file:
            file.write(text)

    def test_a_report_of_something_else(self):
        text = self.read("report.html")
        head = text[text.index("head=") + 5:][:64]
        self.write_raw("edited", text.replace(head, "0" * 63 + "1"))
        self.check("edited", 1, "no event has that hash")
        self.write_raw("edited", text.replace(self.rollout, self.rollout[:-1] + "7"))
        self.check("edited", 1, "the database does not have")
        self.write_raw("edited", "a letter")
        self.check("edited", 1, "nothing speaks for it")
        self.write_raw("edited", self.read("report.csv").replace(self.rollout, self.rollout[:-1] + "7"))
        self.check("edited", 1, "the database does not have")
        self.check("no such file", 2)

    def test_a_report_with_a_head_of_another_time(self):
        text = self.read("printed.html")
        head = text[text.index("head=") + 5:][:64]
        with self.copy() as db:
            first = db.execute("SELECT hash FROM events WHERE seq = 1").fetchone()[0]
        self.write_raw("edited", text.replace(head, first))
        self.check("edited", 1, "was not the ledger's newest")

    def test_a_report_from_before_the_run_went_on(self):
        """What the ledger recorded still counts; what nobody recorded does not."""
        self.check("early.html", 0, "recorded as event", "went on")
        self.check("unrecorded.html", 1, "nothing speaks for it", "went on")

    def test_a_report_of_several_runs(self):
        self.fleet.write("more.json", '{"name": "more", "rules": [{"attributes": {"pool": "blue"}}]}')
        self.fleet.rollcall("config", "add", self.fleet.file("more.json")).expect(0)
        plan = self.fleet.plan("more", "--ignore", "attributes", "--where", f"hostname = '{self.fleet.names[0]}'")
        self.fleet.rollcall("rollout", "start", plan).expect(0)
        for form in FORMATS:
            path = self.fleet.file("both." + form)
            self.fleet.rollcall("audit", "report", self.rollout, "latest", "--format", form, "--out", path).expect(0)
            self.check("both." + form, 0, "recorded as event")
        document = json.loads(self.read("both.json"))
        documents.check(document, documents.load("audit-reports"))
        self.assertEqual((document["summary"]["runs"], document["summary"]["agents"]), (2, 4))
        mended = next(agent for agent in document["runs"][0]["agents"] if agent["hostname"] == self.fleet.names[1])
        self.assertEqual((mended["state"], mended["earlier"]["state"], mended["attempts"]), ("done", "reverted", 2))
        self.assertIn("process ended", mended["earlier"]["error"])
        self.assertGreater(mended["away_before_seconds"], 0)
        for form in FORMATS: # a failure that a retry mended is not forgotten
            self.assertIn("process ended with the new state", self.read("report." + form), form)

    def test_a_report_of_a_database_that_was_edited(self):
        with self.copy() as db:
            db.execute("UPDATE run_agents SET proof = replace(proof, 'r9', 'r8') WHERE position = 0")
            self.check("report.html", 1, "differ first in line", db=self.fleet.file("copy.db"))

    def test_a_forged_record_of_a_forged_report(self):
        """Whoever can write to the database can also record a report; but it is not what the database gives."""
        self.write_raw("edited", self.read("report.html").replace(self.fleet.names[0], "elsewhere", 1))
        with open(self.fleet.file("edited"), "rb") as file:
            sha256 = hashlib.sha256(file.read()).hexdigest()
        with self.copy() as db:
            last = db.execute("SELECT max(seq) FROM events").fetchone()[0]
            db.execute("INSERT INTO events VALUES (?, 1900000000000, 'anna@there', NULL, NULL, 'audit.reported', ?, 'x')",
                       (last + 1, json.dumps({"sha256": sha256}).encode()))
            self.rehash(db, last + 1)
            self.check("edited", 1, "is not the report of what the database holds", db=self.fleet.file("copy.db"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
