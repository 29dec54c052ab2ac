# SPDX-License-Identifier: LGPL-2.1-or-later
"""--libvirt at the shell: what is told before libvirt is asked, and when it is not there."""

import os
import shutil
import unittest
from unittest import mock

from tests.cli import program
from tests.lab.vm import Machine


class Libvirt(unittest.TestCase):
    def refused(self, *words, code=2):
        done = program.run(*words)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stderr

    def test_without_its_module_the_package_is_named(self):
        folder = Machine.new_folder()
        self.addCleanup(shutil.rmtree, folder)
        alone = shutil.copy(program.BINARY, folder)
        with mock.patch.object(program, "BINARY", alone):
            self.assertIn("install the package qmpmig-libvirt", self.refused("--libvirt", "web1", "status"))

    def test_a_module_that_others_can_write_to_is_not_loaded(self):
        folder = Machine.new_folder()
        self.addCleanup(shutil.rmtree, folder)
        alone = shutil.copy(program.BINARY, folder)
        os.mkdir(os.path.join(folder, "libvirt"))
        module = os.path.join(folder, "libvirt/libvirt.so")
        with open(module, "w"):
            os.chmod(module, 0o666)
        with mock.patch.object(program, "BINARY", alone):
            self.assertIn("the module is not loaded", self.refused("--libvirt", "web1", "status"))

    def test_a_socket_or_libvirt_but_not_both(self):
        for words in (("--libvirt", "web1", "--socket", "/run/x.qmp"), ("-s", "/run/x.qmp", "--libvirt", "web1")):
            self.assertIn("either --libvirt or --socket", self.refused(*words, "status"))

    def test_the_uri_of_a_move_is_libvirts(self):
        self.assertIn("qemu+ssh://HOST/system", self.refused("--libvirt", "web1", "migrate", "tcp:dst:4444"))
        self.assertIn("--libvirt DOMAIN", self.refused("-s", "/run/x.qmp", "migrate", "qemu+ssh://dst/system"))

    def test_what_is_libvirts_own_is_refused(self):
        move = ("--libvirt", "web1", "migrate", "qemu+ssh://dst/system")
        for option in ("--cap=events=on", "--param=downtime-limit=1", "--on-success=keep", "--dest-socket=/run/d.qmp",
                       "--if-stuck=cancel", "--tls=psk,dir=/x", "--unsafe=machine-type"):
            name = option.partition("=")[0]
            self.assertIn(name, self.refused(*move, option))

    def test_disks_are_copied_by_libvirt_alone(self):
        """Before QEMU is asked for anything; that nothing is copied may be said of any guest."""
        move = ("-s", "/run/x.qmp", "migrate", "tcp:dst:4444")
        for words in (("--storage", "all"), ("--storage", "top"), ("--storage", "all", "--dry-run")):
            self.assertEqual(self.refused(*move, *words),
                             "qmpmig: --storage is for guests of libvirt's, which copies their disks: without --libvirt both "
                             "ends have to see the same ones\n")
        self.assertIn("no such socket", program.run(*move, "--storage", "shared").stdout)

    def test_libvirt_receives_and_recovers_itself(self):
        self.assertIn("libvirt itself starts", self.refused("--libvirt", "web1", "incoming", "tcp:0:4444"))
        self.assertIn("libvirt recovers", self.refused("--libvirt", "web1", "recover"))

    def test_a_guest_of_libvirts_is_no_destination(self):
        self.assertIn("a guest that arrives", self.refused("-s", "/run/x.qmp", "migrate", "tcp:dst:4444",
                                                           "--dest-socket", "libvirt:web1"))


if __name__ == "__main__":
    unittest.main()
