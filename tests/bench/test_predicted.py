# SPDX-License-Identifier: LGPL-2.1-or-later
"""tests/bench/predicted: what counts as right, and as near. The moves themselves are made by hand."""

import unittest

from tests.bench.predicted_lab import report
from tests.bench.predicted_lab.moves import MOVES


def foreseen(converges=True, postcopy=False, expected_s=10.0):
    total = {"least_us": 9_000_000, "most_us": 12_000_000, "expected_us": expected_s * 1e6}
    blackout = {"least_us": 20_000, "most_us": 40_000, "expected_us": 30_000}
    return {"converges": converges, "postcopy": postcopy, "late": False, "completed": 3 if converges else 0, "total": total,
            "blackout": blackout}


def run(said, outcome="completed", total_s=10.0, by_postcopy=False):
    return {"foreseen": said, "outcome": outcome, "by_postcopy": by_postcopy, "total_us": total_s * 1e6, "blackout_us": 35_000,
            "loaded": False}


class Moves(unittest.TestCase):
    def test_there_are_fifteen_and_each_has_an_id(self):
        self.assertEqual(len({move.id for move in MOVES}), 15)


class Verdicts(unittest.TestCase):
    def test_yes_is_right_when_it_arrives(self):
        self.assertTrue(report.is_right(run(foreseen())))
        self.assertFalse(report.is_right(run(foreseen(), outcome="not completed")))

    def test_no_is_right_when_it_does_not(self):
        self.assertTrue(report.is_right(run(foreseen(converges=False), outcome="not completed")))
        self.assertFalse(report.is_right(run(foreseen(converges=False))))

    def test_postcopy_has_to_be_foretold(self):
        self.assertFalse(report.is_right(run(foreseen(), by_postcopy=True)))
        self.assertTrue(report.is_right(run(foreseen(postcopy=True), by_postcopy=True)))
        self.assertTrue(report.is_right(run(foreseen(postcopy=True))))


class Near(unittest.TestCase):
    def test_fifteen_percent_of_what_it_took(self):
        self.assertTrue(report.is_near(run(foreseen(expected_s=11.4))))
        self.assertFalse(report.is_near(run(foreseen(expected_s=11.6))))
        self.assertFalse(report.is_near(run(foreseen(expected_s=8.4))))

    def test_one_that_was_not_to_end_is_near_when_it_did_not(self):
        self.assertTrue(report.is_near(run(foreseen(converges=False), outcome="not completed")))
        self.assertFalse(report.is_near(run(foreseen(), outcome="not completed")))

    def test_what_is_missed_is_bold_and_counted(self):
        runs = {move.id: run(foreseen()) for move in MOVES}
        runs[MOVES[0].id] = run(foreseen(expected_s=13))
        text = report.make(MOVES, runs)
        self.assertIn("Verdict right in 15 of 15; total time within 15% in 14, within the range in 15 of the 15 that ended.", text)
        self.assertEqual([line.count("**") for line in text.splitlines() if line.startswith("| " + MOVES[0].id)], [2])


if __name__ == "__main__":
    unittest.main()
