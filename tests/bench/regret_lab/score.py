# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the runs are worth: seconds, regret against the bound, and who is dominated by whom.

Regret is the guest's work that was lost beyond what no pre-copy can beat (`least_work_lost_us` of the simulator, L*)."""

import dataclasses
import math

from tests.bench.regret_lab.cell import Cell
from tests.bench.regret_lab.roster import BY_NAME
from tests.bench.regret_lab.runs import FIELDS

SAME = 1.02             # as good
BETTER = 0.9            # better, and by at least:
BETTER_S = {"total_s": 1.0, "blackout_s": 0.03, "lost_s": 0.1}
KEPT = 1.1              # of a limit, and what a switchover costs besides
FEASIBLE, UNSOLVED, INFEASIBLE = "feasible", "unsolved", "infeasible"


@dataclasses.dataclass(frozen=True)
class Run:
    name: str
    completed: bool
    postcopy: bool
    total_s: float
    blackout_s: float
    stall_s: float
    lost_s: float
    sent_bytes: int
    channels: int

    @classmethod
    def read(cls, name, values, cell, fixed_s):
        line = dict(zip(FIELDS, values, strict=True))
        completed = line["outcome"] == "completed"
        total, lost, stall = (line[key] / 1e6 for key in ("total_us", "work_lost_us", "longest_stall_us"))
        blackout = (line["blackout_us"] or 0) / 1e6
        if not completed:
            blackout = line["left_bytes"] / cell.bytes_per_s + fixed_s
            total, lost, stall = cell.give_up_s + blackout, lost + blackout, max(stall, blackout)
        return cls(name, completed, line["postcopy"], total, blackout, stall, lost, line["sent_bytes"], line["channels"])

    def keeps(self, limit_s):
        return self.completed and max(self.blackout_s, self.stall_s) <= limit_s


class Scored:
    """A cell with its runs."""

    def __init__(self, line):
        self.cell = Cell.parse(line["cell"])
        self.limit_s = self.cell.limit_ms / 1000
        self.least_total_s = line["least_total_us"] / 1e6
        self.least_blackout_s = line["least_blackout_us"] / 1e6
        self.least_lost_s = line["least_work_lost_us"] / 1e6
        fixed_s = min(self.least_blackout_s, self.least_lost_s)
        self.kept_s = self.limit_s * KEPT + fixed_s
        self.runs = {name: Run.read(name, values, self.cell, fixed_s) for name, values in line["runs"].items()}

    def pre_copy(self):
        return [run for name, run in self.runs.items() if BY_NAME[name].pre_copy]

    def kind(self):
        """Infeasible: no pre-copy can keep the limits. Unsolved: none here does."""
        if self.least_blackout_s > self.limit_s:
            return INFEASIBLE
        return FEASIBLE if any(run.keeps(self.kept_s) for run in self.pre_copy()) else UNSOLVED

    def regret_s(self, name):
        """Endless for one that does not keep the limits."""
        run = self.runs[name]
        return run.lost_s - self.least_lost_s if run.keeps(self.kept_s) else math.inf

    def stopped_regret_s(self, name):
        """One that does not end is stopped then; limits are not minded."""
        return self.runs[name].lost_s - self.least_lost_s

    def price_s(self, name, standstill, time):
        """Lost work, with a second of blackout so many times as bad, and one of time beyond the least so much of one."""
        run = self.runs[name]
        return (self.regret_s(name) + (standstill - 1) * run.blackout_s + time * max(run.total_s - self.least_total_s, 0))

    def dominators(self, name):
        """Those that are no worse in anything and clearly better in something."""
        return [other for other in self.runs.values() if dominates(other, self.runs[name], self.kept_s)
                and (BY_NAME[other.name].pre_copy or not BY_NAME[name].pre_copy)]


def dominates(other, run, limit_s):
    """Standstills within the limit are alike. Postcopy is worse than none: for a while the guest needs both hosts."""
    if not other.completed or (other.postcopy and not run.postcopy):
        return False
    if other.stall_s > max(run.stall_s, limit_s) * SAME:
        return False
    if not run.completed:
        return other.keeps(limit_s) or (other.blackout_s <= run.blackout_s and other.lost_s <= run.lost_s)
    return (all(getattr(other, key) <= getattr(run, key) * SAME for key in BETTER_S) and
            any(getattr(other, key) <= getattr(run, key) * BETTER - least for key, least in BETTER_S.items()))


def quantile(values, part):
    """The smallest that at least that part does not exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(part * len(ordered)) - 1, 0)] if ordered else None
