# SPDX-License-Identifier: LGPL-2.1-or-later
"""`steer`: a migration that was started by hand, through another monitor of the same QEMU, is tuned and left to whoever
started it."""

import json
import os
import signal
import time
import unittest

from tests.cli.test_traces import Traces
from tests.display.record import record_faults

MATRIX = os.environ.get("QMPMIG_MATRIX")
LIVE = True
TIMEOUT = 900 if MATRIX else 300

SLOW = 8 << 20
ENOUGH = 64 << 20
FAST = 512 << 20
THROTTLE = ("--policy", "fixed,throttle=70%")


class Steering(Traces):
    """self.hop: a guest that is dirtied faster than it is sent, on its way by hand."""

    version = "10.0"

    def pair(self, **options):
        return super().pair(**{"version": self.version, **options})

    def by_hand(self, *capabilities, both=(), starts=True, **parameters):
        self.hop = self.pair()
        for vm, names in ((self.hop.source, (*capabilities, *both)), (self.hop.destination, both)):
            vm.witness.call("migrate-set-capabilities", {"capabilities": [
                {"capability": name, "state": True} for name in names]})
        self.hop.source.witness.call("migrate-set-parameters",
                                     {"max-bandwidth": SLOW, "downtime-limit": 1, **parameters})
        self.hop.destination.witness.call("migrate-incoming", {"uri": self.hop.uri()})
        if starts:
            self.start_by_hand()
        return self.hop.source

    def start_by_hand(self):
        self.hop.source.witness.call("migrate", {"uri": self.hop.uri()})
        self.hop.source.witness.wait_migration("active", timeout=10)

    def steer(self, *words):
        return self.qmpmig.start("--json", "--socket", self.hop.source.qmp, "steer", *words)

    def begin(self, *words):
        running = self.steer(*words)
        running.wait_line("sample", status="active")
        return running

    def parameters(self):
        return self.hop.source.witness.call("query-migrate-parameters")

    def capabilities(self):
        return self.hop.source.witness.call("query-migrate-capabilities")

    def let_go(self):
        self.hop.source.witness.call("migrate-set-parameters", {"max-bandwidth": FAST, "downtime-limit": 2000})

    def cancel(self):
        self.hop.source.witness.call("migrate_cancel")

    def record(self, running, code):
        """Whole, by the schema, and the same as the trace."""
        self.assertEqual(running.wait(), code, running.errors)
        lines = [line for _, line in running.lines]
        self.assertEqual(record_faults(lines), [])
        self.assertEqual(self.read(f"{lines[0]['id']}.jsonl"), lines)
        self.assertEqual(lines[0]["role"], "steer")
        self.assertEqual(lines[0]["ends"]["source"]["version"].rpartition(".")[0], self.version)
        self.assertEqual(lines[-1]["exit_code"], code)
        return lines

    @staticmethod
    def of(lines, kind):
        return [line for line in lines if line["type"] == kind]


