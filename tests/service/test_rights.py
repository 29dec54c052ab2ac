# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a caller may not have the service do for him, and what the operator's own file may."""

import os
import pathlib
import socket
import tempfile
import threading
import unittest
import uuid

from tests.cli.program import BINARY
from tests.peer.peer import FakePair
from tests.service import test_service
from tests.service.agent import HELPER, Agent, Refusal
from tests.service.test_service import STEER

PLUGINS = os.path.abspath(os.path.join(os.path.dirname(BINARY), "../plugins"))
SCHEDULE = '{"init":[{"name":"setDowntime","params":["9"]}],"stalling":[]}'
# Options of Steer, and the words of the refusal, of which the first ones say what it is about.
REFUSED = (
    ("'allow-exec': <true>", "allow-exec: it lets programs run"),
    ("'detach': <true>", "detach: it is for a command at a shell"),
    ("'dry-run': <true>", "dry-run: it is for a command at a shell"),
    ("'trace': <'{folder}/mine.jsonl'>", "trace: it names a file that the service would write"),
    ("'policy': <'{plugins}/fixed.so'>", "policy: {plugins}/fixed.so is a file"),
    ("'policy': <'schedule,json=@{folder}/schedule'>", "policy: json=@{folder}/schedule names a file"),
    ("'policy': <['fixed', 'schedule,json=@{folder}/schedule']>", "policy: json=@{folder}/schedule names a file"),
    ("'policy': <'exec'>", "policy: exec runs a program"),
    ("'policy': <'exec,command=/bin/true'>", "policy: exec runs a program"),
    ("'tls': <'x509,dir={folder}'>", "tls: dir= names a folder"),
    ("'param': <['cpr-exec-command=/bin/true']>", "cpr-exec-command: it names a command"),
)
URIS = (("file:{folder}/guest", "it names a file that QEMU would write"), ("exec:cat", "exec: runs a shell command"),
        ("fd:0", "what the service has open"), ("fd:unix:{folder}/any", "what the service has open"))


