# SPDX-License-Identifier: LGPL-2.1-or-later
"""A second terminal beside a running move, and what signals do to it."""

import json
import os
import signal
import time
import unittest

from tests.qemu.move import FAST, MIB, SLOW, MoveTest, Record, Settings

LATER = ("--throttle", "off", "--max-downtime", "1ms", "--bandwidth", FAST,
         "--policy", "auto,xbzrle=off")


class SecondTerminal(MoveTest):
    def second(self, hop, *words, **options):
        return self.qmpmig.run("--socket", hop.source.qmp, *words, **options)

    def test_status_tells_of_a_move_that_another_one_steers(self):
        with self.hop() as hop:
            self.assertEqual(self.qmpmig.json("--socket", hop.destination.qmp, "status")["status"], "none")
            with self.live(hop, hop.uri()) as running:
                sample = self.qmpmig.json("--socket", hop.source.qmp, "status")
                self.assertEqual((sample["type"], sample["status"], sample["phase"]), ("sample", "active", "pre-copy"))
                self.assertEqual(sample["steered_by"], {"pid": running.process.pid, "program": "qmpmig"})
                self.assertGreaterEqual(sample["passes"], 3)
                self.assertIn("active", self.second(hop, "status"))
                arriving = self.qmpmig.json("--socket", hop.destination.qmp, "status")
                self.assertEqual(arriving["steered_by"]["pid"], running.process.pid)
            self.assertEqual(self.qmpmig.json("--socket", hop.destination.qmp, "status")["run_state"], "running")
            self.assertEqual(self.qmpmig.control_sockets(), [])

    def test_status_watch_shows_the_record_to_its_end(self):
        with self.hop() as hop:
            with self.live(hop, hop.uri()):
                watching = self.qmpmig.start("--json", "--socket", hop.source.qmp, "status", "--watch")
                watching.wait_line("sample")
            self.assertEqual(watching.wait(), 0)
            record = Record(watching.lines)
            self.assertEqual(record.result["outcome"], "completed")
            self.assertGreater(len(record.samples), 1)

    def test_status_wait_exits_with_the_code_of_the_move(self):
        with self.hop() as hop:
            with self.live(hop, hop.uri()):
                waiting = self.qmpmig.start("--socket", hop.source.qmp, "status", "--wait")
                time.sleep(0.5)
                self.assertIsNone(waiting.process.poll())
            self.assertEqual(waiting.wait(), 0)
        with self.hop() as hop:
            running = self.hold(hop, hop.uri())
            waiting = self.qmpmig.start("--socket", hop.source.qmp, "status", "--wait")
            time.sleep(0.5)
            self.second(hop, "cancel")
            self.assertEqual(waiting.wait(), 11)
            self.assert_stays(hop, running.record.result, "cancelled", 11)

    def test_a_second_move_is_refused_while_one_runs(self):
        with self.hop() as hop:
            with self.live(hop, hop.uri()):
                said = self.qmpmig.refused(hop, hop.uri("another"), code=3)
            self.assertIn("qmpmig", said)

    def test_set_changes_qemus_parameters_and_our_limits(self):
        with self.hop() as hop:
            with self.live(hop, hop.uri()) as running:
                self.second(hop, "set", "bandwidth=12MiB/s", "announce-rounds=7", "max-throttle=50%", "deadline=1h",
                            "max-stall=2s")
                parameters = Settings(hop.source).parameters
                said = self.second(hop, "get")
                running.wait_line("sample", max_throttle_pct=50)
            self.assertEqual(parameters["max-bandwidth"], 12 * MIB)
            self.assertEqual(parameters["announce-rounds"], 7)
            for words in ("12 MiB/s", "1 h", "2 s", "50%"):
                self.assertIn(words, said)
            applied = [line["parameters"] for line in running.record.of("applied")]
            self.assertTrue(any(each.get("announce-rounds") == 7 for each in applied))

    def test_set_takes_all_or_nothing(self):
        with self.hop() as hop:
            with self.live(hop, hop.uri()):
                before = Settings(hop.source)
                self.second(hop, "set", "max-bandwidth=1MiB/s", "colour=1", code=2)
                self.second(hop, "set", "bandwidth=1", code=2)
                self.assertEqual(Settings(hop.source), before)

    def test_get_tells_one_limit(self):
        with self.hop() as hop:
            with self.live(hop, hop.uri()):
                self.assertIn("1 ms", self.second(hop, "get", "max-downtime"))

    def test_cancel_leaves_the_guest_where_it_is(self):
        with self.hop() as hop:
            before = Settings(hop.source)
            running = self.hold(hop, hop.uri())
            self.second(hop, "cancel")
            self.assert_stays(hop, running.record.result, "cancelled", 11)
            self.assertEqual(Settings(hop.source), before)
            hop.source.check_memory()
            self.assertEqual(self.qmpmig.journals(), [])

    def test_events_come_through_the_one_that_steers(self):
        with self.hop() as hop:
            with self.live(hop, hop.uri()):
                events = self.qmpmig.start("--json", "--socket", hop.source.qmp, "events", "stop", "resume")
                time.sleep(0.5)
            self.assertEqual(events.wait(), 0)
            self.assertEqual([(line["end"], line["name"]) for _, line in events.lines],
                             [("source", "STOP"), ("destination", "RESUME")])

    def test_raw_commands_go_through_and_dangerous_ones_do_not(self):
        with self.hop() as hop:
            with self.live(hop, hop.uri()):
                said = json.loads(self.second(hop, "qmp", "query-status"))
                self.assertEqual(said["status"], "running")
                self.assertIn("steers a migration", self.second(hop, "qmp", "migrate_cancel", code=4))
                self.assertEqual(hop.source.migration()["status"], "active")

    def test_list_shows_the_move(self):
        with self.hop() as hop:
            with self.live(hop, hop.uri()):
                lines = [line for line in self.qmpmig.run("list").splitlines() if hop.source.qmp in line]
            self.assertIn("active", lines[0])


