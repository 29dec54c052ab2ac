# SPDX-License-Identifier: LGPL-2.1-or-later
"""The results as Markdown: the verdict, then each policy in numbers, the seeds that were held out apart."""

import collections
import math

from tests.bench.regret_lab import score
from tests.bench.regret_lab.roster import BY_NAME, PRE_COPY_SUBJECT, ROSTER, SUBJECT
from tests.bench.regret_lab.score import FEASIBLE, INFEASIBLE, UNSOLVED, quantile

PRICES = ((1, 0.0), (2, 0.2), (10, 0.0), (10, 0.2))
WORST_CELLS = 12
EXPLAINED = """\
Regret: seconds of the guest's work that were lost beyond L\\*, the least that any pre-copy loses in that cell
(max over s of U(s)/B - s, and what a switchover costs; `agent/simulate/bound.c`, qmpmig(1)); `never` where the run does not
end within the limits: completed, and neither blackout nor any other standstill longer than the cell's limit by more than a tenth
and 30 ms, which a switchover costs. All policies have that limit above them. If stopped: the same, but one that does not end
counts as one that stops the guest when patience is over and copies what is left, and limits are not minded. Time is in times
of the least, each page once. With postcopy less than L\\* may be lost. Infeasible: no pre-copy can keep the limit, by the bound on the blackout. Unsolved: none of these does.
Dominated: another is no worse (2 %) in time, blackout and work lost, does not stand still longer beyond the limit, does not
use postcopy where this does not, and is better by a tenth, and 1 s of time, 30 ms of blackout or 0.1 s of work, in one."""


def make_table(scored, headers):
    parts = [heading(headers, scored), EXPLAINED]
    for title, held_out in (("Seeds for working", False), ("Held-out seeds", True)):
        group = [one for one in scored if one.cell.held_out == held_out]
        if group:
            parts += [f"## {title}", *section(group)]
    return "\n\n".join(parts) + "\n"


def heading(headers, scored):
    runs = sum(len(one.runs) for one in scored)
    lines = ["# Regret, in simulated migrations", "", f"{len(scored)} cells, {runs} migrations.", ""]
    lines += [f"    {header['when']}  {header['commit']:13}  {header['command']}" for header in headers]
    timed = [header for header in headers if "speed_s" in header]
    if timed:
        lines += ["", "1 TiB over 100 Gbit/s (`zipf:100GiB@2GiB/s`), processor time: " +
                  ", ".join(f"{name} {seconds:.2f} s" for name, seconds in timed[-1]["speed_s"].items()) + "."]
    return "\n".join(lines)


def section(group):
    kinds = {kind: [one for one in group if one.kind() == kind] for kind in (FEASIBLE, UNSOLVED, INFEASIBLE)}
    yield ", ".join(f"{len(cells)} {kind}" for kind, cells in kinds.items()) + "."
    yield "### Against the bars\n\n" + "\n".join(f"- {line}" for line in verdict(kinds[FEASIBLE], group))
    for kind, cells in kinds.items():
        if cells:
            yield f"### {kind.capitalize()}, without postcopy\n\n" + policies(cells, pre_copy=True)
            yield f"### {kind.capitalize()}, with postcopy\n\n" + policies(cells, pre_copy=False)
    yield "### By other prices\n\n" + prices(kinds[FEASIBLE])
    yield "### Where auto is dominated\n\n" + dominated(group)
    yield "### Where auto regrets most\n\n" + worst(kinds[FEASIBLE])


def verdict(feasible, group):
    for subject, pre_copy in ((PRE_COPY_SUBJECT, True), (SUBJECT, False)):
        names = [name for name in present(feasible) if BY_NAME[name].pre_copy == pre_copy]
        for title, part in (("median", 0.5), ("90th percentile", 0.9)):
            regrets = {name: quantile([one.regret_s(name) for one in feasible], part) for name in names}
            if subject in regrets:
                rank = sorted(regrets.values()).index(regrets[subject]) + 1
                best = min(regrets, key=regrets.get)
                yield (f"{subject}: {title} of regret {number(regrets[subject], 3)} s, rank {rank} of {len(regrets)}"
                       + ("" if rank == 1 else f"; best is {best}, {number(regrets[best], 3)} s"))
        if subject in names:
            yield f"{subject}: dominated in {share(group, subject)} of all cells, {share(feasible, subject)} of the feasible"


