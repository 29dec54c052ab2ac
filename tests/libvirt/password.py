# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirtd asks for a name and a password, as on oVirt's hosts."""

import os
import shutil
import subprocess
import unittest
from unittest import mock

from tests.bench.convergence_lab import host
from tests.lab import vm
from tests.libvirt.case import LibvirtTest

ASKING = host.LIBVIRTD_CONF.replace('auth_unix_rw = "none"', 'auth_unix_rw = "sasl"')
AUTH = "[credentials-lab]\nauthname=vdsm\npassword=secret\n\n[auth-libvirt-localhost]\ncredentials=lab\n"


@unittest.skipUnless(os.environ.get("QMPMIG_LONG"), "long: --long runs it")
@unittest.skipUnless(shutil.which("saslpasswd2"), "libvirt is not here: sasl2-bin")
class PasswordTest(LibvirtTest):
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
