# SPDX-License-Identifier: LGPL-2.1-or-later
"""What QEMU says of its migration to a second monitor, ten times a second, whoever drives it."""

import threading
import time

from tests.lab.qmp import QmpClosed, QmpError, QmpTimeout

PERIOD_S = 0.1


class Watch:
    """Until the QEMU is gone, or stop()."""

    def __init__(self, end):
        self.samples = []       # (time.monotonic(), what query-migrate said)
        self._end = end
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="watch")
        self._thread.start()

    def _run(self):
        while not self._stop.wait(PERIOD_S):
            try:
                reply = self._end.witness.call("query-migrate", timeout=120)
            except (QmpClosed, QmpError, QmpTimeout):
                return
            self.samples.append((time.monotonic(), reply))

    def stop(self):
        self._stop.set()
        self._thread.join(130)

    def throttle_s(self):
        """The throttle's integral over time: seconds of the guest's that it was told to stand still."""
        return integral([(at, reply.get("cpu-throttle-percentage", 0) / 100) for at, reply in self.samples])

    def last(self):
        return self.samples[-1][1] if self.samples else {}


def integral(points):
    """Of (time, value) steps: a value counts until the next one."""
    return sum((later[0] - earlier[0]) * earlier[1] for earlier, later in zip(points, points[1:]))
