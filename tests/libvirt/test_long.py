# SPDX-License-Identifier: LGPL-2.1-or-later
"""What takes minutes: abort, postcopy, a libvirtd that goes away in the middle, SASL."""

import os
import signal
import subprocess
import time
import unittest

from tests.bench.convergence_lab import domain
from tests.bench.convergence_lab.watch import Watch
from tests.libvirt.case import LibvirtTest, applied

ALONE = True
TIMEOUT = 900
LONG = unittest.skipUnless(os.environ.get("QMPMIG_LONG"), "long: --long runs it")


@LONG
class OnTheWay(LibvirtTest):
    def test_ctrl_c_aborts_through_libvirt(self):
        before = self.stage.source.witness.call("query-migrate-parameters")
        running = self.start("migrate", self.lab.b.uri(), "--policy", "fixed,throttle=20%")
        running.wait_line("applied", timeout=60)
        os.kill(running.process.pid, signal.SIGINT)
        lines = self.record(running, 11)
        self.assertEqual(lines[-1]["guest_runs_on"], "source")
        self.assertEqual(self.state(self.lab.a), "running")
        self.assertIn(self.stage.source.witness.call("query-migrate")["status"], ("cancelled", "failed"))
        after = self.stage.source.witness.call("query-migrate-parameters")
        changed = {name for name in before if after.get(name) != before[name]}
        self.assertEqual(changed - {"max-bandwidth"}, set())    # libvirt's own, which it leaves

    def test_cancel_from_another_terminal_aborts_what_virsh_moves(self):
        moving = self.virsh_move()
        running = self.start("steer", "--wait", "--observe")
        running.wait_line("header", timeout=60)
        os.kill(running.process.pid, signal.SIGINT)
        self.record(running, 15)
        self.run_qmpmig("cancel")
        moving.communicate(timeout=60)
        self.assertNotEqual(moving.returncode, 0)
        self.assertEqual(self.state(self.lab.a), "running")

    def test_postcopy_is_switched_to_by_libvirt(self):
        running = self.start("migrate", self.lab.b.uri(), "--postcopy", "fallback", "--policy", "fixed,throttle=1%")
        running.wait_line("sample", timeout=60, status="active")
        self.run_qmpmig("postcopy")
        lines = self.record(running, 0)
        self.assertEqual(lines[-1]["outcome"], "completed")
        self.assertTrue([line for line in lines if line["type"] == "sample" and line["status"] == "postcopy-active"])
        self.assertEqual(self.state(self.lab.b), "running")

    def test_without_postcopy_armed_the_switch_is_refused(self):
        running = self.start("migrate", self.lab.b.uri(), "--policy", "fixed,throttle=1%")
        running.wait_line("sample", timeout=60, status="active")
        self.assertIn("not armed", self.run_qmpmig("postcopy", code=4))
        self.run_qmpmig("cancel")
        self.record(running, 11)

    def test_set_and_get_reach_qemu(self):
        self.run_qmpmig("set", "downtime-limit=123ms")
        self.assertEqual(self.stage.source.witness.call("query-migrate-parameters")["downtime-limit"], 123)
        self.assertIn("123 ms", self.run_qmpmig("get", "downtime-limit"))

    def test_events_of_qemu_come(self):
        running = self.qmpmig.start("--json", *self.words(), "events", "STOP", "RESUME", "--for", "10s")
        time.sleep(3)
        self.lab.a.virsh("suspend", domain.NAME)
        self.lab.a.virsh("resume", domain.NAME)
        running.wait_line("event", timeout=10, name="STOP")
        running.wait_line("event", timeout=10, name="RESUME")
        self.assertEqual(running.wait(20), 0)

    def test_a_connection_that_breaks_is_made_anew_while_it_steers(self):
        """The administrator throws all clients out; libvirt's job of its own goes on."""
        running = self.start("migrate", self.lab.b.uri(), "--policy", "fixed,throttle=20%")
        running.wait_line("applied", timeout=60)
        self.assertGreater(self.disconnect_clients(), 0)
        mark = len(running.lines)
        running.wait_for(lambda: [line for _, line in running.lines[mark:] if line["type"] == "sample"],
                         "a sample over the new connection", 30)
        self.run_qmpmig("set", "downtime-limit=2s")
        lines = self.record(running, 0)
        self.assertEqual(lines[-1]["guest_runs_on"], "destination")
        self.assertEqual(self.state(self.lab.b), "running")

    def disconnect_clients(self):
        uri = f"libvirtd:///system?socket={self.lab.a.outside('/run/libvirt/libvirt-admin-sock')}"
        said = subprocess.run(["virt-admin", "-c", uri, "client-list", "libvirtd"], check=True, capture_output=True,
                              text=True).stdout
        clients = [line.split()[0] for line in said.splitlines() if line.split()[:1] and line.split()[0].isdigit()]
        for client in clients:
            subprocess.run(["virt-admin", "-c", uri, "client-disconnect", "libvirtd", "--client", client], check=True,
                           capture_output=True)
        return len(clients)

    def test_libvirtd_killed_and_restarted_in_the_middle(self):
        """libvirt, when it comes back, cancels what it finds half-way: the guest stays, and that is what is said."""
        running = self.start("migrate", self.lab.b.uri(), "--policy", "fixed,throttle=20%")
        running.wait_line("applied", timeout=60)
        self.lab.a.restart_libvirtd(away_s=2)
        lines = self.record(running, 10, 11)
        self.assertEqual(lines[-1]["guest_runs_on"], "source")
        self.assertEqual(self.state(self.lab.a), "running")

    def test_steering_goes_on_after_a_restart(self):
        """The first one is libvirt's to lose; the guest's next move is steered over the same connection."""
        running = self.start("steer", "--wait", "--policy", "fixed,throttle=70%")
        time.sleep(2)
        self.lab.a.restart_libvirtd(away_s=15)
        self.lab.a.wait_libvirtd()
        watch = Watch(self.stage.source)
        self.addCleanup(watch.stop)
        moving = self.virsh_move("--auto-converge")
        self.throttle(watch, running, 70)
        said, _ = moving.communicate(timeout=120)
        self.assertEqual(moving.returncode, 0, said)
        self.assertIn(70, applied(self.record(running, 0), "cpu-throttle-initial"))


if __name__ == "__main__":
    unittest.main()
