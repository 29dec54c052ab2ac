# SPDX-License-Identifier: LGPL-2.1-or-later
"""The service, on a bus of its own, with peers that play QEMU."""

import glob
import json
import os
import pathlib
import signal
import tempfile
import unittest

from tests.cli.program import BINARY
from tests.display.record import record_faults
from tests.peer.peer import FakePair, Ram
from tests.peer.test_peer import Client
from tests.service.agent import HELPER, PATH, Agent, Refusal

STEER = "[agent]\nmode = steer\n"
NEVER_ENDS = {"working_set": 64 << 20, "dirty_rate": 1 << 30, "link": 32 << 20}


@unittest.skipUnless(os.path.exists(HELPER), "built without the service")
class Service(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="qmpmig-service-"))

    def agent(self, config=""):
        agent = Agent(self.folder, config)
        self.addCleanup(agent.close)
        return agent.start()

    def pair(self, *capabilities, name="web1", begin=True):
        """Two peers; a migration that somebody began, and that never ends by itself."""
        pair = FakePair("10.0", ram=Ram(**NEVER_ENDS), source={"name": name})
        pair.__enter__()
        self.addCleanup(pair.__exit__, None, None, None)
        if begin:
            self.begin(pair, *capabilities)
        return pair

    def begin(self, pair, *capabilities):
        uri = f"unix:{self.folder}/stream-{os.path.basename(pair.source.path)}"
        for peer, command in ((pair.destination, "migrate-incoming"), (pair.source, "migrate")):
            client = Client(peer)
            client.call("migrate-set-capabilities",
                        capabilities=[{"capability": each, "state": True} for each in capabilities])
            self.assertEqual(client.call(command, uri=uri)["return"], {})
            client.close()
        pair.source.wait_status("active")

    def changes(self, peer):
        return [entry.message["arguments"] for entry in peer.received("migrate-set-parameters")]

    def trace(self, agent, path):
        """Its lines up to now; the path is told a moment before the file is there."""
        try:
            with open(agent.of(path, "TracePath"), encoding="utf-8") as file:
                return [json.loads(line) for line in file]
        except FileNotFoundError:
            return []

    # -- Observing and steering

    def test_the_command_runs_it_on_the_bus_that_is_named(self):
        agent = Agent(self.folder)
        self.addCleanup(agent.close)
        agent.start(BINARY, "agent", "--bus", agent.address)
        self.assertEqual(agent.property("Mode"), "observe")

    def test_freshly_installed_it_observes(self):
        agent = self.agent()
        pair = self.pair("auto-converge")
        path = agent.steer(pair.source.path, "{'policy': <'fixed,downtime=5ms'>}")
        self.assertEqual(agent.of(path, "Role"), "observed")
        agent.wait(lambda: agent.of(path, "Reason"), "what it would do")
        self.assertEqual(self.changes(pair.source), [])

    def test_with_mode_steer_it_turns_the_knobs(self):
        agent = self.agent(STEER)
        pair = self.pair("auto-converge")
        path = agent.steer(pair.source.path, "{'policy': <'fixed,downtime=5ms'>}")
        self.assertEqual(agent.of(path, "Role"), "steered")
        self.assertEqual(agent.of(path, "VmName"), "web1")
        self.assertEqual(agent.of(path, "Policy"), "fixed")
        pair.source.wait(lambda _: {"downtime-limit": 5} in self.changes(pair.source))
        agent.wait(lambda: agent.of(path, "RemainingBytes") < 1 << 62, "a sample")
        self.assertEqual(agent.of(path, "Status"), "active")

    def test_a_vm_may_be_steered_where_others_are_observed(self):
        agent = self.agent("[vm db-*]\nmode = steer\nabort = nova:100s\nmax-downtime = 77ms\n")
        path = agent.steer(self.pair(name="db-1").source.path)
        other = agent.steer(self.pair(name="web1").source.path)
        self.assertEqual([agent.of(each, "Role") for each in (path, other)], ["steered", "observed"])
        agent.wait(lambda: any("abort_left_us" in line for line in self.trace(agent, path)), "the time left")
        header = self.trace(agent, path)[0]
        self.assertEqual(header["limits"]["max_downtime_us"], 77000)
        self.assertFalse(any("abort_left_us" in line for line in self.trace(agent, other)))

    def test_it_can_wait_for_a_migration(self):
        agent = self.agent(STEER)
        pair = self.pair(begin=False)
        path = agent.steer(pair.source.path, "{'wait': <true>, 'policy': <'fixed,downtime=5ms'>}")
        self.assertEqual(agent.of(path, "Status"), "waiting")
        self.assertIn(path, agent.migrations())

    def test_links_are_shared(self):
        agent = self.agent(STEER + "link-bandwidth = 40MiB/s\n")
        pairs = [self.pair(name=f"web{i}") for i in range(2)]
        for pair in pairs:
            agent.steer(pair.source.path, "{'policy': <'fixed,downtime=5ms'>}")
        for pair in pairs:
            pair.source.wait(lambda _, pair=pair: {"max-bandwidth": 20 << 20} in self.changes(pair.source))

    # -- Its own moves

    def test_it_starts_a_migration(self):
        agent = self.agent()
        with FakePair("10.0") as pair:
            path = agent.start_migration(pair.source.path, "tcp:127.0.0.1:0",
                                         f"{{'dest-socket': <'{pair.destination.path}'>}}")
            agent.wait(lambda: agent.of(path, "Outcome"), "the end")
            self.assertEqual(agent.of(path, "Outcome"), "completed")
            self.assertEqual(agent.of(path, "GuestRunsOn"), "destination")
            self.assertEqual(pair.running(), ["destination"])
            pair.assert_clean()
            self.assertEqual(record_faults(self.trace(agent, path)), [])

    def test_a_foreign_one_is_not_cancelled_and_takes_limits(self):
        agent = self.agent(STEER)
        pair = self.pair("auto-converge")
        path = agent.steer(pair.source.path, "{'policy': <'fixed,downtime=5ms'>}")
        agent.call(path, "org.qmpmig.Migration1.Set", "{'max-downtime': <'123ms'>}")
        self.assertTrue(any(each.get("downtime-limit") == 123 for each in self.changes(pair.source)))
        with self.assertRaises(Refusal) as refusal:
            agent.call(path, "org.qmpmig.Migration1.Cancel")
        self.assertEqual(refusal.exception.name, "Refused")

    # -- Mistakes

    def test_each_mistake_has_its_error(self):
        agent = self.agent()
        idle = self.pair(begin=False)
        for error, address, options in (("Unreachable", "/nonexistent/qmp", "{}"),
                                        ("Usage", idle.source.path, "{'no-such-option': <'1'>}"),
                                        ("Usage", idle.source.path, "{'max-downtime': <'5'>}"),
                                        ("Usage", idle.source.path, "{'trace': <'/etc/passwd'>}"),
                                        ("Usage", idle.source.path, "{'mode': <'fight'>}"),
                                        ("Refused", idle.source.path, "{}")):
            with self.assertRaises(Refusal, msg=options) as refusal:
                agent.steer(address, options)
            self.assertEqual(refusal.exception.name, error, str(refusal.exception))
        self.assertEqual(self.changes(idle.source), [])

    def test_a_wrong_configuration_stays_outside(self):
        agent = self.agent(STEER)
        agent.configure("[agent]\nmode = fight\n")
        with self.assertRaises(Refusal) as refusal:
            agent.reload()
        self.assertEqual(refusal.exception.name, "Usage")
        self.assertIn("agent.conf:2", str(refusal.exception))
        self.assertEqual(agent.property("Mode"), "steer")
        agent.configure("[agent]\nmode = observe\n")
        agent.reload()
        self.assertEqual(agent.property("Mode"), "observe")

    # -- Crashes

    def test_killed_in_the_middle_it_goes_on_and_changes_nothing_after_the_end(self):
        agent = self.agent(STEER)
        pair = self.pair("auto-converge")
        path = agent.steer(pair.source.path, "{'policy': <'fixed,downtime=5ms'>}")
        pair.source.wait(lambda _: {"downtime-limit": 5} in self.changes(pair.source))
        agent.kill()
        agent.start()
        agent.wait(lambda: path in agent.migrations(), "the same migration")
        agent.wait(lambda: agent.of(path, "Status") == "active", "its status")
        headers = [line for line in self.trace(agent, path) if line["type"] == "header"]
        self.assertEqual(len(headers), 2)
        agent.kill()
        done = pair.source.received("migrate-set-parameters")
        pair.source.die()
        agent.start()
        agent.wait(lambda: not agent.migrations(), "its end")
        self.assertEqual(len(pair.source.received("migrate-set-parameters")), len(done))
        self.assertEqual(glob.glob(f"{self.folder}/runtime/tickets/*"), [])

    def test_a_migration_of_its_own_is_brought_to_an_end_after_a_crash(self):
        agent = self.agent()
        with FakePair("10.0", ram=Ram(total=32 << 20, working_set=8 << 20, dirty_rate=0, link=8 << 20)) as pair:
            agent.start_migration(pair.source.path, "tcp:127.0.0.1:0",
                                  f"{{'dest-socket': <'{pair.destination.path}'>}}")
            pair.source.wait_status("active")
            agent.kill()
            agent.start()
            agent.wait(lambda: pair.running() == ["destination"] or None, "the guest there")
            pair.assert_clean()

    def test_sigterm_leaves_the_migration_to_go_on(self):
        agent = self.agent(STEER)
        pair = self.pair("auto-converge")
        agent.steer(pair.source.path)
        self.assertEqual(agent.kill(signal.SIGTERM), 0)
        agent.start()
        agent.wait(agent.migrations, "the same migration")

    def test_metrics_are_there_for_prometheus(self):
        agent = self.agent(f"[agent]\nmetrics-file = {self.folder}/qmpmig.prom\n")
        pair = self.pair(name='odd"name')
        agent.steer(pair.source.path)
        file = pathlib.Path(self.folder, "qmpmig.prom")
        agent.wait(lambda: file.exists() and 'qmpmig_remaining_bytes{vm="odd\\"name"' in file.read_text("utf-8"),
                   "the gauges")
        pair.source.die()
        agent.wait(lambda: 'qmpmig_migrations_total{outcome="guest-ended"} 1' in file.read_text("utf-8"), "the count")


if __name__ == "__main__":
    unittest.main()
