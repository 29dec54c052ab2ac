# SPDX-License-Identifier: LGPL-2.1-or-later
"""A job is one process that runs tests, and tells of each in a way of its own."""

import collections
import json
import os
import re
import shutil
import signal
import subprocess
import time

from tests.runner import processes
from tests.runner.tap import Tap

Result = collections.namedtuple("Result", "name state seconds text")

# What LeakSanitizer says of a thread that ends while it looks: no finding.
NO_FINDING = re.compile(r"==\d+==Unable to get registers from thread \d+\.\n")
ABORT_S = 5.0       # to say where it hangs
TEXT_LINES = 120    # of a program's output, in the account of a failure


class Job:
    """name: of the suite, as shown; alone: nothing runs beside it; live: it has QEMUs, of which only so many may run at a
    time; after: jobs that must have passed before."""

    reads_results = False    # from a pipe

    def __init__(self, name, argv, environment=None, timeout=120, alone=False, live=False,
                 after=()):
        self.name = name
        self.argv = argv
        self.environment = environment or {}
        self.timeout = timeout
        self.alone = alone
        self.live = live
        self.after = tuple(after)
        self.results = []
        self.process = None
        self.pipe = None
        self.timed_out = False
        self.seconds = self.cpu_seconds = 0
        self.left = []

    # --- its life ---------------------------------------------------------------------------------------------------

    def start(self, folder, environment):
        self.folder = folder
        self.scratch = os.path.join(folder, "tmp")
        os.makedirs(self.scratch)
        self.log_path = os.path.join(folder, "log")
        self.began = self.last_end = time.monotonic()
        self.deadline = self.began + self.timeout
        self._rest = b""
        reading, writing = os.pipe() if self.reads_results else (None, None)
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(self.command(writing), stdin=subprocess.DEVNULL, stdout=self.output(log, writing),
                                            stderr=log, pass_fds=[writing] if writing is not None else [],
                                            start_new_session=True, env={**environment, **self.private()})
        if writing is not None:
            os.close(writing)
            os.set_blocking(reading, False)
        self.pipe = reading

    def private(self):
        """Folders of its own for all that is kept somewhere; FOLDER in its environment is the job's."""
        inside = os.path.join(self.scratch, "var")
        return {"TMPDIR": self.scratch, "STATE_DIRECTORY": f"{inside}/state", "CACHE_DIRECTORY": f"{inside}/cache",
                "RUNTIME_DIRECTORY": f"{inside}/run",
                **{name: value.replace("FOLDER", self.folder) for name, value in self.environment.items()}}

    def command(self, descriptor):
        return self.argv

    def output(self, log, descriptor):
        return log

    def read(self):
        """What has come through the pipe; the results in it."""
        found = []
        while self.pipe is not None:
            try:
                data = os.read(self.pipe, 65536)
            except BlockingIOError:
                break
            if not data:
                os.close(self.pipe)
                self.pipe = None
                break
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                found += self.take(line.decode(errors="replace"))
        self.results += found
        return found

    def take(self, line):
        """The results that this line tells of."""
        raise NotImplementedError

    def check_time(self):
        """Past its time it says where it is, then it is killed."""
        now = time.monotonic()
        if now < self.deadline:
            return
        if not self.timed_out:
            self.timed_out = True
            self.deadline = now + ABORT_S
            processes.kill(self.process.pid, signal.SIGABRT)
        else:
            self.kill()

    def kill(self):
        for pid in [*processes.below(self.process.pid), self.process.pid]:
            processes.kill(pid, signal.SIGKILL)

    def finish(self):
        """After its end: results that nobody told of, and what it left behind."""
        found = self.read()
        if self.pipe is not None:
            os.close(self.pipe)
            self.pipe = None
        self.seconds = time.monotonic() - self.began
        ended = self.ending(self.process.returncode) + self._reports()
        self.results += ended
        if not self.timed_out:
            self.left += self._files()
        return found + ended

    def ending(self, exit_code):
        raise NotImplementedError

    # --- helpers ----------------------------------------------------------------------------------------------------

    def result(self, name, state, seconds, text=""):
        return Result(f"{self.name}: {name}" if name else self.name, state, seconds, text)

    def why_it_ended(self, exit_code):
        if self.timed_out:
            return f"it took more than {self.timeout} s"
        if exit_code < 0:
            return f"it was killed by {signal.Signals(-exit_code).name}"
        return f"it ended with {exit_code}"

    def log(self, since=0, until=None):
        """The last lines of what was printed from one byte to another."""
        with open(self.log_path, "rb") as file:
            lines = file.read()[since:until].decode(errors="replace").splitlines()
        cut = [f"({len(lines) - TEXT_LINES} lines before)"] if len(lines) > TEXT_LINES else []
        return "\n".join(cut + lines[-TEXT_LINES:])

    def _reports(self):
        """What sanitizers wrote."""
        found = []
        for name in sorted(os.listdir(self.folder)):
            if name.startswith("sanitizer"):
                with open(os.path.join(self.folder, name), encoding="utf-8", errors="replace") as file:
                    text = NO_FINDING.sub("", file.read())
                if text:
                    found.append(self.result("a sanitizer's report", "fail", 0, text))
        return found

    def _files(self):
        shutil.rmtree(os.path.join(self.scratch, "var"), ignore_errors=True)
        return [f"{self.name}: file {name}" for name in sorted(os.listdir(self.scratch))]

    @property
    def passed(self):
        return all(result.state != "fail" for result in self.results)


