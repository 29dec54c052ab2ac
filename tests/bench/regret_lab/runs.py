# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the simulator: a process for each cell, all policies in it. What comes out is a line of the results."""

import hashlib
import json
import multiprocessing.pool
import os
import resource
import subprocess

from tests.bench.regret_lab.roster import ROSTER

QEMU = "10.1"   # the first that has multifd beside postcopy
FIELDS = ("outcome", "postcopy", "total_us", "blackout_us", "longest_stall_us", "work_lost_us", "sent_bytes", "left_bytes",
          "channels")
LEAST = ("least_total_us", "least_blackout_us", "least_work_lost_us")
SPEED = ("--memory", "1TiB", "--link", "100Gbit/s", "--workload", "zipf:100GiB@2GiB/s")
SPEED_TRIES = 3


def call(program, *words):
    """Lines of JSON. Nobody's configuration is read."""
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"}
    done = subprocess.run([program.path, "simulate", "--json", "--qemu", QEMU, *words], capture_output=True, text=True,
                          check=False, stdin=subprocess.DEVNULL, env=environment)
    if done.returncode:
        raise RuntimeError(f"qmpmig simulate {' '.join(words)}: {done.stderr.strip()}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def run_cell(program, cell, policies=ROSTER):
    wanted = [word for policy in policies for word in ("--policy", policy.for_cell(cell))]
    lines = call(program, *cell.options(), *wanted)
    runs = {policy.name: [line.get(field) for field in FIELDS] for policy, line in zip(policies, lines, strict=True)}
    return {"cell": cell.id, "runs": runs, **{name: lines[0][name] for name in LEAST}}


def digest(program, policies=ROSTER):
    """What the results depend on: the program, its policies, and how they are called."""
    names = sorted({policy.text.split(",", 1)[0] for policy in policies})
    text = " ".join([QEMU, *(program.whole_digest(name) for name in names), *map(repr, policies)])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def run_all(program, cells, jobs, keep):
    """keep() gets each line as it comes."""
    with multiprocessing.pool.ThreadPool(jobs) as pool:
        for line in pool.imap_unordered(lambda cell: run_cell(program, cell), cells):
            keep(line)


def speed_s(program, policy):
    """Processor time for 1 TiB over 100 Gbit/s: the least of a few, as others disturb."""
    used = []
    for _ in range(SPEED_TRIES):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        call(program, *SPEED, "--policy", policy)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return round(min(used), 3)
