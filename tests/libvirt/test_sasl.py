# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirtd asks for a name and a password, as on oVirt's hosts."""

import os
import shutil
import subprocess
import unittest
from unittest import mock

from tests.bench.convergence_lab import host
from tests.bench.convergence_lab.watch import Watch
from tests.lab import vm
from tests.libvirt.case import LibvirtTest, applied

ALONE = True
TIMEOUT = 400
ASKING = host.LIBVIRTD_CONF.replace('auth_unix_rw = "none"', 'auth_unix_rw = "sasl"')
AUTH = "[credentials-lab]\nauthname=vdsm\npassword=secret\n\n[auth-libvirt-localhost]\ncredentials=lab\n"


@unittest.skipUnless(os.environ.get("QMPMIG_LONG"), "long: --long runs it")
@unittest.skipUnless(shutil.which("saslpasswd2"), "libvirt is not here: sasl2-bin")
class WithPassword(LibvirtTest):
    @classmethod
    def setUpClass(cls):
        cls.folder = vm.Machine.new_folder()
        cls.auth = os.path.join(cls.folder, "auth.conf")
        users = os.path.join(cls.folder, "users.db")
        with open(os.path.join(cls.folder, "libvirt.conf"), "w") as file:
            file.write(f"mech_list: digest-md5\nsasldb_path: {users}\n")
        with open(cls.auth, "w") as file:
            file.write(AUTH)
        for realm in ("qmpmig-bench-a", "qmpmig-bench-b"):
            subprocess.run(["saslpasswd2", "-p", "-f", users, "-a", "libvirt", "-u", realm, "vdsm"], input="secret",
                           check=True, text=True)
        # Both libvirtds, and the lab's virsh, have it from the environment; qmpmig does not.
        own = {"SASL_CONF_PATH": cls.folder, "LIBVIRT_AUTH_FILE": cls.auth}
        with mock.patch.object(host, "LIBVIRTD_CONF", ASKING):
            cls.enterClassContext(mock.patch.dict(os.environ, own))
            super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder, ignore_errors=True)
        super().tearDownClass()

    def setUp(self):
        super().setUp()
        del self.qmpmig.environment["LIBVIRT_AUTH_FILE"]

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