@unittest.skipUnless(os.path.exists(HELPER), "built without the service")
class Rights(unittest.TestCase):
    agent, pair, begin, changes, trace = (getattr(test_service.Service, name)
                                          for name in ("agent", "pair", "begin", "changes", "trace"))

    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="qmpmig-rights-"))
        pathlib.Path(self.folder, "schedule").write_text(SCHEDULE, "ascii")

    def fill(self, text):
        return text.format(folder=self.folder, plugins=PLUGINS)

    def refused(self, name, words, call, *arguments):
        with self.assertRaises(Refusal, msg=f"{arguments}") as refusal:
            call(*arguments)
        self.assertEqual(refusal.exception.name, name, str(refusal.exception))
        self.assertIn(words, str(refusal.exception))

    # -- Callers

    def test_what_names_a_file_or_a_command_is_refused_by_name(self):
        agent = self.agent(STEER)
        pair = self.pair("auto-converge")
        for options, words in REFUSED:
            self.refused("Usage", self.fill(words), agent.steer, pair.source.path, f"{{{self.fill(options)}}}")
        self.assertEqual((agent.migrations(), self.changes(pair.source)), ([], []))
        self.assertFalse(os.path.exists(f"{self.folder}/mine.jsonl"))

    def test_a_file_that_is_not_there_is_not_told_from_one_that_is(self):
        agent = self.agent(STEER)
        for name in ("schedule", "nothing"):
            self.refused("Usage", f"json=@{self.folder}/{name} names a file", agent.steer, "/nowhere.qmp",
                         f"{{'policy': <'schedule,json=@{self.folder}/{name}'>}}")

    def test_where_to_is_no_file_no_command_and_nothing_that_is_open(self):
        agent = self.agent()
        pair = self.pair(begin=False)
        for uri, words in URIS:
            self.refused("Usage", words, agent.start_migration, pair.source.path, self.fill(uri))
        self.assertTrue(pair.source.only_asked())

    def test_the_libvirt_that_is_meant_is_the_operators(self):
        agent = self.agent("[agent]\nlibvirt-uri = test:///default\n")
        self.refused("Usage", "a libvirt URI can name a program", agent.steer,
                     "libvirt:web1@qemu+ext:///system?command=/bin/true")
        with self.assertRaises(Refusal) as refusal:
            agent.steer("libvirt:no-such@test:///default")
        self.assertNotIn("can name a program", str(refusal.exception))

    def test_a_parameter_that_is_a_command_is_not_set(self):
        agent = self.agent(STEER)
        pair = self.pair("auto-converge")
        path = agent.steer(pair.source.path, "{'policy': <'fixed,downtime=5ms'>}")
        pair.source.wait(lambda _: {"downtime-limit": 5} in self.changes(pair.source))
        call = (agent.call, path, "org.qmpmig.Migration1.Set")
        self.refused("Usage", "cpr-exec-command: it names a command", *call, "{'cpr-exec-command': <'/bin/true'>}")
        self.refused("Usage", "max-downtime: a value is a text", *call, "{'max-downtime': <['1s']>}")
        agent.call(path, "org.qmpmig.Migration1.Set", "{'max-downtime': <'77ms'>}")
        self.assertIn({"downtime-limit": 77}, self.changes(pair.source))
        self.assertFalse(any("cpr-exec-command" in each for each in self.changes(pair.source)))

    # -- The operator's file

    def test_what_is_the_operators_may_be_files_and_programs(self):
        for name, policy, more in (("one", f"schedule,json=@{self.folder}/schedule", ""),
                                   ("two", f"{PLUGINS}/fixed.so,downtime=9ms", "trace = none\n")):
            with self.subTest(policy):
                folder = self.enterContext(tempfile.TemporaryDirectory(prefix="qmpmig-rights-"))
                agent = Agent(folder, f"{STEER}[defaults]\npolicy = {policy}\n{more}")
                self.addCleanup(agent.close)
                agent.start()
                pair = self.pair("auto-converge", name=name)
                path = agent.steer(pair.source.path)
                pair.source.wait(lambda _, pair=pair: {"downtime-limit": 9} in self.changes(pair.source))
                self.assertEqual(agent.of(path, "TracePath") == "", "none" in more)

    def test_each_has_a_record_of_its_own_and_a_file_for_all_is_told_of(self):
        agent = self.agent(f"{STEER}[defaults]\ntrace = {self.folder}/mine.jsonl\n")
        path = agent.steer(self.pair("auto-converge").source.path)
        self.assertEqual(self.trace(agent, path)[0]["type"], "header")
        self.assertIn("not to " + f"{self.folder}/mine.jsonl", agent.said())
        self.assertFalse(os.path.exists(f"{self.folder}/mine.jsonl"))

    def test_a_program_runs_where_the_operator_permits_it_and_it_is_his(self):
        program = pathlib.Path(self.folder, "program")
        program.write_text(f"#!/bin/sh\ntouch {self.folder}/ran\n", "ascii")
        program.chmod(0o700)
        agent = self.agent(f"{STEER}[defaults]\nallow-exec = yes\n[policy exec]\ncommand = {program}\n")
        pair = self.pair("auto-converge")
        for key in ("command=/bin/true", "args=--more"):
            self.refused("Usage", f"policy: {key.split('=')[0]}= says what program is run", agent.steer,
                         pair.source.path, f"{{'policy': <'exec,{key}'>}}")
        agent.steer(pair.source.path, "{'policy': <'exec'>}")
        agent.wait(lambda: os.path.exists(f"{self.folder}/ran"), "the operator's program")

    def test_permitted_for_one_vm_it_is_not_for_another(self):
        agent = self.agent(f"{STEER}[vm db-*]\nallow-exec = yes\n[policy exec]\ncommand = /bin/true\n")
        pair = self.pair("auto-converge")
        self.refused("Usage", "policy exec runs a program", agent.steer, pair.source.path, "{'policy': <'exec'>}")

    # -- One guest, one of ours

    def monitor(self, name, number):
        """Of the guest of that number, which migrates."""
        pair = FakePair("10.0", ram=test_service.Ram(**test_service.NEVER_ENDS), name=name, uuid=str(uuid.UUID(int=number)))
        self.addCleanup(pair.close)
        self.begin(pair)
        return pair

    def forwarder(self, path):
        """Another monitor, whose process is no QEMU's."""
        own = f"{self.folder}/{uuid.uuid4()}"
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(own)
        listener.listen()
        threading.Thread(target=forward, args=(listener, path), daemon=True).start()
        return own

    def test_a_guest_by_another_monitor_is_refused_and_told_who_has_it(self):
        agent = self.agent(STEER)
        first, same, other = (self.monitor(name, number) for name, number in (("a", 1), ("b", 1), ("c", 2)))
        path = agent.steer(first.source.path)
        self.refused("Refused", f"already: {first.source.path}", agent.steer, self.forwarder(same.source.path))
        self.assertEqual(self.changes(same.source), [])
        self.assertEqual(len({path, agent.steer(self.forwarder(other.source.path))}), 2)

    def test_it_is_free_again_when_the_first_has_ended(self):
        agent = self.agent(STEER)
        first, again = (self.monitor(name, 1) for name in ("a", "b"))
        path = agent.steer(first.source.path)
        first.source.die()
        agent.wait(lambda: agent.of(path, "Outcome"), "its end")
        agent.steer(self.forwarder(again.source.path))


def forward(listener, path):
    try:
        client, _ = listener.accept()
    except OSError:
        return
    server = socket.socket(socket.AF_UNIX)
    server.connect(path)
    back = threading.Thread(target=pour, args=(server, client), daemon=True)
    back.start()
    pour(client, server)
    back.join()
    client.close()
    server.close()


def pour(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    for each in (source, sink):
        try:
            each.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


if __name__ == "__main__":
    unittest.main()
