# SPDX-License-Identifier: LGPL-2.1-or-later
"""Policies at work on a real migration: what they advise is in force in QEMU, and never more than the limits permit."""

import shutil
import unittest

from tests.qemu.move import FAST, LINUX, MIB, TOP, MoveTest, Settings, working_passes

BUSY = ("--postcopy", "never", "--bandwidth", FAST)


class Policies(MoveTest):
    def test_a_fixed_throttle_is_in_force_in_qemu(self):
        with self.hop() as hop:
            running = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", *BUSY, "--policy", "fixed,throttle=40%",
                                          "--max-downtime", "1ms", "--max-stall", "500ms")
            self.slow_down(hop)
            running.wait_line("sample", throttle_pct=40)
            self.assertEqual(hop.source.migration()["cpu-throttle-percentage"], 40)
            self.let_go(hop)
            record = running.record
            self.assert_arrived(hop, record)
            self.assertEqual(record.header["policy"]["name"], "fixed")
            self.assertEqual(record.header["policy"]["keys"], {"throttle": "40%"})

    def test_a_limit_stands_above_the_policy(self):
        with self.hop() as hop:
            running = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", *BUSY, "--policy", "fixed,throttle=90%",
                                          "--max-downtime", "1ms", "--max-stall", "10ms")
            self.slow_down(hop)
            running.wait_line("sample", throttle_pct=50)
            self.assertEqual(hop.source.witness.call("query-migrate-parameters")["max-cpu-throttle"], 50)
            self.let_go(hop)
            self.assert_arrived(hop, running.record)
            self.assertIn("throttle 90% cut to 50%",
                          [words for line in running.record.of("applied") for words in line.get("changed_by_guard", [])])

    def test_a_program_steers_a_real_guest(self):
        """docs/exec-policy.py: twice the downtime after each pass that has left as much as the one before."""
        program = shutil.copy(TOP / "docs/exec-policy.py", self.qmpmig.folder)
        with self.hop() as hop:
            running = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", *BUSY, "--throttle", "off", "--max-downtime", "500ms",
                                          "--allow-exec", "--policy", f"exec,command={program}")
            self.slow_down(hop, 24 * MIB)
            record = running.record
            self.assert_arrived(hop, record)
            begun = record.parameter("source", "downtime-limit")
            limits = [line["parameters"]["downtime-limit"] for line in record.of("applied")
                      if "downtime-limit" in line["parameters"]]
            self.assertEqual(limits, [begun * 2 ** number for number in range(1, len(limits) + 1)])
            self.assertGreaterEqual(len(limits), 1)
            self.assertRegex(record.of("advice")[-1]["reason"], r"a pass has left \d+ MiB: twice the downtime")
            self.assertTrue([text for text in record.notices() if "steering lab" in text], record.notices())

    def test_a_limit_can_be_a_key_of_the_policy(self):
        with self.hop() as hop:
            record = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", "--policy", "auto,max-downtime=700ms", "--dry-run").record
            self.assertEqual(record.header["limits"]["max_downtime_us"], 700000)

    def test_two_texts_for_one_limit_are_refused(self):
        with self.hop() as hop:
            said = self.qmpmig.run("--socket", hop.source.qmp, "migrate", hop.uri(), "--max-downtime", "1s", "--policy",
                                   "auto,max-downtime=2s", code=2)
            self.assertIn("max-downtime is given as 2s there and as 1s by --max-downtime", said)

    def test_one_that_is_not_installed_is_refused_before_the_start(self):
        with self.hop() as hop:
            before = Settings(hop.source)
            said = self.qmpmig.run("--socket", hop.source.qmp, "migrate", hop.uri(), "--dest-socket", hop.destination.qmp,
                                   "--policy", "nothing-like-it", code=2)
            self.assertIn("nothing-like-it", said)
            self.assertEqual(Settings(hop.source), before)

    def test_a_policy_hears_why_it_is_asked(self):
        with self.hop() as hop:
            running = self.hold(hop, "tcp:127.0.0.1:0")
            self.qmpmig.run("--socket", hop.source.qmp, "set", "max-throttle=5%")
            self.let_go(hop)
            record = running.record
            self.assert_arrived(hop, record)
            why = [sample["why"] for sample in record.samples]
            for bit, reason in enumerate(("clock", "event", "pass", "sync", "status", "limits")):
                self.assertTrue(any(each >> bit & 1 for each in why), reason)

    def test_what_cannot_work_is_said_before_any_throttle(self):
        """Sixteen MiB are dirty again at once, and nobody permits a throttle that is strong enough."""
        with self.hop() as hop:
            running = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", *BUSY, "--policy", "auto,xbzrle=off", "--max-downtime",
                                          "20ms", "--max-throttle", "10%")
            self.slow_down(hop, 2 * MIB)
            advice = running.wait_line("advice", verdict="cannot-within-limits")
            self.assertGreater(advice["needed_downtime_us"], 20000)
            self.assertNotIn("throttle_pct", advice)
            self.let_go(hop)
            record = running.record
            self.assert_arrived(hop, record)
            self.assertEqual(record.best("throttle_commanded_pct"), 0)

    def hopeless(self, hop):
        """(running, what was said to be needed) of a guest that is not throttled and writes its set in each pass again."""
        running = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", *BUSY, "--policy", "auto,xbzrle=off", "--max-downtime",
                                      "20ms", "--throttle", "off")
        self.wait_second_pass(hop)
        self.permit(hop, "bandwidth=4MiB/s")
        return running, running.wait_line("advice", verdict="cannot-within-limits")

    def permit(self, hop, setting):
        self.qmpmig.run("--socket", hop.source.qmp, "set", setting)

    def assert_not_enough(self, hop, running, why):
        running.wait_passes(len(working_passes(list(running.lines), hop.source)) + 2, hop.source)
        self.assertIsNone(running.process.poll(), why)

    def test_the_downtime_that_is_said_to_be_needed_is_enough(self):
        with self.hop() as hop:
            running, told = self.hopeless(hop)
            self.permit(hop, f"max-downtime={told['needed_downtime_us'] // 1500}ms")
            self.assert_not_enough(hop, running, "two thirds of it are not")
            self.permit(hop, f"max-downtime={told['needed_downtime_us'] // 1000 * 5 // 4}ms")
            self.assert_arrived(hop, running.record)

    def test_the_bandwidth_that_is_said_to_be_needed_is_enough(self):
        """Of a guest that takes longer for its set than between two looks of ours at its pages."""
        with self.hop(source={**LINUX, "rate": "16M", "ws": "12M"}) as hop:
            running, told = self.hopeless(hop)
            self.assertNotIn("more than", told["reason"])
            needed_mib = told["needed_bandwidth_bytes_per_s"] / MIB
            self.permit(hop, f"bandwidth={needed_mib / 2:.0f}MiB/s")
            self.assert_not_enough(hop, running, "half of it is not")
            self.permit(hop, f"bandwidth={needed_mib * 1.5:.0f}MiB/s")
            self.assert_arrived(hop, running.record)


if __name__ == "__main__":
    unittest.main()
