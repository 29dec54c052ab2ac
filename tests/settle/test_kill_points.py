# SPDX-License-Identifier: LGPL-2.1-or-later
"""qmpmig is killed at every named point, each journal write and each QMP command, before and after it; `recover` then
brings the guest to exactly one side, and nothing of the move is left in either QEMU."""

import collections
import os
import signal
import time
import unittest

from tests.lab.qmp import QmpClosed
from tests.qemu import move
from tests.qemu.move import MoveTest, Settings

FAULTY = os.environ.get("QMPMIG_FAULTY", str(move.TOP / "build/agent/qmpmig-faulty"))
LONG = os.environ.get("QMPMIG_LONG") == "1"
BARE = {**move.BARE, "version": "10.0", "memory": 64, "ws": "2M", "static": "2M", "rate": "8M"}
# Queries come as often as the clock says; these passings of a point show what the first ones do not.
MORE_PASSINGS = (2, 4)


class Points:
    """The points that a run passes, in order, as NAME#N."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "points")

    def environment(self, kill=None):
        if os.path.exists(self.path):
            os.unlink(self.path)
        return {"QMPMIG_FAULT_LIST": self.path, **({"QMPMIG_FAULT_KILL": kill} if kill else {})}

    def read(self):
        with open(self.path, encoding="utf-8") as file:
            return [f"{name}#{number}" for name, number in numbered(file.read().split())]


def numbered(names):
    count = collections.Counter()
    for name in names:
        count[name] += 1
        yield name, count[name]


def worth_a_kill(points):
    """The first passing of each, and of the queries a few more."""
    return [point for point in points
            if point.endswith("#1") or (":query-" in point and int(point.split("#")[1]) in MORE_PASSINGS)]


class KillTest(MoveTest):
    guest = BARE

    def faulty(self, environment, *words):
        running = move.Running([FAULTY, *words], {**self.qmpmig.environment, **environment})
        self.qmpmig.started.append(running)
        return running.wait()

    def words(self, hop):
        return ("--json", "--socket", hop.source.qmp, "migrate", hop.uri(), "--dest-socket", hop.destination.qmp)

    def list_points(self):
        """Those of a run that nobody disturbs."""
        points = Points(self.qmpmig.folder)
        with self.hop() as hop:
            self.assertEqual(self.faulty(points.environment(), *self.words(hop)), 0)
        return worth_a_kill(points.read())

    def kill_at(self, hop, point):
        """FALSE when the run ended before it came to that point."""
        code = self.faulty(Points(self.qmpmig.folder).environment(point), *self.words(hop))
        return code == -signal.SIGKILL

    def renew(self):
        """A home without what an earlier point may have left."""
        self.qmpmig.end()
        self.qmpmig = move.Qmpmig()
        self.addCleanup(self.qmpmig.end)

    def recover(self, hop, *options):
        running = self.qmpmig.start("--json", "--socket", hop.source.qmp, "recover", *options)
        return running.wait(), running

    def sides(self, hop):
        """Where the guest runs; a source that is just quitting runs none."""
        deadline = time.monotonic() + 10
        while True:
            try:
                return hop.running()
            except (OSError, QmpClosed):
                self.assertLess(time.monotonic(), deadline, "a witness is closed, and its QEMU lives on")
                time.sleep(0.05)

    def assert_one_side(self, hop, before, point, running):
        sides = self.sides(hop)
        self.assertEqual(len(sides), 1, f"{point}: runs on {sides}: {running.text} {running.errors}")
        vm = hop.source if sides == [hop.source.name] else hop.destination
        vm.wait_heartbeat()
        vm.check_memory()
        self.assertEqual(Settings(vm), before[vm.name], f"{point}: not put back on {vm.name}")
        self.assertEqual(self.qmpmig.journals(), [], point)

    def check_point(self, point):
        self.renew()
        with self.hop() as hop:
            before = {vm.name: Settings(vm) for vm in (hop.source, hop.destination)}
            if not self.kill_at(hop, point):
                return False
            code, running = self.recover(hop)
            self.assertIn(code, (0, 3, 4, 10), f"{point}: {running.text} {running.errors}")
            self.assert_one_side(hop, before, point, running)
            again, _ = self.recover(hop)
            self.assertIn(again, (3, 4), f"{point}: a second recover found something to do")
        return True

    def walk(self):
        points = self.list_points()
        reached = 0
        for point in points:
            with self.subTest(point=point):
                reached += self.check_point(point)
        # Runs differ in how many samples they take; all else is passed in each.
        self.assertGreater(reached, 0.9 * len(points))
        print(f"{type(self).__name__}: killed at {reached} of {len(points)} points", flush=True)


class PreCopy(KillTest):
    def test_every_point_of_a_move_ends_on_one_side(self):
        self.walk()


class Postcopy(KillTest):
    guest = {**BARE, "rate": "64M"}

    def words(self, hop):
        return (*super().words(hop), "--postcopy", "now", "--bandwidth", "32MiB/s")

    def test_every_point_of_a_postcopy_move_ends_on_one_side(self):
        self.walk()


@unittest.skipUnless(LONG, "long: --long runs it")
class Offline(KillTest):
    def words(self, hop):
        return (*super().words(hop), "--offline")

    def test_every_point_of_an_offline_move_ends_on_one_side(self):
        self.walk()


class DryRun(KillTest):
    def test_recover_dry_run_changes_nothing(self):
        with self.hop() as hop:
            before = {vm.name: Settings(vm) for vm in (hop.source, hop.destination)}
            self.assertTrue(self.kill_at(hop, "send:source:migrate-continue:before#1"))
            states = (hop.source.run_state(), hop.destination.run_state(), Settings(hop.source))
            code, running = self.recover(hop, "--dry-run")
            self.assertEqual(code, 0, running.errors)
            self.assertEqual((hop.source.run_state(), hop.destination.run_state(), Settings(hop.source)), states)
            code, running = self.recover(hop)
            self.assertEqual(code, 0, running.text)
            self.assert_one_side(hop, before, "dry run", running)

    def test_confirm_dead_is_refused_when_that_end_answers(self):
        with self.hop() as hop:
            before = {vm.name: Settings(vm) for vm in (hop.source, hop.destination)}
            self.assertTrue(self.kill_at(hop, "send:destination:cont:before#1"))
            code, running = self.recover(hop, "--confirm-dead", "destination")
            self.assertEqual(code, 4, running.text)
            self.assertEqual(len(self.qmpmig.journals()), 1)
            code, running = self.recover(hop)
            self.assertEqual(code, 0, running.text)
            self.assert_one_side(hop, before, "confirm-dead", running)


class RecoverKilled(KillTest):
    """recover is itself killed at each of its points; the next one finishes."""

    def recover_faulty(self, hop, environment):
        return self.faulty(environment, "--json", "--socket", hop.source.qmp, "recover")

    def walk_after(self, first):
        points = Points(self.qmpmig.folder)
        with self.hop() as hop:
            self.assertTrue(self.kill_at(hop, first))
            self.recover_faulty(hop, points.environment())
        for point in worth_a_kill(points.read()):
            self.renew()
            points = Points(self.qmpmig.folder)
            with self.subTest(first=first, point=point), self.hop() as hop:
                before = {vm.name: Settings(vm) for vm in (hop.source, hop.destination)}
                self.assertTrue(self.kill_at(hop, first))
                if self.recover_faulty(hop, points.environment(point)) != -signal.SIGKILL:
                    continue
                _, running = self.recover(hop)
                self.assert_one_side(hop, before, f"{first}, then {point}", running)

    def test_after_the_handover(self):
        self.walk_after("send:destination:cont:before#1")

    @unittest.skipUnless(LONG, "long: --long runs it")
    def test_in_pre_switchover(self):
        self.walk_after("send:source:migrate-continue:before#1")

    @unittest.skipUnless(LONG, "long: --long runs it")
    def test_before_the_start(self):
        self.walk_after("send:source:migrate:before#1")


if __name__ == "__main__":
    unittest.main()
