#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One rollout of twelve agents whose rollcall is killed a dozen times, each time at another commit: no agent is changed
twice, and it ends as if nothing had happened."""
import unittest

from crashing import KILLED, Crashing

# At which sync of its database's log each life ends: the first ones while the run is being made and the hosts of the life
# before are asked, the later ones between intents, proofs and words.
SYNCS = (2, 5, 3, 4, 9, 6, 12, 7, 5, 14, 8, 10)


class Crash(Crashing):
    def test_a_dozen_lives(self):
        self.begin("k1")
        words, killed = ("rollout", "start", self.plan), 0
        for sync in SYNCS:
            result = self.live(sync, *words)
            killed += result.code == KILLED
            found = self.runs()
            if found:
                words = ("rollout", "resume", found[0])
            if result.code != KILLED:
                break
        self.assertGreaterEqual(killed, 4, "it was hardly ever killed")
        self.assert_as_if_nothing_had_happened(self.fleet.rollcall(*words))


if __name__ == "__main__":
    unittest.main()
