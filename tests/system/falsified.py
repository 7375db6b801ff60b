# SPDX-License-Identifier: Apache-2.0
"""What tests that falsify a ledger share: how its hashes are made, a copy of a database to be falsified, and who says what."""
import contextlib
import glob
import hashlib
import json
import sqlite3
import threading

NOTHING = "0" * 64
COLUMNS = "seq, time_ms, actor, run, agent, kind, body, hash"


def field(value):
    """As the hash sees it: the length before the bytes, a dash for NULL."""
    if value is None:
        return b"-"
    raw = value if isinstance(value, bytes) else str(value).encode()
    return b"%d:%s" % (len(raw), raw)


def event_hash(previous, seq, time_ms, actor, run, agent, kind, body):
    return hashlib.sha256(b"".join(field(value) for value in
                                   (previous, seq, time_ms, actor, run, agent, kind, body))).hexdigest()


@contextlib.contextmanager
def without_triggers(db):
    """Those that keep what never changes are put back: a careful forger leaves no trace there."""
    triggers = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        db.execute(f"DROP TRIGGER {name}")
    try:
        yield
    finally:
        for _, sql in triggers:
            db.execute(sql)


def digest(*values):
    return hashlib.sha256(b"".join(field(value) for value in values)).hexdigest()


AGENT_DIGEST = ("run, agent, hostname, state, operation, request, before, started, proof, error, position, attempt, epoch, "
                "coalesce(away_from_ms, 0), coalesce(away_until_ms, 0)")
RUN_DIGEST = ("id, plan, state, reason, rolls_back, memory, epoch, forgiven, created_ms, coalesce(finished_ms, 0), rollback_due, "
              "stages_passed")


class Ledger:
    """A copy of the database, to be falsified."""

    def __init__(self, path):
        self.path = path
        self.db = sqlite3.connect(path, isolation_level=None)

    def run(self, sql, *values):
        if sql.startswith("SELECT"):
            return self.db.execute(sql, values).fetchall()
        with without_triggers(self.db):
            return self.db.execute(sql, values).fetchall()

    def close(self):
        self.db.close()

    def event(self, kind):
        """The seq of a run's event of that kind, from the middle of its history."""
        found = [row[0] for row in self.run("SELECT seq FROM events WHERE kind = ? ORDER BY seq", kind)]
        return found[len(found) // 2]

    def last(self):
        return self.run("SELECT max(seq) FROM events")[0][0]

    def shift(self, first, by):
        """Renumbers what comes from that event on, away from what is there."""
        self.run("UPDATE events SET seq = -seq WHERE seq >= ?", first)
        self.run("UPDATE events SET seq = -seq + ? WHERE seq < 0", by)

    def rehash(self, first):
        """Computes the chain anew from that event on."""
        previous = dict(self.run("SELECT seq, hash FROM events")).get(first - 1, NOTHING)
        for row in self.run(f"SELECT {COLUMNS} FROM events WHERE seq >= ? ORDER BY seq", first):
            previous = event_hash(previous, *row[:7])
            self.run("UPDATE events SET hash = ? WHERE seq = ?", previous, row[0])


    def append(self, *columns):
        """One more event, as rollcall would have written it: time, actor, run, agent, kind, body."""
        last, previous = self.run("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1")[0]
        row = (last + 1, *columns)
        self.run("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", *row, event_hash(previous, *row))

    def forge_run(self, run, forged):
        """A run that never was: another one's rows and events under other names, every digest and hash computed anew."""
        operations = {old: old[::-1] for old, in self.run("SELECT operation FROM run_agents WHERE run = ?", run) if old}
        epoch = self.run("SELECT max(epoch) + 1 FROM epochs")[0][0]
        names = {run: forged, **operations}

        def rename(value):
            text = value.decode() if isinstance(value, bytes) else value
            for old, new in names.items():
                text = text.replace(old, new) if isinstance(text, str) else text
            return text.encode() if isinstance(value, bytes) else text

        for table, of in (("runs", "id"), ("run_agents", "run")):
            for row in self.run(f"SELECT * FROM {table} WHERE {of} = ?", run):
                self.run(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", *map(rename, row))
        digests = {agent: digest(*row) for agent, *row in self.run(
            f"SELECT agent, {AGENT_DIGEST} FROM run_agents WHERE run = ?", forged)}
        digests[None] = digest(*self.run(f"SELECT {RUN_DIGEST} FROM runs WHERE id = ?", forged)[0])
        requests = {agent: hashlib.sha256(request).hexdigest() for agent, request in self.run(
            "SELECT agent, request FROM run_agents WHERE run = ? AND request IS NOT NULL", forged)}
        for time_ms, actor, agent, kind, body in self.run("SELECT time_ms, actor, agent, kind, body FROM events WHERE run = ? "
                                                          "ORDER BY seq", run):
            body = json.loads(rename(body))
            body.update({"row": digests[agent]} if "row" in body else {})
            body.update({"request_sha256": requests[agent]} if "request_sha256" in body else {})
            if kind == "run.epoch":
                body["epoch"] = epoch
                self.run("INSERT INTO epochs VALUES (?, ?, ?, ?)", epoch, forged, actor, body["time_ms"])
                epoch += 1
            self.append(time_ms, actor, forged, agent, kind, json.dumps(body).encode())


class Watcher:
    """Looks at every process's words while something runs."""

    def __init__(self):
        self.seen, self.over = set(), threading.Event()
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()

    def watch(self):
        while not self.over.wait(0.05):
            for path in glob.glob("/proc/[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    with open(path, "rb") as file:
                        self.seen.add(file.read())

    def end(self):
        self.over.set()
        self.thread.join()
        return b"\n".join(self.seen)
