# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which moves are predicted and then made: cells of the bench, chosen once, by kind, before any of them was looked at."""

import dataclasses

from tests.bench.convergence_lab.cell import Cell

LINK_SHARE = 0.9        # what the migration may use: so QEMU's limit is what holds it up, as --bandwidth says


@dataclasses.dataclass(frozen=True)
class Move:
    kind: str
    cell: Cell
    options: tuple = ()     # beside the cell's limit

    @property
    def id(self):
        return " ".join([self.cell.id, *self.options])

    @property
    def bandwidth(self):
        return f"{self.cell.link_mbit * LINK_SHARE:g}Mbit/s"


UNTHROTTLED = ("--throttle", "off")
MOVES = tuple(Move(kind, Cell.parse(cell), options) for kind, cell, options in (
    ("converges", "400M-ws16-d20-uniform-page-random-150ms", ()),
    ("converges, sparse", "400M-ws64-d20-uniform-8B-random-300ms", ()),
    ("converges, sequential", "1000M-ws64-d60-sequential-512B-text-150ms", ()),
    ("hot", "200M-ws128-d12-hot-page-random-150ms", ()),
    ("hot", "400M-ws256-d40-hot-page-text-1000ms", ()),
    ("hot", "1000M-ws400-d120-hot-page-text-300ms", ()),
    ("hot, too fast", "400M-ws200-d100-hot-page-text-300ms", ()),
    ("too fast", "400M-ws64-d100-uniform-page-random-300ms", ()),
    ("too fast", "1000M-ws200-d200-uniform-page-random-150ms", ()),
    ("too fast, sequential", "400M-ws64-d100-sequential-page-random-300ms", ()),
    ("too fast, bursts", "400M-ws128-d100-bursts-page-random-300ms", ()),
    ("too fast, sparse", "400M-ws64-d100-uniform-8B-random-300ms", ()),
    ("too fast, sparse, bursts", "1000M-ws100-d400-bursts-8B-random-300ms", ()),
    ("only by postcopy", "400M-ws128-d100-uniform-page-random-300ms", UNTHROTTLED),
    ("not at all", "400M-ws128-d100-uniform-page-random-300ms", (*UNTHROTTLED, "--postcopy", "never")),
))
