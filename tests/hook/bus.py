# SPDX-License-Identifier: LGPL-2.1-or-later
"""A system bus of our own, which starts a service that answers, refuses, fails, hangs, dies or crashes."""
import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time

from tests.cli import program

FAKE = pathlib.Path(program.BINARY).resolve().parents[1] / "tests/hook/fake-service"

CONFIGURATION = """<busconfig>
  <listen>unix:path={folder}/bus</listen>
  <auth>EXTERNAL</auth>
  <servicedir>{folder}</servicedir>
  <policy context="default">
    <allow user="*"/><allow own="*"/><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
  </policy>
</busconfig>
"""

SERVICE = """[D-BUS Service]
Name=org.qmpmig.Agent1
Exec={fake} {manner} {record}
"""


class Bus:
    """The manner None: no such service is installed."""

    def __init__(self, manner):
        self._folder = tempfile.TemporaryDirectory()
        folder = pathlib.Path(self._folder.name)
        folder.chmod(0o777)
        self.record = folder / "calls"
        self.address = f"unix:path={folder}/bus"
        (folder / "bus.conf").write_text(CONFIGURATION.format(folder=folder))
        if manner:
            (folder / "org.qmpmig.Agent1.service").write_text(
                SERVICE.format(fake=FAKE, manner=manner, record=self.record))
        self._process = subprocess.Popen(
            ["dbus-daemon", f"--config-file={folder}/bus.conf", "--nofork", "--nosyslog"], start_new_session=True,
            stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
            env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": self.address})
        wait_for((folder / "bus").exists, "the bus")

    def calls(self, count, within=5):
        """The lines of the record, at least so many."""
        def read():
            lines = self.record.read_text().splitlines() if self.record.exists() else []
            return lines if len(lines) >= count else None
        return wait_for(read, f"{count} calls", within)

    def end(self):
        """The service that the bus started is in its session."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._folder.cleanup()


class DeafBus:
    """Takes connections, and never says a word."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory()
        pathlib.Path(self._folder.name).chmod(0o777)
        path = f"{self._folder.name}/bus"
        self.address = f"unix:path={path}"
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(path)
        os.chmod(path, 0o777)
        self._socket.listen(16)

    def end(self):
        self._socket.close()
        self._folder.cleanup()


def wait_for(ask, what, within=5):
    until = time.monotonic() + within
    while not (answer := ask()):
        if time.monotonic() > until:
            raise AssertionError(f"{what}: not within {within} s")
        time.sleep(0.01)
    return answer
