# SPDX-License-Identifier: LGPL-2.1-or-later
"""A shared image's write lock has the right holder in each phase of a move, as the kernel tells it: QEMU takes an open
file description lock on byte 101 of an image for the permission to write (100 + the permission's number)."""

import os
import shutil
import signal
import subprocess
import tempfile
import unittest

from tests.lab import vm as lab
from tests.qemu import move
from tests.qemu.move import Hop, MoveTest

FAULTY = os.environ.get("QMPMIG_FAULTY", str(move.TOP / "build/agent/qmpmig-faulty"))
WRITE_BYTE = 101
GUEST = {**move.BARE, "version": "10.0", "memory": 64, "ws": "2M", "static": "2M", "rate": "8M"}


def holds_write(vm, image):
    """Whether that QEMU has the lock, by the kernel's list of locks on each of its descriptors."""
    folder = f"/proc/{vm.pid}/fd"
    for name in os.listdir(folder):
        if os.path.realpath(os.path.join(folder, name)) != image:
            continue
        with open(f"/proc/{vm.pid}/fdinfo/{name}", encoding="utf-8") as file:
            for line in file:
                words = line.split()
                if words[:1] == ["lock:"] and "OFDLCK" in words:
                    first, last = words[-2:]
                    if int(first) <= WRITE_BYTE and (last == "EOF" or WRITE_BYTE <= int(last)):
                        return True
    return False


class DiskLock(MoveTest):
    guest = GUEST

    def setUp(self):
        super().setUp()
        self.folder = tempfile.mkdtemp(prefix=lab.Machine.prefix)
        self.addCleanup(shutil.rmtree, self.folder, True)

    def image(self, kind):
        path = os.path.join(self.folder, f"shared.{kind}")
        subprocess.run(["qemu-img", "create", "-q", "-f", kind, path, "16M"], check=True)
        return os.path.realpath(path)

    def drive(self, kind, image, locking="auto"):
        return ["-blockdev", f"driver={kind},node-name=disk0,file.driver=file,file.filename={image},"
                             f"file.locking={locking}",
                "-device", "virtio-blk-pci,id=vda,drive=disk0"]

    def pair(self, kind, image, locking="auto"):
        """A source that has the disk open, and a destination that has it open inactive."""
        options = {**self.guest, "guest_name": "lab", "extra": self.drive(kind, image, locking)}
        source = lab.Vm("src", **options)
        self.addCleanup(source.cleanup)
        destination = lab.Vm("dst", **options, incoming="defer", paused=True)
        self.addCleanup(destination.cleanup)
        source.wait_boot()
        return Hop(source, destination)

    def kill_at(self, hop, point, *options):
        environment = {"QMPMIG_FAULT_LIST": os.path.join(self.qmpmig.folder, "points"), "QMPMIG_FAULT_KILL": point}
        words = ("--json", "--socket", hop.source.qmp, "migrate", hop.uri(), "--dest-socket", hop.destination.qmp)
        running = move.Running([FAULTY, *words, *options], {**self.qmpmig.environment, **environment})
        self.qmpmig.started.append(running)
        self.assertEqual(running.wait(), -signal.SIGKILL, running.text + running.errors)
        os.unlink(environment["QMPMIG_FAULT_LIST"])

    def assert_writer(self, hop, image, expected, phase):
        """EXPECTED: "src", "dst" or None."""
        found = [vm.name for vm in (hop.source, hop.destination) if vm.is_alive() and holds_write(vm, image)]
        self.assertEqual(found, [expected] if expected else [], phase)

    def walk(self, kind):
        image = self.image(kind)
        hop = self.pair(kind, image)
        self.assert_writer(hop, image, "src", "before the move")
        self.kill_at(hop, "send:source:query-migrate:after#2", "--bandwidth", "1MiB/s")
        self.assert_writer(hop, image, "src", "pre-copy")
        hop.source.witness.call("migrate-set-parameters", {"max-bandwidth": 0, "downtime-limit": 2000})
        hop.source.witness.wait_migration("pre-switchover")
        self.assert_writer(hop, image, "src", "pre-switchover")
        self.assertEqual(hop.source.run_state(), "finish-migrate")
        record = self.qmpmig.start("--json", "--socket", hop.source.qmp, "recover", "--on-success", "keep").record
        self.assertEqual(record.result["guest_runs_on"], "destination", record.result)
        self.assert_writer(hop, image, "dst", "after the move")

    def test_raw_is_the_sources_until_it_is_the_destinations(self):
        self.walk("raw")

    def test_qcow2_is_the_sources_until_it_is_the_destinations(self):
        self.walk("qcow2")

    def test_nobody_writes_between_completed_and_cont(self):
        image = self.image("raw")
        hop = self.pair("raw", image)
        self.kill_at(hop, "send:destination:cont:before#1", "--on-success", "keep")
        self.assert_writer(hop, image, None, "both have the guest, neither runs it")
        record = self.qmpmig.start("--json", "--socket", hop.source.qmp, "recover").record
        self.assertEqual(record.result["guest_runs_on"], "destination", record.result)
        self.assert_writer(hop, image, "dst", "after recover")

    def test_a_cancelled_move_leaves_it_with_the_source(self):
        image = self.image("raw")
        hop = self.pair("raw", image)
        running = self.qmpmig.migrate(hop, hop.uri(), "--bandwidth", "1MiB/s", "--max-downtime", "1ms")
        running.wait_line("sample", status="active")
        running.interrupt()
        self.assertEqual(running.record.result["outcome"], "cancelled")
        self.assert_writer(hop, image, "src", "cancelled")
        self.assertEqual(hop.source.run_state(), "running")

    def test_a_destination_that_died_before_cont_gives_it_back_once_confirmed(self):
        """It may have been told to run: nobody starts the source's copy but the operator."""
        image = self.image("raw")
        hop = self.pair("raw", image)
        self.kill_at(hop, "send:destination:cont:before#1", "--on-success", "keep")
        hop.destination.kill()
        recover = ("--json", "--socket", hop.source.qmp, "recover")
        record = self.qmpmig.start(*recover).record
        self.assertEqual(record.result["exit_code"], 13, record.result)
        self.assertIn("--confirm-dead destination", " ".join(record.result["commands"]))
        self.assert_writer(hop, image, None, "undecided")
        record = self.qmpmig.start(*recover, "--confirm-dead", "destination").record
        self.assertEqual(record.result["guest_runs_on"], "source", record.result)
        self.assertEqual(hop.source.run_state(), "running")
        self.assert_writer(hop, image, "src", "the source has the guest again")

    def test_the_check_goes_red_without_locks(self):
        image = self.image("raw")
        hop = self.pair("raw", image, locking="off")
        with self.assertRaises(AssertionError):
            self.assert_writer(hop, image, "src", "nobody locks")

    def test_the_check_goes_red_for_the_wrong_one(self):
        image = self.image("raw")
        hop = self.pair("raw", image)
        with self.assertRaises(AssertionError):
            self.assert_writer(hop, image, "dst", "it is the source's")


if __name__ == "__main__":
    unittest.main()
