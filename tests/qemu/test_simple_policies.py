# SPDX-License-Identifier: LGPL-2.1-or-later
"""The simple policies on a real migration: what each is there for happens in QEMU."""

import unittest

from tests.qemu.move import FAST, MoveTest

BUSY = ("--postcopy", "never", "--bandwidth", FAST)


class SimplePolicies(MoveTest):
    def begin(self, hop, policy, *options):
        running = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", *BUSY, "--policy", policy, *options)
        self.slow_down(hop)
        return running

    def parameters(self, hop):
        return hop.source.witness.call("query-migrate-parameters")

    def test_throttle_arms_the_ramp_of_qemu(self):
        with self.hop() as hop:
            running = self.begin(hop, "throttle,initial=30%,increment=15%,max=75%,trigger=40%", "--max-downtime", "1ms",
                                 "--max-stall", "300ms")
            running.wait_line("sample", throttle_pct=30)
            running.wait_line("sample", throttle_pct=45)
            found = self.parameters(hop)
            self.assertEqual([found[name] for name in ("cpu-throttle-initial", "cpu-throttle-increment", "max-cpu-throttle",
                                                       "throttle-trigger-threshold")], [30, 15, 75, 40])
            self.let_go(hop)
            self.assert_arrived(hop, running.record)
            self.assertEqual(running.record.of("advice"), [])

    def test_downtime_raises_the_limit_step_by_step(self):
        with self.hop() as hop:
            running = self.begin(hop, "downtime,first=10ms,steps=4,passes=1", "--max-downtime", "90ms")
            for us in (50000, 70000, 90000):
                running.wait_line("sample", downtime_limit_us=us)
            self.assertEqual(self.parameters(hop)["downtime-limit"], 90)
            self.let_go(hop)
            record = running.record
            self.assert_arrived(hop, record)
            self.assertEqual(record.best("throttle_pct") or 0, 0)

    def test_postcopy_switches_after_its_passes(self):
        with self.hop() as hop:
            running = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", "--bandwidth", FAST, "--policy", "postcopy,passes=3",
                                          "--max-downtime", "1ms", "--postcopy", "fallback")
            self.slow_down(hop)
            record = running.record
            self.assert_moved(hop, record)
            self.assert_goes_on(hop)
            advice, = record.of("advice", action="postcopy")
            self.assertGreaterEqual(record.result["passes"], 3)
            self.assertIn("passes are done", advice["reason"])
            self.assertIn("postcopy-active", record.statuses())

    def test_postcopy_is_refused_where_it_is_forbidden(self):
        with self.hop() as hop:
            text = self.qmpmig.refused(hop, "tcp:127.0.0.1:0", "--policy", "postcopy", "--postcopy", "never", code=4)
            self.assertIn("policy postcopy: postcopy is forbidden by --postcopy never", text)
            self.assertEqual(hop.running(), [hop.source.name])

    def test_classic_pauses_the_guest_after_its_passes(self):
        with self.hop() as hop:
            running = self.begin(hop, "classic,passes=6", "--max-downtime", "100ms", "--if-stuck", "pause-guest")
            record = running.record
            self.assert_arrived(hop, record)
            advice = record.of("advice", action="pause-guest")
            self.assertTrue(advice)
            self.assertRegex(advice[0]["reason"], "passes are done|dirtied more than it sent")
            self.assertLessEqual(record.result["passes"], 9)

    def test_deadline_throttles_no_more_than_it_has_to(self):
        with self.hop() as hop:
            running = self.begin(hop, "deadline,margin=5s", "--deadline", "25s", "--max-downtime", "100ms",
                                 "--max-stall", "500ms")
            record = running.record
            self.assert_arrived(hop, record)
            self.assertLess(record.result["total_us"], 25000000)
            throttled = [line["t_us"] for line in record.of("advice") if line.get("throttle_pct")]
            self.assertTrue(throttled, "it cannot end without")
            self.assertGreater(throttled[0], 10000000, "long before the deadline nothing is taken")

    def test_deadline_needs_one(self):
        with self.hop() as hop:
            text = self.qmpmig.refused(hop, "tcp:127.0.0.1:0", "--policy", "deadline", code=4)
            self.assertIn("no --deadline is set", text)


if __name__ == "__main__":
    unittest.main()
