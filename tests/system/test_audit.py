#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The ledger as evidence: every way to falsify it that we know of is tried on a copy, and must be told from the others; questions,
exports and signatures; and no planted secret is anywhere."""
import contextlib
import glob
import hashlib
import json
import os
import shutil
import subprocess
import unittest

import documents
from falsified import NOTHING, Ledger, Watcher, event_hash
from fleet import Fleet

AGENTS = 3
# Planted where a cluster has secrets; none may be found again anywhere.
PLANTED = {"flag": "planted-flag-7d1f", "gate": "planted-gate-52aa", "url": "planted-url-9c03", "token": "planted-token-e1b7",
           "bearer": "planted-bearer-44d8"}


def check_export(lines, previous=None):
    """The chain, from an export alone; gives the last hash."""
    for line in lines:
        record = json.loads(line)
        start = line.index(b',"body":') + len(b',"body":')
        body = line[start:-len(b',"hash":""}') - 64]
        if previous is not None and (record["previous"] or NOTHING) != previous:
            raise AssertionError(f"event {record['seq']} does not follow from the one before it")
        previous = event_hash(record["previous"] or NOTHING, record["seq"], record["time_ms"], record["actor"], record["run"],
                              record["agent"], record["kind"], body)
        if previous != record["hash"]:
            raise AssertionError(f"event {record['seq']} is not what was recorded")
    return previous


class Audit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fleet = fleet = Fleet(agents=AGENTS, zones=1, tasks=1, scale=20)
        cls.addClassCleanup(fleet.close)
        cls.database = os.path.join(fleet.dir, "rollcall.db")
        cls.plant()
        watcher = Watcher()
        try:
            fleet.rollcall("inventory", "sync").expect(0)
            fleet.rollcall("inventory", "survey").expect(0)
            fleet.add_config("web", [{"attributes": {"rack": "r9"}}])
            fleet.rollcall("inventory", "ignore", "hostname = 'nobody'", "--reason", "a test").expect(0)
            cls.backup = fleet.file("backup.db")
            fleet.rollcall("inventory", "backup", cls.backup).expect(0)
            cls.plan = fleet.plan("web", "--ignore", "attributes", "--gates", cls.gates)
            cls.started = fleet.rollcall("rollout", "start", cls.plan).expect(0)
            fleet.rollcall("inventory", "sync").expect(0)
        finally:
            cls.processes = watcher.end()
        cls.rollout = fleet.latest()["run"]
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", fleet.file("key")], check=True)
        cls.head = fleet.file("head.txt")
        cls.signed = fleet.rollcall("audit", "sign", "--key", fleet.file("key"), "--out", cls.head, "--json").expect(0)
        cls.whole = fleet.file("whole.db")
        fleet.rollcall("inventory", "backup", cls.whole).expect(0)

    @classmethod
    def plant(cls):
        """A secret flag of an agent, a bearer token for the master, and a gate that says what it should not."""
        fleet = cls.fleet
        with open(fleet.path("node001.lab", "etc/default/mesos-agent"), "a", encoding="utf-8") as file:
            file.write(f"MESOS_JWT_SECRET_KEY={PLANTED['flag']}\n")
        fleet.restart("node001.lab")
        token = fleet.write("token", PLANTED["bearer"] + "\n")
        os.chmod(token, 0o600)
        config = fleet.env["ROLLCALL_CONFIG"]
        with open(config, encoding="utf-8") as file:
            document = json.load(file)
        document["clusters"]["lab"]["access"] = {"token": {"file": token}}
        with open(config, "w", encoding="utf-8") as file:
            json.dump(document, file)
        gate = fleet.write("gate", "#!/bin/sh\necho 'password=%s http://anna:%s@example.com/ Authorization: Bearer %s'\n" %
                           (PLANTED["gate"], PLANTED["url"], PLANTED["token"]))
        os.chmod(gate, 0o755)
        cls.gates = fleet.write("gates.json", json.dumps({"after_agent": [
            {"kind": "command", "argv": [gate], "timeout": "60secs"}]}))

    def audit(self, *words):
        return self.fleet.rollcall("audit", *words)

    def checked(self, schema, *words, code=0):
        document = self.audit(*words, "--json").expect(code).json()
        documents.check(document, documents.load(schema))
        return document

    def log(self, *words):
        return self.checked("audit-log", "log", *words)["events"]

    # ---- the log

    def test_every_act_is_there(self):
        kinds = {event["kind"] for event in self.log()}
        self.assertLessEqual({"inventory.sync", "inventory.survey", "config.added", "inventory.ignore", "plan", "run.created",
                              "run.epoch", "run", "agent", "connected", "host", "gate", "audit.signed", "inventory.agent"}, kinds)
        for event in self.log():
            self.assertRegex(event["actor"], "^[^@]+@.+")
            self.assertRegex(event["body"]["origin"]["version"], "^[0-9.]+$", event)
            self.assertGreater(event["body"]["origin"]["pid"], 0)

    def test_from_where(self):
        env = dict(self.fleet.env, SSH_CONNECTION="192.0.2.7 51514 192.0.2.1 22", SUDO_USER="anna")
        old, self.fleet.env = self.fleet.env, env
        try:
            self.fleet.rollcall("inventory", "ignore", "hostname = 'another'", "--reason", "a test").expect(0)
        finally:
            self.fleet.env = old
        origin = self.log("--kind", "inventory.ignore")[-1]["body"]["origin"]
        self.assertEqual((origin["ssh"], origin["sudo_user"]), ("192.0.2.7 51514", "anna"))

    def test_questions(self):
        host = self.fleet.names[0]
        of_host = self.log("--agent", host, "--since", "1h")
        self.assertIn("proven", [event["body"].get("event") for event in of_host])
        self.assertEqual({event["hostname"] for event in of_host}, {host})
        changed = self.log("--where", "attribute.rack = 'r9' and kind = 'agent'")
        self.assertEqual({event["hostname"] for event in changed}, set(self.fleet.names))
        self.assertEqual(len(self.log("--where", "changed = rack and kind = 'inventory.agent'")), AGENTS)
        self.assertEqual(self.log("--where", "new_id = true"), [])
        self.assertEqual(self.log("--where", "killed > 0"), [])
        self.assertEqual({event["run"] for event in self.log("--where", "config = web and event = proven")}, {self.rollout})
        self.assertEqual(self.log("latest"), self.log(self.rollout))
        self.assertEqual(self.log("--until", "2020-01-01"), [])
        self.audit("log", "--where", "nonsense = 1").expect(2, "nothing that an event has")
        self.audit("log", "r-20200101-1").expect(2, "there is no such run")
        self.audit("log", "--agent", host.replace("node", "noed")).expect(2, "there is no such agent", f"Did you mean {host}?")
        self.audit("log", "--agent", of_host[0]["agent"][:-1]).expect(0)
        self.audit("log", "--kind", "nosuch").expect(2, "no such kind of event")
        self.audit("log", "--kind", "rescue").expect(0, "There is no such event.")
        for plan in (self.plan, self.plan[:8]):
            self.assertIn("plan", {event["kind"] for event in self.log("--where", f"plan = '{plan}'")})
            self.assertNotIn("plan", {event["kind"] for event in self.log("--where", f"plan != '{plan}'")})
        self.assertEqual(self.log("--where", f"plan = '{self.plan[:3]}'"), [])
        self.audit("log", "--agent", host).expect(0, "to change attributes.rack", "1 task survived")

    # ---- exports

    def test_an_export_can_be_checked_alone(self):
        lines = self.audit("export").expect(0).out.encode().splitlines()
        for line in lines:
            documents.check(json.loads(line), documents.load("audit-event"))
        middle = len(lines) // 2
        check_export(lines, NOTHING)
        rest = self.audit("export", "--after", str(middle)).expect(0).out.encode().splitlines()
        self.assertEqual(rest[0], lines[middle])
        self.assertEqual(self.audit("export", "--after", str(len(lines))).expect(0).out, "")
        self.audit("export", "--after", str(len(lines) + 1)).expect(2, f"ends with event {len(lines)}", "cut off")
        check_export(rest, check_export(lines[:middle], NOTHING))
        with self.assertRaises(AssertionError):
            check_export([lines[0], lines[2]], NOTHING)
        with self.assertRaises(AssertionError):
            check_export([line.replace(b'"inventory.sync"', b'"inventory.synx"') for line in lines], NOTHING)

    # ---- what holds

    def test_what_was_recorded_is_verified(self):
        head = self.signed.json()["head"]
        self.assertTrue(documents.matches(self.signed.json(), "audit-sign"))
        found = self.checked("audit-verify", "verify", "--head", head, "--key", self.fleet.file("key.pub"), "--witness", "all")
        self.assertEqual((found["findings"], found["witness"]["answered"], found["witness"]["known"]), ([], AGENTS, AGENTS))
        self.assertEqual(found["noted"]["event"], self.signed.json()["event"])
        self.audit("verify", "--head", head[:16]).expect(0, "is the hash of event")
        self.audit("verify", "--head", "xyz").expect(2)
        self.audit("verify").expect(0, "an unbroken chain", "Whoever can write")
        self.assertNotIn("Whoever", self.audit("verify", "-q").expect(0, "an unbroken chain").out)

    def test_openssh_alone_checks_a_signature(self):
        with open(self.fleet.file("key.pub"), encoding="utf-8") as key:
            signers = self.fleet.write("signers", f'anna@admin1 namespaces="rollcall" {key.read()}')
        with open(self.head, "rb") as statement:
            said = subprocess.run(["ssh-keygen", "-Y", "verify", "-f", signers, "-I", "anna@admin1", "-n", "rollcall", "-s",
                                   self.head + ".sig"], stdin=statement, capture_output=True, text=True, check=True)
        self.assertIn("Good", said.stdout)
        self.audit("verify", "--key", signers, "--signed", self.head).expect(0, "anna@admin1")
        self.audit("sign", "--key", self.fleet.file("key"), "--out", self.head).expect(3, "is there already")

    def test_signatures_of_others_do_not_count(self):
        other = self.fleet.file("other")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other], check=True)
        self.audit("verify", "--key", other + ".pub").expect(1, "not signed by a key of")
        self.audit("verify", "--key", other).expect(2, "private key")
        edited = self.fleet.file("edited.txt")
        with open(self.head, encoding="utf-8") as text:
            self.fleet.write("edited.txt", text.read().replace("event ", "event 1"))
        shutil.copy(self.head + ".sig", edited + ".sig")
        self.audit("verify", "--key", self.fleet.file("key.pub"), "--signed", edited).expect(1, "not signed by")

    # ---- what does not

    @contextlib.contextmanager
    def falsified(self, source=None):
        path = self.fleet.file("copy.db")
        for old in glob.glob(path + "*"):
            os.unlink(old)
        shutil.copy(source or self.whole, path)
        ledger = Ledger(path)
        try:
            yield ledger
        finally:
            ledger.close()

    def finding(self, ledger, *words):
        found = self.checked("audit-verify", "verify", "--db", ledger.path, *words, code=1)
        self.assertFalse(found["verified"])
        return found["findings"][0]

    def assert_found(self, ledger, kind, seq=None, *words):
        first = self.finding(ledger, *words)
        self.assertEqual(first["kind"], kind, first)
        if seq is not None:
            self.assertEqual(first["event"], seq, first)
        return first

    def test_an_edited_event(self):
        with self.falsified() as ledger:
            seq = ledger.event("agent")
            ledger.run("UPDATE events SET body = CAST(CAST(body AS TEXT) || ' ' AS BLOB) WHERE seq = ?", seq)
            self.assert_found(ledger, "changed", seq)
            never = self.fleet.file("never.txt")
            self.fleet.rollcall("audit", "sign", "--db", ledger.path, "--key", self.fleet.file("key"), "--out",
                                never).expect(2, "nothing was signed")
            self.assertFalse(os.path.exists(never))

    def test_another_actor(self):
        with self.falsified() as ledger:
            seq = ledger.event("run.created")
            ledger.run("UPDATE events SET actor = 'bert@there' WHERE seq = ?", seq)
            self.assert_found(ledger, "changed", seq)

    def test_the_first_event(self):
        with self.falsified() as ledger:
            ledger.run("UPDATE events SET time_ms = time_ms - 1 WHERE seq = 1")
            self.assert_found(ledger, "changed", 1)

    def test_a_body_that_is_no_json(self):
        with self.falsified() as ledger:
            seq = ledger.event("agent")
            ledger.run("UPDATE events SET body = CAST('{' AS BLOB) WHERE seq = ?", seq)
            self.assert_found(ledger, "changed", seq)
            self.fleet.rollcall("audit", "log", "--db", ledger.path, "--where", "event = proven").expect(0)

    def test_a_removed_event(self):
        with self.falsified() as ledger:
            seq = ledger.event("gate")
            ledger.run("DELETE FROM events WHERE seq = ?", seq)
            self.assert_found(ledger, "removed", seq)

    def test_removed_and_renumbered(self):
        with self.falsified() as ledger:
            seq = ledger.event("gate")
            ledger.run("DELETE FROM events WHERE seq = ?", seq)
            ledger.shift(seq + 1, -1)
            self.assert_found(ledger, "removed", seq)

    def test_an_inserted_event(self):
        with self.falsified() as ledger:
            seq = ledger.event("agent")
            ledger.shift(seq, 1)
            previous = ledger.run("SELECT hash FROM events WHERE seq = ?", seq - 1)[0][0]
            row = (seq, 1, "bert@there", None, None, "plan", b"{}")
            ledger.run("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", *row, event_hash(previous, *row))
            self.assert_found(ledger, "inserted", seq)
            ledger.run("UPDATE events SET hash = ? WHERE seq = ?", "1" * 64, seq)
            self.assert_found(ledger, "inserted", seq)

    def test_events_in_another_order(self):
        with self.falsified() as ledger:
            seq = ledger.event("agent")
            for old, new in ((seq, -1), (seq + 1, seq), (-1, seq + 1)):
                ledger.run("UPDATE events SET seq = ? WHERE seq = ?", new, old)
            self.assert_found(ledger, "moved", seq)

    def test_another_hash(self):
        with self.falsified() as ledger:
            seq = ledger.event("agent")
            ledger.run("UPDATE events SET hash = ? WHERE seq = ?", "2" * 64, seq)
            self.assert_found(ledger, "hash", seq)

    def test_a_cut_end(self):
        with self.falsified() as ledger:
            ledger.run("DELETE FROM events WHERE seq >= ?", ledger.event("agent"))
            self.assertIn(self.finding(ledger)["kind"], ("projection", "cut"))
        with self.falsified() as ledger: # nothing but what was noted elsewhere knows of the last event
            ledger.run("DELETE FROM events WHERE seq >= ?", self.signed.json()["event"])
            self.assert_found(ledger, "head", None, "--head", self.signed.json()["head"])
            self.assert_found(ledger, "signature", None, "--key", self.fleet.file("key.pub"), "--signed", self.head)

    def test_a_chain_that_was_computed_anew(self):
        with self.falsified() as ledger:
            ledger.run("UPDATE events SET actor = 'bert@there' WHERE seq = 2")
            ledger.rehash(2)
            self.assert_found(ledger, "cut") # the requests in the tables still carry heads
            ledger.run("UPDATE run_agents SET request = NULL, before = NULL, started = NULL, proof = NULL, operation = NULL, "
                       "state = 'waiting', attempt = 0, epoch = 0, away_from_ms = NULL, away_until_ms = NULL")
            ledger.run("UPDATE events SET body = CAST(json_remove(CAST(body AS TEXT), '$.row', '$.row_before') AS BLOB) "
                       "WHERE run IS NOT NULL")
            ledger.run("UPDATE events SET kind = 'agent.gone' WHERE kind IN ('agent', 'run', 'run.epoch')")
            ledger.run("DELETE FROM epochs")
            ledger.run("UPDATE runs SET state = 'running', reason = NULL")
            ledger.rehash(2)
            self.fleet.rollcall("audit", "verify", "--db", ledger.path).expect(0)
            self.assert_found(ledger, "head", None, "--head", self.signed.json()["head"])
            self.assert_found(ledger, "witness", None, "--witness", "all")
            self.assert_found(ledger, "signature", None, "--key", self.fleet.file("key.pub"))

    def test_an_old_backup(self):
        with self.falsified(self.backup) as ledger:
            self.fleet.rollcall("audit", "verify", "--db", ledger.path).expect(0)
            self.assert_found(ledger, "witness", None, "--witness", "all")
            self.assert_found(ledger, "signature", None, "--key", self.fleet.file("key.pub"), "--signed", self.head)

    def test_a_run_that_never_was(self):
        """Appended, behind every head that was noted: only who must have taken part in it knows better."""
        with self.falsified() as ledger:
            ledger.forge_run(self.rollout, "r-20991231-1")
            self.fleet.rollcall("audit", "verify", "--db", ledger.path, "--head", self.signed.json()["head"]).expect(0)
            found = self.checked("audit-verify", "verify", "--db", ledger.path, "--witness", "all", code=1)["findings"]
            self.assertEqual([(one["kind"], "r-20991231-1" in one["text"]) for one in found], [("witness", True)] * AGENTS)

    def test_tables(self):
        for kind, sql in (("plan", "UPDATE plans SET document = CAST(replace(document, 'r9', 'r8') AS BLOB)"),
                          ("config", "UPDATE config_versions SET document = CAST(replace(document, 'r9', 'r8') AS BLOB)"),
                          ("projection", "UPDATE plans SET author = 'bert@there'"),
                          ("projection", "UPDATE runs SET state = 'paused'"),
                          ("projection", "UPDATE run_agents SET state = 'failed' WHERE position = 0"),
                          ("projection", "UPDATE run_agents SET proof = replace(proof, 'pass', 'fail') WHERE position = 1"),
                          ("projection", "UPDATE run_agents SET request = CAST(request || ' ' AS BLOB) WHERE position = 2"),
                          ("projection", "UPDATE run_agents SET started = '{}' WHERE position = 2"),
                          ("projection", "UPDATE run_agents SET before = '{}' WHERE position = 2"),
                          ("projection", "UPDATE epochs SET actor = 'bert@there'")):
            with self.subTest(sql), self.falsified() as ledger:
                ledger.run(sql)
                self.assert_found(ledger, kind)

    def test_another_plan_in_its_place(self):
        other = b"{}"
        name = hashlib.sha256(other).hexdigest()
        with self.falsified() as ledger:
            ledger.run("INSERT INTO plans SELECT ?, cluster, config, config_version, author, created_ms, agents, ? FROM plans",
                       name, other)
            self.assertIn(name, self.assert_found(ledger, "projection")["text"])
            ledger.run("UPDATE runs SET plan = ?", name)
            self.assertIn(f"the plan of run {self.rollout}", self.assert_found(ledger, "projection")["text"])

    # ---- secrets

    def test_no_secret_is_kept_or_shown(self):
        shown = [self.processes, self.started.out.encode(), self.started.err.encode()]
        for words in (("audit", "log", "--json"), ("audit", "log"), ("audit", "export"), ("audit", "report", self.rollout),
                      ("audit", "report", self.rollout, "--format", "json"), ("inventory", "export"), ("inventory", "list", "--json"),
                      ("inventory", "show", "node001.lab", "--json"), ("rollout", "status", self.rollout, "--json")):
            result = self.fleet.rollcall(*words).expect(0)
            shown += [result.out.encode(), result.err.encode()]
        for path in glob.glob(self.database + "*") + glob.glob(os.path.join(self.fleet.dir, "*.log")):
            with open(path, "rb") as file:
                shown.append(file.read())
        everything = b"\n".join(shown)
        self.assertIn(b"<redacted>", everything)
        for where, secret in PLANTED.items():
            self.assertNotIn(secret.encode(), everything, where)


if __name__ == "__main__":
    unittest.main(verbosity=2)
