# SPDX-License-Identifier: LGPL-2.1-or-later
"""The service, and qmpmig at a shell, at one guest by different monitors: here two peers that say the same uuid."""

import os
import signal
import subprocess
import tempfile
import unittest

from tests.cli.program import BINARY
from tests.peer.peer import FakePair, Ram
from tests.service import test_service
from tests.service.agent import HELPER, Refusal
from tests.service.test_service import NEVER_ENDS, STEER

FIXED = "{'policy': <'fixed,downtime=5ms'>}"


@unittest.skipUnless(os.path.exists(HELPER), "built without the service")
class Alone(unittest.TestCase):
    agent, begin, changes = (getattr(test_service.Service, name) for name in ("agent", "begin", "changes"))

    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="qmpmig-alone-"))
        self.one = self.enterContext(FakePair("10.0", ram=Ram(**NEVER_ENDS), source={"name": "one"}))
        self.other = self.enterContext(FakePair("10.0", ram=Ram(**NEVER_ENDS), source={"name": "other"},
                                                uuid=self.one.source.uuid))
        for pair in (self.one, self.other):
            self.begin(pair, "auto-converge")

    def shell(self, agent, *words):
        """At the other monitor, in a runtime folder of its own."""
        environment = {**agent.environment(), "RUNTIME_DIRECTORY": f"{self.folder}/shell"}
        process = subprocess.Popen([BINARY, "--json", "--socket", self.other.source.path, "steer", "--policy", "fixed,downtime=7ms",
                                    *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def wait_steered(self, pair, ms):
        pair.source.wait(lambda _: {"downtime-limit": ms} in self.changes(pair.source))

    def test_a_shell_is_refused_what_the_service_steers(self):
        agent = self.agent(STEER)
        agent.steer(self.one.source.path, FIXED)
        self.wait_steered(self.one, 5)
        process = self.shell(agent)
        said, _ = process.communicate(timeout=20)
        self.assertIn(f"pid {agent.process.pid} of qmpmig steers this guest already", said)
        self.assertEqual(process.returncode, 3)
        self.assertEqual(self.changes(self.other.source), [])

    def test_the_service_is_refused_what_a_shell_steers_until_that_ends(self):
        agent = self.agent(STEER)
        process = self.shell(agent)
        self.wait_steered(self.other, 7)
        with self.assertRaises(Refusal) as refusal:
            agent.steer(self.one.source.path, FIXED)
        self.assertEqual(refusal.exception.name, "Unreachable")
        self.assertIn(f"pid {process.pid} of qmpmig steers this guest already", str(refusal.exception))
        self.assertEqual(self.changes(self.one.source), [])
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        agent.steer(self.one.source.path, FIXED)
        self.wait_steered(self.one, 5)

    def test_who_only_looks_is_in_nobodys_way(self):
        agent = self.agent()
        path = agent.steer(self.one.source.path, FIXED)
        self.assertEqual(agent.of(path, "Role"), "observed")
        self.shell(agent)
        self.wait_steered(self.other, 7)


if __name__ == "__main__":
    unittest.main()
