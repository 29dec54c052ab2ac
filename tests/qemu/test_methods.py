# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each way of making the stream smaller or the guest slower, seen at work in QEMU."""

import unittest

from tests.qemu.move import FAST, LINUX, MIB, MoveTest, Settings


class Throttle(MoveTest):
    """The guest writes faster than the stream takes it, so that nothing but the throttle ends the move."""

    stuck = ("--postcopy", "never", "--bandwidth", FAST, "--policy", "auto,xbzrle=off")

    def pace(self, guest):
        """Pages a second, as it is now."""
        first = guest.wait_heartbeat()
        last = [guest.wait_heartbeat() for _ in range(10)][-1]
        return (last.work - first.work) / (last.received - first.received)

    def test_the_throttle_is_raised_when_passes_stop_shrinking_and_ends_the_move(self):
        with self.hop() as hop:
            record = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", *self.stuck, "--bandwidth", "16MiB/s",
                                         "--max-downtime", "50ms", "--max-stall", "1s", "--max-throttle", "98").record
            self.assert_arrived(hop, record)
            self.assert_live(record, hop.source)
            throttles = [line["throttle_pct"] for line in record.of("advice") if "throttle_pct" in line]
            self.assertGreaterEqual(throttles[0], 80)
            self.assertLessEqual(max(throttles), 98)
            self.assertEqual(record.best("throttle_commanded_pct"), max(throttles))
            self.assertIn(record.best("throttle_pct"), throttles)
            self.assertGreater(record.result["throttle_integral_us"], 0)

    def test_the_throttle_is_taken_off_when_the_guest_stays(self):
        with self.hop() as hop:
            before = Settings(hop.source)
            pace = self.pace(hop.source)
            running = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", *self.stuck, "--max-downtime", "1ms",
                                          "--max-stall", "90ms", "--policy", "fixed,throttle=90%")
            self.slow_down(hop)
            running.wait_line("sample", throttle_pct=90)
            self.assertEqual(hop.source.witness.call("query-migrate-parameters")["max-cpu-throttle"], 90)
            held = self.pace(hop.source)
            self.assertLess(held, pace / 2)
            self.qmpmig.run("--socket", hop.source.qmp, "cancel")
            self.assert_stays(hop, running.record.result, "cancelled", 11)
            self.assertEqual(Settings(hop.source), before)
            self.assertGreater(self.pace(hop.source), 2 * held)

    def test_the_ramp_is_qemus_own(self):
        with self.hop() as hop:
            running = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", *self.stuck, "--max-downtime", "1ms", "--throttle",
                                          "ramp", "--max-stall", "1s", "--max-throttle", "60")
            self.slow_down(hop)
            running.wait_line("sample", throttle_pct=30, timeout=120)
            self.assertEqual(hop.source.witness.call("query-migrate-parameters")["max-cpu-throttle"], 60)
            self.let_go(hop)
            record = running.record
            self.assert_arrived(hop, record)
            self.assert_live(record, hop.source)
            self.assertNotIn(2, record.codes())

    def test_without_a_throttle_the_guest_keeps_its_pace(self):
        with self.hop() as hop:
            with self.live(hop, "tcp:127.0.0.1:0", "--throttle", "off") as running:
                capabilities = Settings(hop.source).capabilities
            self.assertFalse(capabilities["auto-converge"])
            self.assertIn(running.record.best("throttle_pct"), (None, 0))
            self.assert_arrived(hop, running.record)


class Deltas(MoveTest):
    """Pages of which an eighth changes at a time."""

    guest = {**LINUX, "density": "512"}

    def test_xbzrle_sends_deltas_from_a_cache_of_the_size_asked_for(self):
        with self.hop() as hop:
            running = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", "--xbzrle=16MiB", "--max-downtime", "1ms", "--throttle",
                                          "off", "--postcopy", "never", "--bandwidth", FAST)
            # Deltas are small: what holds full pages would let them through.
            self.slow_down(hop, 2 * MIB)
            running.wait_passes(3, hop.source)
            settings = Settings(hop.source)
            self.assertTrue(settings.capabilities["xbzrle"])
            self.assertEqual(settings.parameters["xbzrle-cache-size"], 16 * MIB)
            self.let_go(hop)
            record = running.record
            self.assert_live(record, hop.source)
            self.assertGreater(record.best("xbzrle_pages"), 0)
            self.assertEqual(record.best("xbzrle_cache_bytes"), 16 * MIB)
            self.assertIn("xbzrle", record.result["capabilities_used"])
            self.assert_arrived(hop, record)


