# SPDX-License-Identifier: LGPL-2.1-or-later
"""The commands beside the move itself: at a QEMU that nobody steers, and beside a qmpmig that does."""

import json
import os
import threading
import time
import unittest

from tests.display.record import record_faults
from tests.lab.vm import Pair, Vm, leftovers
from tests.qemu.move import Qmpmig

LIVE = True
TIMEOUT = 600

# QEMU 7.2 would take a cancel in postcopy, and the guest would be gone.
VERSIONS = ("10.0", "7.2", "11.1") if os.environ.get("QMPMIG_MATRIX") else ("10.0",)

# A guest that is dirtied faster than it is sent: its migration ends when somebody sees to it.
GUEST = {"guest": "bare", "memory": 128, "ws": "32M", "rate": "48M", "destination_paused": True}
SLOW = 8 << 20
HELD = ("--bandwidth", "8MiB/s", "--max-downtime", "1ms", "--throttle", "off", "--policy", "auto,xbzrle=off")


class CommandTest(unittest.TestCase):
    @classmethod
    def tearDownClass(cls):
        if left := leftovers():
            raise AssertionError(f"left behind: {left}")

    def setUp(self):
        self.qmpmig = Qmpmig()
        self.addCleanup(self.qmpmig.end)

    def at(self, vm, *words, code=0):
        """What a command prints about this VM."""
        return self.qmpmig.run("--socket", vm.qmp, *words, code=code)

    def pair(self, **options):
        pair = Pair(**{**GUEST, **options})
        self.addCleanup(pair.cleanup)
        return pair

    def lines_at(self, vm, *words, code=0):
        running = self.qmpmig.start("--socket", vm.qmp, "--json", *words)
        self.assertEqual(running.wait(), code, running.errors)
        return [line for _, line in running.lines]


