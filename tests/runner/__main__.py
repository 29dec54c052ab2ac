# SPDX-License-Identifier: LGPL-2.1-or-later
"""Builds and runs every test. Called by tests/run."""

import argparse
import collections
import os
import signal
import subprocess
import sys
import time

from tests.runner import suites
from tests.runner.jobs import PythonJob, Result, TapJob
from tests.runner.leftovers import Machine
from tests.runner.loop import Loop
from tests.runner.skips import Skips

AGAIN_AT_MOST = 30
# What no slow machine explains: never run again.
UNFORGIVEN = ("a sanitizer's report", "MemoryBad")
WORDS = {"pass": "ok  ", "fail": "FAIL", "skip": "skip"}


class Account:
    """Counts and prints. A skip that nobody allowed has failed."""

    def __init__(self, skips):
        self.skips = skips
        self.count = collections.Counter()
        self.failures = []
        self.doubtful = []
        self.seconds = collections.Counter()
        self.cpu_seconds = collections.Counter()
        self.tests = collections.Counter()

    def add(self, result):
        if result.state == "skip" and not self.skips.allow(result.name, result.text):
            result = result._replace(state="fail", text=f"skipped, which tests/skips does not allow: {result.text}")
        self.count[result.state] += 1
        self.tests[suite_of(result.name)] += 1
        print(f"{WORDS[result.state]} {result.seconds:7.2f} s  {result.name}"
              + (f" ({result.text})" if result.state == "skip" else ""), flush=True)
        if result.state == "fail":
            self.failures.append(result)
            print(indented(result.text), flush=True)

    def doubt(self, result):
        """A failure beside other tests is looked at again, alone, before it counts; it is told of either way."""
        if result.state != "fail" or ": " not in result.name or any(words in result.name + result.text
                                                                    for words in UNFORGIVEN):
            self.add(result)
            return
        self.doubtful.append(result)
        print(f"again{result.seconds:7.2f} s  {result.name}\n{indented(result.text)}", flush=True)

    def end(self, job):
        self.seconds[suite_of(job.name)] += job.seconds
        self.cpu_seconds[suite_of(job.name)] += job.cpu_seconds

    def sum_up(self, seconds):
        print(f"\n{'suite':24} tests       time   CPU time")
        for suite in self.tests:
            print(f"{suite:24} {self.tests[suite]:5} {self.seconds[suite]:8.1f} s {self.cpu_seconds[suite]:8.1f} s")
        failed = {result.name for result in self.failures}
        for result in self.doubtful:
            if result.name not in failed:
                print(f"\npassed only when it was run again, alone: {result.name}\n{indented(result.text)}")
        for result in self.failures:
            print(f"\nFAIL {result.name}\n{indented(result.text)}")
        print(f"\n{seconds / 60:.1f} minutes")
        print(f"{self.count['pass']} passed, {self.count['fail']} failed, {self.count['skip']} skipped", flush=True)


def suite_of(name):
    words = name.partition(":")[0].partition(".")[0].split("/")
    return "/".join(words[:2]) if words[0] in suites.SANITIZERS else words[0]


def indented(text):
    return "\n".join("        " + line for line in text.splitlines())


def parse(words):
    parser = argparse.ArgumentParser(prog="tests/run")
    parser.add_argument("--matrix", action="store_true", help="QEMU 5.2, 7.2 and 11.1 too")
    parser.add_argument("--long", action="store_true", help="what takes minutes too")
    parser.add_argument("--only", metavar="PATTERN", action="append", help="tests whose name contains this (may be repeated)")
    parser.add_argument("--sanitize", choices=sorted(suites.SANITIZERS), help="only the suites of this sanitizer")
    parser.add_argument("--list", action="store_true", help="print the tests' names, run none")
    return parser.parse_args(words)


