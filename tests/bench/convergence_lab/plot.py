# SPDX-License-Identifier: LGPL-2.1-or-later
"""The results as a picture (SVG): a row for each cell, a dot for each contender, time, blackout and work lost side by side."""

import math
from xml.sax.saxutils import escape

COLOURS = ("#1f6fb4", "#d1602d", "#3b8f4a", "#7d5ba6", "#a07f2c", "#58707f", "#c2478b", "#2aa1a1", "#8a4b3a", "#555555",
           "#93b11e", "#b03a3a", "#e0b000", "#111111", "#9ecae1", "#f4a6c0")
ROW, LEFT, WIDTH, GAP, TOP = 22, 320, 230, 30, 100
PANELS = (("total time, s", "total_s", 1, 100), ("blackout, ms", "blackout_ms", 30, 3000), ("work lost, s", "lost_s", 0.03, 30))


def make_plot(board, wanted=None):
    """wanted: only these contenders, and only what was measured on a machine of one's own."""
    cells = [cell for cell in board.figures if not cell.is_idle and (wanted is None or board.is_clean(cell, *wanted[:2]))]
    names = sorted({name for cell in cells for name in board.figures[cell]}, key=lambda name: (name != board.subject, name))
    names = names if wanted is None else wanted
    colours = {name: COLOURS[number % len(COLOURS)] for number, name in enumerate(names)}
    height = TOP + ROW * len(cells) + 20
    width = LEFT + len(PANELS) * (WIDTH + GAP)
    body = [legend(colours), *(cell_name(cell, row) for row, cell in enumerate(cells))]
    for number, panel in enumerate(PANELS):
        body += draw_panel(panel, LEFT + number * (WIDTH + GAP), cells, board, colours)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" '
            f'font-size="11">\n<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(body) + "\n</svg>\n")


def draw_panel(panel, left, cells, board, colours):
    title, name, low, high = panel
    drawn = [text(left, TOP - 18, title)]
    bottom = TOP + ROW * len(cells)
    for tick in ticks(low, high):
        x = left + place(tick, low, high)
        drawn += [f'<line x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{bottom}" stroke="#ddd"/>',
                  text(x, bottom + 12, f"{tick:g}", "middle")]
    for row, cell in enumerate(cells):
        for contender, figures in board.figures[cell].items():
            value = figures.median(name) if contender in colours else None
            if value is not None:
                drawn.append(dot(left + place(value, low, high), TOP + ROW * row + ROW / 2, colours[contender],
                                 figures.completed))
    return drawn


def ticks(low, high):
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [step * 10.0**power for power in powers for step in (1, 3) if low <= step * 10.0**power <= high]


def place(value, low, high):
    """Logarithmic; what is outside is drawn at the edge."""
    return WIDTH * math.log(min(max(value, low), high) / low) / math.log(high / low)


def dot(x, y, colour, completed):
    """Hollow: it did not complete."""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" stroke="{colour}" fill="{colour if completed else "none"}"/>'


def legend(colours):
    drawn = []
    for number, (name, colour) in enumerate(colours.items()):
        x, y = 15 + number % 5 * 205, 15 + number // 5 * 16
        drawn += [dot(x, y, colour, True), text(x + 9, y + 4, name)]
    return "\n".join(drawn)


def cell_name(cell, row):
    return text(LEFT - 10, TOP + ROW * row + ROW / 2 + 4, cell.id, "end")


def text(x, y, words, anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
