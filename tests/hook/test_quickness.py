# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a hook costs a migration, measured: 50 ms at most in the median, whatever the service does."""
import os
import unittest

from tests.hook.bus import Bus
from tests.hook.caller import Vdsm
from tests.hook.case import HookCase
from tests.hook.quickness import POINTS, STATES, Taken, take

ALONE = True
TIMEOUT = 900


@unittest.skipUnless(os.environ.get("QMPMIG_LONG"), "long: --long runs it")
class HowLong(unittest.TestCase):
    def assert_quick(self, state):
        for point in POINTS:
            with self.subTest(point):
                taken = take(state, point)
                print(f"{state}: {point}: {taken}")
                self.assertEqual(taken.faults(), [], str(taken))

    def test_absent(self):
        self.assert_quick("absent")

    def test_hung(self):
        self.assert_quick("hung")

    def test_crashing(self):
        self.assert_quick("crashing")

    def test_dying_at_each_call(self):
        self.assert_quick("dying at each call")

    def test_answering(self):
        self.assert_quick("answering")

    def test_a_deaf_bus(self):
        self.assert_quick("deaf bus")


class TheJudgement(HookCase):
    def taken_by(self, script):
        """Five calls of a hook that does this."""
        host, taken = self.host(Bus(None)), Taken()
        vdsm = Vdsm(host)
        (host.top / "helpers/hook").write_text(f"#!/bin/sh\n{script}\n")
        for _ in range(5):
            taken.add(host, lambda: vdsm.run("before_vm_migrate_source", "")[2])
        return taken

    def test_a_hook_that_waits_is_too_slow(self):
        self.assertEqual(self.taken_by("sleep 0.06").faults(), ["its median is not below 50.0 ms"])

    def test_so_is_one_whose_pipes_another_process_holds(self):
        self.assertEqual(self.taken_by("sleep 0.06 &").faults(), ["its median is not below 50.0 ms"])

    def test_a_hook_that_computes_uses_too_much(self):
        self.assertIn("its CPU time is not below 20.0 ms", self.taken_by("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done").faults())

    def test_one_late_call_is_no_fault(self):
        taken = Taken()
        taken.seconds, taken.cpu_seconds = [0.01] * 4 + [3], [0.001] * 5
        self.assertEqual(taken.faults(), [])

    def test_every_state_is_measured(self):
        tests = [name.removeprefix("test_").removeprefix("a_").replace("_", " ") for name in dir(HowLong) if name.startswith("test_")]
        self.assertEqual(sorted(tests), sorted(STATES))


if __name__ == "__main__":
    unittest.main()
