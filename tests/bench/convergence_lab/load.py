# SPDX-License-Identifier: LGPL-2.1-or-later
"""What others do on this machine meanwhile: a result that was taken beside them proves nothing."""

import os
import time

TOO_MUCH_CORES = 0.15
KERNEL_THREADS = 2      # their parent
NICE = -19


class ForeignLoad:
    """CPU time of all processes that are not below this one."""

    def __init__(self):
        self._start_s = time.monotonic()
        self._before = foreign_ticks()

    def cores(self):
        """How many cores they kept busy since, on the average."""
        ticks = max(0, foreign_ticks() - self._before)
        return ticks / os.sysconf("SC_CLK_TCK") / max(time.monotonic() - self._start_s, 0.01)


def foreign_ticks():
    """Others' on this machine, and what the machine itself, when it is a virtual one, was made to wait."""
    with open("/proc/stat", encoding="utf-8") as file:
        stolen = stolen_ticks(file.readline())
    return stolen + sum_foreign({int(pid): stat for pid in os.listdir("/proc") if pid.isdigit() and (stat := read_stat(pid))},
                                {os.getpid(), KERNEL_THREADS})


def stolen_ticks(line):
    """Of /proc/stat's first line."""
    return int(line.split()[8])


def sum_foreign(stats, ours):
    """Of those that do not descend from ours; who they have seen the end of counts with them, so that nobody slips through.
    Kernel threads work for us as much as for others. stats: {pid: (parent, ticks)}."""
    grown = True
    while grown:
        children = {pid for pid, (parent, _) in stats.items() if parent in ours} - ours
        ours = ours | children
        grown = bool(children)
    return sum(ticks for pid, (_, ticks) in stats.items() if pid not in ours)


def wait_quiet(patience_s):
    """Until others leave the machine alone for two seconds, or that long."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        load = ForeignLoad()
        time.sleep(2)
        if load.cores() < TOO_MUCH_CORES:
            return


def read_stat(pid):
    """(parent, ticks), or None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            words = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return int(words[1]), sum(map(int, words[11:15]))


def prefer(pid):
    """Before others, as far as we may: the kernel weighs sessions first, then the processes in each."""
    try:
        os.setpriority(os.PRIO_PROCESS, pid, NICE)
        with open(f"/proc/{pid}/autogroup", "w") as file:
            file.write(str(NICE))
    except OSError:
        pass
