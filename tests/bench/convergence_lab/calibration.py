# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a guest of each cell really dirties when it is left alone."""

import time

from tests.bench.convergence_lab import heartbeat
from tests.bench.convergence_lab.stage import LibvirtStage


def calibrate(lab, cell):
    """MiB/s, each page written counted as a whole one."""
    with LibvirtStage(lab.a, lab.b, cell.guest()) as stage:
        time.sleep(0.5 + heartbeat.WINDOW_S)
        now = time.monotonic()
        beats = heartbeat.between(stage.source.beats(), now - heartbeat.WINDOW_S - 0.1, now)
    return heartbeat.Pace.of(beats).mib_per_s


def print_calibration(lab, cells):
    print("| cell | asked for, MiB/s | dirtied, MiB/s |\n| --- | --- | --- |")
    for cell in cells:
        print(f"| {cell.id} | {cell.dirty_mib_s:g} | {calibrate(lab, cell):.1f} |", flush=True)