class Tuning(Steering):
    def test_the_throttle_is_set_in_qemu(self):
        source = self.by_hand("auto-converge")
        before = self.capabilities()
        running = self.begin(*THROTTLE)
        running.wait_for(lambda: source.migration().get("cpu-throttle-percentage") == 70, "throttle of 70 % in QEMU")
        self.assertEqual(self.parameters()["max-cpu-throttle"], 70)
        self.assertEqual(self.capabilities(), before)
        self.let_go()
        lines = self.record(running, 0)
        self.assertIn(70, [line.get("throttle_pct") for line in self.of(lines, "sample")])
        self.assertEqual((lines[-1]["outcome"], lines[-1]["guest_runs_on"]), ("handed-over", "destination"))
        self.assertIn("not observed", lines[-1]["text"])
        self.assertEqual(self.hop.destination.migration()["status"], "completed")

    def test_where_auto_converge_is_off_nothing_is_throttled(self):
        source = self.by_hand()
        before = self.parameters()
        running = self.begin(*THROTTLE)
        time.sleep(1)
        self.assertEqual(source.migration().get("cpu-throttle-percentage", 0), 0)
        self.assertEqual(self.parameters(), before)
        self.cancel()
        self.record(running, 11)

    def test_the_default_policy_brings_it_to_its_end(self):
        source = self.by_hand("auto-converge")
        running = self.begin()
        source.witness.call("migrate-set-parameters", {"max-bandwidth": ENOUGH})
        lines = self.record(running, 0)
        self.assertEqual(lines[0]["policy"]["name"], "auto")
        self.assertNotEqual(self.of(lines, "advice"), [])
        self.assertNotEqual(self.of(lines, "applied"), [])

    def test_what_was_changed_goes_back_when_the_guest_stays(self):
        self.by_hand("auto-converge")
        before = self.parameters()
        running = self.begin(*THROTTLE, "--bandwidth", "6MiB/s")
        running.wait_for(lambda: self.parameters()["max-cpu-throttle"] == 70, "throttle in QEMU")
        self.assertEqual(self.parameters()["max-bandwidth"], 6 << 20)
        self.cancel()
        lines = self.record(running, 11)
        self.assertEqual((lines[-1]["outcome"], lines[-1]["guest_runs_on"]), ("cancelled", "source"))
        self.assertEqual(self.parameters(), before)

    def test_what_others_changed_since_stays(self):
        self.by_hand("auto-converge")
        running = self.begin(*THROTTLE, "--bandwidth", "6MiB/s")
        running.wait_for(lambda: self.parameters()["max-bandwidth"] == 6 << 20, "bandwidth in QEMU")
        self.hop.source.witness.call("migrate-set-parameters", {"max-bandwidth": 5 << 20})
        self.cancel()
        self.record(running, 11)
        self.assertEqual(self.parameters()["max-bandwidth"], 5 << 20)

    def test_the_bandwidth_that_was_found_is_a_limit(self):
        self.by_hand()
        running = self.begin("--policy", "fixed,rate=1GiB/s")
        running.wait_line("applied")
        self.assertEqual(self.parameters()["max-bandwidth"], SLOW)
        self.cancel()
        self.record(running, 11)

    def test_the_bandwidth_that_others_set_later_is_heeded(self):
        source = self.by_hand()
        running = self.begin(*THROTTLE)
        source.witness.call("migrate-set-parameters", {"max-bandwidth": 5 << 20})
        running.wait_line("sample", bandwidth_limit_bytes_per_s=5 << 20, max_bandwidth_bytes_per_s=5 << 20)
        self.cancel()
        self.record(running, 11)

    def test_a_destination_that_dies_is_a_failure(self):
        source = self.by_hand()
        running = self.begin(*THROTTLE)
        self.hop.destination.kill()
        lines = self.record(running, 10)
        self.assertEqual((lines[-1]["outcome"], lines[-1]["guest_runs_on"]), ("failed", "source"))
        self.assertEqual(source.run_state(), "running")

    def test_a_source_that_dies_takes_the_guest_with_it(self):
        source = self.by_hand()
        running = self.begin(*THROTTLE)
        source.kill()
        self.assertEqual(self.record(running, 14)[-1]["guest_runs_on"], "nowhere")

    def test_postcopy_where_it_is_armed(self):
        source = self.by_hand(both=("postcopy-ram",), **{"max-postcopy-bandwidth": SLOW})
        running = self.begin("--postcopy", "now", "--policy", "fixed,downtime=1ms")
        source.witness.call("migrate-set-parameters", {"max-bandwidth": ENOUGH})
        source.witness.wait_migration("postcopy-active", "completed", timeout=20)
        lines = self.record(running, 0)
        self.assertIn("postcopy-active", [line["status"] for line in self.of(lines, "sample")])

    def test_a_pause_before_the_switchover_is_left_to_whoever_asked_for_it(self):
        source = self.by_hand("pause-before-switchover", "auto-converge")
        running = self.begin(*THROTTLE)
        self.let_go()
        running.wait_line("sample", status="pre-switchover")
        time.sleep(1)
        self.assertEqual(source.migration()["status"], "pre-switchover")
        self.assertIsNone(running.process.poll())
        source.witness.call("migrate-continue", {"state": "pre-switchover"})
        self.record(running, 0)