class ACalmQemu(CommandTest):
    """No migration runs."""

    @classmethod
    def setUpClass(cls):
        cls.vm = Vm("calm", guest="none", memory=64, machine="q35", guest_name="web1")

    @classmethod
    def tearDownClass(cls):
        cls.vm.cleanup()
        super().tearDownClass()

    def test_status_says_that_no_migration_runs(self):
        self.assertEqual(self.at(self.vm, "status"), "web1: running; no migration\n")

    def test_status_as_json_is_one_sample(self):
        sample, = self.lines_at(self.vm, "status")
        self.assertEqual((sample["type"], sample["format"], sample["status"], sample["run_state"], sample["verdict"]),
                         ("sample", "qmpmig-1", "none", "running", "unknown"))

    def test_there_is_nothing_to_wait_for(self):
        self.assertIn("no migration to wait for", self.at(self.vm, "status", "--wait", code=4))

    def test_nothing_can_be_ended(self):
        for words in (["cancel"], ["finish"], ["finish", "--by", "pause"], ["postcopy"]):
            self.assertIn("no migration runs", self.at(self.vm, *words, code=4))
        self.assertIn("postcopy-active", self.at(self.vm, "postcopy", "--pause", code=4))
        self.assertEqual(self.vm.run_state(), "running")

    def test_set_and_get_speak_with_units(self):
        self.at(self.vm, "set", "downtime-limit=250ms", "max-bandwidth=1Gbit/s", "max-postcopy-bandwidth=unlimited")
        now = self.vm.witness.call("query-migrate-parameters")
        self.assertEqual((now["downtime-limit"], now["max-bandwidth"], now["max-postcopy-bandwidth"]),
                         (250, 125000000, 0))
        self.assertEqual(self.at(self.vm, "get", "downtime-limit").split(maxsplit=1), ["downtime-limit", "250 ms\n"])
        got, = self.lines_at(self.vm, "get", "max-bandwidth")
        self.assertEqual(got["parameters"], {"max-bandwidth": 125000000})

    def test_a_number_without_its_unit_is_a_usage_error(self):
        before = self.vm.witness.call("query-migrate-parameters")
        self.assertIn("300ms or 300s", self.at(self.vm, "set", "downtime-limit=300", code=2))
        self.assertIn("is not KEY=VALUE", self.at(self.vm, "set", "downtime-limit", code=2))
        self.assertEqual(self.vm.witness.call("query-migrate-parameters"), before)

    def test_a_wrong_name_is_answered_with_the_right_one(self):
        self.assertIn("did you mean 'downtime-limit'", self.at(self.vm, "set", "downtime-limt=3", code=2))
        self.assertIn("did you mean 'max-bandwidth'", self.at(self.vm, "get", "max-bandwith", code=2))

    def test_a_limit_of_ours_needs_a_migration_of_ours(self):
        self.assertIn("none runs", self.at(self.vm, "set", "max-downtime=300ms", code=4))
        self.assertIn("none runs", self.at(self.vm, "get", "deadline", code=4))

    def test_set_is_all_or_nothing(self):
        before = self.vm.witness.call("query-migrate-parameters")
        text = self.at(self.vm, "set", "downtime-limit=1s", "cpu-throttle-initial=100%", code=4)
        self.assertIn("web1: migrate-set-parameters: ", text)
        self.assertEqual(self.vm.witness.call("query-migrate-parameters"), before)

    def test_capabilities_are_those_of_this_qemu(self):
        said, = self.lines_at(self.vm, "capabilities")
        known = {entry["capability"]: entry["state"] for entry in self.vm.witness.call("query-migrate-capabilities")}
        self.assertEqual({entry["name"]: entry["value"] for entry in said["capabilities"]}, known)
        postcopy, = [entry for entry in said["capabilities"] if entry["name"] == "postcopy-ram"]
        self.assertEqual((postcopy["sides"], postcopy["since"]), ("both alike", "2.6"))
        self.assertEqual([line for line in self.at(self.vm, "capabilities").splitlines() if "postcopy-ram" in line],
                         ["  off  postcopy-ram              both alike   2.6    " + postcopy["meaning"]])

    def test_events_come_as_they_happen(self):
        listener = self.qmpmig.start("--socket", self.vm.qmp, "events", "stop", "--for", "3s")
        deadline = time.monotonic() + 2.5
        while time.monotonic() < deadline and "STOP" not in listener.text:
            self.vm.witness.call("stop")
            self.vm.witness.call("cont")
            time.sleep(0.1)
        self.assertEqual(listener.wait(), 0)
        for line in listener.text.splitlines():
            self.assertRegex(line, r"^\d\d:\d\d:\d\d\.\d{6} STOP$")
        self.assertNotEqual(listener.text, "")

    def test_qmp_sends_one_raw_command(self):
        self.assertEqual(json.loads(self.at(self.vm, "qmp", "query-name")), {"name": "web1"})
        self.assertEqual(json.loads(self.at(self.vm, "qmp", "qom-get", '{"path": "/machine", "property": "type"}')),
                         "pc-q35-10.0-machine")
        self.assertIn("has not been found", self.at(self.vm, "qmp", "no-such-thing", code=1))
        self.assertIn("does not support OOB", self.at(self.vm, "qmp", "query-name", "--oob", code=1))
        self.assertIn("no JSON object", self.at(self.vm, "qmp", "query-name", "[1]", code=2))

    def test_without_a_socket_it_is_said_where_to_find_one(self):
        self.assertIn("qmpmig list", self.qmpmig.run("status", code=2))

    def test_a_monitor_that_is_not_there_is_unreachable(self):
        self.qmpmig.run("--socket", "/nonexistent/qmp", "status", code=3)


