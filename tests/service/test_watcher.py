# SPDX-License-Identifier: LGPL-2.1-or-later
"""The service sees in libvirt what leaves this host: a module that plays libvirt, and peers that play QEMU."""

import hashlib
import os
import pathlib
import shutil
import socket
import tempfile
import unittest

from tests.cli.program import BINARY
from tests.service import test_service
from tests.service.agent import HELPER, Agent
from tests.service.test_service import STEER

FAKE = os.path.join(os.path.dirname(BINARY), "../tests/service/fake-libvirt.so")
PLUGINS = os.path.join(os.path.dirname(BINARY), "../plugins")
REAL = os.path.join(os.path.dirname(BINARY), "libvirt/libvirt.so")
UUID = "8c6f7f4e-2f0b-4a38-9a5c-0f5a6a1d7c11"
XML = """<domain type='kvm'><name>{name}</name><uuid>{uuid}</uuid><metadata>
<nova:instance xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'><nova:flavor name='{flavor}'>
<nova:extraSpecs><nova:extraSpec name='qmpmig:rank'>gold</nova:extraSpec></nova:extraSpecs></nova:flavor></nova:instance>
</metadata></domain>"""
FIXED = "[defaults]\npolicy = fixed,downtime=5ms\n"


@unittest.skipUnless(os.path.exists(HELPER) and os.path.exists(FAKE), "built without the service")
class Watcher(unittest.TestCase):
    begin, changes, trace = (getattr(test_service.Service, name) for name in ("begin", "changes", "trace"))
    make_pair = test_service.Service.pair

    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="qmpmig-watcher-"))
        self.libvirt = pathlib.Path(self.folder, "fake")
        self.libvirt.mkdir()
        os.mkfifo(self.libvirt / "events")
        (self.libvirt / "asked").touch()
        self.events = self.enterContext(open(os.open(self.libvirt / "events", os.O_RDWR), "w", encoding="ascii"))

    def agent(self, config="", watched=True):
        """A copy of the service, beside which the module is."""
        pathlib.Path(self.folder, "libvirt").mkdir()
        shutil.copy(FAKE, os.path.join(self.folder, "libvirt/libvirt.so"))
        helper = shutil.copy(HELPER, self.folder)
        agent = Agent(self.folder, FIXED + config, helper,
                      {"FAKE_LIBVIRT": str(self.libvirt), "QMPMIG_PLUGIN_DIR": PLUGINS})
        self.addCleanup(agent.close)
        agent.start()
        if watched:
            agent.wait(lambda: "libvirt is watched" in agent.said(), "the watch")
        return agent

    def guest(self, job="out"):
        """A pair whose source is libvirt's guest web1."""
        pair = self.make_pair("auto-converge")
        pair.source.uuid = UUID
        (self.libvirt / "domains").write_text(f"web1 {UUID}\n", "ascii")
        for name in ("web1", UUID):
            (self.libvirt / f"{name}.xml").write_text(XML.format(name="web1", uuid=UUID, flavor="m1.small"), "ascii")
        (self.libvirt / "web1.qmp").symlink_to(pair.source.path)
        (self.libvirt / f"{UUID}.job").write_text(job, "ascii")
        return pair

    def tell(self, kind, text="", name="web1"):
        print(kind, name, UUID, text, file=self.events, flush=True)

    def asked(self, *words):
        return (self.libvirt / "asked").read_text("ascii").splitlines().count(" ".join(words))

    def await_asked(self, agent, *words, times=1):
        agent.wait(lambda: self.asked(*words) >= times, f"{words}, {times} times")

    def the_only(self, agent):
        agent.wait(agent.migrations, "a migration")
        path, = agent.migrations()
        return path

    # -- What is taken

    def test_what_begins_to_leave_is_steered(self):
        agent = self.agent(STEER)
        pair = self.guest()
        self.tell("migration", "setup")
        pair.source.wait(lambda _: {"downtime-limit": 5} in self.changes(pair.source))
        self.assertEqual(agent.of(self.the_only(agent), "Role"), "steered")

    def test_freshly_installed_it_is_observed_and_not_touched(self):
        agent = self.agent()
        pair = self.guest()
        self.tell("migration", "setup")
        path = self.the_only(agent)
        agent.wait(lambda: any(line["type"] == "sample" for line in self.trace(agent, path)), "a sample")
        self.assertEqual(agent.of(path, "Role"), "observed")
        pair.source.die()
        agent.wait(lambda: agent.of(path, "Outcome"), "the end in the record")
        self.assertEqual(self.trace(agent, path)[-1]["type"], "result")
        self.assertEqual(self.changes(pair.source), [])

    def test_what_leaves_already_when_it_starts_is_taken(self):
        pair = self.guest()
        self.agent(STEER)
        pair.source.wait(lambda _: {"downtime-limit": 5} in self.changes(pair.source))

    def test_what_left_while_libvirt_was_away_is_taken(self):
        agent = self.agent(STEER)
        self.tell("lost")
        pair = self.guest()
        self.tell("connected")
        pair.source.wait(lambda _: {"downtime-limit": 5} in self.changes(pair.source))
        self.assertIn("libvirt is away", agent.said())

    # -- What is not

    def test_a_guest_that_arrives_is_not_touched(self):
        agent = self.agent(STEER)
        self.guest(job="in")
        for text in ("setup", "active", "completed"):
            self.tell("migration", text)
        self.tell("pass", "2")
        self.await_asked(agent, "job", UUID, times=3)
        self.assertEqual((self.asked("monitor", "web1"), agent.migrations()), (0, []))

    def test_each_migration_is_taken_once(self):
        agent = self.agent(STEER)
        self.guest()
        self.tell("migration", "setup")
        path = self.the_only(agent)
        for text in ("active", "setup"):
            self.tell("migration", text)
        self.tell("pass", "2")
        self.tell("connected")
        self.await_asked(agent, "job", UUID, times=3)
        self.assertEqual((agent.migrations(), self.asked("monitor", "web1")), ([path], 1))

    def test_what_was_handed_over_is_not_taken_twice(self):
        agent = self.agent(STEER)
        pair = self.guest()
        path = agent.steer(pair.source.path, "{'wait': <true>}")
        self.tell("migration", "setup")
        self.await_asked(agent, "job", UUID)
        self.assertEqual((agent.migrations(), self.asked("monitor", "web1")), ([path], 0))

    def test_what_another_qmpmig_moves_is_left_alone(self):
        agent = self.agent(STEER)
        self.guest()
        name = hashlib.sha256(b"libvirt:web1@test:///default").hexdigest()[:16]
        folder = pathlib.Path(self.folder, "root/control")
        folder.mkdir(parents=True)
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(folder / f"libvirt-{name}.sock"))
            other.listen()
            self.tell("migration", "setup")
            agent.wait(lambda: "another qmpmig is at it" in agent.said(), "a word")
            self.assertEqual((agent.migrations(), self.asked("monitor", "web1")), ([], 0))

    # -- Its domain's metadata

    def test_its_flavor_and_specs_choose_the_section(self):
        agent = self.agent("[vm flavor:m1.*]\nmode = steer\n[vm spec:qmpmig:rank=gold]\nmode = observe\n")
        self.guest()
        self.tell("migration", "setup")
        self.assertEqual(agent.of(self.the_only(agent), "Role"), "steered")

    def test_a_spec_chooses_too(self):
        agent = self.agent("[vm flavor:m2.*]\nmode = observe\n[vm spec:qmpmig:rank=gold]\nmode = steer\n")
        self.guest()
        self.tell("migration", "setup")
        self.assertEqual(agent.of(self.the_only(agent), "Role"), "steered")

    def test_novas_clock_runs_for_novas_guests(self):
        agent = self.agent()
        self.guest()
        self.tell("migration", "setup")
        path = self.the_only(agent)
        agent.wait(lambda: any("abort_left_us" in line for line in self.trace(agent, path)), "the clock")

    def test_a_guest_on_a_socket_is_known_by_its_uuid(self):
        agent = self.agent("[vm flavor:m1.*]\nmode = steer\n")
        pair = self.guest()
        self.assertEqual(agent.of(agent.steer(pair.source.path), "Role"), "steered")

    # -- Libvirt itself

    def test_while_libvirt_is_away_it_is_tried_with_one_line(self):
        (self.libvirt / "away").touch()
        agent = self.agent(STEER, watched=False)
        self.await_asked(agent, "open", "", times=2)
        self.assertEqual(agent.said().count("libvirt is not there"), 1)
        (self.libvirt / "away").unlink()
        agent.wait(lambda: "libvirt is watched" in agent.said(), "the watch")

    def test_the_auth_file_is_given_and_a_new_one_counts_after_a_reload(self):
        agent = self.agent("[agent]\nauth-file = /etc/one\n")
        self.await_asked(agent, "watch", "/etc/one")
        agent.configure("[agent]\nauth-file = /etc/other\n")
        agent.reload()
        self.await_asked(agent, "watch", "/etc/other")
        self.await_asked(agent, "unwatch", "/etc/one")

    def test_without_the_module_it_says_so_and_goes_on(self):
        helper = shutil.copy(HELPER, self.folder)
        agent = Agent(self.folder, STEER, helper, {"QMPMIG_PLUGIN_DIR": PLUGINS})
        self.addCleanup(agent.close)
        agent.start()
        pair = self.make_pair("auto-converge")
        agent.steer(pair.source.path, "{'policy': <'fixed,downtime=5ms'>}")
        self.assertEqual(agent.said().count("libvirt.so"), 1)
        self.assertIn("not watched", agent.said())

    @unittest.skipUnless(os.path.exists(REAL), "libvirt is not here")
    def test_libvirts_own_library_is_watched(self):
        agent = Agent(self.folder)
        self.addCleanup(agent.close)
        agent.start()
        agent.wait(lambda: "libvirt is watched: test:///default" in agent.said(), "the test driver")
        self.assertEqual(agent.migrations(), [])


if __name__ == "__main__":
    unittest.main()
