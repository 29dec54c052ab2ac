# SPDX-License-Identifier: LGPL-2.1-or-later
"""Postcopy: when it is switched to, what breaks it, and how it comes to its end."""

import os
import shlex
import unittest

from tests.lab.qmp import QmpTimeout
from tests.qemu.move import FAST, MIB, Between, MoveTest, Settings

FALLBACK, NOW, NEVER = (("--postcopy", mode) for mode in ("fallback", "now", "never"))


class Switching(MoveTest):
    def test_it_is_the_last_resort_when_neither_downtime_nor_throttle_can_work(self):
        with self.hop() as hop:
            before = Settings(hop.destination)
            running = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", *FALLBACK, "--max-downtime", "1ms", "--bandwidth", FAST,
                                          "--policy", "auto,xbzrle=off")
            self.slow_down(hop)
            record = running.record
            self.assert_arrived(hop, record)
            self.assert_live(record, hop.source, passes=2)
            self.assert_known_in_time(record)
            actions = [line["action"] for line in record.of("advice")]
            self.assertEqual(actions.index("postcopy"), len(actions) - 1)
            self.assertEqual(record.of("advice")[-1]["verdict"], "cannot-within-limits")
            self.assertGreater(record.of("advice")[-1]["needed_downtime_us"], 1000)
            self.assertIn("postcopy-active", record.statuses())
            self.assertIn("postcopy-ram", record.result["capabilities_used"])
            self.assertGreater(record.best("postcopy_bytes"), 0)
            self.assertEqual(Settings(hop.destination), before)

    def assert_known_in_time(self, record):
        """After the first pass where sampled pages have told how fast the working set fills, else after the second."""
        decided = record.of("sample", status="active")[-1]
        is_sampled = any(time_us <= 400000 for time_us, _ in decided["curve"])
        self.assertEqual(decided["passes"], 1 if is_sampled else 2)

    def test_without_a_throttle_it_comes_at_once(self):
        with self.hop() as hop:
            running = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", "--throttle", "off", "--max-downtime", "1ms",
                                          "--bandwidth", FAST, "--policy", "auto,xbzrle=off")
            self.slow_down(hop)
            record = running.record
            self.assert_arrived(hop, record)
            self.assertEqual(record.of("advice")[-1]["action"], "postcopy")

    def test_it_is_armed_by_default_where_both_ends_take_it(self):
        with self.hop() as hop:
            record = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0").record
            self.assert_arrived(hop, record)
            for end in ("source", "destination"):
                self.assertTrue(record.capability(end, "postcopy-ram"))
                self.assertTrue(record.capability(end, "postcopy-preempt"))
            self.assertEqual(record.plan["postcopy"], "fallback")
            risk = [each["reason"] for each in record.plan["capabilities"] if each["name"] == "postcopy-ram"][0]
            self.assertIn("needs both hosts and the link", risk)

    def test_now_switches_after_the_first_pass(self):
        with self.hop() as hop:
            before = Settings(hop.destination)
            running = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", *NOW, "--max-downtime", "1ms", "--bandwidth", FAST)
            self.slow_down(hop)
            record = running.record
            self.assert_arrived(hop, record)
            self.assertTrue(record.of("notice", code="postcopy-now"))
            self.assertIn("postcopy-active", record.statuses())
            self.assertEqual(Settings(hop.destination), before)

    def test_never_leaves_it_off_at_both_ends(self):
        with self.hop() as hop:
            with self.live(hop, "tcp:127.0.0.1:0", *NEVER) as running:
                both = Settings(hop.source), Settings(hop.destination)
                said = self.qmpmig.run("--socket", hop.source.qmp, "postcopy", code=4)
            self.assertIn("not armed", said)
            self.assertFalse(any(settings.capabilities["postcopy-ram"] for settings in both))
            self.assertEqual(running.record.plan["postcopy"], "never")
            self.assert_arrived(hop, running.record)

    def test_a_guest_that_stood_still_arrives_standing_still(self):
        with self.hop() as hop:
            hop.source.witness.call("stop")
            record = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", *NOW, "--bandwidth", FAST).record
            self.assertEqual(record.result["outcome"], "completed", record.result)
            self.assertEqual(record.result["run_state"], "paused")
            hop.destination.witness.call("cont")
            hop.destination.check_memory()


