# SPDX-License-Identifier: LGPL-2.1-or-later
"""`steer` beside libvirt: the guest has a second monitor, virsh moves it to another host, and qmpmig turns the throttle."""

import os
import shutil
import subprocess
import unittest

from tests.bench.convergence_lab import domain
from tests.bench.convergence_lab.host import LIVES
from tests.bench.convergence_lab.lab import Lab
from tests.bench.convergence_lab.stage import LibvirtStage
from tests.bench.convergence_lab.watch import Watch
from tests.display.record import record_faults
from tests.lab import vm
from tests.qemu.move import Qmpmig

ALONE = True
TIMEOUT = 400

LINK_MBIT = 400
# Without a throttle it would never end: 100 MiB/s against 48.
GUEST = {"ws": "64M", "rate": "100M", "shape": "uniform", "density": 4096, "content": "random"}
MONITOR = f"{LIVES}/steer"


@unittest.skipUnless(shutil.which("libvirtd") and shutil.which("virsh") and os.geteuid() == 0,
                     "libvirt is not here: packaging/install-deps bench, as root")
@unittest.skipUnless(os.environ.get("QMPMIG_LONG"), "long: --long runs it")
class BesideLibvirt(unittest.TestCase):
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
        self.stage = LibvirtStage(self.lab.a, self.lab.b, GUEST)
        self.stage.xml = self.stage.xml.replace(
            "</qemu:commandline>", f"<qemu:arg value='-qmp'/><qemu:arg value='unix:{MONITOR},server=on,wait=off'/>"
                                   "</qemu:commandline>")
        self.enterContext(self.stage)

    def steer(self, *words):
        return self.qmpmig.start("--json", "--socket", self.lab.a.outside(MONITOR), "steer", "--wait", *words)

    def virsh(self, *options):
        """Moves the guest; the one who started it and ends it."""
        argv = self.lab.a.virsh_argv("migrate", "--live", domain.NAME, self.lab.b.uri(), "--migrateuri",
                                     f"tcp://{self.lab.b.address}", *options)
        process = vm.start_process(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def record(self, running, *codes):
        self.assertIn(running.wait(120), codes, running.errors)
        lines = [line for _, line in running.lines]
        self.assertEqual(record_faults(lines), [])
        return lines

    def test_a_throttle_is_steered_and_libvirt_brings_it_to_its_end(self):
        running = self.steer("--policy", "fixed,throttle=70%")
        watch = Watch(self.stage.source)
        self.addCleanup(watch.stop)
        moving = self.virsh("--auto-converge")
        running.wait_line("header", timeout=30)
        running.wait_for(lambda: watch.last().get("cpu-throttle-percentage") == 70, "throttle of 70 % in QEMU", 60)
        said, _ = moving.communicate(timeout=120)
        self.assertEqual(moving.returncode, 0, said)
        lines = self.record(running, 0)
        self.assertEqual((lines[-1]["outcome"], lines[-1]["guest_runs_on"]), ("handed-over", "destination"))
        self.assertEqual(self.lab.b.virsh("domstate", domain.NAME).stdout.strip(), "running")

    def test_what_libvirt_aborts_stays_at_the_source(self):
        """It ends the destination at once, which QEMU may see before it has cancelled."""
        running = self.steer("--policy", "fixed,throttle=70%")
        moving = self.virsh("--auto-converge")
        running.wait_line("applied", timeout=60)
        self.lab.a.virsh("domjobabort", domain.NAME)
        moving.communicate(timeout=60)
        self.assertEqual(self.record(running, 10, 11)[-1]["guest_runs_on"], "source")
        self.assertEqual(self.lab.a.virsh("domstate", domain.NAME).stdout.strip(), "running")

    def test_observed_it_is_as_libvirt_left_it(self):
        running = self.steer("--observe")
        moving = self.virsh("--auto-converge")
        running.wait_line("sample", timeout=60, status="active")
        before = self.stage.source.witness.call("query-migrate-parameters")
        running.wait_for(lambda: len(running.lines) > 40, "40 lines")
        self.assertEqual(self.stage.source.witness.call("query-migrate-parameters"), before)
        self.lab.a.virsh("domjobabort", domain.NAME)
        moving.communicate(timeout=60)
        lines = self.record(running, 10, 11)
        self.assertEqual([line for line in lines if line["type"] == "applied"], [])


if __name__ == "__main__":
    unittest.main()
