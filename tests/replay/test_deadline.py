# SPDX-License-Identifier: LGPL-2.1-or-later
"""The deadline policy at the helm of calculated migrations: in time, no earlier and no harder than needed."""
import unittest

from tests.replay import deadlines
from tests.replay.guest import Guest, move

SETS = (20e6, 60e6, 100e6, 200e6, 400e6)
RATES = (10e6, 30e6, 60e6, 100e6, 200e6, 400e6)
DEADLINES = (40, 90)
MARGIN = 2


class TheDeadline(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """Each guest as it moves by itself, throttled as hard as can be from the start, and towards each deadline."""
        cls.cells = []
        for set_bytes in SETS:
            for rate in RATES:
                guest = Guest(set_bytes, rate)
                by_itself = move("fixed", guest, downtime="300ms", patience=max(DEADLINES))
                hardest = move("fixed", guest, downtime="300ms", throttle="95", patience=max(DEADLINES))
                for deadline in DEADLINES:
                    steered = move("deadline", guest, deadline=deadline, patience=2 * deadline)
                    cls.cells.append((guest, deadline, by_itself, hardest, steered))

    def those(self, wanted):
        found = [cell for cell in self.cells if wanted(*cell)]
        self.assertGreater(len(found), 10)
        return found

    @staticmethod
    def ends_by_itself(_guest, deadline, by_itself, *_):
        return by_itself.seconds is not None and by_itself.seconds <= 0.9 * deadline - MARGIN

    @staticmethod
    def has_to_be_throttled(_guest, deadline, by_itself, hardest, _steered):
        """By itself not in time; throttled from the start, with a fifth to spare."""
        return by_itself.seconds is None and hardest.seconds and hardest.seconds <= 0.8 * deadline - MARGIN

    def test_is_met_wherever_it_can_be(self):
        for guest, deadline, _, _, steered in self.those(lambda *cell: self.ends_by_itself(*cell) or
                                                         self.has_to_be_throttled(*cell)):
            self.assertIsNotNone(steered.seconds, f"{guest} {deadline}")
            self.assertLessEqual(steered.seconds, deadline, f"{guest} {steered}")

    def test_a_guest_that_ends_by_itself_is_not_throttled(self):
        for guest, deadline, _, _, steered in self.those(self.ends_by_itself):
            self.assertIsNone(steered.throttled_at, f"{guest} {deadline} {steered}")

    def test_a_guest_that_needs_it_is_throttled_at_the_end_of_its_time(self):
        for guest, deadline, _, hardest, steered in self.those(self.has_to_be_throttled):
            self.assertIsNotNone(steered.throttled_at, f"{guest} {deadline}")
            self.assertGreaterEqual(steered.seconds, 0.8 * deadline, f"{guest} {steered}")
            first_pass = guest.ram / guest.link
            self.assertGreaterEqual(steered.throttled_at, deadline - MARGIN - 2 * 5 - 2 * (hardest.seconds - first_pass),
                                    f"{guest} {deadline} {hardest} {steered}")

    def test_a_guest_that_no_throttle_moves_is_not_throttled(self):
        steered = move("deadline", Guest(400e6, 1e12), deadline=40, patience=60)
        self.assertEqual((steered.seconds, steered.throttled_at), (None, None))


class Auto(unittest.TestCase):
    def test_it_meets_nearly_all_deadlines_that_can_be_met(self):
        found = deadlines.measure(20, seed=3)
        missed = [one for one in found if not deadlines.is_met(one[2], one[3])]
        self.assertLessEqual(len(missed), 1, missed)

    def test_late_is_not_met(self):
        self.assertFalse(deadlines.is_met(10, {"outcome": "completed", "total_us": 10_200_000}))
        self.assertFalse(deadlines.is_met(10, {"outcome": "stuck"}))


class TheOthers(unittest.TestCase):
    """In the same arithmetic."""

    def test_classic_stops_after_its_passes(self):
        moved = move("classic", Guest(60e6, 30e6), patience=100, throttle="0")
        self.assertEqual(moved.action, "none")
        self.assertLessEqual(moved.passes, 31)
        self.assertIsNotNone(moved.seconds)

    def test_classic_pauses_a_guest_that_writes_too_much(self):
        moved = move("classic", Guest(400e6, 400e6), patience=400)
        self.assertEqual((moved.action, moved.passes), ("pause-guest", 30))

    def test_downtime_ends_what_its_last_step_can_hold(self):
        moved = move("downtime", Guest(10e6, 400e6), patience=100)
        self.assertIsNotNone(moved.seconds)
        self.assertGreater(moved.passes, 2 * 5)
        self.assertIsNone(move("downtime", Guest(60e6, 400e6), patience=100).seconds)

    def test_postcopy_switches_after_its_passes(self):
        moved = move("postcopy", Guest(400e6, 400e6), patience=100, passes="3")
        self.assertEqual((moved.action, moved.passes), ("postcopy", 3))