class Observing(Steering):
    def test_it_changes_nothing_and_tells_what_it_would_have_done(self):
        self.by_hand("auto-converge", **{"max-bandwidth": ENOUGH})
        before = (self.parameters(), self.capabilities())
        running = self.begin(*THROTTLE, "--observe", "--bandwidth", "6MiB/s")
        advice = running.wait_line("advice")
        running.wait_for(lambda: any(line.get("passes", 0) > 1 for _, line in running.lines), "two passes")
        self.assertEqual((self.parameters(), self.capabilities()), before)
        self.assertEqual(advice["throttle_pct"], 70)
        self.cancel()
        lines = self.record(running, 11)
        self.assertTrue(lines[0]["observe"])
        self.assertEqual(self.of(lines, "applied"), [])
        self.assertEqual((self.parameters(), self.capabilities()), before)

    def test_what_is_asked_again_is_told_once(self):
        self.by_hand("auto-converge")
        running = self.begin(*THROTTLE, "--observe")
        running.wait_line("advice")
        time.sleep(1)
        self.cancel()
        lines = self.record(running, 11)
        self.assertEqual(len(self.of(lines, "advice")), 1)

    def test_nobody_else_changes_anything_through_it(self):
        self.by_hand("auto-converge")
        running = self.begin("--observe")
        before = self.parameters()
        for words in (["set", "max-downtime=1s"], ["finish", "--by", "downtime"], ["postcopy"]):
            self.assertIn("only observes", self.at(self.hop.source, *words, code=4))
        self.assertEqual(self.parameters(), before)
        self.cancel()
        self.record(running, 11)


class Joining(Steering):
    def test_no_migration_is_refused(self):
        self.by_hand(starts=False)
        running = self.steer()
        self.assertEqual(running.wait(), 4)
        self.assertIn("no migration runs; --wait waits for one", running.errors + running.text)
        self.assertNotIn("nothing was changed", running.errors + running.text)
        self.assertEqual(self.names(), [])

    def test_it_waits_for_one_when_asked_to(self):
        source = self.by_hand("auto-converge", starts=False)
        running = self.steer(*THROTTLE, "--wait")
        time.sleep(0.5)
        self.assertEqual((running.process.poll(), running.text), (None, ""))
        source.witness.call("migrate-set-parameters", {"announce-rounds": 6})
        self.start_by_hand()
        self.assertEqual(running.wait_line("header")["ends"]["source"]["parameters"]["announce-rounds"], 6)
        running.wait_for(lambda: self.parameters()["max-cpu-throttle"] == 70, "throttle in QEMU")
        self.let_go()
        self.record(running, 0)

    def test_a_wait_can_be_left(self):
        self.by_hand(starts=False)
        running = self.steer("--wait")
        time.sleep(0.5)
        running.interrupt()
        self.assertEqual(running.wait(), 15)

    def test_the_receiving_end_is_refused(self):
        self.by_hand()
        said = self.at(self.hop.destination, "steer", code=4)
        self.assertIn("the receiving end", said)

    def test_one_of_ours_on_the_same_monitor_is_named(self):
        self.by_hand()
        running = self.begin(*THROTTLE)
        said = self.at(self.hop.source, "steer", code=3)
        self.assertIn(f"qmpmig (pid {running.process.pid}) steers this migration already", said)
        self.cancel()
        self.record(running, 11)

    def with_a_third_monitor(self):
        path = os.path.join(self.qmpmig.folder, "third")
        self.hop = self.pair(source_extra=("-qmp", f"unix:{path},server=on,wait=off"))
        return path

    def move_ours(self):
        moving = self.migrate(self.hop, "--bandwidth", "8MiB/s", "--max-downtime", "1ms", "--throttle", "off",
                              "--postcopy", "never")
        moving.wait_line("sample", status="active")
        return moving

    def assert_named(self, moving, said):
        self.assertIn(f"qmpmig (pid {moving.process.pid}) steers this migration already, through unix:", said)
        self.at(self.hop.source, "cancel")
        self.assertEqual(moving.wait(), 11)

    def test_one_of_ours_on_another_monitor_is_named(self):
        path = self.with_a_third_monitor()
        moving = self.move_ours()
        self.assert_named(moving, self.qmpmig.run("--socket", path, "steer", code=3))

    def test_one_of_ours_that_was_waited_for_is_named(self):
        path = self.with_a_third_monitor()
        waiting = self.qmpmig.start("--socket", path, "steer", "--wait")
        time.sleep(0.5)
        moving = self.move_ours()
        self.assertEqual(waiting.wait(), 3)
        self.assert_named(moving, waiting.errors + waiting.text)

    def test_a_policy_that_is_not_there_is_a_usage_error(self):
        self.by_hand()
        self.at(self.hop.source, "steer", "--policy", "magic", code=2)


