# SPDX-License-Identifier: LGPL-2.1-or-later
"""The whole lab: two hosts with a libvirtd each, and the link. with Lab() as lab: all of it is gone afterwards."""

import os
import re
import shutil
import subprocess

from tests.bench.convergence_lab.host import BenchHost
from tests.bench.convergence_lab.link import Link
from tests.lab import vm
from tests.lab.hosts import Hosts


class Lab:
    def __init__(self):
        if os.geteuid() != 0:
            raise PermissionError("network namespaces need root")
        sweep_namespaces()
        self.folder = vm.Machine.new_folder()
        self.a = self.b = self.hosts = None
        try:
            self.hosts = Hosts(rate_mbit=1000)
            self.link = Link(self.hosts)
            self.a = BenchHost("a", self.hosts.a, self.folder)
            self.b = BenchHost("b", self.hosts.b, self.folder)
        except BaseException:
            self.cleanup()
            raise

    def cleanup(self):
        for part in (self.a, self.b, self.hosts):
            if part is not None:
                part.cleanup()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.cleanup()


def sweep_namespaces():
    """Those of benches and tests that were killed; what ran in them went with them."""
    for line in subprocess.run(["ip", "netns", "list"], check=True, capture_output=True, text=True).stdout.splitlines():
        owned = re.match(r"qlab(\d+)-\d+[ab]\b", line)
        if owned and not os.path.exists(f"/proc/{owned[1]}"):
            subprocess.run(["ip", "netns", "delete", owned[0]], check=False, capture_output=True)
