# SPDX-License-Identifier: LGPL-2.1-or-later
"""tests/options.md names for each option the test that sees its effect; and the tests of those that nobody else has."""

import ast
import re
import unittest

from tests.cli import program
from tests.lab.vm import Vm, leftovers

TABLE = program.TOP / "tests/options.md"
ROW = re.compile(r"^\| `(--[a-z-]+)` \| (\S+(?:, \S+)*) \| (.+) \|$", re.MULTILINE)


def rows():
    return [match.groups() for match in ROW.finditer(TABLE.read_text(encoding="utf-8"))]


def source_of(test):
    """The text of a test method, NAME as in folder.module.Class.method; None when there is none."""
    *path, wanted_class, wanted = test.split(".")
    file = program.TOP / "tests" / ("/".join(path) + ".py")
    if not file.exists():
        return None
    text = file.read_text(encoding="utf-8")
    for each in ast.parse(text).body:
        if isinstance(each, ast.ClassDef) and each.name == wanted_class:
            for method in each.body:
                if isinstance(method, ast.FunctionDef) and method.name == wanted:
                    return "\n".join([ast.get_source_segment(text, method), *shared_by(text, each)])
    return None


def shared_by(text, wanted):
    """What a class gives to all its tests, and its module to all its classes, counts as theirs."""
    parts = [part for part in wanted.body if not getattr(part, "name", "").startswith("test")]
    parts += [part for part in ast.parse(text).body if isinstance(part, ast.Assign)]
    return [ast.get_source_segment(text, part) for part in parts]


class TheTable(unittest.TestCase):
    def test_has_every_option_of_the_help_and_no_other(self):
        self.assertEqual(sorted(name for name, _, _ in rows()), sorted(program.all_options()))

    def test_names_tests_that_are_there_and_use_the_option(self):
        for option, tests, _ in rows():
            for test in tests.split(", "):
                with self.subTest(option=option):
                    text = source_of(test)
                    self.assertIsNotNone(text, f"no test {test}")
                    self.assertRegex(text, rf"{option}(?![a-z-])", f"{test} does not use it")

    def test_what_cannot_be_tried_is_marked_in_the_manual(self):
        manual = (program.TOP / "man/qmpmig.pod").read_text(encoding="utf-8")
        for word in ("rdma", "zero-copy"):
            self.assertRegex(manual, rf"(?is){word}.{{0,400}}not.{{0,40}}(tried|tested)|not.{{0,40}}(tried|tested).{{0,400}}{word}")

    def test_a_test_that_is_not_there_is_found_out(self):
        self.assertIsNone(source_of("cli.test_options.Output.test_nothing_of_the_kind"))


class Output(unittest.TestCase):
    """Against a QEMU without a guest."""

    @classmethod
    def setUpClass(cls):
        cls.vm = Vm("vm", guest="none", memory=32)

    @classmethod
    def tearDownClass(cls):
        cls.vm.cleanup()
        if left := leftovers():
            raise AssertionError(f"left behind: {left}")

    def run_qmpmig(self, *words, **environment):
        return program.run("--socket", self.vm.qmp, *words, environment=environment)

    def test_color_is_as_asked_for(self):
        plain = self.run_qmpmig("status", "--color", "never").stdout
        coloured = self.run_qmpmig("status", "--color", "always").stdout
        self.assertNotIn("\x1b", plain)
        self.assertIn("\x1b[", coloured)
        self.assertEqual(re.sub(r"\x1b\[[0-9;]*m", "", coloured), plain)

    def test_quiet_prints_the_result_only(self):
        dry_run = ("migrate", "tcp:127.0.0.1:4444", "--dry-run")
        loud, quiet = self.run_qmpmig(*dry_run), self.run_qmpmig(*dry_run, "--quiet")
        self.assertIn("auto-converge", loud.stdout)
        self.assertNotIn("auto-converge", quiet.stdout + quiet.stderr)
        self.assertIn("nothing was changed", quiet.stdout)

    def test_verbose_shows_what_is_sent(self):
        self.assertIn("query-status", self.run_qmpmig("status", "--verbose").stderr)
        self.assertNotIn("query-status", self.run_qmpmig("status").stderr)

    def test_version_is_printed(self):
        self.assertRegex(program.run("--version").stdout, r"^qmpmig \d+\.\d+")


if __name__ == "__main__":
    unittest.main()
