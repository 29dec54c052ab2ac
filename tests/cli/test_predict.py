# SPDX-License-Identifier: LGPL-2.1-or-later
"""`qmpmig predict`: a real guest is measured, and a model of it is moved."""

import json
import os
import unittest

from tests.cli import program
from tests.lab.vm import Vm, leftovers
from tests.peer import faults
from tests.peer.bench import Bench

LIVE = True
TIMEOUT = 120

VERSION = os.environ.get("QMPMIG_PREDICT_QEMU", "10.0")
# So much that no slow link keeps up, and nobody who may hold it back.
BUSY = {"ws": "32M", "rate": "128M"}
NO_HELP = "--policy", "auto,xbzrle=off", "--throttle", "off", "--postcopy", "never", "--max-downtime", "100ms"


class ABusyGuest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.vm = Vm("busy", version=VERSION, guest="bare", memory=256, guest_name="web1", **BUSY).wait_boot()

    @classmethod
    def tearDownClass(cls):
        cls.vm.cleanup()
        if left := leftovers():
            raise AssertionError(f"left behind: {left}")

    def predict(self, *words):
        return program.run("--socket", self.vm.qmp, *words)

    def test_over_a_fast_link_it_converges(self):
        done = self.predict("--json", "predict", "--bandwidth", "1GiB/s", *NO_HELP)
        self.assertEqual(done.returncode, 0, done.stderr)
        line = json.loads(done.stdout)
        self.assertTrue(line["converges"])
        self.assertLessEqual(line["total"]["least_us"], line["total"]["most_us"])
        self.assertLess(line["total"]["most_us"], 5_000_000)
        # It writes 32 MiB over and over, and QEMU saw that.
        last = line["measured"]["points"][-1]["written_bytes"]
        self.assertAlmostEqual(last / 2 ** 20, 32, delta=8)
        self.assertEqual(self.vm.run_state(), "running")

    def test_over_a_slow_one_it_does_not_and_something_would_help(self):
        done = self.predict("predict", "--bandwidth", "48MiB/s", *NO_HELP)
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("web1: at 48 MiB/s with policy auto its migration does not converge\n", done.stdout)
        for change in ("--max-downtime ", "--bandwidth ", "--postcopy now"):
            self.assertIn(change, done.stdout)


class Refusals(Bench):
    def predict(self, peer, *words):
        return self.run_qmpmig("--socket", peer.path, "predict", *(words or ("--bandwidth", "1Gbit/s")))

    def assert_refused(self, done, text, code=4):
        self.assertEqual(done.code, code, str(done))
        self.assertIn(text, done.stderr)

    def test_while_a_migration_runs_nothing_is_measured(self):
        source = self.pair().source
        source.on("query-migrate", do=faults.put("return.status", "active"))
        self.assert_refused(self.predict(source), "a migration runs (active)")
        self.assertNotIn("calc-dirty-rate", [entry.name for entry in source.log])

    def test_a_guest_that_does_not_run_tells_nothing(self):
        self.assert_refused(self.predict(self.pair().destination), "the guest does not run")

    def test_a_qemu_that_cannot_measure_is_told(self):
        source = self.pair().source
        source.on("query-memory-size-summary", do=faults.reply({"base-memory": 1 << 30}))
        source.on("query-kvm", do=faults.reply({"enabled": False, "present": False}))
        source.on("query-cpus-fast", do=faults.reply([{}]))
        source.on("calc-dirty-rate", do=faults.error("no such measure"))
        self.assert_refused(self.predict(source), "calc-dirty-rate: no such measure")

    def test_a_small_guest_has_no_samples(self):
        source = self.pair().source
        source.on("query-memory-size-summary", do=faults.reply({"base-memory": 1 << 26}))
        source.on("query-kvm", do=faults.reply({"enabled": False, "present": False}))
        source.on("query-cpus-fast", do=faults.reply([{}]))
        self.assert_refused(self.predict(source), "128 MiB and more")

    def test_the_link_has_to_be_told(self):
        done = self.predict(self.pair().source, "--max-downtime", "1s")
        self.assert_refused(done, "--bandwidth has to say", code=2)

    def test_who_is_not_there_is_not_reached(self):
        done = self.run_qmpmig("--socket", f"{self.folder}/none", "predict", "--bandwidth", "1Gbit/s")
        self.assertEqual(done.code, 3, str(done))


if __name__ == "__main__":
    unittest.main()
