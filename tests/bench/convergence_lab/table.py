# SPDX-License-Identifier: LGPL-2.1-or-later
"""The results as Markdown: a summary for each group of cells, then every contender in every cell."""

from tests.bench.convergence_lab import verdict

GROUPS = (("Whole pages", False, True), ("Sparse writes", False, False), ("Held out", True, None))
MARK = "\\*"
SERVICE = "virsh-auto-converge-service"
QEMUS_OWN = "auto-tcp"


def make_table(board, headers):
    parts = [heading(headers), floors(board)]
    for title, held_out, whole_page in GROUPS:
        cells = board.cells(held_out, whole_page)
        if cells:
            parts += [f"## {title}", summary(board, cells), losses(board, cells), details(board, cells)]
    if foreseen := impossible(board):
        parts.append(foreseen)
    if any(SERVICE in row for row in board.figures.values()):
        parts.insert(2, service(board))
    if connected := connections(board):
        parts.insert(2, connected)
    return "\n\n".join(parts) + "\n"


def heading(headers):
    lines = ["# Convergence, against libvirt", ""]
    for header in headers[-1:]:
        lines += [f"QEMU {header['qemu']}, libvirt {header['libvirt']}, {header['machine']}. Begun, with which qmpmig, and how:", ""]
    lines += [f"    {header['when']}  {header['commit']:13}  {header['command']}" for header in headers]
    return "\n".join([*lines, "", f"{MARK} taken while others used the machine: nothing is claimed from these."])


def floors(board):
    links = sorted({cell.link_mbit for cell in board.figures})
    rows = [[f"{link} Mbit/s", number(board.floor_ms(link) or None, 0), number(board.libvirt_fixed_s(link) or None, 2)]
            for link in links]
    return "## Floors\n\n" + rows_to_markdown(
        ["link", f"idle guest's blackout by {board.subject}, ms", "libvirt's fixed time, s"], rows)


def summary(board, cells):
    rows = []
    for cell in cells:
        plain = board.plain_converges(cell)
        stuck = board.against_auto_converge(cell) if plain is False else None
        easy = board.against_fastest(cell) if plain else None
        rows.append([cell.id, {None: "", True: "yes", False: "no"}[plain],
                     *(number(stuck[i], 2) if stuck else "" for i in (0, 1)),
                     f"{easy[0]:.2f} ({easy[1]})" if easy else "", number(easy[2], 2) if easy else "",
                     "" if board.is_clean(cell, *compared(board, stuck, easy)) else MARK])
    count, total, lost = verdict.medians(board, cells)
    kept, runs = board.standstills(cells)
    text = rows_to_markdown(["cell", "plain converges", "total / auto-converge", "lost / auto-converge",
                             "total / fastest pre-copy", "blackout / plain", ""], rows)
    claim = (f"Where plain does not converge, in {count} cells: total time {total:.2f}, work lost {lost:.2f} of "
             "auto-converge's in the median." if count else "No cell without load where plain does not converge.")
    return f"{text}\n\n{claim} Longest standstill within the limit in {kept} of {runs} runs of {board.subject}."


def service(board):
    """virsh migrate --auto-converge, unchanged, with our service beside it against without."""
    cells = [cell for cell in board.figures if SERVICE in board.figures[cell] and board.plain_converges(cell) is False]
    rows = []
    for cell in cells:
        ratios = board.against_auto_converge(cell, SERVICE)
        rows.append([cell.id, *(number(ratios[i], 2) if ratios else "" for i in (0, 1)),
                     str(len(board.figures[cell][SERVICE].runs)),
                     "" if board.is_clean(cell, SERVICE, "virsh-auto-converge") else MARK])
    count, total, lost = verdict.medians(board, cells, SERVICE)
    claim = (f"In {count} cells: total time {total:.2f}, work lost {lost:.2f} in the median." if count
             else "No cell without load.")
    table = rows_to_markdown(["cell", "total / auto-converge", "lost / auto-converge", "runs", ""], rows)
    return f"## The service beside `virsh migrate --auto-converge`, against that alone\n\n{table}\n\n{claim}"


def connections(board):
    """Over the connection that qmpmig made, against over one of QEMU's own."""
    rows = [[cell.id, *(number(row[name].median(what), digits) for what, digits in (("blackout_ms", 0), ("total_s", 1))
                        for name in (board.subject, QEMUS_OWN)),
             str(min(len(row[name].runs) for name in (board.subject, QEMUS_OWN))),
             "" if board.is_clean(cell, board.subject, QEMUS_OWN) else MARK]
            for cell, row in board.figures.items() if board.subject in row and QEMUS_OWN in row]
    table = rows_to_markdown(["cell", "blackout over fd:tcp:, ms", "over tcp:, ms", "total over fd:tcp:, s", "over tcp:, s", "runs",
                              ""], rows)
    return f"## Who connects\n\n{table}" if rows else None


def impossible(board):
    """Every move of which it was said that it cannot end, and whether it did all the same."""
    rows = [[cell.id, name, run["outcome"], number(run["total_s"], 1), number(run["cannot"]["after_s"], 1),
             number(run["cannot"]["throttle_s"], 2), run["cannot"]["words"]]
            for cell, row in board.figures.items() for name, figures in row.items() for run in figures.runs if run.get("cannot")]
    table = rows_to_markdown(["cell", "contender", "outcome", "total s", "said after s", "throttled until then, s", "words"], rows)
    return f"## Said to be impossible within the limits\n\n{table}" if rows else None


def compared(board, stuck, easy):
    """Whose figures a line rests on."""
    return [board.subject, *(["virsh-auto-converge"] if stuck else []), *([easy[1], "virsh-plain"] if easy else [])]


def losses(board, cells):
    lines = [f"- {cell.id}{'' if board.is_clean(cell, board.subject) else ' ' + MARK}: {'; '.join(found)}"
             for cell in cells if (found := verdict.losses(board, cell))]
    return f"Cells where {board.subject} loses:\n\n" + ("\n".join(lines) or "- none")


def details(board, cells):
    return "\n\n".join(f"### {cell.id}\n\n{cell_table(board.figures[cell])}" for cell in cells)


def cell_table(row):
    head = ["contender", "completed", "total s", "blackout ms", "standstill ms", "lost s", "sent MiB", "throttle s",
            "dirtied MiB/s", "others, cores"]
    return rows_to_markdown(head, [figures_row(name, figures) for name, figures in row.items()])


def figures_row(name, figures):
    completed = sum(run["outcome"] == "completed" for run in figures.runs)
    sent = figures.median("sent_bytes")
    return [name + ("" if figures.clean else " " + MARK), f"{completed}/{len(figures.runs)}",
            number(figures.median("total_s"), 1), number(figures.median("blackout_ms"), 0),
            number(figures.median("standstill_ms"), 0), number(figures.median("lost_s"), 2),
            number(sent and sent / (1 << 20), 0), number(figures.median("throttle_s"), 2),
            number(figures.median("dirtied_mib_s"), 0), number(figures.median("foreign_cores"), 1)]


def number(value, digits):
    return "" if value is None else f"{value:.{digits}f}"


def rows_to_markdown(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
