# SPDX-License-Identifier: LGPL-2.1-or-later
"""The short form for the README: cells that were measured on a machine of one's own, by auto and by virsh."""

import textwrap

from tests.bench.convergence_lab import verdict
from tests.bench.convergence_lab.table import SERVICE, number, rows_to_markdown

MARKS = ("<!-- bench:convergence -->", "<!-- /bench:convergence -->")
AGAINST = "virsh-auto-converge"
INTRODUCTION = """## Against libvirt

The same busy guests, moved by `virsh migrate --live --auto-converge` and by qmpmig's default policy, on two hosts with a
libvirt each and a limited link between them, interleaved. How it is measured, all contenders and all cells:
[tests/bench/RESULTS.md](tests/bench/RESULTS.md)."""
PICTURE = "docs/convergence.svg"
COLUMNS = (("total_s", 1), ("blackout_ms", 0), ("lost_s", 1))


def figures_of(figures):
    if not figures.completed:
        return [f"never ({len(figures.runs)}×)", "", number(figures.median("lost_s"), 1)]
    return [spread(figures, name, digits) for name, digits in COLUMNS]


def spread(figures, name, digits):
    """The median, and from where to where."""
    values = [run[name] for run in figures.runs if run.get(name) is not None]
    middle = number(figures.median(name), digits)
    return f"{middle} ({number(min(values), digits)} to {number(max(values), digits)})" if len(values) > 1 else middle


def make_readme(board, headers):
    rows = [[cell.id, *figures_of(row[AGAINST]), *figures_of(row[board.subject]), str(len(row[board.subject].runs))]
            for cell, row in board.figures.items()
            if not cell.is_idle and board.is_clean(cell, board.subject, AGAINST)]
    if not rows:
        raise ValueError("nothing was measured on a machine without others")
    last = next((header for header in reversed(headers) if AGAINST in header["command"]), headers[-1])
    table = rows_to_markdown(["guest, link, limit", f"`{AGAINST}`: total s", "blackout ms", "lost s",
                              f"`{board.subject}`: total s", "blackout ms", "lost s", "runs"], rows)
    taken = (f"Medians (smallest to largest), by `{last['command']}` at commit {last['commit']}: QEMU {last['qemu']} under TCG, "
             f"libvirt {last['libvirt']}, {last['machine']}. *lost*: seconds of the guest's work.")
    return (f"{INTRODUCTION}\n\n{summary(board)}\n\n![Each guest by each contender]({PICTURE})\n\n{table}\n\n"
            f"{textwrap.fill(taken, 120, break_on_hyphens=False)}\n")


def shown(board):
    """Whose dots are in the picture; the cells are those of the first two."""
    return [board.subject, AGAINST, SERVICE, "virsh-plain"]


def summary(board):
    """What the table comes to, where plain pre-copy does not converge."""
    cells = [cell for cell in board.figures if not cell.is_idle]
    told = []
    for contender, words in ((board.subject, f"`{board.subject}`"), (SERVICE, "virsh with qmpmig's service beside it")):
        count, total, lost = verdict.medians(board, cells, contender)
        if count:
            told.append(f"{words} takes {total:.2f} of its time and {lost:.2f} of the guest's work (median of {count} guests)")
    if not told:
        return "Nothing was measured of guests that pre-copy alone does not end."
    return textwrap.fill(f"Where pre-copy alone does not end, against `--auto-converge` by itself: {'; '.join(told)}.", 120)


def write_readme(path, text):
    with open(path, encoding="utf-8") as file:
        before, rest = file.read().split(MARKS[0])
    _, after = rest.split(MARKS[1])
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{before}{MARKS[0]}\n{text}{MARKS[1]}{after}")
