# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guest arrives in the run state that it had, and that is success; so do its disks."""

import os
import unittest

from tests.qemu.move import LINUX, MoveTest, Settings


class States(MoveTest):
    """A guest that ends itself stays in its QEMU."""

    guest = {**LINUX, "extra": ("-no-shutdown",)}

    def assert_arrives_as(self, hop, state):
        before = Settings(hop.destination)
        record = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0").record
        result = record.result
        self.assertEqual((result["outcome"], result["exit_code"]), ("completed", 0), result)
        self.assertEqual((result["guest_runs_on"], result["run_state"]), ("destination", state))
        self.assertEqual(hop.destination.run_state(), state)
        self.assertEqual(hop.source.wait_exit(), 0)
        self.assertEqual(Settings(hop.destination), before)

    def test_paused_by_the_operator(self):
        with self.hop() as hop:
            hop.source.witness.call("stop")
            self.assert_arrives_as(hop, "paused")
            hop.destination.witness.call("cont")
            self.assert_goes_on(hop)
            hop.destination.check_memory()

    def test_suspended(self):
        with self.hop() as hop:
            hop.source.command("suspend", "SUSPENDING")
            hop.source.wait_run_state("suspended")
            self.assert_arrives_as(hop, "suspended")
            hop.destination.witness.call("system_wakeup")
            hop.destination.wait_run_state("running")
            self.assert_goes_on(hop)
            hop.destination.check_memory()

    def test_shut_down_before_the_move(self):
        with self.hop() as hop:
            hop.source.serial.write("poweroff\n")
            hop.source.wait_run_state("shutdown")
            self.assert_arrives_as(hop, "shutdown")

    def test_panicked_before_the_move(self):
        with self.hop() as hop:
            hop.source.serial.write("panic\n")
            hop.source.wait_run_state("guest-panicked")
            self.assert_arrives_as(hop, "guest-panicked")

    def test_stopped_by_somebody_during_the_move_it_arrives_as_it_was_at_the_start(self):
        with self.hop() as hop:
            running = self.hold(hop, "tcp:127.0.0.1:0")
            hop.source.witness.call("stop")
            self.assert_arrived(hop, running.record)


class Disks(MoveTest):
    """An image that both machines open."""

    def setUp(self):
        super().setUp()
        self.image = os.path.join(self.qmpmig.folder, "image")
        with open(self.image, "wb") as file:
            file.truncate(32 << 20)

    def bitmap(self, vm):
        for device in vm.witness.call("query-named-block-nodes", {"flat": True}):
            for bitmap in device.get("dirty-bitmaps", []):
                return bitmap
        return None

    def test_dirty_bitmaps_go_along(self):
        """What the guest writes to its disk is in the bitmap, before and after."""
        disk = {"disk": self.image, "disk_ws": "1M", "disk_rate": "8M"}
        with self.hop(source=disk, **disk) as hop:
            hop.source.witness.call("block-dirty-bitmap-add", {"node": "disk0", "name": "backup"})
            with self.live(hop, hop.uri()) as running:
                both = Settings(hop.source), Settings(hop.destination)
                before = self.bitmap(hop.source)
            self.assertGreater(before["count"], 0)
            self.assertTrue(all(settings.capabilities["dirty-bitmaps"] for settings in both))
            self.assert_arrived(hop, running.record)
            after = self.bitmap(hop.destination)
            self.assertEqual(after["name"], "backup")
            self.assertGreaterEqual(after["count"], before["count"])
            self.assertIn("1 bitmap", next(each["reason"] for each in running.record.plan["capabilities"]
                                           if each["name"] == "dirty-bitmaps"))

    def test_without_bitmaps_their_capability_stays_off(self):
        with self.hop() as hop:
            record = self.qmpmig.migrate(hop, hop.uri(), "--dry-run").record
            self.assertFalse(record.capability("source", "dirty-bitmaps"))


class SwitchoverAck(MoveTest):
    def test_devices_are_asked_where_both_ends_can(self):
        with self.hop() as hop:
            with self.live(hop, hop.uri()) as running:
                both = Settings(hop.source), Settings(hop.destination)
            self.assertTrue(all(settings.capabilities["switchover-ack"] for settings in both))
            self.assert_arrived(hop, running.record)


if __name__ == "__main__":
    unittest.main()
