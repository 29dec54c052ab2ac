# SPDX-License-Identifier: LGPL-2.1-or-later
"""The results as a picture (SVG): for each policy the regret in feasible cells, from the median to the 90th percentile and on
to the worst."""

from tests.bench.convergence_lab.plot import text, ticks
from tests.bench.regret_lab.roster import BY_NAME, PRE_COPY_SUBJECT, SUBJECT
from tests.bench.regret_lab.score import FEASIBLE, quantile
from tests.bench.regret_lab.table import present

import math

ROW, LEFT, WIDTH, TOP = 20, 200, 620, 60
LOW, HIGH = 0.01, 10000
COLOURS = {True: "#58707f", False: "#a07f2c"}
SUBJECT_COLOUR = "#1f6fb4"


def make_plot(scored):
    cells = [one for one in scored if one.kind() == FEASIBLE]
    spreads = {name: [quantile([one.regret_s(name) for one in cells], part) for part in (0.5, 0.9, 1)] for name in present(cells)}
    names = sorted(spreads, key=lambda name: (not BY_NAME[name].pre_copy, spreads[name][1]))
    bottom = TOP + ROW * len(names)
    body = [text(LEFT, 20, f"work lost beyond the least possible, s: median, 90th percentile, worst of {len(cells)} feasible cells"),
            text(LEFT, 36, "blue: auto; grey: without postcopy; brown: with")]
    for tick in ticks(LOW, HIGH):
        if math.log10(tick).is_integer():
            body += [f'<line x1="{place(tick):.1f}" y1="{TOP - 8}" x2="{place(tick):.1f}" y2="{bottom}" stroke="#ddd"/>',
                     text(place(tick), bottom + 14, f"{tick:g}", "middle")]
    for row, name in enumerate(names):
        body += draw(name, spreads[name], TOP + ROW * row + ROW / 2)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 40}" height="{bottom + 30}" '
            'font-family="sans-serif" font-size="11">\n<rect width="100%" height="100%" fill="white"/>\n'
            + "\n".join(body) + "\n</svg>\n")


def draw(name, spread, y):
    colour = SUBJECT_COLOUR if name in (SUBJECT, PRE_COPY_SUBJECT) else COLOURS[BY_NAME[name].pre_copy]
    median, most, worst = map(place, spread)
    return [text(LEFT - 10, y + 4, name, "end"),
            f'<line x1="{median:.1f}" y1="{y}" x2="{worst:.1f}" y2="{y}" stroke="{colour}"/>',
            f'<line x1="{median:.1f}" y1="{y}" x2="{most:.1f}" y2="{y}" stroke="{colour}" stroke-width="7"/>',
            f'<circle cx="{median:.1f}" cy="{y}" r="5" fill="{colour}"/>']


def place(value):
    """Logarithmic; what is outside is drawn at the edge."""
    return LEFT + WIDTH * math.log(min(max(value, LOW), HIGH) / LOW) / math.log(HIGH / LOW)
