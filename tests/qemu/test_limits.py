# SPDX-License-Identifier: LGPL-2.1-or-later
"""The operator's limits, what becomes of the source, and what is left as it was."""

import re
import unittest

from tests.qemu.move import FAST, LINUX, MIB, MoveTest, Settings

# Nothing but what a test permits ends the move.
STUCK = ("--postcopy", "never", "--throttle", "off", "--max-downtime", "1ms", "--bandwidth", FAST,
         "--policy", "auto,xbzrle=off")


class Limits(MoveTest):
    def test_bandwidth_is_unlimited_unless_asked_for(self):
        with self.hop() as hop:
            record = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0").record
            self.assert_arrived(hop, record)
            self.assertEqual(record.samples[0]["bandwidth_limit_bytes_per_s"], 0)
            reason = [each["reason"] for each in record.plan["parameters"] if each["name"] == "max-bandwidth"][0]
            self.assertIn("instead of QEMU's 128 MiB/s", reason)

    def test_bandwidth_is_qemus_limit(self):
        with self.hop() as hop:
            running = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", *STUCK, "--bandwidth", "6MiB/s")
            running.wait_line("sample", status="active")
            self.assertEqual(Settings(hop.source).parameters["max-bandwidth"], 6 * MIB)
            running.wait_for(lambda: running.lines[-1][1].get("elapsed_us", 0) > 2e6, "two seconds")
            running.interrupt()
            record = running.record
            self.assert_stays(hop, record.result, "cancelled", 11)
            sample = [each for each in record.samples if each["status"] == "active"][-1]
            self.assertLess(sample["sent_bytes"] / (sample["elapsed_us"] / 1e6), 6.6 * MIB)

    def test_a_longer_blackout_ends_what_a_short_one_does_not(self):
        with self.hop() as hop:
            running = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", *STUCK, "--max-downtime", "3s")
            self.slow_down(hop)
            record = running.record
            self.assert_arrived(hop, record)
            self.assertEqual(record.parameter("source", "downtime-limit"), 15)       # auto begins with that
            self.assertEqual(record.best("max_downtime_us"), 3000000)
            self.assertLess(record.result["blackout_us"], 3000000)


class Deadlines(MoveTest):
    """Over before anybody can see whether passes shrink."""

    guest = {**LINUX, "ws": "32M"}

    def test_a_deadline_presses_for_postcopy(self):
        """The first pass takes longer than that."""
        with self.hop() as hop:
            record = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", "--deadline", "1s", "--bandwidth", "16MiB/s").record
            self.assert_arrived(hop, record)
            self.assertEqual(record.of("advice")[-1]["action"], "postcopy")
            self.assertIn("deadline", record.of("advice")[-1]["reason"])
            self.assertEqual(record.of("sample", status="active")[-1]["deadline_left_us"], 0)

    def test_a_deadline_that_cannot_be_met_does_what_was_said(self):
        with self.hop() as hop:
            running = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", *STUCK, "--deadline", "5s", "--if-stuck", "cancel")
            self.slow_down(hop, MIB)
            record = running.record
            self.assert_stays(hop, record.result, "cancelled", 11)
            self.assertEqual(record.of("advice")[-1]["action"], "cancel")
            self.assertEqual(record.of("advice")[-1]["verdict"], "cannot-within-limits")
            # After the first pass, which takes two seconds and more, it is known; nobody waits for the rest.
            self.assertEqual(record.samples[-2]["passes"], 1)
            self.assertGreater(record.samples[-2]["deadline_left_us"], 0)
            self.assertLess(record.samples[-2]["deadline_left_us"], 3000000)


class Stuck(MoveTest):
    def stuck(self, hop, *options):
        running = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", *STUCK, *options)
        self.slow_down(hop)
        return running

    def test_waiting_goes_on_and_says_what_would_help(self):
        with self.hop() as hop:
            running = self.stuck(hop)
            advice = running.wait_line("advice", verdict="cannot-within-limits")
            self.assertRegex(advice["reason"], r"needs .* of downtime, postcopy, or .*; allowed: 1 ms")
            self.assertEqual(advice["action"], "none")
            running.wait_passes(5, hop.source)
            self.let_go(hop)
            self.assert_arrived(hop, running.record)

    def test_pausing_the_guest_ends_the_move_with_the_guest_running(self):
        with self.hop() as hop:
            record = self.stuck(hop, "--if-stuck", "pause-guest").record
            self.assert_arrived(hop, record)
            self.assertEqual(record.of("advice")[-1]["action"], "pause-guest")

    def test_cancelling_leaves_the_guest(self):
        with self.hop() as hop:
            before = Settings(hop.source)
            record = self.stuck(hop, "--if-stuck", "cancel").record
            self.assert_stays(hop, record.result, "cancelled", 11)
            self.assertEqual(record.of("advice")[-1]["action"], "cancel")
            self.assertEqual(Settings(hop.source), before)


