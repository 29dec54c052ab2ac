# SPDX-License-Identifier: LGPL-2.1-or-later
"""tests/bench/faithful: which traces it may use, and what counts as near. The table itself is made by hand."""

import hashlib
import unittest

from tests.bench.faithful_lab import recordings, report
from tests.bench.faithful_lab.replay import Outcome, Row


def is_held_out(path):
    return hashlib.sha256(recordings.read(path)[0]["id"].encode()).digest()[0] % 2 == 0


class Recordings(unittest.TestCase):
    def test_there_are_twenty_that_nothing_was_fitted_on(self):
        self.assertGreaterEqual(len(recordings.paths("held-out")), 20)

    def test_the_id_decides_what_is_held_out(self):
        for folder in recordings.FOLDERS:
            for path in recordings.paths(folder):
                self.assertEqual(is_held_out(path), folder == "held-out", path.name)

    def test_none_names_a_machine(self):
        for folder in recordings.FOLDERS:
            for path in recordings.paths(folder):
                header, *lines = recordings.read(path)
                self.assertFalse({"trace", "dest-socket"} & set(header["options"]), path.name)
                self.assertEqual(header["ends"]["source"]["address"], "bench")
                self.assertEqual(lines[-1]["outcome"], "completed")


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
        text = report.make([Row("cell", self.ACTUAL, Outcome(12, 105), Outcome(10, 160))], [])
        line = text.splitlines()[2]
        self.assertEqual(line.count("**"), 4)
        self.assertIn("**+20%**", line)
        self.assertIn("**+60**", line)


if __name__ == "__main__":
    unittest.main()
