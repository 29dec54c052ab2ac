# SPDX-License-Identifier: LGPL-2.1-or-later
"""Libvirt is told to move a guest, and hangs: a module that plays libvirt (tests/service/fake-libvirt.c), and a peer."""

import os
import pathlib
import resource
import shutil
import signal
import subprocess
import time
import unittest

from tests.peer import bench, faults
from tests.peer.bench import Bench
from tests.peer.commands import HANDLERS
from tests.peer.peer import Ram

BUILD = pathlib.Path(bench.BINARY).parents[1]
FAKE = BUILD / "tests/service/fake-libvirt.so"
NEVER_ENDS = {"working_set": 64 << 20, "dirty_rate": 1 << 30, "link": 32 << 20}
SOON_ENDS = {"total": 16 << 20, "working_set": 1 << 20, "dirty_rate": 0, "link": 64 << 20}
THERE = "qemu+ssh://there/system"
ANSWER_S = 0.15         # --reply-timeout
BEGINS_S, ENDS_S = 30 * ANSWER_S, 12 * ANSWER_S
NOT_YET = faults.error("Requested operation is not valid: no job is active on the domain")


def cpu_s():
    """Of the processes that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class ByLibvirt(Bench):
    def setUp(self):
        super().setUp()
        self.fake = pathlib.Path(self.folder, "fake")
        self.fake.mkdir()
        self.program = shutil.copy(bench.BINARY, self.folder)
        pathlib.Path(self.folder, "libvirt").mkdir()
        shutil.copy(FAKE, f"{self.folder}/libvirt/libvirt.so")

    def environment(self):
        return {**super().environment(), "FAKE_LIBVIRT": str(self.fake),
                "QMPMIG_PLUGIN_DIR": str(BUILD / "plugins")}

    def guest(self, **ram):
        """Libvirt's guest web1."""
        pair = self.pair(ram=Ram(**ram))
        (self.fake / "web1.xml").write_text("<domain/>", "ascii")
        (self.fake / "web1.qmp").symlink_to(pair.source.path)
        return pair

    def move(self, pair, *options):
        """Libvirt has been told to."""
        self.words = ["--json", "--libvirt", "web1", "--reply-timeout", f"{ANSWER_S * 1000:.0f}ms", "migrate", *options, THERE]
        process = subprocess.Popen([self.program, *self.words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, stdin=subprocess.DEVNULL, env=self.environment())
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        asked = self.fake / "asked"
        pair.source.wait(lambda _: asked.exists() and f"migrate {THERE}" in asked.read_text("ascii"), timeout=20)
        return process

    def begin(self, pair):
        """Libvirt itself does, in QEMU."""
        uri = f"unix:{self.folder}/stream"
        pair.source.capabilities["auto-converge"] = True
        for peer, command in ((pair.destination, "migrate-incoming"), (pair.source, "migrate")):
            peer.loop.call(HANDLERS[command], peer, {"uri": uri})

    def say(self, what):
        """Libvirt's call comes back."""
        whole = self.fake / "whole"
        whole.write_text(what, "ascii")
        whole.rename(self.fake / "web1.moved")

    def end(self, process, within):
        began = time.monotonic()
        stdout, stderr = process.communicate(timeout=within + 5)
        seconds = time.monotonic() - began
        done = bench.Done(["qmpmig", *self.words], process.returncode, stdout, stderr, seconds)
        self.assertLess(seconds, within + bench.SLOWER_S, str(done))
        return done

    def assert_undecided(self, done, *texts):
        self.assert_ended(done, 13, *texts)
        self.assertEqual((done.result()["outcome"], done.result()["guest_runs_on"]), ("undecided", "unknown"))
        check, = done.result()["check"]
        self.assertIn("virsh domstate web1", check)
        self.assertIn(THERE, check)

    # -- It says what came of it

    def test_what_libvirt_has_moved_is_there(self):
        pair = self.guest(**SOON_ENDS)
        process = self.move(pair)
        self.begin(pair)
        pair.source.wait_status("completed")
        time.sleep(2 * ANSWER_S)        # the guest is started over there
        self.say("ok")
        done = self.end(process, ENDS_S)
        self.assert_ended(done, 0)
        self.assertEqual(done.result()["outcome"], "completed")

    @unittest.skipUnless(bench.LONG, "long: --long runs it")
    def test_what_it_will_come_to_is_asked_through_libvirt_first(self):
        pair = self.guest(**SOON_ENDS)
        source = pair.source
        for command, reply in (("query-memory-size-summary", {"base-memory": 256 << 20}), ("query-kvm", {"enabled": False}),
                               ("query-cpus-fast", [{}]), ("calc-dirty-rate", {}),
                               ("query-dirty-rate", {"status": "measured", "dirty-rate": 0})):
            source.on(command, do=faults.reply(reply))
        process = self.move(pair, "--predict", "--bandwidth", "64MiB/s")
        self.begin(pair)
        source.wait_status("completed")
        time.sleep(2 * ANSWER_S)
        self.say("ok")
        done = self.end(process, ENDS_S)
        self.assert_ended(done, 0)
        foreseen = next(line for line in done.lines() if line["type"] == "prediction")
        self.assertTrue(foreseen["converges"])
        self.assertNotIn("touched_bytes", foreseen["measured"])     # nobody knows its process here
        self.assertIn("total_us", done.result()["predicted"])

    def test_why_libvirt_has_not_is_told(self):
        pair = self.guest(**NEVER_ENDS)
        process = self.move(pair)
        self.say("the other host is full")
        done = self.end(process, 2)
        self.assert_ended(done, 10, "the other host is full")
        self.assertEqual(done.result()["guest_runs_on"], "source")

    # -- It does not

    def test_after_the_end_it_waits_so_long_and_says_who_decides(self):
        pair = self.guest(**SOON_ENDS)
        process = self.move(pair)
        self.begin(pair)
        pair.source.wait_status("completed")
        began = time.monotonic()
        self.assert_undecided(self.end(process, ENDS_S + 2), f"not said within {ENDS_S:.0f} s", "the source has completed")
        self.assertGreater(time.monotonic() - began, ENDS_S - 0.5)

    def test_a_source_that_is_gone_tells_nothing(self):
        pair = self.guest(**NEVER_ENDS)
        process = self.move(pair)
        self.begin(pair)
        pair.source.wait_status("active")
        pair.source.die()
        self.assert_undecided(self.end(process, ENDS_S + 2), f"not said within {ENDS_S:.0f} s")

    def test_a_cancel_while_it_waits_costs_no_cpu(self):
        pair = self.guest(**NEVER_ENDS)
        process = self.move(pair)
        self.begin(pair)
        pair.source.wait_status("active")
        pair.source.cut()
        pair.source.wait_status("failed")
        time.sleep(4 * ANSWER_S)        # it has seen that, and waits for libvirt
        process.send_signal(signal.SIGINT)
        before_s = cpu_s()
        self.assert_undecided(self.end(process, ENDS_S + 2), f"not said within {ENDS_S:.0f} s")
        self.assertLess(cpu_s() - before_s, ENDS_S / 8 + bench.SLOWER_S)

    # -- It does not begin

    def test_what_does_not_begin_is_aborted_and_has_failed(self):
        pair = self.guest(**NEVER_ENDS)
        process = self.move(pair)
        pair.source.wait(lambda peer: peer.received("migrate_cancel"), BEGINS_S + 3)
        self.say("aborted")
        done = self.end(process, 2)
        self.assert_ended(done, 10, f"no migration has begun within {BEGINS_S:.0f} s")
        self.assertEqual((done.result()["outcome"], done.result()["guest_runs_on"]), ("failed", "source"))

    def test_a_cancel_is_heeded_before_it_begins(self):
        """Libvirt refuses it as long as it has no job."""
        pair = self.guest(**NEVER_ENDS)
        pair.source.on("migrate_cancel", NOT_YET, times=2)
        process = self.move(pair)
        process.send_signal(signal.SIGINT)
        pair.source.wait(lambda peer: len(peer.received("migrate_cancel")) == 3, BEGINS_S / 2)
        self.say("aborted")
        done = self.end(process, 2)
        self.assert_ended(done, 11, "libvirt has aborted it")
        self.assertEqual(len(pair.source.received("migrate_cancel")), 3)


if __name__ == "__main__":
    unittest.main()
