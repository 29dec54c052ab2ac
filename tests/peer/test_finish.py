# SPDX-License-Identifier: LGPL-2.1-or-later
"""`finish` beside a move of which nobody can tell yet what a blackout would cost."""

import unittest

from tests.peer import faults
from tests.peer.bench import Bench
from tests.peer.peer import Ram

NEVER_ENDS = {"working_set": 64 << 20, "dirty_rate": 1 << 30, "link": 32 << 20}


class TooEarly(Bench):
    def begin(self, *options):
        """Nothing seems to be sent, so there is no estimate."""
        self.peers = self.pair(ram=Ram(**NEVER_ENDS))
        self.peers.source.on("query-migrate", do=faults.put("return.ram.transferred", 0, "return.ram.mbps", 0.0))
        self.home = self.environment()
        process = self.start("--json", "--socket", self.peers.source.path, "migrate", "tcp:127.0.0.1:0", "--dest-socket",
                             self.peers.destination.path, "--max-downtime", "1ms", "--throttle", "off", *options,
                             environment=self.home)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        self.peers.source.wait_status("active")

    def finish(self, *words):
        return self.run_qmpmig("--socket", self.peers.source.path, "finish", *words, environment=self.home)

    def test_a_blackout_that_nobody_can_tell_is_not_spent(self):
        self.begin("--postcopy", "fallback")
        self.assert_ended(self.finish(), 4, "too early")
        self.assert_ended(self.finish("--by", "downtime"), 4, "too early")
        self.assertEqual(self.peers.running(), ["source"])

    def test_by_pause_needs_no_estimate(self):
        self.begin()
        self.assert_ended(self.finish("--by", "pause"), 0, "stopped at the source until it has moved")
        self.peers.source.wait(lambda peer: peer.received("stop"))

    def test_by_postcopy_needs_no_estimate(self):
        self.begin("--postcopy", "fallback")
        self.assert_ended(self.finish("--by", "postcopy"), 0, "switching to postcopy")
        self.peers.source.wait(lambda peer: peer.received("migrate-start-postcopy"))


if __name__ == "__main__":
    unittest.main()
