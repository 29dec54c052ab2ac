# SPDX-License-Identifier: LGPL-2.1-or-later
"""Medians of the runs, floors, and what is judged by them. Arithmetic only; it knows no lab.

Runs beside which others had the machine are left out where there are others; where not, the figures are marked, and
nothing is claimed from them.
"""

import dataclasses
import statistics

from tests.bench.convergence_lab import heartbeat
from tests.bench.convergence_lab.cell import IMPOSSIBLE, Cell


@dataclasses.dataclass
class Figures:
    """One contender in one cell."""
    runs: list          # those that count
    clean: bool         # none of them was taken beside others

    @property
    def completed(self):
        return 2 * sum(run["outcome"] == "completed" for run in self.runs) > len(self.runs)

    def median(self, name):
        """Over the runs that completed, where most did; None when nobody knows."""
        runs = [run for run in self.runs if not self.completed or run["outcome"] == "completed"]
        values = [run[name] for run in runs if run.get(name) is not None]
        return statistics.median(values) if values else None


class Board:
    """figures[cell][contender], and the floors."""

    def __init__(self, runs, subject):
        self.subject = subject
        self.figures = {}
        for key, found in group(at_one_pace(runs)).items():
            cell, contender = key
            self.figures.setdefault(Cell.parse(cell), {})[contender] = choose(found)
        self.held_out = {Cell.parse(run["cell"]) for run in runs if run.get("held_out")}
        self.pre_copy = {run["contender"] for run in runs if run.get("pre_copy")}

    def cells(self, held_out, whole_page):
        return [cell for cell in self.figures if not cell.is_idle and cell not in IMPOSSIBLE
                and (cell in self.held_out) == held_out
                and (whole_page is None or cell.is_whole_page == whole_page)]

    # --- floors -----------------------------------------------------------------------------------------------------

    def floor_ms(self, link_mbit):
        """An idle guest's blackout with the subject; 0 when it was not measured."""
        return self._floor(link_mbit, self.subject, lambda run: run["blackout_ms"]) or 0

    def libvirt_fixed_s(self, link_mbit):
        """What virsh takes around an idle guest's move, less QEMU's own time; 0 when it was not measured."""
        return self._floor(link_mbit, "virsh-plain", lambda run: run["total_s"] - run["told_total_s"]) or 0

    def _floor(self, link_mbit, contender, value):
        """Of this link, else of any. Beside others an idle guest is held up at times: then the least is nearest."""
        idle = {cell: row[contender] for cell, row in self.figures.items() if cell.is_idle and contender in row}
        near = [figures for cell, figures in idle.items() if cell.link_mbit == link_mbit] or list(idle.values())
        near = [figures for figures in near if figures.clean] or near
        values = [value(run) for figures in near for run in figures.runs if run["outcome"] == "completed"]
        middle = statistics.median if near and near[0].clean else min
        return middle(values) if values else None

    # --- comparisons ------------------------------------------------------------------------------------------------

    def total_s(self, cell, contender):
        """Without libvirt's fixed time; None when it did not complete."""
        figures = self.figures[cell].get(contender)
        if figures is None or not figures.completed:
            return None
        fixed = self.libvirt_fixed_s(cell.link_mbit) if contender.startswith("virsh-") else 0
        return figures.median("total_s") - fixed

    def keeps_limit(self, cell, contender):
        """Completed, with a blackout within the cell's limit, the floor taken off."""
        figures = self.figures[cell].get(contender)
        return bool(figures and figures.completed
                    and figures.median("blackout_ms") - self.floor_ms(cell.link_mbit) <= cell.limit_ms)

    def plain_converges(self, cell):
        """None: not tried."""
        figures = self.figures[cell].get("virsh-plain")
        return None if figures is None else figures.completed

    def is_clean(self, cell, *contenders):
        return all(contender in self.figures[cell] and self.figures[cell][contender].clean for contender in contenders)

    def against_auto_converge(self, cell, contender=None):
        """(ratio of total time, ratio of work lost, seconds of work lost more), or None when one of them never ended.
        contender: the subject, when not given."""
        contender = contender or self.subject
        ours, theirs = self.total_s(cell, contender), self.total_s(cell, "virsh-auto-converge")
        if ours is None or theirs is None:
            return None
        lost, lost_there = (self.figures[cell][name].median("lost_s") for name in (contender, "virsh-auto-converge"))
        return ours / theirs, lost / lost_there if lost_there > 0 else float("inf"), lost - lost_there

    def fastest_pre_copy(self, cell):
        """(seconds, who) among the others; None when nobody ended."""
        times = [(seconds, name) for name in self.figures[cell]
                 if name != self.subject and name in self.pre_copy
                 and (seconds := self.total_s(cell, name)) is not None]
        return min(times, default=None)

    def against_fastest(self, cell):
        """(ratio of total time, who was the fastest, ratio of blackout to virsh's plain, blackout over the floor in ms)."""
        ours, fastest = self.total_s(cell, self.subject), self.fastest_pre_copy(cell)
        if ours is None or fastest is None:
            return None
        blackout = self.figures[cell][self.subject].median("blackout_ms")
        plain = self.figures[cell]["virsh-plain"].median("blackout_ms")
        return ours / fastest[0], fastest[1], blackout / plain, blackout - self.floor_ms(cell.link_mbit)

    def standstills(self, cells):
        """(how many of the subject's runs kept to the limit, the floor taken off; how many there were): clean ones only."""
        kept = [run["standstill_ms"] - self.floor_ms(cell.link_mbit) <= cell.limit_ms for cell in cells
                if self.is_clean(cell, self.subject) for run in self.figures[cell][self.subject].runs]
        return sum(kept), len(kept)


def at_one_pace(runs):
    """The runs, work lost told anew by the fastest pace at which the guest of their cell was ever seen undisturbed: a guest
    that the machine held up before the start is slow, and seems to have lost nothing afterwards."""
    fastest = {}
    for run in runs:
        fastest[run["cell"]] = max(fastest.get(run["cell"], 0), run.get("dirtied_mib_s", 0))
    return [run | {"lost_s": round(heartbeat.lost_s(run["counted_s"], run["counted_pages"],
                                                    heartbeat.Pace.of_mib(fastest[run["cell"]])), 3)}
            if "counted_s" in run else run for run in runs]


def group(runs):
    """By cell and contender, in the order of their first run; of the newest program only."""
    newest = {run["contender"]: run["program"] for run in runs}
    groups = {}
    for run in runs:
        if run["outcome"] != "error" and run["program"] == newest[run["contender"]]:
            groups.setdefault((run["cell"], run["contender"]), {})[run["repeat"], run["loaded"]] = run
    return {key: list(found.values()) for key, found in groups.items()}


def choose(runs):
    clean = [run for run in runs if not run["loaded"]]
    return Figures(clean or runs, bool(clean))
