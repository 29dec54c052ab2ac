# SPDX-License-Identifier: LGPL-2.1-or-later
"""auto's forecasts of the total time, over recorded migrations whose course is still the one that it takes."""
import unittest

from tests.replay.forecast import measure, quantile
from tests.replay.test_replay import RECORDED


class Forecast(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rows = [(path.name, *measure(path)) for path in RECORDED]

    def errors(self, key):
        found = [abs(errors[key]) for name, _, errors, followed in self.rows
                 if followed and "bursts" not in name and key in errors]
        self.assertGreaterEqual(len(found), 10)
        return found

    def test_after_two_passes_it_is_close_once_deltas_are_known(self):
        self.assertLessEqual(quantile(self.errors(2.5), 0.9), 0.12)

    def test_after_two_passes_it_is_close_in_most(self):
        self.assertLessEqual(quantile(self.errors(2), 0.75), 0.12)

    def test_a_quantile_is_of_the_ordered(self):
        self.assertEqual(quantile([3, 1, 2], 0.9), 3)
        self.assertEqual(quantile([3, 1, 2], 0.5), 2)


if __name__ == "__main__":
    unittest.main()
