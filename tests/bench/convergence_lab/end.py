# SPDX-License-Identifier: LGPL-2.1-or-later
"""One end of a move, from outside: the guest's heartbeat as it comes in, and a second monitor of its QEMU."""

import os
import threading

from tests.bench.convergence_lab import domain
from tests.bench.convergence_lab.load import prefer
from tests.lab.qmp import Qmp, QmpClosed, connect
from tests.lab.vm import BEAT, Beat, Serial


class End:
    """Waits, in a thread, for a QEMU that may start at any time, and listens before its guest can run."""

    def __init__(self, host):
        self.host = host
        self.serial = None
        self.witness = None
        self.attached = threading.Event()
        self._gone = threading.Event()
        for path in (domain.SERIAL, domain.WITNESS, domain.MONITOR):
            if os.path.exists(host.outside(path)):
                os.unlink(host.outside(path))
        self._thread = threading.Thread(target=self._attach, daemon=True, name=f"end {host.name}")
        self._thread.start()

    def _attach(self):
        try:
            self.serial = Serial(connect(self.host.outside(domain.SERIAL), 300, self._gone.is_set), self.host.name)
            self.witness = Qmp(self._reachable(domain.WITNESS))
            for pid in self.host.guests():
                prefer(pid)
        except (OSError, QmpClosed):
            return      # it never came, or died at once; whoever started it says so
        self.attached.set()

    def _reachable(self, path):
        connect(self.host.outside(path), 300, self._gone.is_set).close()
        return self.host.outside(path)

    def wait_boot(self, timeout=60):
        if not self.attached.wait(timeout):
            raise TimeoutError(f"host {self.host.name}: no QEMU to listen to in {timeout} s")
        self.serial.wait_line(BEAT, timeout)

    def beats(self):
        if self.serial is None:
            return []
        return [Beat(*map(int, match.groups()), line.received, line.wall)
                for line in self.serial.lines_since() if (match := BEAT.fullmatch(line.text))]

    def events(self, name):
        return self.witness.events_named(name) if self.witness else []

    def close(self):
        self._gone.set()
        self._thread.join(10)
        for reader in (self.serial, self.witness):
            if reader is not None:
                reader.close()
