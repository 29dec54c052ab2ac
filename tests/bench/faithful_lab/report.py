# SPDX-License-Identifier: LGPL-2.1-or-later
"""The table."""

import itertools
import math
import pathlib
import statistics
import subprocess

from tests.bench.faithful_lab.replay import DOWNTIME_BAR, DOWNTIME_BAR_MS, TOTAL_BAR, Outcome

TEXT = pathlib.Path(__file__).parents[1] / "FAITHFUL.md"
BEGIN, END = "<!-- written by tests/bench/faithful -->", "<!-- end of what it writes -->"
MISS = "**"


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def mark(text, near):
    return text if near else f"{MISS}{text}{MISS}"


def figures(outcome, actual):
    return [f"{outcome.total_s:.2f}", mark(f"{outcome.total_error(actual):+.0%}", outcome.is_total_near(actual)),
            f"{outcome.downtime_ms:.0f}",
            mark(f"{outcome.downtime_error_ms(actual):+.0f}", outcome.is_downtime_near(actual))]


def line(row):
    return [row.cell, f"{row.actual.total_s:.2f}", f"{row.actual.downtime_ms:.0f}", *figures(row.replayed, row.actual),
            *figures(row.steered, row.actual)]


def summary(name, pairs):
    """pairs: (what came out, what it was)."""
    totals = [abs(one.total_error(actual)) for one, actual in pairs]
    downtimes = [abs(one.downtime_error_ms(actual)) for one, actual in pairs]
    return [name, f"{len(pairs)}", f"{sum(one.is_total_near(actual) for one, actual in pairs)}",
            *(f"{value:.1%}" for value in (statistics.median(totals), quantile(totals, 0.9), max(totals))),
            f"{sum(one.is_downtime_near(actual) for one, actual in pairs)}",
            *(f"{value:.0f}" for value in (statistics.median(downtimes), quantile(downtimes, 0.9), max(downtimes)))]


def markdown(titles, rows):
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (titles, ["---"] * len(titles), *rows))


def as_outcomes(found):
    return [Outcome(total / 1e6, downtime / 1e3) for total, downtime in found]


def real(known):
    """Of two real ones of a cell, each stands for the other."""
    return [pair for found in known.values() for pair in itertools.permutations(as_outcomes(found), 2)]


def is_alike(found):
    """Whether each real one of a cell is near each other one in downtime: a cell where a forecast can be near them all."""
    return all(one.is_downtime_near(other) for one, other in itertools.permutations(as_outcomes(found), 2))


def chances(rows, known):
    """What the bar can mean: how far chance moves the downtime, of the model and of the real ones."""
    repeated = [found for found in known.values() if len(found) > 1]
    alike = {cell for cell, found in known.items() if len(found) > 1 and is_alike(found)}
    judged = [row for row in rows if row.cell in alike]
    within = sum(row.is_downtime_within_chances() for row in rows)
    ended = [[chance for chance in row.chances_ms if math.isfinite(chance)] for row in rows]
    widths = [max(some) - min(some) for some in ended if some]
    made = sum(len(row.chances_ms) for row in rows)
    lost = made - sum(map(len, ended))
    near = sum(row.replayed.is_downtime_near(row.actual) for row in judged)
    return (f"Chance: in {within} of {len(rows)} the real downtime lies between the least and the greatest of the replays, which "
            f"are {statistics.median(widths):.0f} ms apart in the median, {max(widths):.0f} at most; {lost} of the {made} replays "
            f"did not complete. Of {len(repeated)} cells with more than one real migration, {len(alike)} have real downtimes that "
            f"are all within the bar of one another; of the recordings of those, {near} of {len(judged)} are near.")


def make(rows, known, fitted=()):
    titles = ["cell", "total s", "downtime ms", "replayed s", "off", "ms", "off ms", "steered s", "off", "ms", "off ms"]
    sums = [summary("replayed by what was commanded", [(row.replayed, row.actual) for row in rows]),
            summary("steered by the policy anew", [(row.steered, row.actual) for row in rows])]
    if fitted:
        sums.append(summary("what it was fitted on, replayed", [(row.replayed, row.actual) for row in fitted]))
    if real(known):
        sums.append(summary("another real one of the same cell", real(known)))
    parts = [markdown(titles, map(line, rows)),
             f"{MISS}Bold{MISS}: missed, that is more than {TOTAL_BAR:.0%} of the total time, or more than "
             f"{DOWNTIME_BAR:.0%} and {DOWNTIME_BAR_MS} ms of QEMU's own downtime.",
             markdown(["", "pairs", "total near", "median off", "p90", "worst", "downtime near", "median off ms", "p90", "worst"],
                      sums)]
    if real(known):
        parts.append(chances(rows, known))
    return "\n\n".join(parts)


def commit():
    done = subprocess.run(["git", "-C", TEXT.parent, "describe", "--always", "--dirty"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def write(text):
    before, _, rest = TEXT.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    said = f"`tests/bench/faithful` at {commit()}:\n\n{text}"
    TEXT.write_text(f"{before}{BEGIN}\n{said}\n{END}{after}", encoding="utf-8")
