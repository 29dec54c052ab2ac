# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is simulated. A cell is a guest, a workload, a link and a downtime limit; what is not in its id is drawn by its seed."""

import dataclasses
import itertools
import random

MEMORY_GIB = (1, 4, 16, 64, 256, 1024)
LINK_GBIT = (1, 10, 25, 100)
LIMIT_MS = (50, 300, 1000)
SEEDS = (1,)                # looked at while policies are worked on
HELD_OUT_SEEDS = (90210,)   # for the end
VCPUS = {1: 2, 4: 4, 16: 8, 64: 16, 256: 32, 1024: 64}
MOST_WRITTEN = 10e9         # bytes a second that processors dirty
MIB = 1 << 20
PATIENCE = 4                # times the memory's way over the link, or over one channel
PATIENCE_S = 60
CHANNEL_GBIT = 12
SLOW_FOR_LARGE = 64         # GiB: what is larger does not go over the slowest link


@dataclasses.dataclass(frozen=True)
class Cell:
    memory_gib: int
    link_gbit: int
    shape: str
    limit_ms: int
    seed: int

    @property
    def id(self):
        return f"{self.memory_gib}GiB-{self.link_gbit}G-{self.shape}-{self.limit_ms}ms-s{self.seed}"

    @classmethod
    def parse(cls, text):
        memory, link, shape, limit, seed = text.split("-")
        if shape not in SHAPES:
            raise ValueError(f"{text}: {shape} is none of {', '.join(SHAPES)}")
        return cls(int(memory.removesuffix("GiB")), int(link.removesuffix("G")), shape, int(limit.removesuffix("ms")),
                   int(seed.removeprefix("s")))

    @property
    def held_out(self):
        return self.seed in HELD_OUT_SEEDS

    @property
    def bytes_per_s(self):
        return self.link_gbit * 125e6

    @property
    def once_s(self):
        """The memory's way over the link."""
        return self.memory_gib * 1024 * MIB / self.bytes_per_s

    @property
    def give_up_s(self):
        return round(PATIENCE * self.once_s * max(self.link_gbit / CHANNEL_GBIT, 1) + PATIENCE_S)

    def drawn(self):
        """(workload, link), by what makes the cell but for its limit."""
        chance = random.Random(f"{self.memory_gib} {self.link_gbit} {self.shape} {self.seed}")
        return SHAPES[self.shape](Draw(self, chance)), draw_link(self, chance)

    def options(self):
        workload, link = self.drawn()
        return ["--memory", f"{self.memory_gib}GiB", "--link", link, "--workload", workload, "--vcpus",
                str(VCPUS[self.memory_gib]), "--max-downtime", f"{self.limit_ms}ms", "--seed", str(self.seed),
                "--give-up", f"{self.give_up_s}s"]


class Draw:
    """Sizes and rates that fit a cell."""

    def __init__(self, cell, chance):
        self.cell = cell
        self.chance = chance
        self.intensity = self.between(0.05, 12)     # written, as part of what the link carries
        self.zero = chance.choice(("", "+zero:30%", "+zero:70%"))

    def between(self, low, high):
        """Each order of magnitude as likely as any other."""
        return low * (high / low) ** self.chance.random()

    def size(self, low, high):
        """A part of the memory."""
        return f"{max(round(self.between(low, high) * self.cell.memory_gib * 1024), 1)}MiB"

    def rate(self, part=1.0):
        return f"{round(min(self.intensity * part * self.cell.bytes_per_s, MOST_WRITTEN) / 1024)}KiB/s"

    def zipf(self, skew, more=""):
        return f"zipf:{self.size(0.1, 0.6)}@{self.rate()},skew={skew}{more}{self.zero}"


def draw_link(cell, chance):
    """Half of them steady."""
    turn_s = max(round(cell.once_s / 4), 1)
    kinds = ("", "", "", ",noise=10%", f",step={cell.link_gbit * 500}Mbit/s@{max(round(cell.once_s / 2), 1)}s",
             f",shared={turn_s}s")
    return f"{cell.link_gbit}Gbit/s{chance.choice(kinds)}"


def bursts(draw):
    return f"hot:{draw.size(0.05, 0.3)}@{draw.rate()},bursts={draw.chance.choice(('1s/2s', '10s/20s', '30s/30s'))}{draw.zero}"


SHAPES = {
    "idle": lambda draw: f"hot:{draw.size(0.005, 0.02)}@{draw.rate(0.01)}{draw.zero}",
    "uniform": lambda draw: f"hot:{draw.size(0.3, 0.7)}@{draw.rate()}{draw.zero}",
    "hot": lambda draw: f"hot:{draw.size(0.01, 0.1)}@{draw.rate()}{draw.zero}",
    "hotcold": lambda draw: f"hot:{draw.size(0.005, 0.03)}@{draw.rate(0.8)}+hot:{draw.size(0.2, 0.6)}@{draw.rate(0.2)}{draw.zero}",
    "zipf06": lambda draw: draw.zipf(0.6),
    "zipf09": lambda draw: draw.zipf(0.9),
    "zipf13": lambda draw: draw.zipf(1.3),
    "sweep": lambda draw: f"sweep:{draw.size(0.05, 0.6)}@{draw.rate()}{draw.zero}",
    "io": lambda draw: f"hot:{draw.size(0.02, 0.2)}@{draw.rate(0.7)}+io:{draw.size(0.05, 0.3)}@{draw.rate(0.3)}{draw.zero}",
    "phases": lambda draw: draw.zipf(0.9, f",phases={draw.chance.choice(('5s', '20s', '60s'))}"),
    "bursts": bursts,
    "deltas": lambda draw: f"hot:{draw.size(0.05, 0.3)}@{draw.rate()},delta=120B+busy:60%{draw.zero}",
}


def of_seed(seed):
    """Every memory, link and shape; the limits in turn."""
    for m, (memory, link) in enumerate(itertools.product(MEMORY_GIB, LINK_GBIT)):
        if memory > SLOW_FOR_LARGE and link == LINK_GBIT[0]:
            continue
        for s, shape in enumerate(SHAPES):
            yield Cell(memory, link, shape, LIMIT_MS[(m + s + seed) % len(LIMIT_MS)], seed)


def everything():
    return [cell for seed in (*SEEDS, *HELD_OUT_SEEDS) for cell in of_seed(seed)]