def share(cells, name):
    count = sum(bool(one.dominators(name)) for one in cells)
    return f"{count} of {len(cells)} ({100 * count / len(cells):.1f} %)"


def present(cells):
    return [policy.name for policy in ROSTER if cells and policy.name in cells[0].runs]


def policies(cells, pre_copy):
    rows = []
    for name in present(cells):
        if BY_NAME[name].pre_copy != pre_copy:
            continue
        runs = [one.runs[name] for one in cells]
        done = [one for one in cells if one.runs[name].completed]
        regrets = [one.regret_s(name) for one in cells]
        rows.append([name, percent(len(done), len(cells)), percent(sum(one.runs[name].keeps(one.kept_s) for one in cells), len(cells)),
                     *spread([one.runs[name].total_s / one.least_total_s for one in done], 2),
                     *spread([1000 * run.blackout_s for run in runs if run.completed], 0),
                     *spread([run.lost_s for run in runs], 2),
                     *spread(regrets, 3), number(max(regrets), 1),
                     *spread([one.stopped_regret_s(name) for one in cells], 3)])
    return rows_to_markdown(["policy", "completed", "within limits", "time", "p90", "blackout ms", "p90", "lost s", "p90", "regret s",
                             "p90", "worst", "if stopped", "p90"], rows)


def prices(cells):
    """Who is best depends on what is minded."""
    rows = []
    for name in present(cells):
        row = [name]
        for standstill, time in PRICES:
            row += spread([one.price_s(name, standstill, time) for one in cells], 2)
        rows.append(row)
    titles = [title for standstill, time in PRICES for title in (f"blackout x{standstill}, time x{time}", "p90")]
    return rows_to_markdown(["policy", *titles], rows)


def dominated(cells):
    lines = []
    for subject in (PRE_COPY_SUBJECT, SUBJECT):
        by = collections.Counter()
        for one in cells:
            others = one.dominators(subject) if subject in one.runs else []
            by.update(other.name for other in others)
            if others:
                best = min(others, key=lambda run: run.lost_s)
                lines.append([subject, one.cell.id, tell(one.runs[subject]), best.name, tell(best)])
        if by:
            lines.append([subject, "by whom", "", ", ".join(f"{name} {count}" for name, count in by.most_common()), ""])
    return rows_to_markdown(["policy", "cell", "total, blackout, lost", "by", "total, blackout, lost"], lines) if lines else "Nowhere."


def worst(cells):
    rows = []
    for subject in (PRE_COPY_SUBJECT, SUBJECT):
        ordered = sorted((one for one in cells if subject in one.runs), key=lambda one: -one.stopped_regret_s(subject))
        for one in ordered[:WORST_CELLS]:
            best = min((run for run in one.pre_copy() if run.keeps(one.kept_s)), key=lambda run: run.lost_s)
            rows.append([subject, one.cell.id, number(one.least_lost_s, 2), tell(one.runs[subject]), best.name, tell(best)])
    return rows_to_markdown(["policy", "cell", "L* s", "total, blackout, lost", "least lost within limits", "total, blackout, lost"], rows)


def tell(run):
    how = " by postcopy" if run.postcopy else ""
    return f"{run.total_s:.1f} s, {1000 * run.blackout_s:.0f} ms, {run.lost_s:.2f} s{how if run.completed else ', not completed'}"


def spread(values, digits):
    return [number(quantile(values, 0.5), digits), number(quantile(values, 0.9), digits)]


def percent(count, total):
    return f"{100 * count / total:.1f} %"


def number(value, digits):
    return "" if value is None else "never" if math.isinf(value) else f"{value:.{digits}f}"


def rows_to_markdown(titles, rows):
    return "\n".join("| " + " | ".join(row) + " |" for row in [titles, ["---"] * len(titles), *rows])
