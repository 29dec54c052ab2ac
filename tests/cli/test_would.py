# SPDX-License-Identifier: LGPL-2.1-or-later
"""What steering would have saved: traces made for the purpose, whose sums are known, and real ones of tests/cli/observed."""

import gzip
import os
import pathlib
import shutil
import unittest

from tests.cli import test_history
from tests.cli.test_history import HEADER, RESULT, whole

SAMPLE = {"type": "sample", "t_us": 4100000, "status": "active", "elapsed_us": 4000000}
ADVICE = {"type": "advice", "t_us": 4100100, "reason_code": 105, "reason": "throttle", "action": "none",
          "verdict": "on-course", "needs": 0, "throttle_pct": 92, "remaining_us": 3000000, "blackout_us": 100000,
          "work_lost_us": 1000000}
PASSIVE = {key: value for key, value in ADVICE.items() if key != "throttle_pct"}
SILENT = {key: value for key, value in ADVICE.items() if key != "remaining_us"}
OBSERVED = {**HEADER, "role": "steer", "observe": True}
STEERED = {**HEADER, "role": "steer", "observe": False}
# Linux guests of tests/lab on QEMU 10.0.2, moved over 40 MiB/s with QEMU's own auto-converge: four by `steer --wait --observe`
# looked at (one idle), two by `steer --wait` steered.
REAL = pathlib.Path(__file__).parent / "observed"


class Would(unittest.TestCase):
    put, lines, run_history = (getattr(test_history.History, name) for name in ("put", "lines", "run_history"))
    setUp = test_history.History.setUp

    def would(self, *words):
        line, = self.lines("--would", *words)
        return line

    def record(self, name, *advice, header=None, **result):
        self.put(name, text=whole(header or OBSERVED, SAMPLE, *advice, {**RESULT, "total_us": 20000000, **result}))

    def test_what_came_is_held_against_what_was_foreseen(self):
        self.record("a", PASSIVE, ADVICE, {**ADVICE, "remaining_us": 1})
        saved = self.would()["saved"]
        self.assertEqual([saved[each]["sum"] for each in ("total", "blackout", "work_lost")], [13000000, 240000, 400000])

    def test_count_and_spread_are_told(self):
        for number, total in enumerate((8, 10, 12, 14, 6)):
            self.record(f"vm{number}", ADVICE, total_us=total * 1000000)
        line = self.would()
        self.assertEqual((line["observed"], line["compared"]), (5, 5))
        self.assertEqual(line["saved"]["total"], {"count": 5, "median": 3000000, "low": 1000000, "high": 5000000,
                                                  "sum": 15000000})

    def test_what_would_have_cost_more_is_below_zero(self):
        self.record("a", ADVICE, total_us=5000000)
        self.assertEqual(self.would()["saved"]["total"]["sum"], -2000000)
        self.assertIn(" -2 s ", self.run_history("--would").stdout)

    def test_what_cannot_be_compared_is_counted_and_in_no_sum(self):
        self.record("idle", PASSIVE)
        self.record("silent", SILENT)
        self.record("failed", ADVICE, outcome="failed", exit_code=10)
        self.put("left", text=whole(OBSERVED, SAMPLE, ADVICE))
        line = self.would()
        self.assertEqual([line[each] for each in ("observed", "compared", "left_alone", "without_forecast", "not_moved",
                                                  "unfinished")], [4, 0, 1, 1, 1, 1])
        self.assertEqual([each["count"] for each in line["saved"].values()], [0, 0, 0])

    def test_a_number_that_is_not_known_is_left_out_of_its_sum_alone(self):
        self.put(text=whole(OBSERVED, SAMPLE, ADVICE,
                            {key: value for key, value in RESULT.items() if not key.startswith("blackout")}))
        self.assertEqual([each["count"] for each in self.would()["saved"].values()], [1, 0, 0])

    def test_those_that_were_steered_check_it_and_save_nothing(self):
        self.record("a", ADVICE, header=STEERED, total_us=10000000)
        self.record("b", ADVICE, header=STEERED, outcome="failed", exit_code=10)
        line = self.would()
        self.assertEqual((line["observed"], line["checked"]["migrations"]), (0, 1))
        self.assertEqual(line["checked"]["total"], {"count": 1, "median": 2, "low": 2, "high": 2})
        self.assertIn("2.00 (2.00 to 2.00, of 1)", self.run_history("--would").stdout)

    def test_all_are_summed_up_unless_a_limit_or_a_vm_is_given(self):
        for number in range(25):
            self.record(f"vm{number}", ADVICE)
        self.assertEqual([self.would(*words)["observed"] for words in ((), ("--limit", "3"))], [25, 3])
        self.record("db", ADVICE, header={**OBSERVED, "vm": {"name": "db-1"}})
        self.assertEqual(self.would("--vm", "db-*")["observed"], 1)

    def test_a_strange_trace_does_no_harm(self):
        self.put("a", text=whole(OBSERVED, {**SAMPLE, "elapsed_us": "x"}, {**ADVICE, "throttle_pct": []}) + '{"type":"advice"\n' +
                 whole(RESULT))
        self.assertEqual(self.would()["without_forecast"], 1)

    def test_real_ones(self):
        for path in REAL.glob("*.jsonl.gz"):
            with gzip.open(path) as packed, open(os.path.join(self.folder, path.stem), "wb") as file:
                shutil.copyfileobj(packed, file)
        line = self.would()
        self.assertEqual((line["observed"], line["compared"], line["left_alone"]), (4, 3, 1))
        self.assertEqual(line["saved"]["total"],
                         {"count": 3, "median": -211533, "low": -423609, "high": 449963, "sum": 264241})
        self.assertEqual((line["checked"]["migrations"], round(line["checked"]["total"]["median"], 2)), (2, 1.36))


if __name__ == "__main__":
    unittest.main()
