# SPDX-License-Identifier: LGPL-2.1-or-later
"""A policy that is a program: asked in time, and left behind when it hangs, dies, raves, is late or floods."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from tests.replay.guest import BUILD

ECHO = """import json, sys
sys.stdin.readline()
for line in sys.stdin:
    sample = json.loads(line)
    print(json.dumps({"sequence": sample["sequence"], "throttle_pct": sample["sequence"], "reason": "echo"}), flush=True)
"""
# Nothing for the first sample until the second one is asked for, and all others at once.
LATE = """import json, sys, time
sys.stdin.readline()
for line in sys.stdin:
    sequence = json.loads(line)["sequence"]
    if sequence == 1:
        time.sleep(1.2)
    print(json.dumps({"sequence": sequence, "throttle_pct": sequence}), flush=True)
"""


class Program:
    """`replay` with a program at its helm."""

    def __init__(self, test, text, interpreter="/bin/sh", **options):
        self.folder = tempfile.mkdtemp(prefix="qmpmig-exec-")
        test.addCleanup(shutil.rmtree, self.folder)
        self.path = f"{self.folder}/policy"
        self.pids = f"{self.folder}/pids"
        pathlib.Path(self.path).write_text(f"#!{interpreter}\n{text}", encoding="utf-8")
        os.chmod(self.path, 0o755)
        self.config = {"command": self.path, **options}
        self.process = None
        self.sequence = 0

    def start(self):
        self.process = subprocess.Popen([BUILD / "tests/replay/replay"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.write({"type": "case", "policy": "exec", "config": self.config})
        return self.read()

    def write(self, line):
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()

    def read(self):
        return json.loads(self.process.stdout.readline())

    def ask(self, count=1):
        """The last of so many answers."""
        for _ in range(count):
            self.sequence += 1
            self.write({"type": "sample", "sequence": self.sequence})
            answer = self.read()
        return answer

    def noted(self):
        """Of the processes that it started; once there is one."""
        until = time.monotonic() + 10
        while time.monotonic() < until:
            if os.path.exists(self.pids) and (words := pathlib.Path(self.pids).read_text(encoding="utf-8").split()):
                return [int(word) for word in words]
            time.sleep(0.01)
        raise AssertionError("it was not started")

    def end(self):
        self.process.stdin.close()
        self.process.wait(timeout=10)
        self.process.stdout.close()


def is_there(pid):
    """Dead and not yet waited for by init is gone."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Programs(unittest.TestCase):
    def program(self, *arguments, **options):
        program = Program(self, *arguments, **options)
        self.addCleanup(program.end)
        plan = program.start()
        self.assertEqual((plan["type"], plan.get("set")), ("plan", {}), plan)
        return program

    def assert_gone(self, pids):
        until = time.monotonic() + 5
        while time.monotonic() < until and any(map(is_there, pids)):
            time.sleep(0.01)
        self.assertEqual([pid for pid in pids if is_there(pid)], [])

    def assert_given_up(self, text, samples, words, **options):
        """After so many samples, no earlier."""
        program = self.program(text, **options)
        if samples > 1:
            self.assertEqual(program.ask(samples - 1)["type"], "advice")
        answer = program.ask()
        self.assertEqual(answer["type"], "failed", answer)
        self.assertIn(words, answer["text"])
        return program

    def test_what_it_advises_is_its_answer_to_that_sample(self):
        program = self.program(ECHO, "/usr/bin/python3", patience="800ms")
        answers = [program.ask() for _ in range(20)]
        self.assertEqual([answer["set"].get("throttle_pct") for answer in answers[2:]], list(range(3, 21)))
        self.assertEqual(answers[-1]["reason"], "echo")

    def test_every_field_of_the_advice_is_taken(self):
        told = {"throttle_pct": 1, "downtime_limit_us": 2000, "bandwidth_bytes_per_s": 3, "postcopy_bandwidth_bytes_per_s": 4,
                "switchover_bandwidth_bytes_per_s": 5, "xbzrle_cache_bytes": 6, "dirty_limit_bytes_per_s": 7}
        beside = {"ask_again_us": 8, "needed_downtime_us": 9, "needed_bandwidth_bytes_per_s": 10, "needed_throttle_pct": 11,
                  "remaining_us": 12, "remaining_p90_us": 13, "blackout_us": 14, "blackout_p90_us": 15, "work_lost_us": 16,
                  "reason_code": 17, "action": "cancel", "reason": "why"}
        line = json.dumps({"sequence": 1, **told, **beside, "needs": 3, "verdict": "cannot-within-limits", "more": None})
        answer = self.program(f"read h; read s; echo '{line}'; read e").ask()
        self.assertEqual(answer["set"], told)
        self.assertEqual({name: answer[name] for name in beside}, beside)
        self.assertEqual((answer["verdict"], answer["needs"]), ("cannot", ["downtime", "bandwidth"]))

    def test_it_is_told_what_the_migration_is_about(self):
        program = self.program('read h; echo "$h" >"$1"; read s; echo "$s" >>"$1"; echo \'{"sequence":1}\'; read e',
                               args="'$FOLDER/two words'".replace("$FOLDER", tempfile.gettempdir()))
        self.addCleanup(os.unlink, f"{tempfile.gettempdir()}/two words")
        self.assertEqual(program.ask()["set"], {})
        header, sample = map(json.loads, pathlib.Path(tempfile.gettempdir(), "two words").read_text(encoding="utf-8").splitlines())
        self.assertEqual((header["type"], header["format"], header["kind"], header["page_size_bytes"]),
                         ("header", "qmpmig-1", "simulated", 4096))
        self.assertEqual((sample["type"], sample["sequence"]), ("sample", 1))
        self.assertNotIn("remaining_bytes", sample)     # not known

    def test_one_that_hangs_is_given_up(self):
        program = self.assert_given_up('echo $$ >>"${0%/*}/pids"; exec sleep 1000', 6, "no answer to three samples", patience="60ms",
                                       restarts="1")
        self.assertEqual(len(program.noted()), 2)
        self.assert_gone(program.noted())

    def test_one_that_dies_is_started_again_so_often(self):
        program = self.assert_given_up('echo $$ >>"${0%/*}/pids"; exit 3', 3, "it has ended", restarts="2")
        self.assertEqual(len(program.noted()), 3)

    def test_one_that_died_goes_on(self):
        program = self.program('test -e "${0%/*}/pids" || { echo $$ >"${0%/*}/pids"; exit 1; }; read h; read s;'
                               ' echo \'{"sequence":2,"throttle_pct":9}\'; read e')
        self.assertEqual(program.ask()["set"], {})
        self.assertEqual(program.ask()["set"], {"throttle_pct": 9})

    def test_nonsense_is_given_up(self):
        for said, words in (("hello", "no JSON object: hello"), ("[1]", "no JSON object"), ('{"throttle_pct":5}', "its sequence"),
                            ('{"sequence":1', "no JSON object"), ('{"sequence":-1}', "sequence is no whole number"),
                            ('{"sequence":1,"throttle_pct":"5"}', "throttle_pct is no whole number"),
                            ('{"sequence":1,"throttle_pct":0.5}', "throttle_pct is no whole number"),
                            ('{"sequence":1,"action":"yank"}', "action is none of the words"),
                            ('{"sequence":1,"reason":7}', "reason is no text"), ("[" * 100 + "]" * 100, "no JSON object")):
            with self.subTest(said=said):
                self.assert_given_up(f"read h; read s; echo '{said}'; read e", 1, words, restarts="0")

    def test_a_late_answer_is_passed_over_and_the_next_one_taken(self):
        program = self.program(LATE, "/usr/bin/python3", patience="700ms")
        self.assertEqual(program.ask()["set"], {})
        self.assertEqual(program.ask()["set"], {"throttle_pct": 2})

    def test_a_flood_is_given_up(self):
        self.assert_given_up("exec yes '{\"sequence\":77}'", 1, "more than 256 KiB for one sample", restarts="0")
        self.assert_given_up("head -c 300000 /dev/zero | tr '\\0' x; read e", 1, "a line of more than 64 KiB", restarts="0")

    def test_a_flood_of_complaints_holds_up_nothing(self):
        program = self.program("yes oh >&2 & read h; read s; echo '{\"sequence\":1,\"throttle_pct\":4}'; read e")
        self.assertEqual(program.ask()["set"], {"throttle_pct": 4})

    def test_what_it_has_started_ends_with_it(self):
        program = self.assert_given_up('sleep 1000 & echo $! >>"${0%/*}/pids"; exit 0', 1, "it has ended", restarts="0")
        self.assert_gone(program.noted())

    def test_it_ends_at_the_end_of_its_input(self):
        program = Program(self, 'echo $$ >"${0%/*}/pids"; read h; read s; echo bye >"${0%/*}/bye"')
        program.start()
        pids = program.noted()
        program.end()
        self.assertTrue(os.path.exists(f"{program.folder}/bye"))
        self.assert_gone(pids)

    def test_one_that_does_not_end_is_killed(self):
        program = Program(self, 'trap "" TERM HUP; echo $$ >"${0%/*}/pids"; while :; do sleep 1; done')
        program.start()
        pids = program.noted()
        began = time.monotonic()
        program.end()
        self.assertLess(time.monotonic() - began, 3)
        self.assert_gone(pids)

    def test_it_dies_with_who_asks_it(self):
        program = Program(self, 'echo $$ >"${0%/*}/pids"; exec sleep 1000')
        program.start()
        pids = program.noted()
        program.process.send_signal(signal.SIGKILL)
        self.addCleanup(program.end)
        self.assert_gone(pids)


