# SPDX-License-Identifier: LGPL-2.1-or-later
"""One of each kind of end, for test_runner.py; not a suite."""

import os
import subprocess
import tempfile
import time
import unittest


class Each(unittest.TestCase):
    def test_passes(self):
        print("said by one that passes")

    def test_fails(self):
        print("said by one that fails")
        self.assertEqual(1, 2)

    def test_fails_in_part(self):
        for number in range(3):
            with self.subTest(number=number):
                self.assertNotEqual(number, 1)

    def test_is_skipped(self):
        self.skipTest("a reason")

    @unittest.expectedFailure
    def test_is_expected_to_fail(self):
        self.fail()


class Leaves(unittest.TestCase):
    def test_leaves_a_process_and_a_file(self):
        subprocess.Popen(["setsid", "sh", "-c", "sleep 100 & exec sleep 101"])
        tempfile.mkdtemp(prefix="left-")


class Group(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise unittest.SkipTest("the whole group")

    def test_one(self):
        pass


class Dies(unittest.TestCase):
    def test_a_ends_the_process(self):
        os._exit(3)

    def test_b_never_comes(self):
        pass


class Hangs(unittest.TestCase):
    def test_hangs(self):
        time.sleep(100)
