# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every QEMU from 5.2 to 11.1, and moves from each to each newer one with the older one's machine type; run by
`tests/run --matrix`. The bare guest, which the TCG of every version moves correctly; its counters are checked after
arrival, and on both ends while both stand still."""

import os
import unittest

from tests.lab.vm import Vm
from tests.qemu.move import BARE, FAST, MIB, MoveTest, Settings

VERSIONS = ("5.2", "7.2", "10.0", "11.1")
UPWARDS = [(old, new) for number, old in enumerate(VERSIONS) for new in VERSIONS[number + 1:]]
MACHINE = "pc-q35-{}"


class Version(MoveTest):
    """What every version has to do, between two of its own."""

    version = None

    def test_pre_copy(self):
        with self.hop() as hop:
            self.assert_arrived(hop, self.move_live(hop, "tcp:127.0.0.1:0"))

    def test_postcopy(self):
        with self.hop() as hop:
            running = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", "--postcopy", "now", "--max-downtime", "1ms",
                                          "--bandwidth", FAST)
            self.slow_down(hop)
            record = running.record
            self.assert_arrived(hop, record)
            self.assertIn("postcopy-active", record.statuses())

    def test_xbzrle(self):
        with self.hop() as hop:
            running = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", "--xbzrle=64MiB", "--postcopy", "never",
                                          "--max-downtime", "1ms", "--throttle", "off", "--bandwidth", FAST)
            self.slow_down(hop, 2 * MIB)
            running.wait_for(lambda: any(line.get("xbzrle_pages") for _, line in running.lines), "deltas")
            self.let_go(hop)
            self.assert_arrived(hop, running.record)

    def test_multifd(self):
        with self.hop() as hop:
            record = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", "--multifd=3").record
            self.assert_arrived(hop, record)
            self.assertEqual(record.plan["postcopy"], "fallback" if self.version == "11.1" else "never")

    def test_the_throttle(self):
        with self.hop() as hop:
            running = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", "--postcopy", "never", "--bandwidth", FAST,
                                          "--max-downtime", "1ms", "--max-stall", "1s", "--max-throttle", "98")
            self.slow_down(hop)
            running.wait_line("advice", timeout=120, reason_code=2)
            running.wait_for(lambda: Settings(hop.source).parameters["max-cpu-throttle"] == 98, "the throttle's handle")
            self.let_go(hop)
            self.assert_arrived(hop, running.record)

    def test_cancel(self):
        with self.hop() as hop:
            before = Settings(hop.source)
            running = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", "--bandwidth", "1MiB/s", "--max-downtime", "1ms")
            running.wait_line("sample", status="active")
            self.qmpmig.run("--socket", hop.source.qmp, "cancel")
            self.assert_stays(hop, running.record.result, "cancelled", 11)
            self.assertEqual(Settings(hop.source), before)

    def test_a_destination_that_dies(self):
        with self.hop() as hop:
            running = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", "--bandwidth", "1MiB/s", "--max-downtime", "1ms")
            running.wait_line("sample", status="active")
            hop.destination.kill()
            result = running.record.result
            self.assertEqual((result["exit_code"], result["guest_runs_on"]), (10, "source"), result)
            self.assertEqual(hop.source.run_state(), "running")


class Upwards(MoveTest):
    def test_from_each_to_each_newer_one(self):
        for old, new in UPWARDS:
            with self.subTest(old=old, new=new):
                self.check_pair(old, new)

    def check_pair(self, old, new):
        common = {**BARE, "machine": MACHINE.format(old), "guest_name": "lab"}
        with Vm("src", **{**common, "version": old}) as source, \
                Vm("dst", **{**common, "version": new}, incoming="defer", paused=True) as destination:
            source.wait_boot()
            record = self.qmpmig.start("--json", "--socket", source.qmp, "migrate", "tcp:127.0.0.1:0", "--dest-socket",
                                       destination.qmp, "--on-success", "keep").record
            self.assertEqual(record.result["outcome"], "completed", record.result)
            self.assertEqual(destination.run_state(), "running")
            self.assertEqual(source.run_state(), "postmigrate")
            destination.wait_heartbeat()
            destination.check_memory()
            source.check_bare_from_outside()

    def test_newer_defaults_do_not_go_with_older_ones(self):
        with Vm("src", **{**BARE, "version": "7.2"}) as source, \
                Vm("dst", **{**BARE, "version": "11.1"}, incoming="defer", paused=True) as destination:
            source.wait_boot()
            record = self.qmpmig.start("--json", "--socket", source.qmp, "migrate", "tcp:127.0.0.1:0", "--dest-socket",
                                       destination.qmp).record
            self.assertEqual(record.result["exit_code"], 4)
            self.assertIn("machine types differ", record.result["error"]["text"])


class Lacking(MoveTest):
    """What an old QEMU has not is named with that QEMU's version before anything starts."""

    guest = {**BARE, "version": "5.2"}

    def test_what_came_later(self):
        with self.hop() as hop:
            for words in (("--cap", "mapped-ram=on"), ("--zero-copy",), ("--cap", "switchover-ack=on")):
                text = self.qmpmig.refused(hop, "tcp:127.0.0.1:0", *words)
                self.assertIn("5.2", text)

    def test_file(self):
        with self.hop() as hop:
            record = self.qmpmig.migrate_alone(hop, f"file:{hop.folder}/state").record
            self.assertEqual(record.result["exit_code"], 4)
            self.assertIn("8.2", record.result["error"]["text"])


if os.environ.get("QMPMIG_MATRIX") == "1":
    for each in ("5.2", "11.1"):
        name = f"Version{each.replace('.', '_')}"
        globals()[name] = type(name, (Version,), {"version": each, "guest": {**BARE, "version": each},
                                                  "__module__": __name__})
del Version


def load_tests(loader, tests, pattern):
    """Nothing at all without --matrix: what was not asked for is not skipped."""
    return tests if os.environ.get("QMPMIG_MATRIX") == "1" else unittest.TestSuite()


if __name__ == "__main__":
    unittest.main()