class AMigrationThatNobodySteers(CommandTest):
    def begin(self, pair, **parameters):
        """By hand."""
        pair.source.witness.call("migrate-set-parameters", {"max-bandwidth": SLOW, "downtime-limit": 1, **parameters})
        pair.destination.witness.call("migrate-incoming", {"uri": pair.uri()})
        pair.source.witness.call("migrate", {"uri": pair.uri()})
        pair.source.witness.wait_migration("active", timeout=10)
        time.sleep(0.3)
        return pair

    def capabilities(self, vm, *names):
        vm.witness.call("migrate-set-capabilities",
                        {"capabilities": [{"capability": name, "state": True} for name in names]})

    def armed(self, **options):
        pair = self.pair(**options)
        for vm in (pair.source, pair.destination):
            self.capabilities(vm, "postcopy-ram")
        return self.begin(pair, **{"max-postcopy-bandwidth": 2 << 20})

    def test_status_is_what_qemu_says(self):
        pair = self.begin(self.pair())
        self.assertRegex(self.at(pair.source, "status"), r"lab: running; migration active \(pre-copy\)\n"
                                                         r"(.*\n)*  left +\d.*MiB\n(.*\n)*  steered by +nobody of ours; `steer` joins it")
        sample, = self.lines_at(pair.source, "status")
        self.assertGreater(sample["remaining_us"], 0)
        self.assertIn("inmigrate; a guest arrives", self.at(pair.destination, "status"))

    def test_cancel_keeps_the_guest(self):
        pair = self.begin(self.pair())
        self.assertIn("the receiving end", self.at(pair.destination, "cancel", code=4))
        self.assertEqual(self.at(pair.source, "cancel"), "lab: cancelled; the guest stays here (running)\n")
        self.assertEqual(pair.source.run_state(), "running")
        self.assertEqual(self.at(pair.source, "status"), "lab: running; migration cancelled\n")
        self.at(pair.source, "status", "--wait", code=11)

    def assert_cancel_is_refused_in_postcopy(self, pair):
        self.at(pair.source, "postcopy")
        pair.source.witness.wait_migration("postcopy-active", timeout=10)
        self.assertIn("would destroy it", self.at(pair.source, "cancel", code=4))
        self.assertEqual(pair.source.migration()["status"], "postcopy-active")
        self.assertIn("ends by itself", self.at(pair.source, "finish", code=4))
        self.assertIn("broken off", self.at(pair.source, "postcopy", "--pause"))
        pair.source.witness.wait_migration("postcopy-paused", timeout=10)
        self.assertIn("would destroy it", self.at(pair.source, "cancel", code=4))
        self.assertEqual(pair.source.migration()["status"], "postcopy-paused")
        self.assertIn("recover", self.at(pair.source, "status", "--wait", code=12))

    def test_cancel_is_refused_in_postcopy(self):
        for version in VERSIONS:
            with self.subTest(version):
                self.assert_cancel_is_refused_in_postcopy(self.armed(version=version))

    def test_postcopy_has_to_be_armed_before_the_start(self):
        pair = self.begin(self.pair())
        self.assertIn("postcopy-ram is off", self.at(pair.source, "postcopy", code=4))
        self.assertEqual(pair.source.migration()["status"], "active")

    def test_finish_spends_no_long_blackout_unasked(self):
        pair = self.begin(self.pair())
        text = self.at(pair.source, "finish", code=4)
        self.assertRegex(text, "a blackout of about .* s is expected")
        self.assertIn("--by downtime or --by pause", text)
        self.assertEqual(pair.source.run_state(), "running")

    def test_finish_by_downtime_raises_the_limit(self):
        pair = self.begin(self.pair())
        text = self.at(pair.source, "finish", "--by", "downtime")
        self.assertRegex(text, "downtime-limit raised to .* s")
        self.assertIn("not observed", text)
        self.assertEqual(pair.destination.migration()["status"], "completed")
        self.assertEqual(pair.running(), [])

    def test_finish_takes_a_short_blackout_by_itself(self):
        pair = self.begin(self.pair(ws="4M"), **{"max-bandwidth": 32 << 20})
        deadline = time.monotonic() + 20
        while pair.source.migration()["ram"]["remaining"] > 6 << 20 and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertIn("downtime-limit raised to", self.at(pair.source, "finish"))
        self.assertEqual(pair.source.migration()["status"], "completed")

    def test_finish_by_pause_says_that_the_guest_arrives_stopped(self):
        pair = self.begin(self.pair(ws="4M", rate="8M"))
        self.assertIn("nobody of ours steers", self.at(pair.source, "finish", "--by", "pause"))
        self.assertEqual((pair.source.run_state(), pair.destination.run_state()), ("postmigrate", "paused"))
        self.at(pair.destination, "qmp", "cont")
        self.assertEqual(pair.running(), ["dst"])

    def test_finish_by_pause_lets_a_guest_that_stays_run_on(self):
        pair = self.begin(self.pair())
        killer = threading.Timer(1.5, pair.destination.kill)
        killer.start()
        self.addCleanup(killer.join)
        self.assertIn("the guest stays here", self.at(pair.source, "finish", "--by", "pause", code=10))
        self.assertEqual(pair.source.run_state(), "running")

    def test_finish_switches_to_postcopy_where_it_is_armed(self):
        pair = self.armed()
        self.assertIn("switched to postcopy", self.at(pair.source, "finish"))
        self.assertTrue(pair.source.migration()["status"].startswith("postcopy"))

    def test_finish_goes_on_from_pre_switchover(self):
        pair = self.pair()
        self.capabilities(pair.source, "pause-before-switchover")
        self.begin(pair)
        self.at(pair.source, "finish", "--by", "downtime")
        self.assertEqual(pair.source.migration()["status"], "completed")

    def test_a_change_that_comes_too_late_is_said_to(self):
        pair = self.begin(self.pair())
        self.assertIn("the one that runs does not heed it", self.at(pair.source, "set", "multifd-channels=3"))

    def test_a_wait_leaves_the_monitor_to_others(self):
        pair = self.begin(self.pair())
        waiting = self.qmpmig.start("--socket", pair.source.qmp, "status", "--wait")
        watching = self.qmpmig.start("--socket", pair.source.qmp, "--json", "status", "--watch")
        watching.wait_line("sample")
        self.at(pair.source, "cancel")
        self.assertEqual(waiting.wait(), 11)
        self.assertEqual(watching.wait(), 0)
        self.assertEqual(record_faults([line for _, line in watching.lines]), [])
        self.assertEqual(watching.lines[-1][1]["outcome"], "cancelled")


