# SPDX-License-Identifier: LGPL-2.1-or-later
"""qmpmig opens the door of a libvirtd that asks for a name and a password."""

import unittest

from tests.bench.convergence_lab.watch import Watch
from tests.libvirt.case import applied
from tests.libvirt.password import PasswordTest

ALONE = True
TIMEOUT = 400


class WithPassword(PasswordTest):
    def test_the_auth_file_opens_the_door_and_nothing_else_does(self):
        self.assertIn("asks for a name and a password", self.run_qmpmig("status", code=3))
        watch = Watch(self.stage.source)
        self.addCleanup(watch.stop)
        self.qmpmig.environment["LIBVIRT_AUTH_FILE"] = self.auth
        running = self.start("migrate", self.lab.b.uri(), "--policy", "fixed,throttle=70%")
        self.throttle(watch, running, 70)
        lines = self.record(running, 0)
        self.assertIn(70, applied(lines, "cpu-throttle-initial"))
        self.assertEqual(self.state(self.lab.b), "running")


if __name__ == "__main__":
    unittest.main()
