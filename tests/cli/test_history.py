# SPDX-License-Identifier: LGPL-2.1-or-later
"""Past migrations, from what they left in the folder of the traces."""

import fcntl
import json
import os
import signal
import struct
import tempfile
import unittest

from tests.cli import program
from tests.cli.test_traces import EASY, Traces

LIVE = True
TIMEOUT = 120

HEADER = {"type": "header", "t_us": 0, "format": "qmpmig-1", "wall_clock": "2026-11-20T10:00:00.000000Z",
          "role": "migrate", "uri": "tcp:dst:4444", "vm": {"name": "web1", "uuid": "4e5d6a88-6f0c-4f3b-8f5d-7a4a5e7b9f10"},
          "ends": {"source": {"observed": True, "address": "unix:/run/web1.qmp"}}, "policy": {"name": "auto"}}
RESULT = {"type": "result", "t_us": 9000000, "outcome": "completed", "exit_code": 0, "guest_runs_on": "destination",
          "total_us": 9660000, "blackout_us": 340000, "blackout_source": "events", "throttle_integral_us": 1060000}
PREDICTED = {"converges": True, "late": False, "completed": 3, "postcopy": False, "total_us": 8700000, "blackout_us": 300000}


def whole(*lines):
    return "".join(json.dumps(line) + "\n" for line in lines)


class History(unittest.TestCase):
    """Traces made for the purpose."""

    def setUp(self):
        self.home = tempfile.TemporaryDirectory()
        self.addCleanup(self.home.cleanup)
        self.folder = os.path.join(self.home.name, "traces")
        os.mkdir(self.folder)

    def put(self, vm="web1", stamp="20261120T100000Z", text=whole(HEADER, RESULT), suffix=""):
        path = f"{self.folder}/{vm}-{stamp}-0a1b{suffix}.jsonl"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def run_history(self, *words):
        done = program.run("history", *words, environment={"STATE_DIRECTORY": self.home.name, "TZ": "UTC"})
        self.assertEqual(done.returncode, 0)
        return done

    def lines(self, *words):
        return [json.loads(line) for line in self.run_history("--json", *words).stdout.splitlines()]

    def test_a_line_has_what_header_and_result_tell(self):
        path = self.put()
        line, = self.lines()
        told = {key: line[key] for key in ("id", "began", "from", "to", "policy", "outcome", "total_us", "blackout_us",
                                           "work_lost_us", "trace", "trace_bytes")}
        self.assertEqual(told, {"id": "web1-20261120T100000Z-0a1b", "began": HEADER["wall_clock"],
                                "from": "unix:/run/web1.qmp", "to": "tcp:dst:4444", "policy": {"name": "auto"},
                                "outcome": "completed", "total_us": 9660000, "blackout_us": 340000,
                                "work_lost_us": 1400000, "trace": path, "trace_bytes": os.path.getsize(path)})

    def test_what_was_predicted_stands_beside_what_came(self):
        self.put(text=whole(HEADER, {**RESULT, "predicted": PREDICTED}))
        self.put(vm="web2", stamp="20261120T090000Z")
        self.assertEqual([line.get("predicted") for line in self.lines()], [PREDICTED, None])
        title, row, other, *_ = self.run_history().stdout.splitlines()
        self.assertEqual(title.split()[6:9], ["TOTAL", "PREDICTED", "BLACKOUT"])
        self.assertTrue(row[title.index("PREDICTED"):].startswith("8.7 s "), row)
        self.assertTrue(other[title.index("PREDICTED"):].startswith("- "), other)

    def test_the_table_is_for_people(self):
        self.put()
        title, row, *rest = self.run_history().stdout.splitlines()
        self.assertEqual(title.split(), ["BEGAN", "VM", "FROM", "TO", "POLICY", "OUTCOME", "TOTAL", "BLACKOUT", "LOST",
                                         "TRACE"])
        for words in ("2026-11-20 10:00:00", "web1", "/run/web1.qmp", "tcp:dst:4444", "auto", "completed", "9.66 s",
                      "340 ms", "1.4 s", "web1-20261120T100000Z-0a1b.jsonl"):
            self.assertIn(f"  {words}  ", f"  {row}  ")
        self.assertEqual(row.index("completed"), title.index("OUTCOME"))
        self.assertEqual(rest, ["", f"The traces are in {self.folder}",
                                "qmpmig report TRACE -o page.html draws one: what happened, and why"])

    def test_the_newest_is_first(self):
        self.put("a", "20261120T100000Z")
        self.put("b", "20261122T100000Z")
        self.put("c", "20261121T100000Z", suffix="-in")
        self.assertEqual([line["id"][0] for line in self.lines()], ["b", "c", "a"])

    def test_no_more_than_are_asked_for(self):
        for day in range(1, 26):
            self.put(stamp=f"202611{day:02}T100000Z")
        self.assertEqual(len(self.lines()), 20)
        self.assertEqual([line["id"] for line in self.lines("--limit", "2")],
                         ["web1-20261125T100000Z-0a1b", "web1-20261124T100000Z-0a1b"])
        self.assertIn("there are 23 more", self.run_history("--limit", "2").stdout)
        self.assertNotIn("more", self.run_history("--limit", "25").stdout)

    def test_of_one_vm(self):
        self.put("web1")
        self.put("db", text=whole({**HEADER, "vm": {"name": "db-7"}}, RESULT))
        self.assertEqual([line["vm"]["name"] for line in self.lines("--vm", "db-*")], ["db-7"])
        self.assertEqual([line["vm"]["name"] for line in self.lines("--vm", HEADER["vm"]["uuid"].upper())], ["web1"])
        self.assertIn("no migration of nobody", self.run_history("--vm", "nobody").stderr)

    def test_one_whose_writer_is_dead_was_left(self):
        self.put(text=whole(HEADER, {"type": "sample", "t_us": 1, "status": "active"}))
        line, = self.lines()
        self.assertEqual(line["outcome"], "left")
        self.assertNotIn("exit_code", line)

    def test_one_whose_writer_lives_runs(self):
        path = self.put(text=whole(HEADER))
        with open(path, "a", encoding="utf-8") as file:
            fcntl.fcntl(file, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)) # F_OFD_SETLK
            self.assertEqual(self.lines()[0]["outcome"], "running")
        self.assertEqual(self.lines()[0]["outcome"], "left")

    def test_a_torn_last_line_counts_as_not_written(self):
        self.put("a", text=whole(HEADER, RESULT) + '{"type": "no')
        self.put("b", text=whole(HEADER) + whole(RESULT)[:-1])
        self.assertEqual({line["id"][0]: line["outcome"] for line in self.lines()}, {"a": "completed", "b": "left"})

    def test_the_last_result_counts(self):
        self.put(text=whole(HEADER, {**RESULT, "outcome": "left"}, {**HEADER, "role": "recover"}, RESULT))
        line, = self.lines()
        self.assertEqual((line["outcome"], line["role"]), ("completed", "migrate"))

    def test_what_is_no_trace_is_skipped_with_a_word(self):
        good = self.put()
        torn = self.put("torn", text=whole(HEADER)[:40])
        with open(f"{self.folder}/notes.txt", "w", encoding="utf-8") as file:
            file.write("mine")
        os.mkdir(f"{self.folder}/folder-20261120T100000Z-0a1b.jsonl")
        done = self.run_history()
        self.assertIn(f"qmpmig: {torn}: not a trace", done.stderr)
        self.assertIn(f"qmpmig: {self.folder}/notes.txt: not a trace", done.stderr)
        self.assertIn("folder-20261120T100000Z-0a1b.jsonl: not a regular file", done.stderr)
        self.assertIn(os.path.basename(good), done.stdout)
        self.assertEqual(self.run_history("--quiet").stderr, "")

    def test_a_strange_trace_does_no_harm(self):
        for number, text in enumerate((whole({**HEADER, "vm": 7, "ends": [], "uri": {}, "wall_clock": 5}, {**RESULT, "total_us": "x"}),
                                       whole({**HEADER, "vm": {"name": "\x1b[31mred"}}, RESULT),
                                       whole(HEADER) + "\0\0\n" + "x" * 3000000 + "\n")):
            self.put(f"odd{number}", text=text)
        table = self.run_history().stdout
        self.assertNotIn("\x1b", table)
        self.assertEqual(len(table.splitlines()), 7)

    def test_where_nothing_is_there_is_nothing(self):
        os.rmdir(self.folder)
        done = self.run_history()
        self.assertEqual((done.stdout, done.stderr), ("", f"qmpmig: no migration has left a trace in {self.folder}\n"))
        self.assertFalse(os.path.exists(self.folder))

    def test_a_limit_is_a_number(self):
        done = program.run("history", "--limit", "none", environment={"STATE_DIRECTORY": self.home.name})
        self.assertEqual(done.returncode, 2)


