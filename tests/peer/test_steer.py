# SPDX-License-Identifier: LGPL-2.1-or-later
"""`steer` at a QEMU that does not behave: whatever it answers, the migration of somebody else is left alone."""

import json
import os
import time
import unittest

from tests.display.record import record_faults
from tests.peer import faults
from tests.peer.bench import Bench
from tests.peer.peer import Ram
from tests.peer.test_peer import Client

NEVER_ENDS = {"working_set": 64 << 20, "dirty_rate": 1 << 30, "link": 32 << 20}
# What may reach a QEMU whose migration is not ours.
HARMLESS = {"qmp_capabilities", "migrate-set-parameters"}


def read_lines(path):
    """The whole lines of a trace that may still be written."""
    try:
        with open(path, encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]
    except FileNotFoundError:
        return []


class Foreign(Bench):
    def begin(self, *capabilities, **options):
        """Somebody starts a migration, and leaves the monitor to us."""
        self.peers = self.pair(ram=Ram(**NEVER_ENDS), **options)
        stream = f"{self.folder}/{os.path.basename(self.peers.source.path)}-{len(os.listdir(self.folder))}"
        for peer, command in ((self.peers.destination, "migrate-incoming"), (self.peers.source, "migrate")):
            client = Client(peer)
            client.call("migrate-set-capabilities",
                        capabilities=[{"capability": name, "state": True} for name in capabilities])
            self.assertEqual(client.call(command, uri=f"unix:{stream}")["return"], {})
            client.close()
        self.peers.source.wait_status("active")
        self.before = len(self.peers.source.log)
        return self.peers.source

    def steer(self, *words, policy="fixed,downtime=5ms"):
        return self.run_qmpmig("--json", "--socket", self.peers.source.path, "--reply-timeout", "500ms", "steer",
                               *(["--policy", policy] if policy else []), *words)

    def steer_by_file(self, text):
        path = f"{self.folder}/own.conf"
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return self.steer("--config", path, policy=None)

    def assert_left_alone(self, done, code):
        self.assert_ended(done, code)
        lines = done.lines()
        self.assertEqual(record_faults(lines, whole=lines[0]["type"] == "header"), [], str(done))
        sent = {entry.name for entry in self.peers.source.log[self.before:] if entry.kind == "command"}
        self.assertEqual({name for name in sent if not name.startswith(("query-", "qom-"))} - HARMLESS, set(), str(done))

    def test_one_that_falls_silent(self):
        self.begin().on("query-migrate", nth=9, do=faults.freeze())
        done = self.steer()
        self.peers.thaw()
        self.assert_left_alone(done, 3)
        self.assertEqual(done.result()["guest_runs_on"], "unknown")

    def test_one_that_goes_away_before_it_says_that_all_is_well(self):
        self.begin().on("query-migrate", nth=9, do=faults.close())
        done = self.steer()
        self.assert_left_alone(done, 3)
        self.assertIn("does not answer any more", done.result()["text"])

    def test_one_that_dies_in_pre_copy(self):
        self.begin().on("query-migrate", nth=9, do=faults.die())
        done = self.steer()
        self.assert_left_alone(done, 14)

    def test_a_status_that_nobody_knows_goes_on(self):
        source = self.begin()
        source.on("query-migrate", nth=9, do=faults.unknown_status())
        source.on("query-migrate", nth=20, do=faults.put("return.status", "cancelled"))
        done = self.steer()
        self.assert_left_alone(done, 11)
        self.assertIn("frobnicating", [line.get("status") for line in done.lines()])

    def test_a_knob_that_is_refused_is_a_warning(self):
        source = self.begin()
        source.on("migrate-set-parameters", do=faults.error("no such knob"))
        source.on("query-migrate", nth=20, do=faults.put("return.status", "cancelled"))
        done = self.steer()
        self.assert_left_alone(done, 11)
        self.assertIn("refused-parameter", [line.get("code") for line in done.lines()])

    def test_parameters_that_are_no_object(self):
        self.begin().on("query-migrate-parameters", nth=2, do=faults.reply([]))
        done = self.steer()
        self.assert_left_alone(done, 3)
        self.assertIn("the answer is no object", done.said())

    def test_a_file_chooses_the_policy_and_its_keys(self):
        source = self.begin()
        source.on("query-migrate", nth=20, do=faults.put("return.status", "cancelled"))
        self.assert_left_alone(self.steer_by_file("[vm *]\npolicy=fixed\n[policy fixed]\ndowntime=7ms\n"
                                                  "[policy auto]\nno-such-key=1\n"), 11)
        self.assertIn(7, [entry.message["arguments"].get("downtime-limit") for entry in source.log
                          if entry.name == "migrate-set-parameters" and entry.kind == "command"])

    def test_a_key_that_the_policy_does_not_know_is_told_with_its_line(self):
        self.begin()
        done = self.steer_by_file("[defaults]\npolicy=fixed\n\n[policy fixed]\nspeed=7\n")
        self.assert_left_alone(done, 2)
        self.assertIn("own.conf:5: ", done.said())
        self.assertIn("speed", done.said())

    def detached(self, source):
        """The lines of the trace of one that went to the background, once it has ended there."""
        trace = os.path.join(self.folder, "detached")
        began = time.monotonic()
        done = self.run_qmpmig("--socket", source.path, "steer", "--policy", "fixed,downtime=7ms", "--detach", "--trace", trace)
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual(done.code, 15, str(done))
        self.assertIn("in the background", done.said())
        self.assertEqual(source.statuses()[-1], "active", "whoever started it goes on")
        until = time.monotonic() + 20
        while not (lines := read_lines(trace)) or lines[-1]["type"] != "result":
            self.assertLess(time.monotonic(), until, f"it goes on: {lines[-1:]}")
            time.sleep(0.05)
        return lines

    def test_a_detached_one_goes_on_in_the_background(self):
        source = self.begin()
        source.on("query-migrate", nth=60, do=faults.put("return.status", "cancelled"))
        lines = self.detached(source)
        self.assertEqual(lines[-1]["exit_code"], 11, lines[-1])
        self.assertIn(7, [entry.message["arguments"].get("downtime-limit") for entry in source.log
                          if entry.name == "migrate-set-parameters" and entry.kind == "command"])

    def test_a_detached_one_that_finds_no_migration_says_so(self):
        done = self.run_qmpmig("--socket", self.pair().source.path, "steer", "--detach")
        self.assertEqual(done.code, 4, str(done))
        self.assertNotIn("in the background", done.said())

    def test_all_versions(self):
        for version in ("5.2", "7.2", "10.0", "11.1"):
            with self.subTest(version):
                source = self.begin("auto-converge", version=version)
                source.on("query-migrate", nth=20, do=faults.put("return.status", "cancelled"))
                self.assert_left_alone(self.steer(policy="fixed,throttle=50%"), 11)
                self.assertEqual(source.violations, [])


if __name__ == "__main__":
    unittest.main()
