# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a policy said on a real migration it says again when it is shown the trace: nothing else went into it."""
import gzip
import json
import pathlib
import unittest

from tests.replay.test_replay import replay

TRACES = sorted((pathlib.Path(__file__).parent / "live").glob("*.jsonl.gz"))
WORDS = {"cannot": "cannot-within-limits"}
KNOBS = ("throttle_pct", "downtime_limit_us", "bandwidth_bytes_per_s", "xbzrle_cache_bytes")


def read_trace(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def recorded(lines):
    """The advices that a trace has, by the number of the sample before."""
    found, number = {}, -1
    for line in lines:
        if line["type"] == "sample":
            number += 1
        elif line["type"] == "advice":
            found[number] = {"set": {knob: line[knob] for knob in KNOBS if knob in line}, "action": line["action"],
                             "verdict": line["verdict"], "reason": line["reason"]}
    return found


def replayed(lines):
    header = lines[0]
    case = {"type": "case", "policy": header["policy"]["name"], "config": header["policy"]["keys"],
            "facts": {"can": ["throttle"], **{name: header["limits"][name] for name in ("max_downtime_us", "max_throttle_pct")
                                              if name in header["limits"]}}}
    answers = replay([case, *({**line, "type": "recorded"} for line in lines if line["type"] == "sample")])[1:]
    return [{"set": answer["set"], "action": answer["action"], "verdict": WORDS.get(answer["verdict"], answer["verdict"]),
             "reason": answer["reason"]} for answer in answers]


class Traces(unittest.TestCase):
    def test_the_advice_is_the_recorded_one(self):
        self.assertGreaterEqual(len(TRACES), 2)
        for path in TRACES:
            lines = read_trace(path)
            answers, told = replayed(lines), recorded(lines)
            self.assertGreater(len(told), 2)
            for number, advice in told.items():
                self.assertEqual(answers[number], advice, f"{path.name}: sample {number}")

    def test_nothing_is_advised_that_was_not_recorded(self):
        for path in TRACES:
            lines = read_trace(path)
            told = recorded(lines)
            extra = [number for number, answer in enumerate(replayed(lines)) if answer["set"] and number not in told]
            self.assertEqual(extra, [], path.name)

    def test_another_trace_has_other_advice(self):
        lines = read_trace(TRACES[0])
        changed = [{**line, "remaining_bytes": 4096} if line["type"] == "sample" else line for line in lines]
        self.assertNotEqual(replayed(changed), replayed(lines))


if __name__ == "__main__":
    unittest.main()
