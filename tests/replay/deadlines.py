# SPDX-License-Identifier: LGPL-2.1-or-later
"""How often `auto` meets a deadline that can be met, over simulated guests.

    /usr/bin/python3 -m tests.replay.deadlines [COUNT [SEED]]

A guest of 8 GiB, its writers and its link are drawn from the seed. Feasible is what a throttle at the limit from the start on
(`fixed,throttle=97%`) gets done in a time T within 300 ms of blackout; the deadline is drawn between 1.15 and 1.6 T.
"""
import json
import os
import random
import subprocess
import sys

from tests.cli.program import BINARY, environ

LATE_S = 0.05
LIMITS = ("--memory", "8GiB", "--max-downtime", "300ms", "--postcopy", "never")


def simulate(guest, *options):
    done = subprocess.run([BINARY, "--json", "simulate", *LIMITS, *guest, *options], capture_output=True, text=True, check=True,
                          env=environ({"QMPMIG_PLUGIN_DIR": os.path.join(os.path.dirname(BINARY), "../plugins")}))
    return next(line for line in map(json.loads, done.stdout.splitlines()) if line["type"] == "simulated")


def draw(chance):
    """A guest and a link, as options."""
    gbit = chance.choice((1, 10))
    rate_mib = int(gbit * 119 * chance.uniform(0.3, 3))
    shape, set_mib = chance.choice(("hot", "zipf", "sweep")), chance.choice((128, 256, 512, 1024, 2048))
    return "--workload", f"{shape}:{set_mib}MiB@{rate_mib}MiB/s", "--link", f"{gbit}Gbit/s"


def measure(count, seed):
    """[(guest, feasible seconds, deadline, what auto did)]."""
    chance, found = random.Random(seed), []
    while len(found) < count:
        guest = draw(chance)
        fastest = simulate(guest, "--policy", "fixed,throttle=97%")
        if fastest["outcome"] != "completed":
            continue
        deadline_s = fastest["total_us"] / 1e6 * chance.uniform(1.15, 1.6)
        found.append((guest, fastest["total_us"] / 1e6, deadline_s,
                      simulate(guest, "--policy", "auto", "--deadline", f"{deadline_s:.2f}s")))
    return found


def is_met(deadline_s, moved):
    return moved["outcome"] == "completed" and moved["total_us"] / 1e6 <= deadline_s + LATE_S


def main():
    given = [int(word) for word in sys.argv[1:]]
    found = measure(*(given + [200, 1][len(given):]))
    for guest, feasible_s, deadline_s, moved in found:
        if not is_met(deadline_s, moved):
            print(f"{guest[1]} {guest[3]}: feasible in {feasible_s:.1f} s, deadline {deadline_s:.1f} s, {moved['outcome']} "
                  f"after {moved.get('total_us', 0) / 1e6:.1f} s")
    met = sum(is_met(deadline_s, moved) for _, _, deadline_s, moved in found)
    print(f"{met} of {len(found)} deadlines met ({met / len(found):.1%})")


if __name__ == "__main__":
    main()
