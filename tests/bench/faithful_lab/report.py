# SPDX-License-Identifier: LGPL-2.1-or-later
"""The table."""

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


def real(spread):
    """Of two real ones, each stands for the other."""
    pairs = []
    for (total, downtime), (other_total, other_downtime) in spread:
        one, other = Outcome(total / 1e6, downtime / 1e3), Outcome(other_total / 1e6, other_downtime / 1e3)
        pairs += [(one, other), (other, one)]
    return pairs


def make(rows, spread):
    titles = ["cell", "total s", "downtime ms", "replayed s", "off", "ms", "off ms", "steered s", "off", "ms", "off ms"]
    sums = [summary("replayed by what was commanded", [(row.replayed, row.actual) for row in rows]),
            summary("steered by the policy anew", [(row.steered, row.actual) for row in rows])]
    if spread:
        sums.append(summary("another real one of the same cell", real(spread)))
    parts = [markdown(titles, map(line, rows)),
             f"{MISS}Bold{MISS}: missed, that is more than {TOTAL_BAR:.0%} of the total time, or more than "
             f"{DOWNTIME_BAR:.0%} and {DOWNTIME_BAR_MS} ms of QEMU's own downtime.",
             markdown(["", "pairs", "total near", "median off", "p90", "worst", "downtime near", "median off ms", "p90", "worst"],
                      sums)]
    return "\n\n".join(parts)


def commit():
    done = subprocess.run(["git", "-C", TEXT.parent, "describe", "--always", "--dirty"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def write(text):
    before, _, rest = TEXT.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    said = f"`tests/bench/faithful` at {commit()}:\n\n{text}"
    TEXT.write_text(f"{before}{BEGIN}\n{said}\n{END}{after}", encoding="utf-8")
