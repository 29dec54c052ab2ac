# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest of libvirt's is moved by libvirt and steered through libvirt's monitor."""

import unittest

from tests.bench.convergence_lab.watch import Watch
from tests.libvirt.case import LibvirtTest, applied

ALONE = True
TIMEOUT = 300


class ThroughLibvirt(LibvirtTest):
    def test_libvirt_moves_it_and_qmpmig_steers(self):
        watch = Watch(self.stage.source)
        self.addCleanup(watch.stop)
        self.check_refusals()
        running = self.qmpmig.start("--json", "--libvirt", self.domain(), "migrate", self.lab.b.uri(), "--policy", "fixed,throttle=70%")
        self.throttle(watch, running, 70)
        lines = self.record(running, 0)
        self.assertEqual((lines[-1]["outcome"], lines[-1]["guest_runs_on"]), ("completed", "destination"))
        self.assertIn(70, applied(lines, "cpu-throttle-initial"))
        self.assertEqual(self.state(self.lab.b), "running")
        self.assertEqual(self.state(self.lab.a), "")

    def check_refusals(self):
        """Before it moves: QEMU is not told what libvirt would not know of."""
        self.assertIn("virsh resume", self.run_qmpmig("qmp", "cont", code=1))
        self.assertIn("has libvirt migrate it", self.run_qmpmig("qmp", "migrate", '{"uri": "tcp:192.0.2.2:1"}', code=1))
        self.assertIn("running", self.run_qmpmig("status"))
        self.assertEqual(self.stage.source.witness.call("query-migrate"), {})


if __name__ == "__main__":
    unittest.main()