class AMigrationOfOurs(CommandTest):
    def begin(self, *options, **guest):
        self.hop = self.pair(**guest)
        self.move = self.qmpmig.start("--json", "--socket", self.hop.source.qmp, "migrate", self.hop.uri(),
                                      "--dest-socket", self.hop.destination.qmp, *HELD, *options)
        self.move.wait_line("sample", status="active")
        return self.hop.source

    def ended(self, code):
        self.assertEqual(self.move.wait(), code, self.move.errors)
        return self.move.lines[-1][1]

    def test_the_steering_one_answers_at_both_ends(self):
        source = self.begin("--postcopy", "never")
        for vm in (source, self.hop.destination):
            self.assertIn(f"qmpmig (pid {self.move.process.pid})", self.at(vm, "status"))
        sample, = self.lines_at(source, "status")
        self.assertEqual(sample["steered_by"], {"pid": self.move.process.pid, "program": "qmpmig"})
        self.assertEqual(json.loads(self.at(source, "qmp", "query-status"))["status"], "running")
        self.assertEqual(json.loads(self.at(self.hop.destination, "qmp", "query-status"))["status"], "inmigrate")
        self.assertIn(f"QEMU {source.version}.", self.at(source, "capabilities"))

    def test_a_second_one_does_not_steer_beside_it(self):
        source = self.begin("--postcopy", "never")
        text = self.qmpmig.run("--socket", source.qmp, "migrate", self.hop.uri("other"), code=3)
        self.assertIn(f"qmpmig (pid {self.move.process.pid}) steers this migration already", text)

    def test_limits_are_read_and_set(self):
        source = self.begin("--postcopy", "never")
        got, = self.lines_at(source, "get")
        self.assertEqual(got["limits"]["max_downtime_us"], 1000)
        self.assertIn("max-throttle: 5% (was ", self.at(source, "set", "max-throttle=5%", "announce-rounds=6"))
        self.assertEqual(source.witness.call("query-migrate-parameters")["announce-rounds"], 6)
        self.assertIn("max-downtime: 30 has no unit", self.at(source, "set", "max-downtime=30", code=2))
        self.assertEqual(self.at(source, "get", "max-throttle").split(), ["max-throttle", "5%"])

    def test_a_limit_that_is_cut_says_why(self):
        source = self.begin("--postcopy", "never")
        self.assertEqual(self.at(source, "set", "max-throttle=5%"), "max-throttle: 5% (was 9%)\n")
        self.assertEqual(self.at(source, "set", "max-throttle=40%"),
                         "max-throttle: 9% (was 5%; 40% would stall the guest longer than max-stall permits)\n")
        applied, = self.lines_at(source, "set", "max-throttle=50%")
        self.assertEqual(applied["changed_by_guard"],
                         ["max-throttle: 9%; 50% would stall the guest longer than max-stall permits"])
        self.assertEqual(self.at(source, "set", "max-stall=10s", "max-throttle=100%").splitlines()[1],
                         "max-throttle: 99% (was 9%; 100% would not let the guest run at all)")
        self.assertEqual(self.at(source, "set", "max-throttle=0%"),
                         "max-throttle: 1% (was 99%; 0% is less than the weakest throttle there is)\n")
        applied, = self.lines_at(source, "set", "max-throttle=99%")
        self.assertNotIn("changed_by_guard", applied)

    def test_raw_commands_that_would_change_it_need_force(self):
        source = self.begin("--postcopy", "never")
        for command in ("stop", "migrate_cancel", "x-anything", "quit"):
            self.assertIn(f"qmpmig (pid {self.move.process.pid}) steers", self.at(source, "qmp", command, code=4))
        self.assertEqual(source.run_state(), "running")
        self.assertEqual(self.at(source, "qmp", "cont", "--force"), "{}\n")

    def test_a_raw_command_goes_out_of_band_when_asked_to(self):
        source = self.begin("--postcopy", "never")
        self.assertIn("does not support OOB", self.at(source, "qmp", "query-name", "--oob", code=1))
        self.assertIn({"type": "migration"}, json.loads(self.at(source, "qmp", "query-yank", "--oob")))

    def test_cancel_waits_for_the_end(self):
        source = self.begin("--postcopy", "never")
        waiting = self.qmpmig.start("--socket", source.qmp, "status", "--wait")
        watching = self.qmpmig.start("--socket", self.hop.destination.qmp, "--json", "status", "--watch")
        watching.wait_line("sample")
        self.assertIn("the guest stays here", self.at(source, "cancel"))
        self.assertEqual(self.ended(11)["outcome"], "cancelled")
        self.assertEqual((waiting.wait(), watching.wait()), (11, 0))
        self.assertEqual(watching.lines[0][1]["type"], "header")
        self.assertEqual(watching.lines[-1][1], self.move.lines[-1][1])
        self.assertEqual(self.hop.running(), ["src"])

    def test_finish_says_what_it_costs_and_does_it(self):
        for means in ("downtime", "pause", "postcopy"):
            with self.subTest(means):
                source = self.begin()
                self.move.wait_for(lambda: any("downtime_if_stopped_us" in line for _, line in self.move.lines),
                                   "estimate of what it would cost")
                self.assertRegex(self.at(source, "finish", "--by", means), "a blackout of about .* is expected")
                self.assertEqual(self.ended(0)["outcome"], "completed")
                self.assertEqual(self.hop.running(), ["dst"])

    def test_events_come_through_it(self):
        source = self.begin("--postcopy", "never")
        listener = self.qmpmig.start("--socket", source.qmp, "--json", "events", "STOP", "RESUME")
        time.sleep(0.3)
        self.at(source, "finish", "--by", "downtime")
        self.ended(0)
        self.assertEqual(listener.wait(), 0)
        self.assertEqual([(line["end"], line["name"]) for _, line in listener.lines],
                         [("source", "STOP"), ("destination", "RESUME")])

    def test_when_it_is_killed_the_wait_goes_on_without_it(self):
        source = self.begin("--postcopy", "never")
        waiting = self.qmpmig.start("--socket", source.qmp, "status", "--wait")
        time.sleep(0.3)
        self.move.end()
        self.assertIn("nobody of ours", self.at(source, "status"))
        self.at(source, "cancel")
        self.assertEqual(waiting.wait(), 11, waiting.errors)


if __name__ == "__main__":
    unittest.main()
