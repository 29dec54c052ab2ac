# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real moves with all of qmpmig's threads at work, for the builds with a sanitizer: its report is the failure."""

from tests.qemu.move import BARE, MoveTest


class Moves(MoveTest):
    guest = {**BARE, "version": "10.0"}

    def watchers(self, hop):
        return [self.qmpmig.start("--socket", hop.source.qmp, *words)
                for words in (("status", "--watch"), ("--json", "status", "--watch"), ("events",))]

    def test_a_move_that_others_look_at_and_change(self):
        with self.hop() as hop, self.live(hop, hop.uri()) as running:
            watchers = self.watchers(hop)
            for limit in ("max-downtime=2ms", "bandwidth=8MiB/s", "max-throttle=50%"):
                self.qmpmig.run("--socket", hop.source.qmp, "set", limit)
                self.qmpmig.run("--socket", hop.source.qmp, "status")
        self.assert_moved(hop, running.record)
        for watcher in watchers:
            watcher.wait()

    def test_a_move_that_another_cancels(self):
        with self.hop() as hop:
            running = self.qmpmig.migrate(hop, hop.uri(), "--bandwidth", "8MiB/s")
            running.wait_line("sample", phase="pre-copy")
            watchers = self.watchers(hop)
            self.qmpmig.run("--socket", hop.source.qmp, "cancel")
            self.assert_stays(hop, running.record.result, "cancelled", 11)
            for watcher in watchers:
                watcher.wait()

    def test_a_move_that_is_interrupted(self):
        with self.hop() as hop:
            running = self.qmpmig.migrate(hop, hop.uri(), "--bandwidth", "8MiB/s")
            running.wait_line("sample", phase="pre-copy")
            running.interrupt()
            self.assert_stays(hop, running.record.result, "cancelled", 11)

    def test_a_move_by_post_copy(self):
        with self.hop() as hop:
            running = self.qmpmig.migrate(hop, hop.uri(), "--bandwidth", "16MiB/s")
            running.wait_line("sample", phase="pre-copy")
            self.qmpmig.run("--socket", hop.source.qmp, "postcopy")
            self.assert_moved(hop, running.record)


del MoveTest