class Leaving(Steering):
    def assert_leaves(self, number):
        source = self.by_hand("auto-converge")
        running = self.begin(*THROTTLE)
        running.wait_for(lambda: self.parameters()["max-cpu-throttle"] == 70, "throttle in QEMU")
        running.send(number)
        lines = self.record(running, 15)
        self.assertIn("goes on with what is set", lines[-1]["text"])
        self.assertEqual(source.migration()["status"], "active")
        self.assertEqual(self.parameters()["max-cpu-throttle"], 70)

    def test_ctrl_c_takes_the_hands_off(self):
        self.assert_leaves(signal.SIGINT)

    def test_so_does_sigterm(self):
        self.assert_leaves(signal.SIGTERM)

    def test_when_it_is_killed_the_migration_goes_on(self):
        source = self.by_hand("auto-converge")
        running = self.begin(*THROTTLE)
        running.send(signal.SIGKILL)
        running.wait()
        self.assertEqual(source.migration()["status"], "active")
        self.assertEqual(self.qmpmig.journals(), [])
        again = self.begin(*THROTTLE)
        self.cancel()
        self.record(again, 11)


class BesideIt(Steering):
    def test_a_second_terminal_sees_it(self):
        self.by_hand("auto-converge")
        running = self.begin(*THROTTLE)
        sample, = self.lines_at(self.hop.source, "status")
        self.assertEqual(sample["steered_by"]["pid"], running.process.pid)
        self.at(self.hop.source, "set", "max-throttle=40%")
        running.wait_for(lambda: self.parameters()["max-cpu-throttle"] == 40, "40 % in QEMU")
        self.cancel()
        self.record(running, 11)

    def test_it_is_not_ended_through_it(self):
        source = self.by_hand()
        running = self.begin(*THROTTLE)
        for words in (["cancel"], ["finish", "--by", "pause"]):
            self.assertIn("somebody else started", self.at(source, *words, code=4))
        self.assertEqual((source.migration()["status"], source.run_state()), ("active", "running"))
        running.wait_for(lambda: any("downtime_if_stopped_us" in line for _, line in running.lines), "estimate")
        self.at(source, "finish", "--by", "downtime")
        self.record(running, 0)

    def test_the_history_has_it(self):
        self.by_hand()
        running = self.begin(*THROTTLE)
        self.cancel()
        self.record(running, 11)
        past = self.qmpmig.start("--json", "history")
        self.assertEqual(past.wait(), 0)
        (_, line), = past.lines
        self.assertEqual((line["role"], line["outcome"], line["policy"]["name"]), ("steer", "cancelled", "fixed"))
        self.assertNotIn("to", line)
        self.assertEqual(json.loads(json.dumps(line))["observe"], False)


def add_versions(*kinds):
    """The same with other QEMUs, whose numbers and states differ."""
    for kind in kinds:
        for version in ("7.2", "11.1"):
            name = f"{kind.__name__}On{version.replace('.', '_')}"
            globals()[name] = type(name, (kind,), {"version": version})


if MATRIX:
    add_versions(Tuning, Observing, Joining, Leaving, BesideIt)


if __name__ == "__main__":
    unittest.main()
