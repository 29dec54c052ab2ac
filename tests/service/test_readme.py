# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the README shows of the service: run as it stands there, but for the guest's socket and the bus; its manual's figure."""

import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time
import unittest

from tests.cli.program import BINARY, TOP
from tests.service import test_service
from tests.service.agent import HELPER, Agent
from tests.service.test_service import STEER

UNITS = pathlib.Path(BINARY).resolve().parents[1] / "packaging/service"
SECTION = re.search(r"^## As a service\n(.*?)^## ", (TOP / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)[1]
COMMANDS = "\n".join(re.findall(r"^    (.*)$", SECTION, re.MULTILINE))
FIGURES = re.findall(r"[`<](systemd-analyze security [^`>]*)[`>]:\s+([0-9.]+)",
                     SECTION + (TOP / "man/qmpmig-agent.pod").read_text("utf-8"))
# Where no systemd runs: it takes the words for what they are, and starts what the unit would.
SYSTEMCTL = """#!/bin/sh
[ "$*" = "enable --now $UNIT" ] || { echo "systemctl: $*" >&2; exit 1; }
"$HELPER" --config "$CONFIG" > "$FOLDER/output" 2> "$FOLDER/agent.log" &
echo $! > "$FOLDER/pid"
gdbus wait --system --timeout 15 org.qmpmig.Agent1
"""


def end(pid):
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + 10
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < until:
        time.sleep(0.02)


@unittest.skipUnless(os.path.exists(HELPER), "built without the service")
class Readme(unittest.TestCase):
    pair, begin = test_service.Service.pair, test_service.Service.begin

    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="qmpmig-readme-"))

    def environment(self, agent):
        (unit,) = (path.stem for path in UNITS.glob("*.service") if path.stem != "org.qmpmig.Agent1")
        stub = pathlib.Path(self.folder, "systemctl")
        stub.write_text(SYSTEMCTL, "ascii")
        stub.chmod(0o755)
        return {**agent.environment(), "DBUS_SYSTEM_BUS_ADDRESS": agent.address, "UNIT": unit, "HELPER": HELPER,
                "CONFIG": agent.config, "FOLDER": self.folder, "PATH": f"{self.folder}:{os.environ['PATH']}"}

    def run_commands(self, agent, commands):
        pid = pathlib.Path(self.folder, "pid")
        try:
            return subprocess.run(["sh", "-e", "-c", commands], capture_output=True, text=True, timeout=30, check=False,
                                  env=self.environment(agent))
        finally:
            if pid.exists():
                self.addCleanup(end, int(pid.read_text("ascii")))

    def test_its_commands_have_a_guest_steered(self):
        agent = Agent(self.folder, STEER)
        self.addCleanup(agent.close)
        pair = self.pair("auto-converge")
        self.assertIn("/run/web1.qmp", COMMANDS)
        done = self.run_commands(agent, COMMANDS.replace("/run/web1.qmp", pair.source.path))
        self.assertEqual(done.returncode, 0, done.stderr)
        path = re.search(r"objectpath '([^']+)'", done.stdout)[1]
        self.assertEqual(agent.of(path, "Role"), "steered")

    def test_the_exposure_is_what_systemd_says(self):
        self.assertEqual((len(FIGURES), len(set(FIGURES))), (2, 1), FIGURES)
        command, figure = FIGURES[0]
        unit = UNITS / "qmpmig-agent.service"
        done = subprocess.run([*command.split(), str(unit)], capture_output=True, text=True, timeout=30, check=False)
        said = re.search(r"Overall exposure level for qmpmig-agent.service: ([0-9.]+)", done.stdout)
        self.assertIsNotNone(said, done.stdout[-500:] + done.stderr)
        self.assertEqual(figure, said[1])


if __name__ == "__main__":
    unittest.main()
