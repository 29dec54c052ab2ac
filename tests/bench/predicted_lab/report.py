# SPDX-License-Identifier: LGPL-2.1-or-later
"""Predicted beside actual: who was right, and the table. Arithmetic only."""

import pathlib
import statistics

from tests.bench.faithful_lab.report import MISS, mark, markdown

TEXT = pathlib.Path(__file__).parents[1] / "PREDICTED.md"
BEGIN, END = "<!-- written by tests/bench/predicted -->", "<!-- end of what it writes -->"
TOTAL_BAR = 0.15
LOADED = "\\*"


def verdict(foreseen):
    """As `predict` says it."""
    if foreseen["converges"]:
        return "converges, at worst by postcopy" if foreseen["postcopy"] else "converges"
    return "may not converge" if foreseen["completed"] else "does not converge"


def came(run):
    if run["outcome"] != "completed":
        return "did not converge"
    return "converged by postcopy" if run["by_postcopy"] else "converged"


def is_right(run):
    """Postcopy that nobody has foretold is a wrong verdict too."""
    if run["foreseen"]["converges"] != (run["outcome"] == "completed"):
        return False
    return run["foreseen"]["postcopy"] or not run["by_postcopy"]


def error(run):
    """Of the total time that was expected, as a share of the actual; None: there is none of the two."""
    expected = run["foreseen"].get("total", {}).get("expected_us")
    if run["outcome"] != "completed" or expected is None:
        return None
    return expected / run["total_us"] - 1


def is_near(run):
    """A move that was not to end, and did not, took as long as predicted."""
    off = error(run)
    if off is None:
        return run["outcome"] != "completed" and not run["foreseen"]["converges"]
    return abs(off) <= TOTAL_BAR


def is_within(run):
    total = run["foreseen"].get("total")
    return run["outcome"] == "completed" and total is not None and total["least_us"] <= run["total_us"] <= total["most_us"]


def span(values, unit, digits):
    if values is None:
        return "", ""
    middle = f"{values['expected_us'] / unit:.{digits}f}" if "expected_us" in values else ""
    return middle, f"{values['least_us'] / unit:.{digits}f} to {values['most_us'] / unit:.{digits}f}"


def number(value, unit, digits):
    return "" if value is None else f"{value / unit:.{digits}f}"


def line(move, run):
    off = error(run)
    completed = run["outcome"] == "completed"
    total, totals = span(run["foreseen"].get("total"), 1e6, 2)
    blackout, blackouts = span(run["foreseen"].get("blackout"), 1e3, 0)
    return [f"{move.id}{' ' + LOADED if run['loaded'] else ''}", move.kind, mark(verdict(run["foreseen"]), is_right(run)), came(run),
            total, totals, number(run["total_us"] if completed else None, 1e6, 2),
            mark("-" if off is None else f"{off:+.0%}", is_near(run)), blackout, blackouts,
            number(run["blackout_us"] if completed else None, 1e3, 0)]


def summary(runs):
    offs = [abs(off) for run in runs if (off := error(run)) is not None]
    ended = [run for run in runs if run["outcome"] == "completed"]
    near = [abs(run["foreseen"]["blackout"]["expected_us"] - run["blackout_us"]) / 1e3 for run in ended
            if run["blackout_us"] is not None and "expected_us" in run["foreseen"].get("blackout", {})]
    words = [f"Verdict right in {sum(map(is_right, runs))} of {len(runs)}; total time within {TOTAL_BAR:.0%} in "
             f"{sum(map(is_near, runs))}, within the range in {sum(map(is_within, runs))} of the {len(ended)} that ended."]
    if offs and near:
        words.append(f"Off in the median by {statistics.median(offs):.1%} of the total time, and {statistics.median(near):.0f} ms of "
                     "blackout.")
    return " ".join(words)


def make(moves, runs):
    """runs: by the move's id; moves without one are not in the table."""
    made = [(move, runs[move.id]) for move in moves if move.id in runs]
    titles = ["cell", "kind", "said", "came", "total s", "range", "took", "off", "blackout ms", "range", "was"]
    parts = [summary([run for _, run in made]), markdown(titles, [line(move, run) for move, run in made]),
             f"{MISS}Bold{MISS}: a wrong verdict, or more than {TOTAL_BAR:.0%} off the total time."]
    if any(run["loaded"] for _, run in made):
        parts.append(f"{LOADED} made while others used the machine.")
    return "\n\n".join(parts)


def write(header, text):
    before, _, rest = TEXT.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    head = f"`{header['command']}` at {header['commit']}, {header['when']}, QEMU {header['qemu']}, {header['machine']}:"
    TEXT.write_text(f"{before}{BEGIN}\n{head}\n\n{text}\n{END}{after}", encoding="utf-8")
