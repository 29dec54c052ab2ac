# SPDX-License-Identifier: LGPL-2.1-or-later
"""virsh migrates a guest as it always did; the service sees it in libvirt, and steers it or only looks."""

import glob
import json
import os
import shutil
import tempfile
import unittest

from tests.bench.convergence_lab import domain
from tests.bench.convergence_lab.watch import Watch
from tests.libvirt.case import LibvirtTest, applied
from tests.libvirt.test_long import LONG
from tests.service.agent import HELPER, Agent

ALONE = True
TIMEOUT = 600
CONFIG = "[agent]\nmode = {mode}\nlibvirt-uri = {uri}\n[defaults]\npolicy = fixed,throttle=71%\n"
QEMUS_OWN = {0, *range(20, 100, 10), 99}        # its ramp: 20 %, then 10 more at a time


@LONG
@unittest.skipUnless(os.path.exists(HELPER) and shutil.which("dbus-daemon"), "built without the service")
class Watched(LibvirtTest):
    def agents(self, mode):
        """One service on each host, as it would be."""
        self.source = self.agent(mode, self.lab.a)
        self.destination = self.agent(mode, self.lab.b)

    def agent(self, mode, host):
        folder = self.enterContext(tempfile.TemporaryDirectory(prefix="qmpmig-service-"))
        agent = Agent(folder, CONFIG.format(mode=mode, uri=host.uri()))
        self.addCleanup(agent.close)
        agent.start()
        agent.wait(lambda: "libvirt is watched" in agent.said(), "the watch")
        return agent

    def traces(self, agent):
        found = []
        for name in sorted(glob.glob(f"{agent.folder}/state/traces/*.jsonl")):
            with open(name, encoding="utf-8") as file:
                found.append([json.loads(line) for line in file])
        return found

    def the_only_trace(self):
        self.source.wait(lambda: any(lines[-1]["type"] == "result" for lines in self.traces(self.source)), "the end", 30)
        lines, = self.traces(self.source)
        self.assertEqual((lines[-1]["outcome"], lines[-1]["guest_runs_on"]), ("handed-over", "destination"))
        self.assertEqual(self.traces(self.destination), [])
        self.assertEqual(self.tainted(self.lab.b), False)
        self.assertEqual(self.state(self.lab.b), "running")
        return lines

    def tainted(self, host):
        """libvirt writes down that somebody else spoke through its monitor."""
        log = host.outside(f"/var/log/libvirt/qemu/{domain.NAME}.log")
        with open(log, encoding="utf-8", errors="replace") as file:
            return "custom-monitor" in file.read()

    def move(self):
        watch = Watch(self.stage.source)
        self.addCleanup(watch.stop)
        moving = self.virsh_move("--auto-converge")
        said, _ = moving.communicate(timeout=240)
        self.assertEqual(moving.returncode, 0, said)
        return {reply.get("cpu-throttle-percentage", 0) for _, reply in watch.samples}

    def test_what_virsh_moves_is_steered_and_the_destination_left_alone(self):
        self.agents("steer")
        throttles = self.move()
        lines = self.the_only_trace()
        self.assertIn(71, applied(lines, "cpu-throttle-initial"))
        self.assertIn(71, throttles)
        self.assertTrue(self.tainted(self.lab.a))

    def test_observed_it_is_as_libvirt_leaves_it(self):
        self.agents("observe")
        throttles = self.move()
        lines = self.the_only_trace()
        self.assertEqual([line for line in lines if line["type"] == "applied"], [])
        self.assertTrue([line for line in lines if line["type"] == "sample"])
        self.assertEqual(throttles - QEMUS_OWN, set())
        self.assertIn(20, throttles)

    def test_after_a_restart_of_libvirtd_it_sees_what_leaves(self):
        self.agents("steer")
        self.lab.a.restart_libvirtd(away_s=3)
        self.lab.a.wait_libvirtd()
        self.source.wait(lambda: "libvirt is there again" in self.source.said(), "libvirt", 30)
        self.assertIn(71, self.move())
        self.the_only_trace()

    def test_what_qmpmig_at_a_shell_has_libvirt_move_is_left_to_it(self):
        self.agents("steer")
        running = self.start("migrate", self.lab.b.uri(), "--policy", "fixed,throttle=72%")
        self.assertIn(72, applied(self.record(running, 0), "cpu-throttle-initial"))
        self.source.wait(lambda: "another qmpmig is at it" in self.source.said(), "a word")
        self.assertEqual((self.traces(self.source), self.traces(self.destination)), ([], []))


if __name__ == "__main__":
    unittest.main()