class Finishing(MoveTest):
    def finish(self, hop, *words, **options):
        return self.qmpmig.run("--socket", hop.source.qmp, "finish", *words, **options)

    def test_by_downtime_when_asked_for(self):
        with self.hop() as hop:
            running = self.hold(hop, hop.uri())
            said = self.finish(hop, "--by", "downtime")
            self.assertRegex(said, r"blackout of about \d")
            record = running.record
            self.assert_arrived(hop, record)
            self.assertGreater(record.best("downtime_limit_us"), 1000)

    def test_by_pausing_the_guest_when_asked_for(self):
        with self.hop() as hop:
            running = self.hold(hop, hop.uri())
            self.finish(hop, "--by", "pause")
            record = running.record
            self.assert_arrived(hop, record)
            stop = record.of("event", end="source", name="STOP")[0]
            switch = [line for line in record.samples if line["status"] in ("pre-switchover", "device", "completed")][0]
            self.assertLess(stop["t_us"], switch["t_us"])

    def assert_switches(self, *words):
        with self.hop() as hop:
            # A policy that leaves it to us: auto would switch by itself.
            running = self.hold(hop, hop.uri(), "--postcopy", "fallback", "--policy", "fixed,downtime=1ms", passes=1)
            self.finish(hop, *words)
            record = running.record
            self.assert_arrived(hop, record)
            self.assertIn("postcopy-active", record.statuses())
            self.assertNotIn(3, record.codes())

    def test_by_postcopy_when_asked_for(self):
        self.assert_switches("--by", "postcopy")

    def test_by_postcopy_when_the_downtime_does_not_do(self):
        self.assert_switches()

    def test_by_nothing_that_was_not_permitted(self):
        with self.hop() as hop:
            with self.live(hop, hop.uri()):
                self.assertIn("1 ms is permitted", self.finish(hop, code=4))

    def test_by_the_downtime_that_is_permitted(self):
        with self.hop() as hop:
            running = self.hold(hop, hop.uri(), "--max-downtime", "2s", "--param", "downtime-limit=1", passes=1)
            self.finish(hop)
            record = running.record
            self.assert_arrived(hop, record)
            self.assertLessEqual(record.best("downtime_limit_us"), 2000000)

    def test_nothing_is_to_be_finished_where_nothing_runs(self):
        with self.hop() as hop:
            self.finish(hop, code=4)