def environment_of(options):
    """The caller's, without what would change how qmpmig behaves."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith("QMPMIG") and name not in ("NO_COLOR", "COLUMNS", "LINES")}
    kept.update(suites.PLAIN.environment, QMPMIG_MUST_RUN="1", LC_ALL="C.UTF-8", PYTHONDONTWRITEBYTECODE="1")
    if options.matrix:
        kept["QMPMIG_MATRIX"] = "1"
    if options.long:
        kept["QMPMIG_LONG"] = "1"
    return kept


def choose(jobs, patterns):
    """Those with a test whose name contains one of the patterns, and what they need; Python modules in part."""
    if not patterns:
        return jobs
    def wanted(name):
        return any(pattern in name for pattern in patterns)
    chosen = []
    for job in jobs:
        if isinstance(job, PythonJob):
            job.chosen = [test for test in job.tests if wanted(f"{job.name}: {job.short(test)}") or wanted(test)]
            if job.chosen:
                chosen.append(job)
        elif wanted(job.name):
            chosen.append(job)
    needed = {other for job in chosen for other in job.after}
    return [job for job in jobs if job in chosen or job in needed]


def build(account, environment):
    """The plain build, which all else stands on; whether it came to be."""
    loop = Loop(environment, account.add, account.end)
    job = suites.PLAIN.job()
    loop.run([job])
    return job.passed


def run(options, account, environment):
    machine = Machine()
    if not build(account, environment):
        return
    tree = suites.Tree(environment)
    jobs = choose(suites.everything(tree, options.sanitize), options.only)
    for result in tree.broken:
        account.add(result)
    if not jobs:
        account.add(Result("nothing to run", "fail", 0, f"no test's name contains {' or '.join(options.only)}"))
    loop = Loop(environment, account.doubt, account.end)
    loop.run(jobs)
    left = loop.left + run_again(jobs, account, environment)
    left += machine.new(loop.pids)
    account.add(Result("nothing is left behind", "fail" if left else "pass", 0, "\n".join(left)))


def run_again(jobs, account, environment):
    """What failed, alone; what can be asked for by no name, or fails in heaps, has failed. What was left behind."""
    names = {result.name for result in account.doubtful}
    first = frozenset(names)
    # The others of a unit test's program have been counted.
    alone = Loop(environment, lambda result: account.add(result) if result.name in first or result.state == "fail"
                 else None, account.end)
    again = []
    for job in jobs if len(names) <= AGAIN_AT_MOST else []:
        mine = {name for name in names if name.startswith(f"{job.name}: ")}
        if not mine:
            continue
        if isinstance(job, PythonJob):
            chosen = [test for test in job.tests if f"{job.name}: {job.short(test)}" in mine]
            names -= {f"{job.name}: {job.short(test)}" for test in chosen}
            if chosen:
                again.append(PythonJob(job.name, job.module, job.tests, chosen=chosen, environment=job.environment,
                                       timeout=job.timeout, alone=True))
        elif isinstance(job, TapJob):
            names -= mine
            again.append(TapJob(job.name, job.argv, environment=job.environment, timeout=job.timeout, alone=True))
    for result in account.doubtful:
        if result.name in names:
            account.add(result)
    if again:
        print(f"\n{len(again)} suites have tests that failed beside others; those are run again, alone", flush=True)
        alone.run(again)
    return alone.left


def print_list(options, environment):
    if not os.path.exists(suites.TOP / suites.PLAIN.folder / "build.ninja"):
        subprocess.run(["meson", "setup", suites.PLAIN.folder], cwd=suites.TOP, check=True, stdout=sys.stderr)
    for job in choose(suites.everything(suites.Tree(environment), options.sanitize), options.only):
        for test in (job.chosen or job.tests) if isinstance(job, PythonJob) else [None]:
            print(f"{job.name}: {job.short(test)}" if test else job.name)


def main():
    os.chdir(suites.TOP)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    options = parse(sys.argv[1:])
    environment = environment_of(options)
    if options.list:
        print_list(options, environment)
        return 0
    began = time.monotonic()
    account = Account(Skips())
    try:
        run(options, account, environment)
    except KeyboardInterrupt:
        account.add(Result("not to its end", "fail", 0, "interrupted"))
    account.sum_up(time.monotonic() - began)
    return 1 if account.count["fail"] else 0


if __name__ == "__main__":
    sys.exit(main())
