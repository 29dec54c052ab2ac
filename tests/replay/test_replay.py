# SPDX-License-Identifier: LGPL-2.1-or-later
"""Policies do tick by tick what the cases say; README.md beside this file."""
import fnmatch
import gzip
import json
import os
import pathlib
import subprocess
import unittest

from tests.replay.guest import BUILD

CASES = sorted((pathlib.Path(__file__).parent / "cases").glob("*.jsonl"))
RECORDED = sorted((pathlib.Path(__file__).parent / "traces").glob("*.jsonl.gz"))
ASKS = ("case", "sample", "recorded")
SILENT = {"type": "advice", "set": {}}


def read_case(path):
    """Pairs of a line that asks and the answer that is expected, which may be None."""
    pairs = []
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        texts = file.read().splitlines()
    for text in texts:
        line = json.loads(text)
        if line["type"] in ASKS:
            pairs.append((line, None if line["type"] == "case" else SILENT))
        else:
            pairs[-1] = (pairs[-1][0], line)
    return pairs


def replay(lines):
    environment = {**os.environ, "QMPMIG_PLUGIN_DIR": str(BUILD / "plugins")}
    done = subprocess.run([BUILD / "tests/replay/replay"], input="".join(json.dumps(line) + "\n" for line in lines),
                          env=environment, stdout=subprocess.PIPE, text=True, timeout=60, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def agrees(answer, expected):
    """What is set, and the action, exactly; of the rest what the case names."""
    if expected["type"] == "failed":
        return answer["type"] == "failed" and fnmatch.fnmatchcase(answer["text"], expected["text"])
    whole = {"action": "none", **expected} if expected["type"] == "advice" else expected
    return all(answer.get(key) == value for key, value in whole.items())


class Replayed(unittest.TestCase):
    def check_case(self, path):
        pairs = [(line, expected) for line, expected in read_case(path)]
        answers = replay([line for line, _ in pairs])
        asked = [(line, expected) for line, expected in pairs if expected]
        self.assertEqual(len(answers), len(asked), f"{path.name}: {answers}")
        for (line, expected), answer in zip(asked, answers):
            self.assertTrue(agrees(answer, expected), f"{path.name}\n at {line}\nnot {expected}\nbut {answer}")

    def test_each_case_is_answered_as_it_says(self):
        self.assertGreater(len(CASES), 10)
        for path in CASES:
            with self.subTest(case=path.stem):
                self.check_case(path)

    def test_recorded_migrations_are_steered_as_they_were(self):
        """Real ones, from the bench: whoever changes a policy sees in them what it does to each (record.py writes them)."""
        self.assertGreaterEqual(len(RECORDED), 30)
        for path in RECORDED:
            with self.subTest(trace=path.stem):
                self.check_case(path)

    def test_each_policy_has_a_case(self):
        shown = {json.loads(path.read_text(encoding="utf-8").splitlines()[0])["policy"] for path in CASES}
        built = {path.stem for path in (BUILD / "plugins").glob("*.so")}
        self.assertEqual(built - shown, set())

    def test_another_answer_is_no_agreement(self):
        answer = {"type": "advice", "set": {"throttle_pct": 50}, "action": "none", "reason": "x"}
        self.assertTrue(agrees(answer, {"type": "advice", "set": {"throttle_pct": 50}}))
        for other in (SILENT, {"type": "advice", "set": {"throttle_pct": 51}},
                      {"type": "advice", "set": {"throttle_pct": 50, "downtime_limit_us": 1}},
                      {"type": "advice", "set": {"throttle_pct": 50}, "action": "cancel"},
                      {"type": "advice", "set": {"throttle_pct": 50}, "reason": "y"},
                      {"type": "failed", "text": "*"}, {"type": "plan", "set": {"throttle_pct": 50}, "postcopy": 1}):
            self.assertFalse(agrees(answer, other), other)

    def test_the_same_lines_get_the_same_answers(self):
        for path in CASES:
            lines = [line for line, _ in read_case(path)]
            self.assertEqual(replay(lines), replay(lines), path.name)
