# SPDX-License-Identifier: LGPL-2.1-or-later
"""The bench as a whole: makes the runs that were planned, and writes down each."""

import os
import platform
import shlex
import subprocess
import sys
import time

from tests.bench.convergence_lab import foresight
from tests.bench.convergence_lab.lab import Lab
from tests.bench.convergence_lab.load import prefer, wait_quiet
from tests.bench.convergence_lab.run import run
from tests.lab.qmp import QmpClosed, QmpError, QmpTimeout


# What a run can die of, its host or its guest gone.
BROKEN = (OSError, RuntimeError, ValueError, LookupError, subprocess.SubprocessError, QmpClosed, QmpError, QmpTimeout)


class Bench:
    def __init__(self, results, repeats, timeout_s, patience_s, held_out):
        self.results = results
        self.repeats = repeats
        self.timeout_s = timeout_s
        self.patience_s = patience_s
        self.held_out = held_out
        self.lab = None

    def make(self, jobs):
        prefer(os.getpid())
        self.results.add_header(**header())
        try:
            for number, job in enumerate(jobs):
                self.make_one(job, f"{number + 1}/{len(jobs)}")
        finally:
            self.drop_lab()

    def make_one(self, job, label):
        program = job.contender.program()
        if self.results.is_hopeless(job.cell.id, job.contender.name, self.repeats, program):
            return
        wait_quiet(self.patience_s)
        begin = time.monotonic()
        values = {"cell": job.cell.id, "contender": job.contender.name, "repeat": job.repeat,
                  "program": program, "pre_copy": job.contender.pre_copy,
                  "held_out": job.cell in self.held_out, "when": now()}
        try:
            self.lab = self.lab or Lab()
            trace = self.trace(job)
            seen = run(self.lab, job.cell, job.contender, self.timeout_s, trace) | {"cannot": foresight.of_trace(trace)}
        except BROKEN as error:
            seen = {"outcome": "error", "text": explain(error), "loaded": False}
            self.drop_lab()     # whatever broke, the next run has a fresh one
        self.results.add_run(**values, **seen, wall_s=round(time.monotonic() - begin, 1))
        tell(label, job, seen)

    def trace(self, job):
        folder = os.path.join(self.results.folder, "traces")
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, f"{job.cell.id}-{job.contender.name}-{job.repeat}.jsonl")
        if os.path.exists(path):
            os.remove(path)     # of an earlier program
        return path

    def drop_lab(self):
        if self.lab is not None:
            self.lab.cleanup()
        self.lab = None


def explain(error):
    said = getattr(error, "stderr", None)
    return f"{type(error).__name__}: {error}" + (f": {said.strip()[-500:]}" if said else "")


def tell(label, job, seen):
    figures = " ".join(f"{name}={seen[name]}" for name in ("total_s", "blackout_ms", "standstill_ms", "lost_s", "throttle_s",
                                                           "dirtied_mib_s", "foreign_cores") if name in seen)
    print(f"{label} {job.cell.id} {job.contender.name} #{job.repeat}: {seen['outcome']} {figures} {seen['text'][:160]}",
          flush=True)


# --- what is compared -------------------------------------------------------------------------------------------------

def header():
    return {"when": now(), "command": command_line(), "commit": commit(),
            "qemu": said("qemu-system-x86_64", "--version").splitlines()[0].split()[3],
            "libvirt": said("virsh", "--version"),
            "machine": f"{os.cpu_count()} cores, Linux {'.'.join(platform.release().split('.')[:2])}, TCG"}


def command_line():
    """As typed, without the folder that it was told to write to."""
    words = iter(sys.argv[1:])
    kept = [word for word in words if not (word.startswith("--out=") or word == "--out" and next(words))]
    return shlex.join(["tests/bench/convergence", *kept])


def commit():
    return said("git", "-C", os.path.dirname(__file__), "describe", "--always", "--dirty")


def said(*argv):
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
