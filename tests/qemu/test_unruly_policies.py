# SPDX-License-Identifier: LGPL-2.1-or-later
"""A policy that does not behave costs the migration nothing but its policy."""

import pathlib
import signal
import time
import unittest

from tests.qemu.move import BINARY, MoveTest

PLUGINS = pathlib.Path(BINARY).resolve().parents[1] / "tests/abi"


class Unruly(MoveTest):
    """tests/abi/plugins has one for each way."""

    def hold_with(self, hop, name, **more):
        return self.hold(hop, "tcp:127.0.0.1:0", "--policy", str(PLUGINS / f"{name}.so"), **more)

    def arrive(self, hop, running):
        self.let_go(hop)
        record = running.record
        self.assert_arrived(hop, record)
        return record

    def test_one_that_is_slow_is_told_of_once_and_stays(self):
        with self.hop() as hop:
            record = self.arrive(hop, self.hold_with(hop, "slow"))
            self.assertEqual(len(record.of("notice", code="policy-slow")), 1)
            self.assertEqual(record.of("notice", code="policy-lost"), [])
            self.assertGreater(len(record.of("advice")), 1)

    def test_one_that_wants_to_be_left_alone_is_and_its_log_is_in_the_record(self):
        with self.hop() as hop:
            record = self.arrive(hop, self.hold_with(hop, "patience"))
            logged = [line["t_us"] for line in record.of("notice", code="policy-log") if "by the clock" in line["text"]]
            self.assertTrue(all(later - earlier > 1900000 for earlier, later in zip(logged, logged[1:])), logged)
            self.assertTrue(record.of("notice", code="policy-log", level="info"))

    def test_one_that_hangs_is_left_after_a_second(self):
        with self.hop() as hop:
            record = self.arrive(hop, self.hold_with(hop, "hanging"))
            lost, = record.of("notice", code="policy-lost")
            self.assertIn("no answer within 1 s", lost["text"])
            self.assertEqual(record.of("advice"), [])
            samples = [sample["t_us"] for sample in record.samples if sample["t_us"] <= lost["t_us"]]
            self.assertGreater(len(samples), 5, "samples went on while it hung")

    def test_a_move_with_one_that_hangs_can_be_cancelled_at_once(self):
        with self.hop() as hop:
            running = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", "--bandwidth", "4MiB/s", "--policy",
                                          str(PLUGINS / "hanging.so"))
            running.wait_line("notice", code="policy-slow")
            asked = time.monotonic()
            self.qmpmig.run("--socket", hop.source.qmp, "cancel")
            self.assertLess(time.monotonic() - asked, 5)
            self.assert_stays(hop, running.record.result, "cancelled", 11)

    def test_one_that_fails_is_told_of_with_its_words(self):
        with self.hop() as hop:
            record = self.arrive(hop, self.hold_with(hop, "failing"))
            lost, = record.of("notice", code="policy-lost")
            self.assertIn("policy failing: cannot think ?[31m today", lost["text"])
            self.assertIsNone(record.planned("parameters", "source", "max-cpu-throttle"))

    def test_nonsense_is_cut_to_what_the_operator_permits(self):
        with self.hop() as hop:
            running = self.hold_with(hop, "nonsense")
            parameters = hop.source.witness.call("query-migrate-parameters")
            self.assertEqual(parameters["downtime-limit"], 1)
            self.assertEqual(parameters["max-bandwidth"], 12 << 20)  # what the test has set
            record = self.arrive(hop, running)
            self.assertTrue(record.of("applied"))
            self.assertFalse(record.best("throttle_pct"))

    def test_one_that_crashes_takes_qmpmig_and_not_the_guest(self):
        with self.hop() as hop:
            running = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", "--bandwidth", "4MiB/s", "--policy",
                                          str(PLUGINS / "crashing.so"))
            self.assertEqual(running.wait(), -signal.SIGABRT)
            self.assertEqual(hop.running(), [hop.source.name])
            self.assertEqual(hop.source.migration()["status"], "active")
            self.qmpmig.run("--socket", hop.source.qmp, "cancel")
            self.qmpmig.run("--socket", hop.source.qmp, "recover", code=10)
            self.assert_works(hop.source)
            self.assertEqual(self.qmpmig.journals(), [])

    def test_one_of_others_is_refused_before_the_start(self):
        with self.hop() as hop:
            text = self.qmpmig.refused(hop, "tcp:127.0.0.1:0", "--policy", str(PLUGINS / "other-abi.so"), code=2)
            self.assertIn("is built for plugin ABI 2, this qmpmig has ABI 1", text)
            self.assertEqual(hop.running(), [hop.source.name])


if __name__ == "__main__":
    unittest.main()
