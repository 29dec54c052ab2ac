# SPDX-License-Identifier: LGPL-2.1-or-later
"""Processes below this one, whatever they did to get away: orphans become our children."""

import ctypes
import os

PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans():
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def parents():
    """{pid: parent's pid} of all that run; the dead that nobody has buried are left out."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                    state, parent = file.read().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if state not in "ZX":
                found[int(name)] = int(parent)
    return found


def below(ancestor, except_below=()):
    """Pids of the ancestor's descendants, without those of some children of its."""
    parent_of = parents()
    found = []
    for pid in parent_of:
        step = pid
        while step in parent_of and step != ancestor and step not in except_below:
            step = parent_of[step]
        if step == ancestor and pid != ancestor:
            found.append(pid)
    return found


def speaks_of(pid, folder):
    """Whether the folder is in its command line or environment."""
    for name in ("cmdline", "environ"):
        try:
            with open(f"/proc/{pid}/{name}", "rb") as file:
                if folder.encode() in file.read():
                    return True
        except OSError:
            pass
    return False


def describe(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        words = ""
    return f"process {pid}: {words[:200]}"


def kill(pid, signal):
    try:
        os.kill(pid, signal)
    except ProcessLookupError:
        pass