class ProgramJob(Job):
    """One test: the exit code."""

    def __init__(self, name, argv, **options):
        super().__init__(name, argv, **options)
        self.tests = [name]

    def ending(self, exit_code):
        if exit_code == 0 and not self.timed_out:
            return [self.result("", "pass", self.seconds)]
        return [self.result("", "fail", self.seconds, f"{self.why_it_ended(exit_code)}\n{self.log()}")]


class TapJob(Job):
    """A test for each line that says ok."""

    reads_results = True

    def __init__(self, name, argv, **options):
        super().__init__(name, argv, **options)
        self.tests = [name]
        self.tap = Tap()
        self.said = []

    def output(self, log, descriptor):
        return descriptor

    def take(self, line):
        now = time.monotonic()
        self.said.append(line)
        end = self.tap.line(line)
        if end is None:
            return []
        name, state, text = end
        seconds, self.last_end = now - self.last_end, now
        if state == "fail":
            text = "\n".join(self.said[-TEXT_LINES:]) + "\n" + self.log()
        self.said = []
        return [self.result(name, state, seconds, text)]

    def ending(self, exit_code):
        complaint = self.why_it_ended(exit_code) if self.timed_out else self.tap.complaint(exit_code)
        if complaint is None:
            return []
        return [self.result("", "fail", self.seconds, "\n".join([complaint, *self.said[-TEXT_LINES:], self.log()]))]


class PythonJob(Job):
    """A unittest module, in a worker.py."""

    reads_results = True

    def __init__(self, name, module, tests, chosen=None, **options):
        super().__init__(name, None, **options)
        self.module = module
        self.tests = tests
        self.chosen = chosen
        self.running = None
        self.skipped_classes = {}
        self.ended = set()

    def command(self, descriptor):
        return ["/usr/bin/python3", "-m", "tests.runner.worker", "run", str(descriptor), self.module,
                *(self.chosen or [])]

    def short(self, test):
        return test.removeprefix(self.module + ".")

    def take(self, line):
        told = json.loads(line)
        if "start" in told:
            self.running = (told["start"], time.monotonic(), told["printed"])
            return []
        if "skip_class" in told:
            self.skipped_classes[told["skip_class"].partition("(")[2].rstrip(")")] = told["text"]
            return []
        text = told.get("text", "")
        if told["state"] == "fail":
            printed = self.log(self.running[2] if self.running else 0, told["printed"])
            text += f"\n--- printed:\n{printed}" if printed else ""
        self.running = None
        self.ended.add(told["end"])
        return [self.result(self.short(told["end"]), told["state"], told["seconds"], text)]

    def ending(self, exit_code):
        found = []
        why = self.why_it_ended(exit_code)
        if self.running:
            name, began, printed = self.running
            self.ended.add(name)
            found.append(self.result(self.short(name), "fail", time.monotonic() - began,
                                     f"the whole module: {why}\n{self.log(printed)}"))
        for name in self.chosen or self.tests:
            if name not in self.ended:
                found.append(self._not_run(name, why))
        if not found and exit_code != 0:
            found.append(self.result("", "fail", self.seconds, f"{why}\n{self.log()}"))
        return found

    def _not_run(self, name, why):
        for group, reason in self.skipped_classes.items():
            if name.startswith(group + "."):
                return self.result(self.short(name), "skip", 0, reason)
        return self.result(self.short(name), "fail", 0, f"it was not run: {why}\n{self.log()}")
