# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest of libvirt's on host a, that may go to host b: both libvirtds in namespaces (tests/bench/convergence_lab)."""

import os
import shutil
import subprocess
import unittest

from tests.bench.convergence_lab import domain
from tests.bench.convergence_lab.lab import Lab
from tests.bench.convergence_lab.stage import LibvirtStage
from tests.display.record import record_faults
from tests.lab import vm
from tests.qemu.move import BINARY, Qmpmig

LINK_MBIT = 400
# Without a throttle it would never end: 100 MiB/s against 48.
GUEST = {"ws": "64M", "rate": "100M", "shape": "uniform", "density": 4096, "content": "random"}
MODULE = os.path.join(os.path.dirname(BINARY), "libvirt/libvirt.so")
HERE = shutil.which("libvirtd") and shutil.which("virsh") and os.geteuid() == 0 and os.path.exists(MODULE)


class LabTest(unittest.TestCase):
    """Whoever moves and steers it."""

    guest = GUEST

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab()
        cls.lab.link.limit(LINK_MBIT)

    @classmethod
    def tearDownClass(cls):
        cls.lab.cleanup()
        if left := vm.leftovers():
            raise AssertionError(f"left behind: {left}")

    def setUp(self):
        self.qmpmig = Qmpmig()
        self.addCleanup(self.qmpmig.end)
        self.stage = LibvirtStage(self.lab.a, self.lab.b, self.guest)
        self.prepare()
        self.enterContext(self.stage)

    def prepare(self):
        """The stage, before the guest starts."""

    def virsh_move(self, *options):
        """Moves the guest; it is virsh that started it and ends it."""
        argv = self.lab.a.virsh_argv("migrate", "--live", domain.NAME, self.lab.b.uri(), "--migrateuri",
                                     f"tcp://{self.lab.b.address}", *options)
        process = vm.start_process(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def record(self, running, *codes, timeout=120):
        self.assertIn(running.wait(timeout), codes, running.errors)
        lines = [line for _, line in running.lines]
        self.assertEqual(record_faults(lines), [])
        return lines

    def throttle(self, watch, running, pct, timeout=60):
        """QEMU itself says so, by its own monitor."""
        running.wait_for(lambda: watch.last().get("cpu-throttle-percentage") == pct, f"throttle of {pct} %", timeout)

    def state(self, host):
        return host.virsh("domstate", domain.NAME, check=False).stdout.strip()


@unittest.skipUnless(HERE, "libvirt is not here: packaging/install-deps test, as root")
class LibvirtTest(LabTest):
    """Through libvirt's monitor."""

    def uri(self):
        return self.lab.a.uri()

    def domain(self):
        return f"{domain.NAME}@{self.uri()}"

    def words(self):
        return "--libvirt", self.domain()

    def run_qmpmig(self, *words, code=0):
        return self.qmpmig.run(*self.words(), *words, code=code)

    def start(self, *words):
        return self.qmpmig.start("--json", *self.words(), *words)


def applied(lines, name):
    """The values that were set of a parameter, in their order."""
    return [line["parameters"][name] for line in lines if line["type"] == "applied" and name in line["parameters"]]
