# SPDX-License-Identifier: LGPL-2.1-or-later
"""virsh as it always was, and our service beside it on the source, which sees what leaves and steers it."""

import glob
import shutil
import tempfile

from tests.bench.convergence_lab.contender import Virsh
from tests.service.agent import Agent

CONFIG = """\
[agent]
mode = steer
libvirt-uri = {uri}
[defaults]
policy = {policy}
max-downtime = {limit_ms}ms
"""


class Watched(Virsh):
    def __init__(self, name, program, policy, *options):
        super().__init__(name, *options)
        self.measured = program
        self.policy = policy

    def program(self):
        return self.measured.service_digest(self.policy, *self.options)

    def prepare(self, stage, cell):
        super().prepare(stage, cell)
        folder = stage.closing.enter_context(tempfile.TemporaryDirectory(prefix="qmpmig-bench-service-"))
        config = CONFIG.format(uri=stage.a.uri(), policy=self.policy, limit_ms=cell.limit_ms)
        self.agent = Agent(folder, config, self.measured.helper, {"QMPMIG_PLUGIN_DIR": self.measured.plugins})
        stage.closing.callback(self.agent.close)
        self.agent.start()
        self.agent.wait(lambda: "libvirt is watched" in self.agent.said(), "the watch")

    def move(self, stage, cell, timeout_s, trace):
        outcome = super().move(stage, cell, timeout_s, trace)
        for written in glob.glob(f"{self.agent.folder}/state/traces/*.jsonl"):
            shutil.copy(written, trace)
        return outcome
