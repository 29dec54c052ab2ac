# SPDX-License-Identifier: LGPL-2.1-or-later
"""The hooks on a live migration, by VDSM's and libvirtd's sequence of calls: nobody but an unprivileged user runs hooks and
service, libvirtd asks that user for a password, and the trace shows who steered."""

import glob
import json
import os
import pathlib
import shutil
import tempfile
import unittest

from tests.bench.convergence_lab import domain
from tests.bench.convergence_lab.watch import Watch
from tests.hook.caller import NOBODY, Host, Libvirtd, Vdsm
from tests.libvirt.case import MODULE, applied
from tests.libvirt.password import PasswordTest
from tests.service.agent import HELPER, Agent

ALONE = True
TIMEOUT = 600
PLUGINS = os.path.join(os.path.dirname(MODULE), "../../plugins")
CONFIG = "[agent]\nmode = steer\nlibvirt-uri = {uri}\nauth-file = {auth}\n"


@unittest.skipUnless(os.path.exists(HELPER) and shutil.which("dbus-daemon"), "built without the service")
class HandedOver(PasswordTest):
    def setUp(self):
        super().setUp()
        self.open_doors()
        self.source, self.destination = (self.end(host) for host in (self.lab.a, self.lab.b))

    def open_doors(self):
        """To what only root gets at in the lab: the way to libvirt's sockets, which ask, and the file that answers."""
        for path in (self.lab.folder, *(host.outside(path) for host in (self.lab.a, self.lab.b)
                                        for path in ("/run", "/run/libvirt")), self.lab.a.folder, self.lab.b.folder, self.folder):
            os.chmod(path, 0o755)
        os.chmod(self.auth, 0o644)

    def end(self, host):
        """(service, what calls hooks) of a host."""
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="qmpmig-hooks-")))
        for place, file in (("helpers", HELPER), ("libvirt", MODULE)):
            (folder / place).mkdir()
            shutil.copy(file, folder / place)
        plugins = shutil.copytree(PLUGINS, folder / "plugins", ignore=lambda *_: [])
        shutil.chown(folder, NOBODY, NOBODY)
        folder.chmod(0o755)
        agent = Agent(str(folder), CONFIG.format(uri=host.uri(), auth=self.auth), str(folder / "helpers/agent"),
                      {"QMPMIG_PLUGIN_DIR": str(plugins)}, user=NOBODY)
        self.addCleanup(agent.close)
        agent.start()
        agent.wait(lambda: "libvirt is watched" in agent.said(), "the watch")
        hooks = Host(agent.address)
        self.addCleanup(hooks.end)
        return agent, hooks

    def traces(self, agent):
        return [list(map(json.loads, pathlib.Path(name).read_text("utf-8").splitlines()))
                for name in sorted(glob.glob(f"{agent.folder}/state/traces/*.jsonl"))]

    def xml(self):
        return self.lab.a.virsh("dumpxml", domain.NAME).stdout

    def migrate(self):
        """As virsh, for VDSM and Nova; the throttles that QEMU had."""
        watch = Watch(self.stage.source)
        self.addCleanup(watch.stop)
        moving = self.virsh_move("--auto-converge")
        said, _ = moving.communicate(timeout=240)
        self.assertEqual(moving.returncode, 0, said)
        return {reply.get("cpu-throttle-percentage", 0) for _, reply in watch.samples}

    def assert_steered(self, throttles, pct):
        agent, _ = self.source
        agent.wait(lambda: any(lines[-1]["type"] == "result" for lines in self.traces(agent)), "the end", 30)
        lines, = self.traces(agent)
        self.assertIn(pct, applied(lines, "cpu-throttle-initial"))
        self.assertIn(pct, throttles)
        self.assertEqual((lines[-1]["outcome"], lines[-1]["guest_runs_on"]), ("handed-over", "destination"))
        self.assertEqual(self.traces(self.destination[0]), [])

    def test_what_vdsm_moves_has_the_policy_of_its_custom_property(self):
        here, there = (Vdsm(hooks) for _, hooks in (self.source, self.destination))
        asked = {"qmpmig_policy": "fixed,throttle=73%"}
        self.assertEqual(there.run("before_vm_migrate_destination", self.xml(), **asked)[1], "")
        self.assertEqual(here.run("before_vm_migrate_source", self.xml(), **asked)[1], "")
        xml, throttles = self.xml(), self.migrate()
        self.assert_steered(throttles, 73)
        self.assertRegex(here.run("after_vm_migrate_source", xml, **asked)[1], f"qmpmig: {domain.NAME}: .*trace is ")
        self.assertEqual(there.run("after_vm_migrate_destination", xml, **asked)[1], "")

    def test_what_libvirtd_tells_its_hook_changes_nothing_of_it(self):
        """OpenStack's way: the policy is the service's own, and libvirtd calls on both ends."""
        agent, _ = self.source
        agent.configure(CONFIG.format(uri=self.lab.a.uri(), auth=self.auth) + "[defaults]\npolicy = fixed,throttle=74%\n")
        agent.reload()
        here, there = (Libvirtd(hooks) for _, hooks in (self.source, self.destination))
        xml = self.xml()
        calls = [there.run(domain.NAME, *words, xml) for words in
                 (("migrate", "begin"), ("prepare", "begin"), ("start", "begin"), ("started", "begin"))]
        throttles = self.migrate()
        calls += [here.run(domain.NAME, *words, xml, "migrated") for words in (("stopped", "end"), ("release", "end"))]
        self.assertEqual([(done.returncode, done.stdout, done.stderr) for done, _ in calls], [(0, b"", b"")] * 6)
        self.assert_steered(throttles, 74)


if __name__ == "__main__":
    unittest.main()
