# SPDX-License-Identifier: LGPL-2.1-or-later
"""A cell of the bench: a link, a guest and a limit. Its id says all of it: 400M-ws64-d100-uniform-page-random-300ms."""

import dataclasses
import random
import re

LINKS_MBIT = (200, 400, 1000)
WORKING_SETS_MIB = (16, 32, 64, 128, 200, 300, 400)
FACTORS = (0.1, 0.3, 0.6, 1, 2, 5, 10)      # dirtied, in links
SHAPES = ("uniform", "sequential", "hot", "bursts")
DENSITIES = {"8B": 8, "512B": 512, "page": 4096}
CONTENTS = ("zero", "text", "random")
LIMITS_MS = (150, 300, 1000)
FASTEST_MIB_S = 480     # what a guest under TCG can be asked for

ID = re.compile(r"(\d+)M-ws(\d+)-d([0-9.]+)-(\w+)-(\w+)-(\w+)-(\d+)ms")


@dataclasses.dataclass(frozen=True)
class Cell:
    link_mbit: int
    ws_mib: int
    dirty_mib_s: float
    shape: str
    density: str
    content: str
    limit_ms: int

    @property
    def id(self):
        return (f"{self.link_mbit}M-ws{self.ws_mib}-d{self.dirty_mib_s:g}-{self.shape}-{self.density}-{self.content}-"
                f"{self.limit_ms}ms")

    @classmethod
    def parse(cls, text):
        match = ID.fullmatch(text)
        if match is None:
            raise ValueError(f"{text} is no cell: LINKM-wsMIB-dMIB_S-SHAPE-DENSITY-CONTENT-LIMITms")
        link, ws, rate, shape, density, content, limit = match.groups()
        if shape not in SHAPES or density not in DENSITIES or content not in CONTENTS:
            raise ValueError(f"{text}: shape {'|'.join(SHAPES)}, density {'|'.join(DENSITIES)}, content "
                             f"{'|'.join(CONTENTS)}")
        return cls(int(link), int(ws), float(rate), shape, density, content, int(limit))

    def guest(self):
        """What the workload is told."""
        return {"ws": f"{self.ws_mib}M", "rate": int(self.dirty_mib_s * (1 << 20)), "shape": self.shape,
                "density": DENSITIES[self.density], "content": self.content}

    @property
    def is_idle(self):
        return self.dirty_mib_s < 1

    @property
    def is_whole_page(self):
        return self.density == "page"


def idle(link_mbit, limit_ms=300):
    """What the floors are taken from."""
    return Cell(link_mbit, 16, 0.4, "uniform", "8B", "random", limit_ms)


# The most telling first.
CORE = tuple(map(Cell.parse, """
400M-ws64-d100-uniform-page-random-300ms
400M-ws64-d100-uniform-8B-random-300ms
400M-ws64-d20-uniform-8B-random-300ms
400M-ws200-d100-hot-8B-random-300ms
400M-ws128-d100-bursts-page-random-300ms
200M-ws128-d12-hot-page-random-150ms
400M-ws200-d100-hot-page-text-300ms
1000M-ws200-d200-uniform-page-random-150ms
400M-ws64-d100-sequential-page-random-300ms
400M-ws64-d100-uniform-512B-text-300ms
200M-ws32-d240-uniform-page-random-1000ms
1000M-ws400-d120-hot-page-text-300ms
400M-ws16-d20-uniform-page-random-150ms
200M-ws64-d50-uniform-page-random-300ms
1000M-ws64-d60-sequential-512B-text-150ms
400M-ws256-d40-hot-page-text-1000ms
400M-ws400-d100-uniform-page-random-1000ms
1000M-ws100-d400-bursts-8B-random-300ms
400M-ws64-d100-uniform-page-zero-300ms
""".split()))
# The largest throttle whose sleeps keep to the limit does not bring what these write under the link.
IMPOSSIBLE = tuple(map(Cell.parse, """
200M-ws128-d350-uniform-page-random-100ms
400M-ws200-d300-sequential-page-random-50ms
200M-ws64-d350-sequential-page-text-100ms
""".split()))
HELD_OUT = 5    # a fifth of the whole set


def held_out(seed, count=HELD_OUT):
    """Cells that nobody has looked at: drawn from all dimensions, none of the core set's, none idle."""
    source = random.Random(seed)
    drawn = []
    while len(drawn) < count:
        link = source.choice(LINKS_MBIT)
        rate = round(min(source.choice(FACTORS) * link / 8 / 1.048576, FASTEST_MIB_S))
        cell = Cell(link, source.choice(WORKING_SETS_MIB), rate, source.choice(SHAPES), source.choice(tuple(DENSITIES)),
                    source.choice(CONTENTS), source.choice(LIMITS_MS))
        if cell not in drawn and cell not in CORE:
            drawn.append(cell)
    return tuple(drawn)
