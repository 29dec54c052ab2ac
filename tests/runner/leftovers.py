# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a run leaves on the machine outside its own folder: network namespaces, mounts, folders of the lab.

Others may be testing on this machine. A name with a process's number in it is ours when that process was; a mount or a
namespace whose name says nothing is taken for ours.
"""

import glob
import os
import re
import tempfile


class Machine:
    """As it was when this was made."""

    def __init__(self):
        self.before = self._look()

    def new(self, pids):
        """What of ours came since."""
        return sorted(thing for thing in self._look() - self.before if is_ours(thing, pids))

    @staticmethod
    def _look():
        return {*namespaces(), *mounts(), *folders()}


def namespaces():
    return {f"network namespace {name}" for name in os.listdir("/run/netns")} if os.path.isdir("/run/netns") else set()


def mounts():
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        points = [line.split()[4] for line in file]
    return {f"mount {point}" for point in points if not point.startswith("/run/netns")}


def folders():
    return {f"folder {path}" for path in glob.glob(os.path.join(tempfile.gettempdir(), "qmpmig-lab-*"))}


def is_ours(thing, pids):
    numbers = re.findall(r"(?:qlab|-)(\d+)-", thing)
    return not numbers or any(int(number) in pids for number in numbers)
