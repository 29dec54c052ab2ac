# SPDX-License-Identifier: LGPL-2.1-or-later
"""The regret bench's arithmetic, and a dozen of its cells."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from tests.bench.convergence_lab.results import Results
from tests.bench.regret_lab import cell, score, table
from tests.bench.regret_lab.roster import PRE_COPY_SUBJECT, ROSTER, SUBJECT
from tests.bench.regret_lab.runs import FIELDS

TOP = Path(__file__).parents[2]
SMOKE = "1GiB-10G-*-s1"


def made_up(limit_ms=300, **runs):
    """A scored cell: name=(total s, blackout s, lost s) or with outcome, postcopy, stall."""
    def values(total, blackout, lost, outcome="completed", postcopy=False, stall=None):
        line = {"outcome": outcome, "postcopy": postcopy, "total_us": total * 1e6, "blackout_us": blackout * 1e6,
                "longest_stall_us": (blackout if stall is None else stall) * 1e6, "work_lost_us": lost * 1e6, "sent_bytes": 0,
                "left_bytes": 0 if outcome == "completed" else 125e6, "channels": 0}
        return [line[field] for field in FIELDS]
    return score.Scored({"cell": f"1GiB-1G-hot-{limit_ms}ms-s1", "least_total_us": 8.6e6, "least_blackout_us": 30000,
                         "least_work_lost_us": 130000,
                         "runs": {name.replace("_", "-"): values(*run) for name, run in runs.items()}})


class Cells(unittest.TestCase):
    def test_there_are_enough_of_every_kind(self):
        cells = cell.everything()
        self.assertGreaterEqual(len(cells), 500)
        self.assertEqual(len({one.id for one in cells}), len(cells))
        for key, values in (("memory_gib", cell.MEMORY_GIB), ("link_gbit", cell.LINK_GBIT), ("shape", cell.SHAPES),
                            ("limit_ms", cell.LIMIT_MS)):
            for held_out in (False, True):
                self.assertEqual({getattr(one, key) for one in cells if one.held_out == held_out}, set(values))

    def test_an_id_says_all(self):
        for one in cell.everything()[::29]:
            self.assertEqual(cell.Cell.parse(one.id), one)
            self.assertEqual(cell.Cell.parse(one.id).options(), one.options())

    def test_a_seed_changes_the_guest_and_a_limit_does_not(self):
        one, other = cell.Cell(16, 10, "hot", 300, 1), cell.Cell(16, 10, "hot", 300, 2)
        self.assertNotEqual(one.drawn(), other.drawn())
        self.assertEqual(one.drawn(), cell.Cell(16, 10, "hot", 50, 1).drawn())


class Score(unittest.TestCase):
    def test_regret_is_beyond_the_bound(self):
        self.assertAlmostEqual(made_up(auto=(9, 0.1, 0.4)).regret_s("auto"), 0.27)

    def test_who_does_not_end_or_keep_the_limits_regrets_for_ever(self):
        one = made_up(auto=(9, 0.1, 0.4), plain=(99, 0, 0, "stuck"), throttle=(9, 0.2, 0.4, "completed", False, 0.9),
                      downtime=(9, 0.5, 0.6))
        self.assertEqual([name for name in one.runs if one.regret_s(name) == float("inf")], ["plain", "throttle", "downtime"])
        self.assertAlmostEqual(one.stopped_regret_s("plain"), 1 + 0.03 - 0.13)

    def test_kinds_of_cells(self):
        self.assertEqual(made_up(auto_no_postcopy=(9, 0.1, 0.4)).kind(), score.FEASIBLE)
        self.assertEqual(made_up(auto_no_postcopy=(9, 0.6, 0.4)).kind(), score.UNSOLVED)
        tight = made_up(auto_no_postcopy=(9, 0.1, 0.4))
        tight.least_blackout_s = 0.31
        self.assertEqual(tight.kind(), score.INFEASIBLE)

    def test_quantiles_are_of_what_is_there(self):
        self.assertEqual([score.quantile(range(1, 11), part) for part in (0.5, 0.9, 1)], [5, 9, 10])
        self.assertIsNone(score.quantile([], 0.5))


class Domination(unittest.TestCase):
    def dominators(self, name, **runs):
        return [run.name for run in made_up(**runs).dominators(name)]

    def test_by_who_is_better_in_one_and_worse_in_none(self):
        mine = (20, 0.1, 1)
        for other, is_one in (((20, 0.1, 1), False), ((20, 0.1, 0.5), True), ((20, 0.2, 0.5), False), ((10, 0.1, 1), True),
                              ((19.9, 0.1, 0.95), False), ((30, 0.1, 0.1), False)):
            with self.subTest(other):
                self.assertEqual(self.dominators("auto", auto=mine, throttle=other), ["throttle"] if is_one else [])

    def test_a_longer_standstill_counts_beyond_the_limit_only(self):
        for stall, is_one in ((0.25, True), (0.9, False)):
            runs = {"auto": (20, 0.1, 1), "throttle": (10, 0.1, 1, "completed", False, stall)}
            self.assertEqual(self.dominators("auto", **runs), ["throttle"] if is_one else [])

    def test_postcopy_does_not_dominate_who_does_without(self):
        runs = {"auto": (20, 0.1, 1), "postcopy": (10, 0.05, 0.5, "completed", True)}
        self.assertEqual(self.dominators("auto", **runs), [])
        runs["auto"] = (*runs["auto"], "completed", True)
        self.assertEqual(self.dominators("auto", **runs), ["postcopy"])

    def test_who_ends_dominates_who_does_not(self):
        runs = {"auto": (99, 0, 5, "stuck"), "throttle": (20, 0.1, 1)}
        self.assertEqual((self.dominators("auto", **runs), self.dominators("throttle", **runs)), (["throttle"], []))


class Table(unittest.TestCase):
    def test_a_loser_is_told(self):
        one = made_up(auto_no_postcopy=(20, 0.1, 1), throttle=(10, 0.1, 0.5), auto=(20, 0.1, 1))
        text = table.make_table([one], [])
        for words in ("auto-no-postcopy: median of regret 0.870 s, rank 2 of 2; best is throttle, 0.370 s",
                      "auto: dominated in 1 of 1 (100.0 %)",
                      "| auto | 1GiB-1G-hot-300ms-s1 | 20.0 s, 100 ms, 1.00 s | throttle | 10.0 s, 100 ms, 0.50 s |"):
            self.assertIn(words, text)

    def test_a_winner_is_told(self):
        one = made_up(auto_no_postcopy=(9, 0.1, 0.2), throttle=(10, 0.1, 0.5), auto=(9, 0.1, 0.2))
        text = table.make_table([one], [])
        self.assertIn("auto-no-postcopy: median of regret 0.070 s, rank 1 of 2\n", text)
        self.assertIn("auto: dominated in 0 of 1 (0.0 %)", text)
        self.assertIn("Nowhere.", text)


class Smoke(unittest.TestCase):
    def test_a_dozen_cells(self):
        with tempfile.TemporaryDirectory() as folder:
            command = [TOP / "tests/bench/regret", "--cells", SMOKE, "--out", folder]
            subprocess.run(command, check=True, capture_output=True)
            self.assertEqual(set(os.listdir(folder)), {"results.jsonl", "table.md", "plot.svg"})
            scored = [score.Scored(line) for line in Results(folder).runs]
            again = subprocess.run([*command, "--plan"], check=True, capture_output=True, text=True)
        self.assertEqual(again.stdout.strip(), "")      # it goes on where it was stopped
        self.assertEqual(len(scored), len(cell.SHAPES))
        for one in scored:
            self.assertEqual(list(one.runs), [policy.name for policy in ROSTER])
            for run in one.pre_copy():
                if run.completed:
                    self.assertGreaterEqual(run.lost_s, one.least_lost_s * 0.999, (one.cell.id, run))
        kept = [one for one in scored if any(one.runs[name].keeps(one.kept_s) for name in (SUBJECT, PRE_COPY_SUBJECT))]
        self.assertGreaterEqual(len(kept), 9)


if __name__ == "__main__":
    unittest.main()
