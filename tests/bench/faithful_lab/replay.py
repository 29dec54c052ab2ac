# SPDX-License-Identifier: LGPL-2.1-or-later
"""One recorded migration through the simulator."""

import dataclasses
import json
import math
import statistics
import subprocess

from tests.bench.faithful_lab import recordings

TOTAL_BAR = 0.10
DOWNTIME_BAR = 0.15
DOWNTIME_BAR_MS = 20
# Each replay is made so often, with other chance; the medians of total time and downtime are told.
SEEDS = range(1, 10)


@dataclasses.dataclass
class Outcome:
    total_s: float
    downtime_ms: float

    def total_error(self, actual):
        return self.total_s / actual.total_s - 1

    def downtime_error_ms(self, actual):
        return self.downtime_ms - actual.downtime_ms

    def is_total_near(self, actual):
        return abs(self.total_error(actual)) <= TOTAL_BAR

    def is_downtime_near(self, actual):
        return abs(self.downtime_error_ms(actual)) <= max(DOWNTIME_BAR_MS, DOWNTIME_BAR * actual.downtime_ms)


@dataclasses.dataclass
class Row:
    cell: str
    actual: Outcome
    replayed: Outcome       # by what was commanded
    steered: Outcome        # by the same policy, anew
    chances_ms: tuple = ()  # the downtime of each replay, of which `replayed` has the median

    def is_downtime_within_chances(self):
        """A replay that did not complete says nothing of the downtime."""
        ended = [chance for chance in self.chances_ms if math.isfinite(chance)]
        return bool(ended) and min(ended) <= self.actual.downtime_ms <= max(ended)


def outcome(line):
    if line["outcome"] != "completed":
        return Outcome(float("inf"), float("inf"))
    return Outcome(line["total_us"] / 1e6, line["qemu_downtime_us"] / 1e3)


def policy(header):
    steered = header["policy"]
    return ",".join([steered["name"], *(f"{key}={value}" for key, value in steered.get("keys", {}).items())])


def run(program, path, policy_line, seed):
    done = subprocess.run([program, "--json", "simulate", path, "--policy", policy_line, "--seed", str(seed)], check=True,
                          capture_output=True, text=True)
    return [outcome(json.loads(line)) for line in done.stdout.splitlines()]


def median(outcomes):
    return Outcome(statistics.median(one.total_s for one in outcomes), statistics.median(one.downtime_ms for one in outcomes))


def replay(program, path):
    header = recordings.read(path)[0]
    actual, replayed, steered = zip(*(run(program, path, policy(header), seed) for seed in SEEDS))
    return Row(recordings.cell(path), actual[0], median(replayed), median(steered),
               tuple(one.downtime_ms for one in replayed))
