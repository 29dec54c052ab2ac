# SPDX-License-Identifier: LGPL-2.1-or-later
"""What there is to run: found in the tree, not listed here.

A folder below tests/ with modules test_*.py is a suite. Those in LIVE, and modules that say so themselves, move real guests:
few of them run at a time.
"""

import json
import os
import pathlib
import subprocess
import sys

from tests.runner.jobs import ProgramJob, PythonJob, Result, TapJob

TOP = pathlib.Path(__file__).parents[2]

LIVE = ("qemu", "settle", "lab", "readme", "sanitize", "bench", "libvirt")
TIMEOUT = {True: 600, False: 300}     # of a module, live or not
SANITIZED = {"address": ("peer", "cli", "sanitize"), "thread": ("sanitize",)}
# GThreadPool locks inside of GLib, and libvirt inside of itself: ThreadSanitizer sees neither, and takes all for races.
UNSEEN = {"thread": ("unit/libvirt",)}
NOT_THE_PROGRAM = ("tests.peer.test_peer",)     # tests of the tests: a sanitizer sees nothing of them

FUZZ_SECONDS = 60
REPORTS = "log_path=FOLDER/sanitizer:"


class Build:
    """A folder with the programs, and the environment in which its tests run."""

    def __init__(self, folder, label="", options="", environment=None, slower=1, before=":"):
        self.folder = folder
        self.prefix = f"{label}/" if label else ""
        self.options = options
        self.before = before
        self.slower = slower
        self.environment = {"QMPMIG": str(TOP / folder / "agent/qmpmig"),
                            "QMPMIG_FAULTY": str(TOP / folder / "agent/qmpmig-faulty"), **(environment or {})}

    def job(self):
        """Configures and compiles; one test."""
        setup = f"meson setup {self.folder} {self.options}"
        return ProgramJob(self.folder, ["bash", "-c", f"""
            set -e
            [ -e {self.folder}/build.ninja ] || {{ {self.before}; {setup}; }}
            ninja -C {self.folder}"""], timeout=1200, alone=True)


def suppressions(kind):
    path = TOP / f"tests/suppressions/{kind}.supp"
    return f"suppressions={path}:" if path.exists() else ""


PLAIN = Build("build")
ADDRESS = Build("build-asan", "address", "-Db_sanitize=address,undefined -Db_lundef=false", {
    "ASAN_OPTIONS": REPORTS + "detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:exitcode=99",
    "LSAN_OPTIONS": suppressions("lsan") + "print_suppressions=0",
    "UBSAN_OPTIONS": REPORTS + "print_stacktrace=1:halt_on_error=1",
    "G_SLICE": "always-malloc"}, slower=2)
# With an object in it that tells the sanitizer of GLib's locks.
THREAD = Build(
    "build-tsan", "thread", "-Db_sanitize=thread -Db_lundef=false -Dc_link_args=$PWD/build-tsan/tsan-glib.o", {
        "TSAN_OPTIONS": REPORTS + suppressions("tsan") + "second_deadlock_stack=1:exitcode=66",
        "G_SLICE": "always-malloc"}, slower=3,
    before="mkdir -p build-tsan; ${CC:-cc} -c -fPIC -g -O1 -D_GNU_SOURCE $(pkg-config --cflags glib-2.0) "
           "-o build-tsan/tsan-glib.o tests/sanitize/tsan-glib.c")
SANITIZERS = {"address": ADDRESS, "thread": THREAD}


class Tree:
    """The Python modules with their tests, as one process that imports them all sees them."""

    def __init__(self, environment):
        self.modules = []
        self.broken = []
        names = [".".join(path.relative_to(TOP).with_suffix("").parts) for path in sorted(TOP.glob("tests/*/test_*.py"))]
        for told in list_modules(names, environment):
            if "error" in told:
                self.broken.append(Result(told["module"], "fail", 0, told["error"]))
            elif told["tests"]:
                self.modules.append(told)


def list_modules(names, environment):
    reading, writing = os.pipe()
    with open(reading, encoding="utf-8") as lines:
        process = subprocess.Popen([sys.executable, "-m", "tests.runner.worker", "list", str(writing), *names],
                                   pass_fds=[writing], cwd=TOP, env=environment, stdout=subprocess.DEVNULL)
        os.close(writing)
        told = [json.loads(line) for line in lines]
    if process.wait() != 0 or len(told) != len(names):
        raise SystemExit("tests/run: the modules below tests/ could not be listed")
    return told


def python_jobs(tree, build, after, live, folders):
    """A job for each module of these folders that is live, or is not."""
    for told in tree.modules:
        folder = told["module"].split(".")[1]
        if (folder in LIVE or told["live"]) == live and folder in folders:
            yield PythonJob(build.prefix + told["module"].removeprefix("tests."), told["module"], told["tests"],
                            environment=build.environment, alone=told["alone"], live=live, after=after,
                            timeout=(told["timeout"] or TIMEOUT[live]) * build.slower)


def unit_jobs(build):
    """The tests that meson knows of. The build must be configured."""
    told = subprocess.run(["meson", "introspect", "--tests", build.folder], cwd=TOP, check=True, capture_output=True,
                          text=True).stdout
    for test in json.loads(told):
        kind = TapJob if test["protocol"] == "tap" else ProgramJob
        yield kind(f"unit/{test['name']}", test["cmd"], timeout=test["timeout"],
                   environment={**build.environment, **test["env"]})


def fuzz_jobs():
    for source in sorted(TOP.glob("tests/fuzz/fuzz-*.c")):
        yield ProgramJob(f"fuzz/{source.stem}", ["tests/fuzz/run", str(FUZZ_SECONDS), source.stem],
                         timeout=FUZZ_SECONDS + 600)


class Sanitized:
    """The jobs of one sanitizer: its build, and what runs in it."""

    def __init__(self, tree, name):
        build = SANITIZERS[name]
        self.build = build.job()
        quick, self.live = (list(python_jobs(tree, build, [self.build], live, SANITIZED[name])) for live in (False, True))
        self.quick = [*self._unit_jobs(build, UNSEEN.get(name, ())), *(job for job in quick if job.module not in NOT_THE_PROGRAM)]

    def _unit_jobs(self, build, unseen):
        """The same as in the plain build, in another folder, less those that this sanitizer does not understand."""
        for job in unit_jobs(PLAIN):
            if job.name in unseen:
                continue
            argv = [word.replace(str(TOP / PLAIN.folder), str(TOP / build.folder)) for word in job.argv]
            yield type(job)(build.prefix + job.name, argv, after=[self.build], timeout=job.timeout * build.slower,
                            environment={**job.environment, **build.environment})


def everything(tree, sanitizer=None):
    """Jobs in the order in which they start where there is room: what is soon known, what others wait for, the live ones,
    the others, and last those that want to be alone."""
    parts = [Sanitized(tree, name) for name in ([sanitizer] if sanitizer else SANITIZERS)]
    unit, live, quick = [], [], []
    if not sanitizer:
        folders = {told["module"].split(".")[1] for told in tree.modules} - {"sanitize"}
        unit = list(unit_jobs(PLAIN))
        quick, live = (list(python_jobs(tree, PLAIN, (), live, folders)) for live in (False, True))
        quick += fuzz_jobs()
    jobs = [*unit, *(part.build for part in parts),
            *live, *(job for part in parts for job in part.live),
            *quick, *(job for part in parts for job in part.quick)]
    builds = {part.build for part in parts}
    return sorted(jobs, key=lambda job: bool(job.alone) and job not in builds)
