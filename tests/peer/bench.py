# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the real qmpmig against peers and holds what it says against what is so."""

import concurrent.futures
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from tests.cli.program import unlisted
from tests.peer.peer import FakePair, FakeQemu

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
LONG = os.environ.get("QMPMIG_LONG") == "1"
# A sanitizer's build starts and runs that much slower.
SLOWER_S = 2.0 if "ASAN_OPTIONS" in os.environ or "TSAN_OPTIONS" in os.environ else 0.0
BINARY = os.environ.get("QMPMIG", os.path.join(TOP, "build/agent/qmpmig"))

# Where the guest has to run for an exit code to be true; None: nothing is promised.
PLACES = {0: ["destination"], 2: ["source"], 3: ["source"], 4: ["source"], 10: ["source"], 11: ["source"],
          12: None, 13: None, 14: [], 15: None}
RUNS_ON = {"destination": ["destination"], "source": ["source"], "nowhere": []}


@dataclasses.dataclass
class Done:
    """A qmpmig that has ended."""
    arguments: list
    code: int
    stdout: str
    stderr: str
    seconds: float

    def lines(self):
        return [json.loads(line) for line in self.stdout.splitlines()]

    def result(self):
        """The last line of --json; empty when it was not asked for."""
        lines = self.lines() if "--json" in self.arguments else []
        return lines[-1] if lines and lines[-1].get("type") == "result" else {}

    def said(self):
        return f"{self.stderr}\n{self.stdout}"

    def __str__(self):
        return (f"{' '.join(self.arguments)}\nended with {self.code} after {self.seconds:.2f} s"
                f"\nstdout: {self.stdout[-1500:]}\nstderr: {self.stderr[-3000:]}")


class Bench(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not os.path.exists(BINARY):
            message = f"{BINARY} is not built (or name it in $QMPMIG)"
            if os.environ.get("QMPMIG_MUST_RUN"):
                raise AssertionError(message)
            raise unittest.SkipTest(message)

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="qmpmig-bench-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def environment(self):
        """Nothing of this machine's own configuration, journal or running migrations."""
        home = tempfile.mkdtemp(dir=self.folder)
        ours = {"HOME": home, "STATE_DIRECTORY": f"{home}/state", "RUNTIME_DIRECTORY": f"{home}/run",
                "XDG_CONFIG_HOME": f"{home}/config", "XDG_STATE_HOME": f"{home}/state",
                "XDG_RUNTIME_DIR": f"{home}/run", "QMPMIG_CONFIG": "/dev/null", "TERM": "dumb"}
        for name in ("state", "run", "config"):
            os.mkdir(f"{home}/{name}")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("QMPMIG", "XDG"))}
        return {**kept, **ours}

    def start(self, *arguments, environment=None):
        return subprocess.Popen([BINARY, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                stdin=subprocess.DEVNULL, errors="replace", env=environment or self.environment())

    def run_qmpmig(self, *arguments, within=20, environment=None):
        """Ends within so many seconds, or the test fails."""
        began = time.monotonic()
        process = self.start(*arguments, environment=environment)
        try:
            stdout, stderr = process.communicate(timeout=within + SLOWER_S)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            stdout, stderr = process.communicate()
            done = Done(["qmpmig", *arguments], None, stdout, stderr, time.monotonic() - began)
            self.fail(f"not within {within} s: {done}")
        if fault := unlisted(arguments, process.returncode):
            self.fail(f"{fault}: {stdout} {stderr}")
        return Done(["qmpmig", *arguments], process.returncode, stdout, stderr, time.monotonic() - began)

    def pair(self, *arguments, **options):
        pair = FakePair(*arguments, **options)
        self.addCleanup(pair.close)
        return pair

    def single(self, *arguments, **options):
        peer = FakeQemu(*arguments, **options)
        self.addCleanup(peer.close)
        return peer

    def told(self, pair, done):
        """Everything about it, for a failure's message."""
        return f"{done}\n{pair.describe()}"

    def migrate(self, pair, *options, json_lines=True, observed=True, within=20, environment=None,
                uri="tcp:127.0.0.1:0", reply_timeout="1s"):
        there = ["--dest-socket", pair.destination.path] if observed else []
        output = ["--json"] if json_lines else []
        return self.run_qmpmig(*output, "--socket", pair.source.path, "--reply-timeout", reply_timeout,
                               "migrate", *there, *options, uri, within=within, environment=environment)

    def each(self, cases, run, at_once=6):
        """RUN(*case) for every case, several at a time: most of them only wait. Each failure is a subtest's."""
        cases = list(cases)
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            futures = [pool.submit(run, *case) for case in cases]
            for case, future in zip(cases, futures):
                with self.subTest(case):
                    future.result()

    # --- what has to hold ---------------------------------------------------------------------------------------------

    def assert_ended(self, done, code, *texts, within=None):
        """With this exit code and these words."""
        codes = code if isinstance(code, tuple) else (code,)
        self.assertIn(done.code, codes, str(done))
        for text in texts:
            self.assertRegex(done.said(), text, str(done))
        self.assertNotRegex(done.said(), r"(?i)assert|critical \*\*|AddressSanitizer|runtime error", str(done))
        if within is not None:
            self.assertLess(done.seconds, within + SLOWER_S, str(done))

    def assert_truthful(self, pair, done):
        """The guest is whole on one side at most, and where qmpmig says."""
        running = pair.running()
        told = f"{done}\n{pair.describe()}"
        self.assertLess(len(running), 2, told)
        self.assertIsNotNone(done.code, told)
        self.assertIn(done.code, PLACES, told)
        if PLACES[done.code] is not None:
            self.assertEqual(running, PLACES[done.code], told)
        self.assert_place(pair, done)
        if done.result():
            self.assertEqual(done.result()["exit_code"], done.code, told)
        for peer in pair.ends.values():
            self.assertEqual([*peer.sins, *peer.violations], [], told)
        self.assertEqual(pair.loop.errors, [], told)

    def assert_place(self, pair, done):
        """Where the result says that the guest runs, it runs."""
        said = done.result().get("guest_runs_on")
        if said in RUNS_ON:
            self.assertEqual(pair.running(), RUNS_ON[said], self.told(pair, done))