class Afterwards(MoveTest):
    def test_the_sources_qemu_quits_once_the_guest_was_seen_running(self):
        with self.hop() as hop:
            record = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", "--on-success", "quit").record
            self.assert_arrived(hop, record)
            self.assertEqual(hop.source.wait_exit(), 0)
            self.assertFalse(record.result["source_kept"])

    def test_the_sources_qemu_is_kept_when_asked_for(self):
        with self.hop() as hop:
            before = Settings(hop.source)
            record = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", "--on-success", "keep").record
            self.assert_arrived(hop, record)
            self.assertTrue(record.result["source_kept"])
            self.assertEqual(hop.source.run_state(), "postmigrate")
            self.assertEqual(Settings(hop.source), before)

    def test_what_was_left_behind_is_not_moved_again(self):
        with self.hop() as hop:
            self.assert_arrived(hop, self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", "--on-success", "keep").record)
            with self.chain.machine(incoming="defer", paused=True) as third:
                hop.destination, arrived = third, hop.destination
                self.assertIn("moved away before", self.qmpmig.refused(hop, "tcp:127.0.0.1:0"))
                hop.destination = arrived


class Planning(MoveTest):
    def test_a_dry_run_changes_nothing_and_sends_only_queries(self):
        with self.hop() as hop:
            before = Settings(hop.source), Settings(hop.destination)
            running = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", "--dry-run", "--verbose", "--multifd=4", "--compress", "zlib",
                                          "--tls", f"psk,dir={hop.folder}")
            record = running.record
            self.assertEqual(record.result["outcome"], "planned")
            self.assertTrue(record.plan["dry_run"])
            self.assertEqual(record.parameter("destination", "multifd-channels"), 4)
            self.assertEqual((Settings(hop.source), Settings(hop.destination)), before)
            sent = set(re.findall(r'-> {"execute": ?"([^"]+)"', running.errors))
            self.assertIn("query-migrate", sent)
            self.assertEqual({word for word in sent if not word.startswith("query-")} - {"qmp_capabilities", "qom-get"},
                             set())
            self.assertEqual(self.qmpmig.journals(), [])
            self.assertEqual((hop.source.run_state(), hop.destination.run_state()), ("running", "inmigrate"))

    def test_every_setting_has_a_reason(self):
        with self.hop() as hop:
            plan = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", "--dry-run").record.plan
            for kind in ("capabilities", "parameters"):
                self.assertTrue(plan[kind])
                for setting in plan[kind]:
                    self.assertTrue(setting["reason"], setting)

    def test_offline_stops_the_guest_first_and_moves_it_whole(self):
        with self.hop() as hop:
            before = Settings(hop.destination)
            record = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", "--offline").record
            self.assert_arrived(hop, record)
            told = [(event["name"], event.get("data", {}).get("status")) for event in record.of("event", end="source")]
            self.assertLess(told.index(("STOP", None)), told.index(("MIGRATION", "active")))
            self.assertFalse(any(sample.get("guest_running") for sample in record.samples if sample["phase"] != "done"))
            self.assertEqual(Settings(hop.destination), before)

    def test_offline_that_fails_lets_the_guest_run_on(self):
        with self.hop() as hop:
            running = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", "--offline", "--bandwidth", "2MiB/s")
            running.wait_line("sample", status="active")
            running.interrupt()
            self.assert_stays(hop, running.record.result, "cancelled", 11)


class Mismatches(MoveTest):
    def refused(self, **destination):
        with self.hop(**destination) as hop:
            return self.qmpmig.refused(hop, "tcp:127.0.0.1:0")

    def test_machine_types_that_differ(self):
        said = self.refused(machine="pc-q35-9.2")
        self.assertIn("the source has pc-q35-10.0", said)
        self.assertIn("-machine pc-q35-10.0", said)

    def test_machine_types_that_differ_can_be_let_pass(self):
        with self.hop(machine="pc-q35-9.2") as hop:
            record = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", "--unsafe", "machine-type").record
            self.assertIn("machine types differ", record.plan["warnings"][0])
            # QEMU looks at the machine type too, but only once the stream comes.
            self.assertEqual(hop.source.migration()["status"], "failed")
            self.assertIn("load of migration failed", record.result["text"])
            self.assert_stays(hop, record.result, "failed", 10)

    def test_memory_sizes_that_differ(self):
        self.assertIn("the source has 128 MiB, the destination 256 MiB", self.refused(memory=256))

    def test_a_destination_that_does_not_wait(self):
        with self.hop(incoming=None) as hop:
            self.assertIn("does not wait for a guest", self.qmpmig.refused(hop, "tcp:127.0.0.1:0"))

    def test_the_same_monitor_for_both_ends(self):
        with self.hop() as hop:
            hop.destination, there = hop.source, hop.destination
            self.assertIn("the same monitor", self.qmpmig.refused(hop, "tcp:127.0.0.1:0", code=2))
            hop.destination = there

    def test_a_device_that_cannot_be_moved(self):
        shared = ["-object", "memory-backend-ram,id=shared,size=1M,share=on", "-device", "ivshmem-plain,memdev=shared"]
        with self.hop(source={"extra": shared}) as hop:
            said = self.qmpmig.refused(hop, "tcp:127.0.0.1:0")
            self.assertIn("lab cannot be migrated", said)
            self.assertIn("ivshmem", said)


if __name__ == "__main__":
    unittest.main()
