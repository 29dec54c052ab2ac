# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every move leaves its record on the disk, whatever becomes of qmpmig."""

import glob
import json
import os
import signal
import stat
import unittest

from tests.cli.test_commands import HELD, CommandTest
from tests.display.record import line_faults, record_faults

LIVE = True
TIMEOUT = 300

EASY = {"ws": "4M", "rate": "8M"}


class Traces(CommandTest):
    @property
    def folder(self):
        return os.path.join(self.qmpmig.environment["STATE_DIRECTORY"], "traces")

    def names(self):
        return sorted(os.listdir(self.folder)) if os.path.isdir(self.folder) else []

    def read(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def migrate(self, pair, *options, **more):
        return self.qmpmig.start("--json", "--socket", pair.source.qmp, "migrate", pair.uri(), "--dest-socket",
                                 pair.destination.qmp, *options, **more)

    def move(self, *options, **guest):
        """The lines of a move that has arrived."""
        pair = self.pair(**{**EASY, **guest})
        running = self.migrate(pair, *options)
        self.assertEqual(running.wait(), 0, running.errors)
        self.assertEqual(pair.running(), ["dst"])
        return [line for _, line in running.lines]

    def begin(self, *options):
        self.hop = self.pair()
        running = self.migrate(self.hop, *HELD, "--postcopy", "never", *options)
        running.wait_line("sample", status="active")
        return running


class Writing(Traces):
    def test_a_move_leaves_the_lines_of_its_output(self):
        lines = self.move()
        self.assertEqual(self.names(), [f"{lines[0]['id']}.jsonl"])
        self.assertEqual(self.read(self.names()[0]), lines)
        self.assertEqual(record_faults(lines), [])

    def test_the_header_has_what_it_was_begun_with(self):
        header = self.move("--max-downtime", "300ms", "--param", "announce-rounds=6")[0]
        self.assertEqual(header["options"]["max-downtime"], "300ms")
        self.assertEqual(header["options"]["param"], ["announce-rounds=6"])
        self.assertNotIn("bandwidth", header["options"])
        self.assertEqual(header["ends"]["source"]["parameters"]["announce-rounds"], 5)

    def test_the_receiving_end_has_a_file_of_its_own(self):
        pair = self.pair(**EASY)
        receiving = self.qmpmig.start("--json", "--socket", pair.destination.qmp, "incoming", pair.uri())
        receiving.wait_for(lambda: pair.destination.migration().get("status") == "setup", "listening QEMU")
        sending = self.qmpmig.start("--json", "--socket", pair.source.qmp, "migrate", pair.uri())
        self.assertEqual((sending.wait(), receiving.wait()), (0, 0), sending.errors + receiving.errors)
        incoming, = [name for name in self.names() if name.endswith("-in.jsonl")]
        self.assertEqual(self.read(incoming), [line for _, line in receiving.lines])
        self.assertEqual(len(self.names()), 2)

    def test_none_is_none(self):
        self.move("--trace", "none")
        self.assertEqual(self.names(), [])

    def test_a_dry_run_leaves_none(self):
        pair = self.pair(**EASY)
        self.assertEqual(self.migrate(pair, "--dry-run").wait(), 0)
        self.assertEqual(self.names(), [])

    def test_root_s_are_for_the_group(self):
        self.move()
        self.assertEqual(stat.S_IMODE(os.stat(self.folder).st_mode), 0o750)
        path = os.path.join(self.folder, self.names()[0])
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o640)

    def test_one_too_many_makes_the_oldest_go(self):
        os.makedirs(self.folder)
        for number in range(500):
            path = f"{self.folder}/vm-20260101T000000Z-{number:04x}.jsonl"
            with open(path, "w", encoding="utf-8") as file:
                file.write('{"type":"header","t_us":0,"format":"qmpmig-1"}\n{"type":"result","t_us":1}\n')
            os.utime(path, (1e9 + number, 1e9 + number))
        self.move()
        self.assertEqual(len(self.names()), 500)
        self.assertNotIn("vm-20260101T000000Z-0000.jsonl", self.names())


class Trouble(Traces):
    def assert_warned(self, lines, words):
        """Once, and the move is none the worse for it."""
        self.assertEqual(record_faults(lines), [])
        notice, = [line for line in lines if line.get("code") == "trace"]
        self.assertEqual(notice["level"], "warning")
        self.assertIn(words, notice["text"])

    def test_a_folder_that_cannot_be_made_is_a_warning(self):
        os.makedirs(os.path.dirname(self.folder))
        with open(self.folder, "w", encoding="utf-8"):
            pass
        self.assert_warned(self.move(), self.folder)

    def test_a_full_disk_is_a_warning(self):
        self.assert_warned(self.move("--trace", "/dev/full"), "No space left")

    def test_a_file_that_cannot_be_made_is_a_usage_error(self):
        pair = self.pair(**EASY)
        said = self.qmpmig.run("--socket", pair.source.qmp, "migrate", pair.uri(), "--trace", "/nonexistent/trace",
                               code=2)
        self.assertIn("--trace /nonexistent/trace: cannot be written", said)


class Killed(Traces):
    def test_what_was_written_until_then_can_be_read(self):
        running = self.begin()
        running.wait_for(lambda: len(running.lines) > 20, "20 lines")
        running.send(signal.SIGKILL)
        running.wait()
        lines = self.read(self.names()[0])
        self.assertEqual(record_faults(lines, whole=False), [])
        self.assertEqual(lines[0]["type"], "header")
        self.assertGreater(len(lines), 20)

    def test_recover_goes_on_in_the_same_file(self):
        running = self.begin()
        running.send(signal.SIGKILL)
        running.wait()
        name, = self.names()
        before = len(self.read(name))
        recovering = self.qmpmig.start("--json", "--socket", self.hop.source.qmp, "recover")
        recovering.wait_line("sample", status="active")
        self.at(self.hop.source, "set", "max-downtime=2s", "bandwidth=unlimited")
        self.assertEqual(recovering.wait(), 0, recovering.errors)
        self.assertEqual(self.names(), [name])
        lines = self.read(name)
        self.assertEqual(lines[before:], [line for _, line in recovering.lines])
        self.assertEqual([line["role"] for line in lines if line["type"] == "header"], ["migrate", "recover"])

    def test_a_torn_line_is_cut_off_by_recover(self):
        running = self.begin()
        running.send(signal.SIGKILL)
        running.wait()
        path, = glob.glob(self.folder + "/*.jsonl")
        with open(path, "a", encoding="utf-8") as file:
            file.write('{"type": "sample", "t_')
        self.at(self.hop.source, "cancel")
        self.at(self.hop.source, "recover", code=10)
        lines = self.read(os.path.basename(path))
        self.assertEqual([fault for line in lines for fault in line_faults(line)], [])
        self.assertEqual(lines[-1]["outcome"], "failed")


if __name__ == "__main__":
    unittest.main()