class Signals(MoveTest):
    def test_ctrl_c_cancels(self):
        with self.hop() as hop:
            before = Settings(hop.source)
            running = self.hold(hop, hop.uri())
            running.interrupt()
            self.assert_stays(hop, running.record.result, "cancelled", 11)
            self.assertIn("the guest stays on the source", running.errors)
            self.assertEqual(Settings(hop.source), before)
            self.assertEqual(self.qmpmig.control_sockets(), [])

    def test_sigterm_leaves_and_recover_finishes(self):
        self.assert_left_and_recovered(signal.SIGTERM)

    def test_sighup_leaves_and_recover_finishes(self):
        self.assert_left_and_recovered(signal.SIGHUP)

    def assert_left_and_recovered(self, number):
        with self.hop() as hop:
            before = Settings(hop.destination)
            running = self.hold(hop, hop.uri())
            running.send(number)
            result = running.record.result
            self.assertEqual((result["outcome"], result["exit_code"]), ("left", 15))
            self.assertEqual(hop.source.migration()["status"], "active")
            self.assertEqual(len(self.qmpmig.journals()), 1)
            recovering = self.qmpmig.start("--json", "--socket", hop.source.qmp, "recover")
            recovering.wait_passes(1, hop.source)
            self.let_go(hop)
            self.assert_arrived(hop, recovering.record)
            self.assertEqual(Settings(hop.destination), before)
            self.assertEqual(self.qmpmig.journals(), [])

    def test_a_second_ctrl_c_leaves(self):
        with self.hop() as hop:
            running = self.hold(hop, hop.uri())
            # The source does not answer, so that the cancel is still open when the second one comes.
            hop.source.sigstop()
            running.interrupt()
            running.wait_errors("asked to cancel")
            running.interrupt()
            code = running.wait()
            hop.source.sigcont()
            self.assertEqual(code, 15)


class Background(MoveTest):
    def test_a_detached_move_goes_on_and_can_be_waited_for(self):
        with self.hop() as hop:
            trace = os.path.join(hop.folder, "trace")
            started = self.qmpmig.start("--socket", hop.source.qmp, "migrate", hop.uri(), "--dest-socket",
                                        hop.destination.qmp, *LATER, "--postcopy", "never", "--detach", "--trace", trace,
                                        "--on-success", "keep")  # so that there is somebody to ask when it is over
            hop.source.witness.wait_event("MIGRATION_PASS", 60, hop.mark, **{"pass": 2})
            hop.source.witness.call("migrate-set-parameters", {"max-bandwidth": SLOW})
            self.assertEqual(started.wait(), 15)
            self.assertIn("in the background", started.text)
            self.assertEqual(hop.source.migration()["status"], "active")
            self.let_go(hop)
            self.qmpmig.run("--socket", hop.source.qmp, "status", "--wait")
            record = self.read_trace(trace)
            self.assert_arrived(hop, record)

    def read_trace(self, path):
        with open(path, encoding="utf-8") as file:
            return Record([(None, json.loads(line)) for line in file])

    def test_a_trace_has_the_same_lines_as_the_output(self):
        with self.hop() as hop:
            trace = os.path.join(hop.folder, "trace")
            record = self.move_live(hop, hop.uri(), "--trace", trace)
            self.assertEqual(self.read_trace(trace).lines, record.lines)

    def test_a_detached_move_that_is_refused_says_so(self):
        with self.hop() as hop:
            said = self.qmpmig.run("--socket", hop.source.qmp, "migrate", hop.uri(), "--dest-socket", hop.destination.qmp,
                                   "--cap", "teleport=on", "--detach", code=4)
            self.assertIn("no capability", said)


if __name__ == "__main__":
    unittest.main()
