# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks that the hosts do not share: libvirt copies them, then moves the guest, which qmpmig steers."""

import os
import pathlib
import unittest

from tests.bench.convergence_lab.watch import Watch
from tests.libvirt.case import LibvirtTest, applied
from tests.libvirt.test_long import LONG

ALONE = True
TIMEOUT = 300
IMAGE = "/var/lib/libvirt/disk.raw"     # of its own on each host
BYTES = 32 << 20
DISK = f"""<disk type='file' device='disk'><driver name='qemu' type='raw' cache='none'/><source file='{IMAGE}'/>
<target dev='vda' bus='virtio'/></disk></devices>"""


@LONG
class Disks(LibvirtTest):
    def prepare(self):
        self.data = os.urandom(1 << 20) * (BYTES >> 20)
        self.stage.xml = self.stage.xml.replace("</devices>", DISK)
        for host, data in ((self.lab.a, self.data), (self.lab.b, bytes(BYTES))):
            pathlib.Path(host.outside(IMAGE)).write_bytes(data)

    def there(self):
        return pathlib.Path(self.lab.b.outside(IMAGE)).read_bytes()

    def test_libvirt_copies_them_and_qmpmig_steers(self):
        watch = Watch(self.stage.source)
        self.addCleanup(watch.stop)
        running = self.start("migrate", self.lab.b.uri(), "--storage", "all", "--policy", "fixed,throttle=70%")
        self.throttle(watch, running, 70)
        lines = self.record(running, 0)
        self.assertIn(70, applied(lines, "cpu-throttle-initial"))
        self.assertEqual(self.state(self.lab.b), "running")
        self.assertTrue(self.there() == self.data)

    def test_unasked_they_are_not(self):
        running = self.start("migrate", self.lab.b.uri(), "--policy", "fixed,throttle=70%", "--unsafe", "disk-cache")
        self.record(running, 0, 10)
        self.assertTrue(self.there() == bytes(BYTES))


if __name__ == "__main__":
    unittest.main()
