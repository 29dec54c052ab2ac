# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which runs, and in which order: the most telling ones that fit the time, each cell's contenders one after another."""

import collections

from tests.bench.convergence_lab import cell as cells

Job = collections.namedtuple("Job", "cell contender repeat")

OVERHEAD_S = 14         # boot, undisturbed guest, listening afterwards
USUAL_S = 20            # a move that nobody has seen yet
CELLS_A_RANK = 6        # so many more cells tell as much as one more repeat


def weight(job, cell_rank):
    """Small is telling: floors, then the contenders that the comparison is about, repeats and cells against each other."""
    if job.cell.is_idle:
        return -1
    return job.contender.tier + job.repeat + cell_rank / CELLS_A_RANK


def floor_jobs(chosen, contenders, repeats):
    """An idle guest on each link, by those whose fixed cost is asked for."""
    links = sorted({cell.link_mbit for cell in chosen})
    return [Job(cells.idle(link), contender, repeat) for repeat in range(repeats) for link in links
            for contender in contenders if contender.tells_floor]


def all_jobs(chosen, contenders, repeats):
    """Interleaved; who begins changes with the repeat."""
    jobs = []
    for repeat in range(repeats):
        turned = contenders[repeat % len(contenders):] + contenders[:repeat % len(contenders)]
        jobs += [Job(cell, contender, repeat) for cell in chosen for contender in turned]
    return jobs


def within_budget(jobs, chosen, budget_s, expected_s):
    """(those that fit, in their order; those that are left out). budget_s None: all of them."""
    if budget_s is None:
        return jobs, []
    ranks = {cell: rank for rank, cell in enumerate(chosen)}
    fits, used_s = set(), 0
    for job in sorted(jobs, key=lambda job: weight(job, ranks.get(job.cell, 0))):
        used_s += expected_s(job)
        if used_s > budget_s:
            break
        fits.add(job)
    return [job for job in jobs if job in fits], [job for job in jobs if job not in fits]


def expect(results, timeout_s):
    """A guess at a job's seconds: as it was the last time, or as usual."""
    def expected_s(job):
        known = results.wall_s(job.cell.id, job.contender.name)
        if known is not None:
            return known
        return OVERHEAD_S + (USUAL_S / 4 if job.cell.is_idle else min(USUAL_S, timeout_s))
    return expected_s
