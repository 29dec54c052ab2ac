# SPDX-License-Identifier: LGPL-2.1-or-later
"""What goes wrong in a test is seen by the runner."""

import contextlib
import io
import os
import pathlib
import subprocess
import tempfile
import unittest

from tests.runner import processes
from tests.runner.__main__ import Account
from tests.runner.jobs import ProgramJob, PythonJob, Result, TapJob
from tests.runner.loop import LIVE_SLOTS, SLOTS, Loop
from tests.runner.skips import Skips
from tests.runner.tap import Tap

SAMPLES = "tests.runner.samples.sample_all"


def run(*jobs):
    """The results that are told of, by name, and what was left behind. In a process of its own: the loop adopts orphans."""
    told = []
    loop = Loop(dict(os.environ), told.append)
    loop.run(jobs)
    results = {result.name.rpartition(": ")[2]: result for result in told}
    return results, loop.left


def samples(group, *names, timeout=20):
    tests = [f"{SAMPLES}.{group}.{name}" for name in names]
    return PythonJob("samples", SAMPLES, tests, tests, timeout=timeout)


class PythonModules(unittest.TestCase):
    def states(self, *arguments, **options):
        results, self.left = run(samples(*arguments, **options))
        self.texts = {name: result.text for name, result in results.items()}
        return {name: result.state for name, result in results.items()}

    def test_each_test_is_told(self):
        found = self.states("Each", "test_passes", "test_fails", "test_fails_in_part", "test_is_skipped",
                            "test_is_expected_to_fail")
        self.assertEqual(found, {"Each.test_passes": "pass", "Each.test_fails": "fail",
                                 "Each.test_fails_in_part": "fail", "Each.test_is_skipped": "skip",
                                 "Each.test_is_expected_to_fail": "skip"})
        self.assertIn("1 != 2", self.texts["Each.test_fails"])
        self.assertIn("said by one that fails", self.texts["Each.test_fails"])
        self.assertNotIn("said by one that passes", self.texts["Each.test_fails"])
        self.assertIn("number=1", self.texts["Each.test_fails_in_part"])
        self.assertEqual(self.texts["Each.test_is_skipped"], "a reason")
        self.assertEqual(self.left, [])

    def test_a_skipped_class_skips_its_tests(self):
        self.assertEqual(self.states("Group", "test_one"), {"Group.test_one": "skip"})
        self.assertEqual(self.texts["Group.test_one"], "the whole group")

    def test_a_process_that_ends_fails_the_tests_that_it_owes(self):
        found = self.states("Dies", "test_a_ends_the_process", "test_b_never_comes")
        self.assertEqual(found, {"Dies.test_a_ends_the_process": "fail", "Dies.test_b_never_comes": "fail"})
        self.assertIn("ended with 3", self.texts["Dies.test_b_never_comes"])

    def test_a_hang_is_ended_and_says_where(self):
        found = self.states("Hangs", "test_hangs", timeout=5)
        self.assertEqual(found, {"Hangs.test_hangs": "fail"})
        self.assertIn("more than 5 s", self.texts["Hangs.test_hangs"])
        self.assertIn("in test_hangs", self.texts["Hangs.test_hangs"])

    def test_what_is_left_behind_is_found_and_ended(self):
        self.states("Leaves", "test_leaves_a_process_and_a_file")
        kinds = sorted(what.split(":")[1].split()[0] for what in self.left)
        self.assertEqual(kinds, ["file", "process", "process"], self.left)
        self.assertEqual([pid for pid in processes.below(os.getpid()) if processes.speaks_of(pid, "sleep")], [])

    def test_the_listing_names_a_module_that_does_not_load(self):
        reading, writing = os.pipe()
        subprocess.run(["/usr/bin/python3", "-m", "tests.runner.worker", "list", str(writing), "tests.runner.none"],
                       pass_fds=[writing], check=True)
        os.close(writing)
        with open(reading, encoding="utf-8") as lines:
            self.assertIn("ModuleNotFoundError", lines.read())


