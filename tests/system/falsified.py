# SPDX-License-Identifier: Apache-2.0
"""What tests that falsify a ledger share: how its hashes are made, a copy of a database to be falsified, and who says what."""
import contextlib
import glob
import hashlib
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


class Ledger:
    """A copy of the database, to be falsified."""

    def __init__(self, path):
        self.path = path
        self.db = sqlite3.connect(path, isolation_level=None)
        for name in ("events_are_immutable", "events_are_kept", "plans_are_immutable", "config_versions_are_immutable"):
            self.run(f"DROP TRIGGER {name}")

    def run(self, sql, *values):
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
