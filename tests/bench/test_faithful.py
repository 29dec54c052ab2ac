# SPDX-License-Identifier: LGPL-2.1-or-later
"""tests/bench/faithful: which traces it may use, and what counts as near. The table itself is made by hand."""

import json
import pathlib
import tempfile
import unittest
from unittest import mock

from tests.bench.faithful_lab import recordings, report
from tests.bench.faithful_lab.replay import Outcome, Row


class Recordings(unittest.TestCase):
    def test_there_are_twenty_that_nothing_was_fitted_on(self):
        self.assertGreaterEqual(len(recordings.paths("held-out")), 20)

    def test_what_is_held_out_came_after_all_that_the_model_was_fitted_on(self):
        for path in recordings.paths("held-out"):
            self.assertGreater(recordings.began(path), recordings.newest("fitted"), path.name)

    def test_none_names_a_machine(self):
        for folder in recordings.FOLDERS:
            for path in recordings.paths(folder):
                header, *lines = recordings.read(path)
                self.assertFalse({"trace", "dest-socket"} & set(header["options"]), path.name)
                self.assertEqual(header["ends"]["source"]["address"], "bench")
                self.assertEqual(lines[-1]["outcome"], "completed")


def write(folder, name, **more):
    header = {"type": "header", "id": name, "role": "migrate", "wall_clock": "2026-01-02T10:00", "options": {"trace": "/here"},
              "uri": "fd:tcp:192.0.2.2:49152",
              "ends": {"source": {"address": "/here", "observed": True, "version": "10.0.2", "capabilities": {}, "parameters": {}}}}
    result = {"type": "result", "outcome": more.pop("outcome", "completed")}
    lines = {**header, **more}, {"type": "event"}, result
    pathlib.Path(folder, f"{name}.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")


class Adopted(unittest.TestCase):
    def setUp(self):
        home = tempfile.TemporaryDirectory()
        self.addCleanup(home.cleanup)
        self.results, top = (pathlib.Path(home.name, name) for name in ("results", "traces"))
        self.results.mkdir()
        here = mock.patch.object(recordings, "TOP", top)
        here.start()
        self.addCleanup(here.stop)

    def adopt(self, since="2026-01-02T09:00"):
        recordings.adopt([self.results], since)
        return [path.name.removesuffix(".jsonl.gz") for path in recordings.paths("held-out")]

    def test_the_newest_of_each_cell_and_contender(self):
        write(self.results, "cell-auto-0")
        write(self.results, "cell-auto-1", wall_clock="2026-01-02T10:01")
        write(self.results, "cell-deadline-0")
        self.assertEqual(self.adopt(), ["cell-auto-1", "cell-deadline-0"])

    def test_who_connected_is_kept_and_where_is_not(self):
        write(self.results, "cell-auto-0")
        self.adopt()
        self.assertEqual(recordings.read(recordings.paths("held-out")[0])[0]["uri"], "fd:tcp:bench:4444")

    def test_what_is_older_failed_or_begun_by_others_is_not(self):
        write(self.results, "old-auto-0", wall_clock="2026-01-02T08:59")
        write(self.results, "failed-auto-0", outcome="failed")
        write(self.results, "libvirt-auto-0", role="steer")
        self.assertEqual(self.adopt(), [])

    def test_what_was_held_out_goes(self):
        write(self.results, "cell-auto-0")
        self.adopt()
        pathlib.Path(self.results, "cell-auto-0.jsonl").unlink()
        self.assertEqual(self.adopt(), [])

    def test_no_moment_before_what_the_model_was_fitted_on(self):
        write(self.results, "cell-auto-0")
        recordings.add("fitted", self.results / "cell-auto-0.jsonl")
        with self.assertRaisesRegex(ValueError, "2026-01-02T10:00"):
            self.adopt()

    def test_without_what_names_a_machine(self):
        write(self.results, "cell-auto-0")
        self.adopt()
        self.assertNotIn("/here", json.dumps(recordings.read(recordings.paths("held-out")[0])))


class Near(unittest.TestCase):
    ACTUAL = Outcome(10, 100)

    def test_a_tenth_of_the_time(self):
        self.assertTrue(Outcome(10.99, 0).is_total_near(self.ACTUAL))
        self.assertFalse(Outcome(11.01, 0).is_total_near(self.ACTUAL))
        self.assertFalse(Outcome(float("inf"), 0).is_total_near(self.ACTUAL))

    def test_twenty_milliseconds_or_fifteen_percent(self):
        self.assertTrue(Outcome(0, 119).is_downtime_near(self.ACTUAL))
        self.assertFalse(Outcome(0, 79).is_downtime_near(self.ACTUAL))
        self.assertTrue(Outcome(0, 228).is_downtime_near(Outcome(10, 200)))

    def test_what_is_missed_is_bold(self):
        text = report.make([Row("cell", self.ACTUAL, Outcome(12, 105), Outcome(10, 160))], {})
        line = text.splitlines()[2]
        self.assertEqual(line.count("**"), 4)
        self.assertIn("**+20%**", line)
        self.assertIn("**+60**", line)

    def test_chance_is_told_of_the_model_and_of_the_real_ones(self):
        rows = [Row("alike", self.ACTUAL, Outcome(10, 105), self.ACTUAL, (90, 105, 130)),
                Row("apart", self.ACTUAL, Outcome(10, 150), self.ACTUAL, (140, 150, 160, float("inf")))]
        text = report.make(rows, {"alike": [(10e6, 100e3), (10e6, 110e3)], "apart": [(10e6, 100e3), (10e6, 160e3)], "one": [(1, 1)]})
        self.assertIn("in 1 of 2 the real downtime lies", text)
        self.assertIn("30 ms apart in the median, 40 at most; 1 of the 7 replays did not complete", text)
        self.assertIn("Of 2 cells with more than one real migration, 1 have", text)
        self.assertIn("1 of 1 are near", text)


if __name__ == "__main__":
    unittest.main()