class Programs(unittest.TestCase):
    def shell(self, kind, script, **options):
        results, _ = run(kind("it", ["sh", "-c", script], **options))
        return {name: result.state for name, result in results.items()}

    def test_the_exit_code_counts(self):
        self.assertEqual(self.shell(ProgramJob, "exit 0"), {"it": "pass"})
        self.assertEqual(self.shell(ProgramJob, "exit 7"), {"it": "fail"})
        self.assertEqual(self.shell(ProgramJob, "sleep 30", timeout=0.5), {"it": "fail"})

    def test_what_stands_on_a_failure_is_not_run(self):
        first = ProgramJob("first", ["false"])
        results, _ = run(first, ProgramJob("second", ["true"], after=[first]))
        self.assertIn("first failed", results["second"].text)

    def test_a_sanitizers_report_is_a_failure(self):
        found = self.shell(ProgramJob, 'echo leak > "$REPORT"', environment={"REPORT": "FOLDER/sanitizer.1"})
        self.assertEqual(found, {"it": "pass", "a sanitizer's report": "fail"})

    def test_a_thread_that_a_sanitizer_could_not_see_is_none(self):
        found = self.shell(ProgramJob, 'echo "==7==Unable to get registers from thread 8." > "$REPORT"',
                           environment={"REPORT": "FOLDER/sanitizer.1"})
        self.assertEqual(found, {"it": "pass"})

    def test_tap(self):
        found = self.shell(TapJob, 'printf "1..3\\nok 1 /a/b\\nnot ok 2 /a/c\\nok 3 /a/d # SKIP no d\\n"')
        self.assertEqual(found, {"/a/b": "pass", "/a/c": "fail", "/a/d": "skip"})

    def test_what_is_said_last_is_told_of(self):
        """The end of a job may be seen before its last words."""
        with tempfile.TemporaryDirectory() as folder:
            job = TapJob("suite", ["sh", "-c", 'printf "1..2\\nok 1 /a\\nnot ok 2 /b\\n"; exit 1'])
            job.start(os.path.join(folder, "1"), dict(os.environ))
            job.process.wait()
            self.assertEqual([(result.name, result.state) for result in job.finish()],
                             [("suite: /a", "pass"), ("suite: /b", "fail")])

    def test_tap_that_breaks_off(self):
        self.assertEqual(self.shell(TapJob, 'printf "1..2\\nok 1 /a\\n"'), {"/a": "pass", "it": "fail"})
        self.assertEqual(self.shell(TapJob, 'printf "1..1\\nok 1 /a\\n"; exit 1'), {"/a": "pass", "it": "fail"})
        self.assertEqual(self.shell(TapJob, "kill -SEGV $$"), {"it": "fail"})


class Doubt(unittest.TestCase):
    """What failed beside others may pass when it is run alone, but is told of; some things are no matter of time."""

    def setUp(self):
        self.output = io.StringIO()
        self.account = Account(Skips())

    def fail_beside_others(self, name, text=""):
        with contextlib.redirect_stdout(self.output):
            self.account.doubt(Result(name, "fail", 1, text))

    def sum_up(self):
        with contextlib.redirect_stdout(self.output):
            self.account.sum_up(1)
        return self.output.getvalue()

    def test_a_second_chance_is_told_of(self):
        self.fail_beside_others("cli.test_x: X.test_y", "too late")
        self.assertIn("passed only when it was run again, alone: cli.test_x: X.test_y", self.sum_up())
        self.assertIn("0 passed, 0 failed, 0 skipped", self.sum_up())

    def test_a_report_and_bad_memory_have_failed(self):
        self.fail_beside_others("thread/unit/board: a sanitizer's report", "data race")
        self.fail_beside_others("qemu.test_x: X.test_y", "tests.lab.vm.MemoryBad: dst: CHECK bad page=3")
        self.assertTrue(self.sum_up().endswith("0 passed, 2 failed, 0 skipped\n"))

    def test_a_skip_that_is_not_allowed_has_failed(self):
        with contextlib.redirect_stdout(self.output):
            self.account.doubt(Result("cli.test_x: X.test_y", "skip", 0, "no time"))
        self.assertIn("which tests/skips does not allow: no time", self.sum_up())
        self.assertEqual(self.account.count["fail"], 1)


class Rules(unittest.TestCase):
    def test_glib_tap(self):
        tap = Tap()
        for line in ("TAP version 13", "# random seed: R02S9b", "1..2", "# Start of a tests", "ok 1 /a/b",
                     "# GLib-DEBUG: not ok 7", "ok 2 /a/c # SKIP"):
            tap.line(line)
        self.assertEqual(tap.ends, [("/a/b", "pass", ""), ("/a/c", "skip", "")])
        self.assertIsNone(tap.complaint(0))

    def test_skips(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "skips")
            path.write_text("# text\n\nunit/a: /x | *\n* | needs a moon (*)\n", encoding="utf-8")
            skips = Skips(path)
            self.assertTrue(skips.allow("unit/a: /x", "because"))
            self.assertTrue(skips.allow("anything", "needs a moon (full)"))
            self.assertFalse(skips.allow("unit/a: /y", "because"))
            path.write_text("no reason\n", encoding="utf-8")
            with self.assertRaisesRegex(ValueError, "skips:1"):
                Skips(path)

    def test_the_file_of_the_tree_is_in_order(self):
        self.assertFalse(Skips().allow("unit/a: /x", "because"))


class Rooms(unittest.TestCase):
    """How many run beside each other, by what the loop itself counts; no clock."""

    def seen(self, *kinds):
        """The most that ran at a time: in all, with QEMUs, beside one that wants to be alone."""
        jobs = [ProgramJob(str(number), ["sleep", "0.2"], **kind) for number, kind in enumerate(kinds)]
        most = [0, 0, 0]

        def count(job):
            running = [job, *loop.running]
            for place, number in enumerate((len(running), sum(other.live for other in running),
                                            len(running) if any(other.alone for other in running) else 0)):
                most[place] = max(most[place], number)
        loop = Loop(dict(os.environ), lambda result: None, count)
        loop.run(jobs)
        return most

    def test_few_are_live(self):
        self.assertEqual(self.seen(*[{"live": True}] * 4, *[{}] * 4)[:2], [SLOTS, LIVE_SLOTS])

    def test_one_that_wants_to_be_alone_is(self):
        self.assertEqual(self.seen({}, {"alone": True}, {}, {"alone": True, "live": True})[2], 1)
