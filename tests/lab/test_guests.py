# SPDX-License-Identifier: LGPL-2.1-or-later
"""The lab itself against real machines: guests live, move whole, and say so when they did not arrive whole."""

import time
import unittest

from tests.lab.proxy import Proxy
from tests.lab.vm import MemoryBad, Pair, Vm, leftovers

LINUX = {"version": "10.0", "guest": "linux", "memory": 256, "ws": "32M", "rate": "20M"}
BARE = {"guest": "bare", "memory": 128, "ws": "32M", "rate": "20M"}


class LabTest(unittest.TestCase):
    def tearDown(self):
        self.assertEqual(leftovers(), [])


class Guests(LabTest):
    def test_linux_boots_works_and_beats(self):
        with Vm(**LINUX) as vm:
            vm.wait_boot()
            self.assert_beats_and_works(vm)
            self.assertEqual(vm.check_memory(), (32 + 8) * 256)

    def test_bare_boots_works_and_beats_on_every_version(self):
        for version in ("5.2", "7.2", "10.0", "11.1"):
            with self.subTest(version=version), Vm(version=version, **BARE) as vm:
                vm.wait_boot()
                self.assert_beats_and_works(vm)
                self.assertEqual(vm.check_memory(), (32 + 8) * 256)
                vm.witness.call("stop")
                vm.check_bare_from_outside()

    def assert_beats_and_works(self, vm):
        start = vm.wait_heartbeat()
        time.sleep(1)
        beats = vm.heartbeats(start.received)
        self.assertGreater(len(beats), 30)
        self.assertEqual([beat.number for beat in beats], list(range(start.number + 1, start.number + 1 + len(beats))))
        rate = (beats[-1].work - start.work) * 4096 / (beats[-1].received - start.received)
        self.assertGreater(rate, 0.5 * vm.parameters["rate"])
        self.assertLess(rate, 1.2 * vm.parameters["rate"])

    def test_linux_writes_as_told(self):
        for shape in ("sequential", "hot", "bursts"):
            for density, content in ((8, "random"), (512, "text"), (4096, "zero")):
                with self.subTest(shape=shape, density=density, content=content), \
                        Vm(**LINUX, shape=shape, density=density, content=content) as vm:
                    vm.wait_boot()
                    time.sleep(0.5)
                    vm.check_memory()

    def test_console_commands(self):
        with Vm(**LINUX, extra=["-no-shutdown"]) as vm:
            vm.wait_boot()
            vm.command("stop", "STOPPED")
            still = vm.wait_heartbeat().work
            self.assertEqual(vm.wait_heartbeat().work, still)
            vm.command("start", "STARTED")
            vm.command("rate 1000000", "RATE ok")
            vm.command("suspend", "SUSPENDING")
            vm.wait_run_state("suspended")
            vm.witness.call("system_wakeup")
            vm.wait_run_state("running")
            vm.wait_heartbeat()
            vm.check_memory()
            vm.serial.write("panic\n")
            vm.wait_run_state("guest-panicked")

    def test_poweroff(self):
        with Vm(**LINUX, extra=["-no-shutdown"]) as vm:
            vm.wait_boot()
            vm.serial.write("poweroff\n")
            vm.wait_run_state("shutdown")


class Moves(LabTest):
    def test_linux_arrives_whole(self):
        for version in ("10.0", "11.1", ("10.0", "11.1")):
            with self.subTest(version=version), Pair(**{**LINUX, "version": version}) as pair:
                self.assert_moves(pair)

    def test_bare_arrives_whole_between_all_versions(self):
        for version in ("5.2", "7.2", ("5.2", "7.2"), ("5.2", "11.1"), ("7.2", "10.0")):
            with self.subTest(version=version), Pair(version, **BARE) as pair:
                self.assert_moves(pair)
                pair.destination.witness.call("stop")
                pair.destination.check_bare_from_outside()

    def assert_moves(self, pair):
        before = pair.source.wait_heartbeat()
        pair.migrate()
        after = pair.destination.wait_heartbeat()
        self.assertEqual(pair.running(), ["dst"])
        self.assertGreaterEqual(after.work, before.work)
        self.assertLess(pair.blackout_ms(), 1000)
        pair.destination.check_memory()

    def test_disk_that_was_not_mirrored_is_found(self):
        disk = {"disk": 32 << 20, "disk_ws": "16M", "disk_rate": "2M"}
        with Pair(**LINUX, **disk) as pair:
            self.assertEqual(pair.source.check_memory(), (32 + 8 + 16) * 256)
            pair.migrate()
            with self.assertRaisesRegex(MemoryBad, "region=disk"):
                pair.destination.check_memory()

    def test_corrupted_linux_page_is_found(self):
        self.assert_corruption_is_found(LINUX)

    def test_corrupted_bare_page_is_found(self):
        self.assert_corruption_is_found({**BARE, "version": "7.2"})

    def assert_corruption_is_found(self, guest):
        with Pair(**guest) as pair, Proxy(pair.uri()) as proxy:
            pair.source.check_memory()
            proxy.corrupt()
            pair.migrate(proxy.uri, incoming_uri=pair.uri())
            self.assertEqual(len(proxy.corrupted), 1)
            with self.assertRaisesRegex(MemoryBad, f"page={proxy.corrupted[0].page} region=static"):
                pair.destination.check_memory()
            pair.destination.wait_heartbeat()


if __name__ == "__main__":
    unittest.main()