class Broken(MoveTest):
    """Postcopy with most of the memory still to go, and then no link."""

    def start(self, hop, uri, *options):
        """A move that has switched to postcopy, slowly."""
        running = self.qmpmig.migrate(hop, uri, *NOW, "--max-downtime", "1ms", "--bandwidth", FAST, *options)
        self.wait_second_pass(hop)
        hop.source.witness.call("migrate-set-parameters", {"max-bandwidth": MIB, "max-postcopy-bandwidth": 128 << 10})
        running.wait_line("sample", status="postcopy-active")
        # A destination that has not come so far loses the guest with the link.
        hop.destination.wait_run_state("running")
        return running

    def assert_paused(self, hop, record):
        result = record.result
        self.assertEqual(result["outcome"], "postcopy-paused", result)
        self.assertEqual(result["exit_code"], 12)
        self.assertEqual(result["guest_runs_on"], "both-halves")
        self.assertEqual(hop.source.migration()["status"], "postcopy-paused")
        self.assertEqual(hop.destination.migration()["status"], "postcopy-paused")
        self.assertNotIn(hop.source.name, hop.running())

    def recover(self, hop, *words):
        hop.source.witness.call("migrate-set-parameters", {"max-postcopy-bandwidth": 0})
        return self.qmpmig.start("--json", "--socket", hop.source.qmp, "recover", *words).record

    def assert_recovered(self, hop, record, before=None):
        self.assert_arrived(hop, record)
        self.assertEqual(record.header["role"], "recover")
        if before:
            self.assertEqual(Settings(hop.destination), before)
        self.assertEqual(self.qmpmig.journals(), [])

    def test_a_cut_link_pauses_it_and_recover_finishes_it(self):
        with Between() as between, self.hop(**between.options) as hop:
            before = Settings(hop.destination)
            running = self.start(hop, between.uri)
            between.proxy.cut()
            self.assert_paused(hop, running.record)
            self.assert_recovered(hop, self.recover(hop), before)

    def test_a_destination_that_waits_for_a_page_is_recovered_too(self):
        with self.hop() as hop:
            running = self.start(hop, hop.uri())
            self.qmpmig.run("--socket", hop.source.qmp, "postcopy", "--pause")
            self.assert_paused(hop, running.record)
            # Its main loop touches a page that is not there yet: no client gets an answer, and no new one gets in.
            hop.destination.witness.send("pmemsave", {"val": 0, "size": 128 * MIB,
                                                      "filename": os.path.join(hop.folder, "dump")})
            with self.assertRaises(QmpTimeout):
                hop.destination.witness.call("query-status", timeout=1)
            self.assert_recovered(hop, self.recover(hop, "--reply-timeout", "3s"))

    def test_the_command_that_is_told_finishes_it(self):
        with self.hop() as hop:
            running = self.start(hop, hop.uri())
            self.qmpmig.run("--socket", hop.source.qmp, "postcopy", "--pause")
            self.assert_paused(hop, running.record)
            program, *words = shlex.split(running.record.result["commands"][0])
            self.assertEqual(program, "qmpmig")
            self.assert_arrived(hop, self.qmpmig.start("--json", *words).record)

    def test_over_a_descriptor_it_needs_to_be_told_another_way(self):
        with self.hop() as hop:
            before = Settings(hop.destination)
            running = self.start(hop, "fd:" + hop.uri())
            self.qmpmig.run("--socket", hop.source.qmp, "postcopy", "--pause")
            self.assert_paused(hop, running.record)
            record = self.recover(hop)
            self.assert_paused(hop, record)
            self.assertIn("recover tcp:HOST:PORT", " ".join(record.result["check"] + record.result["commands"]))
            self.assert_recovered(hop, self.recover(hop, "tcp:127.0.0.1:0"), before)

    def test_recover_while_the_link_is_still_cut_leaves_it_paused(self):
        with Between() as between, self.hop(**between.options) as hop:
            before = Settings(hop.destination)
            running = self.start(hop, between.uri)
            between.proxy.cut(refuse=True)
            self.assert_paused(hop, running.record)
            self.assert_paused(hop, self.recover(hop))
            between.proxy.set_pass()
            self.assert_recovered(hop, self.recover(hop), before)

    def test_it_is_broken_on_purpose_and_recovered_over_another_way(self):
        with self.hop() as hop:
            before = Settings(hop.destination)
            running = self.start(hop, "tcp:127.0.0.1:0")
            self.qmpmig.run("--socket", hop.source.qmp, "postcopy", "--pause")
            self.assert_paused(hop, running.record)
            self.assert_recovered(hop, self.recover(hop, hop.uri("another")), before)

    def test_recover_can_be_looked_at_first(self):
        with self.hop() as hop:
            running = self.start(hop, hop.uri())
            self.qmpmig.run("--socket", hop.source.qmp, "postcopy", "--pause")
            self.assert_paused(hop, running.record)
            look = self.qmpmig.start("--json", "--socket", hop.source.qmp, "recover", "--dry-run").record
            self.assertEqual(look.result["outcome"], "planned")
            self.assertIn("recover the paused postcopy", look.result["text"])
            self.assertEqual(hop.source.migration()["status"], "postcopy-paused")
            self.assert_arrived(hop, self.recover(hop))

    def test_ctrl_c_is_refused(self):
        with self.hop() as hop:
            running = self.start(hop, hop.uri())
            running.interrupt()
            running.wait_errors("lives on both")
            self.assertEqual(hop.source.migration()["status"], "postcopy-active")
            hop.source.witness.call("migrate-set-parameters", {"max-postcopy-bandwidth": 0})
            self.assert_arrived(hop, running.record)

    def test_cancel_is_refused(self):
        with self.hop() as hop:
            running = self.start(hop, hop.uri())
            self.assertIn("lives on both", self.qmpmig.run("--socket", hop.source.qmp, "cancel", code=4))
            hop.source.witness.call("migrate-set-parameters", {"max-postcopy-bandwidth": 0})
            self.assert_arrived(hop, running.record)


if __name__ == "__main__":
    unittest.main()
