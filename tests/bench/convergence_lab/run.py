# SPDX-License-Identifier: LGPL-2.1-or-later
"""One run: a fresh guest, one contender, one move, and what was seen of it from outside."""

import os
import time

from tests.bench.convergence_lab import heartbeat
from tests.bench.convergence_lab.load import ForeignLoad, TOO_MUCH_CORES
from tests.bench.convergence_lab.watch import Watch

SETTLE_S = 0.5          # after the boot
AFTER_S = 2.3           # listened to after the move


def run(lab, cell, contender, timeout_s, trace):
    """A line of the results."""
    lab.link.limit(cell.link_mbit)
    with contender.stage(lab.a, lab.b, cell.guest()) as stage:
        contender.prepare(stage, cell)
        time.sleep(SETTLE_S)
        load = ForeignLoad()
        time.sleep(heartbeat.WINDOW_S)
        sent_bytes = lab.link.sent_bytes()
        watch = Watch(stage.source)
        start = time.monotonic()
        outcome = contender.move(stage, cell, timeout_s, trace)
        end = time.monotonic()
        sent_bytes = lab.link.sent_bytes() - sent_bytes
        time.sleep(AFTER_S)
        foreign = load.cores()
        watch.stop()
        seen = observe(stage, start, end)
    return {"outcome": "completed" if outcome.completed else "not completed", "text": outcome.text,
            "total_s": round(end - start, 3), "told_total_s": outcome.told_total_s,
            "told_blackout_ms": outcome.told_blackout_ms, **seen, "sent_bytes": sent_bytes,
            "throttle_s": round(watch.throttle_s(), 3), "syncs": watch.last().get("ram", {}).get("dirty-sync-count"),
            "foreign_cores": round(foreign, 2), "loaded": foreign > TOO_MUCH_CORES,
            "loadavg": round(os.getloadavg()[0], 2), "command": outcome.command.replace(lab.folder, "LAB")}


def observe(stage, start, end):
    """What the beats of both ends tell."""
    there, here = stage.destination.beats(), stage.source.beats()
    undisturbed = heartbeat.between(here, start - heartbeat.WINDOW_S - 0.1, start)
    pace = heartbeat.Pace.of(undisturbed)
    during = heartbeat.between([*here, *there], start, float("inf"))
    blackout = heartbeat.blackout_ms(here, there)
    moved = there or here
    counted_s, pages = heartbeat.done(heartbeat.between(here, start - 2, start), heartbeat.between(moved, end, float("inf")))
    return {"dirtied_mib_s": round(pace.mib_per_s, 2), "blackout_ms": blackout and round(blackout, 1),
            "standstill_ms": round(heartbeat.longest_ms(heartbeat.gaps_ms(during)), 1),
            "counted_s": round(counted_s, 3), "counted_pages": round(pages),
            "lost_s": round(heartbeat.lost_s(counted_s, pages, pace), 3)}
