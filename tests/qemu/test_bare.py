# SPDX-License-Identifier: LGPL-2.1-or-later
"""QEMU 7.2 with the bare guest, whose page counters are looked at on both ends, by itself and from outside."""

import unittest

from tests.qemu.credentials import Credentials
from tests.qemu.move import BARE, FAST, HOLD, MIB, MoveTest, Settings


class Bare(MoveTest):
    guest = BARE

    def assert_whole(self, hop, record):
        """Arrived, and each end's memory is an instant of the guest's loop: the source's no later than the other's."""
        self.assert_arrived(hop, record)
        hop.destination.witness.call("stop")
        there = hop.destination.check_bare_from_outside()
        if hop.source.is_alive():
            self.assertLessEqual(hop.source.check_bare_from_outside(), there)
        hop.destination.witness.call("cont")

    def assert_goes(self, *options, uri="tcp:127.0.0.1:0"):
        with self.hop() as hop:
            with self.live(hop, uri if uri else "fd:" + hop.uri(), "--on-success", "keep", *options) as running:
                both = Settings(hop.source), Settings(hop.destination)
            self.assert_whole(hop, running.record)
            self.assertEqual(running.record.header["ends"]["source"]["version"][:4], "7.2.")
            return running.record, *both

    def test_pre_copy(self):
        record, *_ = self.assert_goes()
        self.assertIn("return-path", record.result["capabilities_used"])

    def test_multifd(self):
        record, source, destination = self.assert_goes("--multifd=3")
        self.assertEqual(source.parameters["multifd-channels"], 3)
        self.assertTrue(destination.capabilities["multifd"])
        self.assertGreater(record.best("multifd_bytes"), 8 * MIB)

    def test_a_connection_that_qmpmig_makes(self):
        self.assert_goes(uri=None)

    def test_a_shared_key(self):
        credentials = Credentials().add_psk()
        self.addCleanup(credentials.end)
        _, source, _ = self.assert_goes("--tls", f"psk,dir={credentials.folder}")
        self.assertTrue(source.parameters["tls-creds"])

    def test_xbzrle(self):
        with self.hop() as hop:
            running = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", *HOLD, "--xbzrle=16MiB", "--on-success", "keep")
            self.slow_down(hop)
            running.wait_for(lambda: any(line.get("xbzrle_pages", 0) > 0 for _, line in running.lines), "deltas")
            # By the witness: with deltas it may be over by now, and then qmpmig takes no orders.
            hop.source.witness.call("migrate-set-parameters", {"downtime-limit": 2000})
            self.assertEqual(running.record.best("xbzrle_cache_bytes"), 16 * MIB)
            self.assert_whole(hop, running.record)

    def test_the_throttle_is_steered_up_and_down(self):
        with self.hop() as hop:
            running = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", "--postcopy", "never", "--bandwidth", FAST,
                                          "--max-downtime", "1ms", "--max-stall", "90ms", "--on-success", "keep",
                                          "--policy", "fixed,throttle=90%")
            self.slow_down(hop)
            running.wait_line("sample", throttle_pct=90, throttle_commanded_pct=90)
            self.qmpmig.run("--socket", hop.source.qmp, "set", "max-throttle=1%")
            # Arriving from under a strong throttle, 7.2's TCG now and then loses what the guest wrote last.
            running.wait_line("sample", throttle_pct=1, throttle_commanded_pct=1)
            self.let_go(hop)
            record = running.record
            self.assert_live(record, hop.source)
            self.assert_whole(hop, record)

    def test_a_cancel_leaves_the_guest_and_everything_else_as_it_was(self):
        with self.hop() as hop:
            before = Settings(hop.source)
            running = self.hold(hop, "tcp:127.0.0.1:0")
            self.qmpmig.run("--socket", hop.source.qmp, "cancel")
            self.assert_stays(hop, running.record.result, "cancelled", 11)
            self.assertEqual(Settings(hop.source), before)
            hop.source.check_memory()

    def test_postcopy(self):
        with self.hop() as hop:
            running = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", "--postcopy", "now", "--max-downtime", "1ms",
                                          "--bandwidth", FAST)
            self.slow_down(hop)
            record = running.record
            self.assertIn("postcopy-active", record.statuses())
            self.assert_arrived(hop, record)

    def test_a_broken_postcopy_is_recovered(self):
        with self.hop() as hop:
            running = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", "--postcopy", "now", "--max-downtime", "1ms",
                                          "--bandwidth", FAST)
            self.wait_second_pass(hop)
            hop.source.witness.call("migrate-set-parameters", {"max-bandwidth": MIB, "max-postcopy-bandwidth": MIB // 8})
            running.wait_line("sample", status="postcopy-active")
            hop.destination.wait_run_state("running")
            self.qmpmig.run("--socket", hop.source.qmp, "postcopy", "--pause")
            self.assertEqual(running.record.result["exit_code"], 12)
            hop.source.witness.call("migrate-set-parameters", {"max-postcopy-bandwidth": 0})
            self.assert_arrived(hop, self.qmpmig.start("--json", "--socket", hop.source.qmp, "recover",
                                                       "--reply-timeout", "3s").record)

    def test_a_file_is_refused_with_the_version(self):
        with self.hop() as hop:
            said = self.qmpmig.migrate_alone(hop, f"file:{hop.folder}/state").record.result["error"]["text"]
            self.assertRegex(said, r"QEMU 7\.2\.\d+ there has no file: URIs")


if __name__ == "__main__":
    unittest.main()
