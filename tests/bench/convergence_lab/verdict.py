# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the subject has to show, cell by cell: a list of sentences about those where it loses, each with its numbers."""

import statistics

TOTAL_RATIO, LOST_RATIO = 0.45, 0.6             # medians, where plain does not converge
WORST_LOST_RATIO, WORST_LOST_MORE_S = 1.1, 0.2  # of any cell there
CONVERGING_RATIO = 1.05                         # of any cell where plain converges
BLACKOUT_RATIO, BLACKOUT_OVER_FLOOR_MS = 1 / 3, 30


def completion_losses(board, cell):
    others = [name for name in board.figures[cell] if name != board.subject and board.keeps_limit(cell, name)]
    if board.subject not in board.figures[cell] or board.keeps_limit(cell, board.subject) or not others:
        return []
    figures = board.figures[cell][board.subject]
    how = (f"its blackout is {figures.median('blackout_ms'):.0f} ms of {cell.limit_ms} (floor "
           f"{board.floor_ms(cell.link_mbit):.0f})" if figures.completed else "it does not complete")
    return [f"{how}, where {', '.join(others)} keep the limit"]


def stuck_losses(board, cell):
    ratios = board.against_auto_converge(cell)
    if ratios is None:
        return []
    total, lost, more_s = ratios
    losses = [f"total time {total:.2f} of auto-converge's"] if total > 1 else []
    if lost > WORST_LOST_RATIO and more_s > 0 or more_s > WORST_LOST_MORE_S:
        losses.append(f"work lost {lost:.2f} of auto-converge's, {more_s:+.2f} s")
    return losses


def converging_losses(board, cell):
    ratios = board.against_fastest(cell)
    if ratios is None:
        return []
    total, fastest, blackout, over_floor_ms = ratios
    losses = [f"total time {total:.2f} of {fastest}'s"] if total > CONVERGING_RATIO else []
    if blackout > BLACKOUT_RATIO and over_floor_ms > BLACKOUT_OVER_FLOOR_MS:
        losses.append(f"blackout {blackout:.2f} of plain's, {over_floor_ms:.0f} ms over the floor")
    return losses


def losses(board, cell):
    if board.plain_converges(cell) is None:
        return completion_losses(board, cell)
    kind = converging_losses if board.plain_converges(cell) else stuck_losses
    return completion_losses(board, cell) + kind(board, cell)


def medians(board, cells, contender=None):
    """(how many cells, median ratio of total time, of work lost) where plain does not converge; clean cells only."""
    contender = contender or board.subject
    ratios = [ratio for cell in cells if board.plain_converges(cell) is False
              and board.is_clean(cell, contender, "virsh-auto-converge")
              and (ratio := board.against_auto_converge(cell, contender)) is not None]
    if not ratios:
        return 0, None, None
    return len(ratios), statistics.median(r[0] for r in ratios), statistics.median(r[1] for r in ratios)
