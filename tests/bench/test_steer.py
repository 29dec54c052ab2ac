# SPDX-License-Identifier: LGPL-2.1-or-later
"""`steer` beside libvirt: the guest has a second monitor, virsh moves it to another host, and qmpmig turns the throttle."""

import os
import pathlib
import re
import shutil
import unittest

from tests.bench.convergence_lab import domain
from tests.bench.convergence_lab.host import LIVES
from tests.bench.convergence_lab.watch import Watch
from tests.lab import qemus, vm
from tests.libvirt.case import LabTest

MATRIX = os.environ.get("QMPMIG_MATRIX")
ALONE = True
TIMEOUT = 400

MONITOR = f"{LIVES}/steer"


@unittest.skipUnless(shutil.which("libvirtd") and shutil.which("virsh") and os.geteuid() == 0,
                     "libvirt is not here: packaging/install-deps bench, as root")
@unittest.skipUnless(os.environ.get("QMPMIG_LONG"), "long: --long runs it")
class BesideLibvirt(LabTest):
    version = qemus.SYSTEM

    def prepare(self):
        emulator = pathlib.Path(self.lab.folder, f"qemu-{self.version}")
        emulator.write_text(qemus.find(self.version).script())
        emulator.chmod(0o755)
        self.stage.xml = self.stage.xml.replace("/usr/bin/qemu-system-x86_64", str(emulator)).replace(
            "pc-q35-10.0", f"pc-q35-{self.version}")
        self.stage.xml = self.stage.xml.replace(
            "</qemu:commandline>", f"<qemu:arg value='-qmp'/><qemu:arg value='unix:{MONITOR},server=on,wait=off'/>"
                                   "</qemu:commandline>")

    def record(self, running, *codes, timeout=120):
        lines = super().record(running, *codes, timeout=timeout)
        self.assertEqual(lines[0]["ends"]["source"]["version"].rpartition(".")[0], self.version)
        return lines

    def steer(self, *words):
        return self.qmpmig.start("--json", "--socket", self.lab.a.outside(MONITOR), "steer", "--wait", *words)

    def test_a_throttle_is_steered_and_libvirt_brings_it_to_its_end(self):
        running = self.steer("--policy", "fixed,throttle=70%")
        watch = Watch(self.stage.source)
        self.addCleanup(watch.stop)
        moving = self.virsh_move("--auto-converge")
        running.wait_line("header", timeout=30)
        self.throttle(watch, running, 70)
        said, _ = moving.communicate(timeout=120)
        self.assertEqual(moving.returncode, 0, said)
        lines = self.record(running, 0)
        self.assertEqual((lines[-1]["outcome"], lines[-1]["guest_runs_on"]), ("handed-over", "destination"))
        self.assertEqual(self.state(self.lab.b), "running")

    def test_what_libvirt_aborts_stays_at_the_source(self):
        """It ends the destination at once, which QEMU may see before it has cancelled."""
        running = self.steer("--policy", "fixed,throttle=70%")
        moving = self.virsh_move("--auto-converge")
        running.wait_line("applied", timeout=60)
        self.lab.a.virsh("domjobabort", domain.NAME)
        moving.communicate(timeout=60)
        self.assertEqual(self.record(running, 10, 11)[-1]["guest_runs_on"], "source")
        self.assertEqual(self.state(self.lab.a), "running")

    def test_observed_it_is_as_libvirt_left_it(self):
        running = self.steer("--observe")
        moving = self.virsh_move("--auto-converge")
        running.wait_line("sample", timeout=60, status="active")
        before = self.stage.source.witness.call("query-migrate-parameters")
        running.wait_for(lambda: len(running.lines) > 40, "40 lines")
        self.assertEqual(self.stage.source.witness.call("query-migrate-parameters"), before)
        self.lab.a.virsh("domjobabort", domain.NAME)
        moving.communicate(timeout=60)
        lines = self.record(running, 10, 11)
        self.assertEqual([line for line in lines if line["type"] == "applied"], [])


@unittest.skipUnless(MATRIX, "QEMU 7.2 needs --matrix")
class BesideLibvirtOn7_2(BesideLibvirt):
    """Its TCG loses pages of a Linux guest, whoever moves it: the bare one. There is no such class for QEMU 11.1, whose
    `migrate` has no `detach` any more, which libvirt 11.3 gives it."""

    version = "7.2"

    def prepare(self):
        super().prepare()
        words = f"ws={64 << 20} rate={100 << 20}"
        bare = ("-bios", f"{vm.guests_folder()}/bare.bin", "-fw_cfg", f"name=opt/qmpmig/lab,string={words}")
        self.stage.xml = re.sub(r"<(kernel|initrd|cmdline)>.*</\1>", "", self.stage.xml).replace(
            "</qemu:commandline>", "".join(f"<qemu:arg value='{word}'/>" for word in bare) + "</qemu:commandline>")


if __name__ == "__main__":
    unittest.main()