class Refused(unittest.TestCase):
    def refused(self, program, **options):
        program.config.update(options)
        answer = program.start()
        program.end()
        self.assertEqual(answer["type"], "failed", answer)
        return answer["text"]

    def test_a_program_that_others_can_write(self):
        for mode, at in ((0o777, "policy"), (0o775, "policy"), (0o777, ""), (0o1777, "")):
            with self.subTest(mode=oct(mode), at=at):
                program = Program(self, "read h")
                os.chmod(f"{program.folder}/{at}", mode)
                self.assertIn("may be written by others", self.refused(program))

    def test_a_link_is_as_good_as_what_it_leads_to(self):
        program, other = Program(self, "read h"), Program(self, "read h")
        os.chmod(other.path, 0o777)
        os.unlink(program.path)
        os.symlink(other.path, program.path)
        self.assertIn("may be written by others", self.refused(program))

    def test_what_cannot_be_run(self):
        program = Program(self, "read h")
        os.chmod(program.path, 0o644)
        self.assertIn("Permission denied", self.refused(program))
        self.assertIn("/nowhere", self.refused(Program(self, ""), command="/nowhere"))
        self.assertIn("is not a file", self.refused(Program(self, ""), command="/usr/bin"))

    def test_options_that_make_no_sense(self):
        for options, words in (({"command": "policy"}, "no absolute path"), ({"patience": "1s"}, "between 10ms and 800ms"),
                               ({"args": "'"}, "quot"), ({"patience": "1ms"}, "between 10ms and 800ms")):
            self.assertIn(words, self.refused(Program(self, "read h"), **options))
        program = Program(self, "")
        program.config = {}
        self.assertIn("command=PATH is missing", self.refused(program))


if __name__ == "__main__":
    unittest.main()