class Channels(MoveTest):
    def test_multifd_sends_over_channels(self):
        with self.hop() as hop:
            with self.live(hop, "tcp:127.0.0.1:0", "--multifd=3") as running:
                source, destination = Settings(hop.source), Settings(hop.destination)
            for settings in (source, destination):
                self.assertTrue(settings.capabilities["multifd"])
                self.assertEqual(settings.parameters["multifd-channels"], 3)
            self.assertGreater(running.record.best("multifd_bytes"), 16 * MIB)
            self.assert_arrived(hop, running.record)

    def assert_compresses(self, method, level):
        with self.hop() as hop:
            with self.live(hop, "tcp:127.0.0.1:0", "--compress", f"{method}:{level}") as running:
                source, destination = Settings(hop.source), Settings(hop.destination)
            for settings in (source, destination):
                self.assertTrue(settings.capabilities["multifd"])
                self.assertEqual(settings.parameters["multifd-compression"], method)
            self.assertEqual(source.parameters[f"multifd-{method}-level"], level)
            sample = running.record.samples[-1]
            self.assertLess(sample["multifd_bytes"], 0.8 * sample["normal_pages"] * sample["page_size_bytes"])
            self.assert_arrived(hop, running.record)

    def test_zlib_makes_the_stream_smaller(self):
        self.assert_compresses("zlib", 2)

    def test_zstd_makes_the_stream_smaller(self):
        self.assert_compresses("zstd", 3)

    def test_zero_copy_is_tried_and_loopback_copies(self):
        with self.hop() as hop:
            with self.live(hop, "tcp:127.0.0.1:0", "--zero-copy") as running:
                source = Settings(hop.source)
            self.assertTrue(source.capabilities["zero-copy-send"])
            self.assertTrue(source.capabilities["multifd"])
            self.assertGreater(running.record.best("zero_copy_missed"), 0)
            self.assert_arrived(hop, running.record)

    def test_a_method_that_qemu_lacks_is_refused(self):
        with self.hop() as hop:
            text = self.qmpmig.refused(hop, "tcp:127.0.0.1:0", "--compress", "lzma")
            self.assertRegex(text, r'source: QEMU 10\.0\.\d+ there has no multifd compression "lzma"')

    def test_channels_are_refused_over_a_single_descriptor(self):
        with self.hop() as hop:
            self.assertIn("cannot be opened several times",
                          self.qmpmig.refused(hop, "fd:" + hop.uri(), "--multifd"))


class ByName(MoveTest):
    """--cap and --param: whatever this QEMU has."""

    def test_a_capability_is_set_by_its_name(self):
        with self.hop() as hop:
            with self.live(hop, "tcp:127.0.0.1:0", "--cap", "validate-uuid=on", "--cap", "switchover-ack=off") as running:
                capabilities = Settings(hop.source).capabilities
            self.assertTrue(capabilities["validate-uuid"])
            self.assertFalse(capabilities["switchover-ack"])
            self.assert_arrived(hop, running.record)

    def test_a_parameter_is_set_by_its_name_on_both_ends(self):
        with self.hop() as hop:
            with self.live(hop, "tcp:127.0.0.1:0", "--param", "announce-rounds=3", "--param",
                           "zero-page-detection=legacy") as running:
                both = Settings(hop.source), Settings(hop.destination)
            for settings in both:
                self.assertEqual(settings.parameters["announce-rounds"], 3)
                self.assertEqual(settings.parameters["zero-page-detection"], "legacy")
            self.assert_arrived(hop, running.record)

    def test_what_no_qemu_here_has_is_refused_with_its_version(self):
        with self.hop() as hop:
            self.assertRegex(self.qmpmig.refused(hop, "tcp:127.0.0.1:0", "--cap", "teleport=on"),
                             r'QEMU 10\.0\.\d+ there has no capability "teleport"')
            self.assertRegex(self.qmpmig.refused(hop, "tcp:127.0.0.1:0", "--param", "colour=blue"),
                             r'QEMU 10\.0\.\d+ there has no parameter "colour"')

    def test_what_does_not_go_together_is_refused_before_the_start(self):
        with self.hop() as hop:
            before = Settings(hop.source), Settings(hop.destination)
            for words, why in ((("--multifd", "--xbzrle"), "multifd and xbzrle"),
                               (("--postcopy", "now", "--multifd"), "safe only where both ends"),
                               (("--cap", "x-colo=on"), "no move of a guest"),
                               (("--cap", "postcopy-preempt=on", "--postcopy", "never"), "needs postcopy-ram"),
                               (("--cap", "mapped-ram=on", "--postcopy", "never"), "needs a file: URI"),
                               (("--cap", "return-path=off", "--cap", "switchover-ack=on"), "needs return-path"),
                               (("--zero-copy", "--compress", "zlib"), "without compression")):
                with self.subTest(words):
                    text = self.qmpmig.refused(hop, "tcp:127.0.0.1:0", *words)
                    self.assertTrue(all(word in text for word in why.split(" and ")), text)
            self.assertEqual((Settings(hop.source), Settings(hop.destination)), before)


if __name__ == "__main__":
    unittest.main()