class RealOnes(Traces):
    def history(self):
        running = self.qmpmig.start("--json", "history")
        self.assertEqual(running.wait(), 0, running.errors)
        return [line for _, line in running.lines]

    def test_a_move_that_runs_and_then_is_cancelled(self):
        running = self.begin()
        line, = self.history()
        self.assertEqual((line["outcome"], line["from"], line["to"]),
                         ("running", f"unix:{self.hop.source.qmp}", self.hop.uri()))
        self.at(self.hop.source, "cancel")
        self.assertEqual(running.wait(), 11)
        self.assertEqual([line["outcome"] for line in self.history()], ["cancelled"])

    def test_a_move_that_was_killed_is_left_until_it_is_recovered(self):
        running = self.begin()
        running.send(signal.SIGKILL)
        running.wait()
        self.assertEqual([line["outcome"] for line in self.history()], ["left"])
        self.at(self.hop.source, "cancel")
        self.at(self.hop.source, "recover", code=10)
        self.assertEqual([line["outcome"] for line in self.history()], ["failed"])

    def test_a_move_that_arrived(self):
        result = self.move(**EASY)[-1]
        line, = self.history()
        self.assertEqual({key: line[key] for key in ("outcome", "total_us", "blackout_us", "guest_runs_on")},
                         {key: result[key] for key in ("outcome", "total_us", "blackout_us", "guest_runs_on")})


if __name__ == "__main__":
    unittest.main()
