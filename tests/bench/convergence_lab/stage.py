# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where one run happens: the guest on host a, to be moved to host b; by libvirt's hand or by ours, the machine is the same."""

import contextlib
import os
import subprocess

from tests.bench.convergence_lab import domain
from tests.bench.convergence_lab.end import End
from tests.lab.qmp import QmpClosed

PORT = 49152


class Stage:
    """with Stage(...) as stage: the guest runs on a; afterwards no guest is left on either."""

    def __init__(self, a, b, parameters):
        self.a, self.b = a, b
        self.processes = []
        self.xml = domain.make_xml(parameters)
        self.source = self.destination = None
        self.closing = contextlib.ExitStack()   # what a contender has beside the guest

    def __enter__(self):
        self.source, self.destination = End(self.a), End(self.b)
        try:
            self.start()
            self.source.wait_boot()
        except BaseException:
            self.cleanup()
            raise
        return self

    def __exit__(self, *_):
        self.cleanup()

    def cleanup(self):
        with self.closing:
            try:
                self.stop()
            finally:
                self.source.close()
                self.destination.close()

    def write_xml(self):
        path = os.path.join(self.a.folder, "bench.xml")
        with open(path, "w") as file:
            file.write(self.xml)
        return path

    def uri(self):
        return f"tcp:{self.b.address}:{PORT}"


class LibvirtStage(Stage):
    def start(self):
        self.a.virsh("create", self.write_xml())

    def stop(self):
        for host in (self.a, self.b):
            host.virsh("destroy", domain.NAME, check=False, timeout=60)


class BareStage(Stage):
    """The destination waits with -S and -incoming defer, as libvirt's does."""

    def start(self):
        argv = domain.native_argv(self.a, self.write_xml())
        self._start_qemu(self.a, argv)
        self._start_qemu(self.b, [*argv, "-S", "-incoming", "defer"])
        if not self.destination.attached.wait(30):
            raise RuntimeError(f"the destination's QEMU did not start: {self.last_words(self.b)}")

    def _start_qemu(self, host, argv):
        with open(os.path.join(host.folder, "qemu.log"), "wb") as log:
            self.processes.append(host.start(argv, stdout=log, stderr=log))

    def last_words(self, host):
        with open(os.path.join(host.folder, "qemu.log"), encoding="utf-8", errors="replace") as file:
            return file.read().strip()[-500:]

    def stop(self):
        for end, process in zip((self.source, self.destination), self.processes):
            if process.poll() is None and end.witness is not None:
                quit_qemu(end.witness, process)
            if process.poll() is None:
                end.host.kill_guests()
                process.wait(10)

    def qmp(self, end):
        return end.host.outside(domain.MONITOR)


def quit_qemu(witness, process):
    try:
        witness.send("quit")
        process.wait(5)
    except (QmpClosed, subprocess.TimeoutExpired):
        pass        # it went first, or has to be killed
