# SPDX-License-Identifier: LGPL-2.1-or-later
"""The policy `exec` at a migration: the example of the docs steers it, and is run only where that is permitted."""
import os
import pathlib
import shutil

from tests.display.record import record_faults
from tests.peer.bench import TOP, Bench
from tests.peer.peer import Ram

# A pass leaves as much as the one before: 0.5 s of the link.
SAME = {"total": 64 << 20, "working_set": 32 << 20, "dirty_rate": 1 << 30, "link": 64 << 20}


class Exec(Bench):
    def program(self, name="exec-policy.py"):
        """The example, at a place that nobody else can write to."""
        folder = os.path.join(self.folder, "programs")
        os.makedirs(folder, mode=0o755, exist_ok=True)
        return shutil.copy(os.path.join(TOP, "docs/exec-policy.py"), os.path.join(folder, name))

    def steered(self, command, *options, permitted=True):
        self.there = self.pair(ram=Ram(**SAME))
        return self.migrate(self.there, "--policy", f"exec,{command}", *(("--allow-exec",) if permitted else ()), "--postcopy", "never",
                            "--max-downtime", "2s", *options)

    def notices(self, done):
        return [line["text"] for line in done.lines() if line.get("code") in ("policy-log", "policy-lost")]

    def test_the_example_doubles_the_downtime_until_it_is_enough(self):
        done = self.steered(f"command={self.program()}", "--param", "downtime-limit=40")
        self.assertEqual((done.code, self.there.running()), (0, ["destination"]), self.told(self.there, done))
        self.assertEqual(record_faults(done.lines()), [])
        limits = [line["downtime_limit_us"] for line in done.lines() if line["type"] == "advice"]
        self.assertGreaterEqual(len(limits), 2, str(done))
        self.assertEqual(limits, [limits[0] << step for step in range(len(limits))], "each is twice the one before")
        self.assertTrue(any("steering" in text for text in self.notices(done)), "what it says on stderr is in the record")

    def test_a_program_is_run_only_where_that_is_permitted(self):
        done = self.steered(f"command={self.program()}", permitted=False)
        self.assertEqual(done.code, 2, str(done))
        self.assertIn("--allow-exec permits it", done.said())
        self.assertEqual(self.there.running(), ["source"])

    def test_a_program_that_others_can_write_is_refused(self):
        path = self.program("open.py")
        os.chmod(path, 0o666)
        done = self.steered(f"command={path}")
        self.assertEqual(done.code, 2, str(done))
        self.assertIn("open.py may be written by others (mode 0666)", done.said())

    def test_a_file_of_a_policy_reaches_it(self):
        file = os.path.join(self.folder, "schedule.json")
        for text, code in (('{"init":[],"stalling":[{"limit":1,"action":{"name":"abort","params":[]}}]}', 0), ('{"stalling":1}', 2)):
            pathlib.Path(file).write_text(text, encoding="utf-8")
            pair = self.pair()
            done = self.migrate(pair, "--policy", f"schedule,json=@{file}")
            self.assertEqual(done.code, code, self.told(pair, done))
        self.assertIn("a list called stalling", done.said())
