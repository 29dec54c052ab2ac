# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes tests/replay/traces: what is in them, answered anew, and the traces that are named.

    /usr/bin/python3 -m tests.replay.record [TRACE.jsonl...]
"""
import gzip
import json
import pathlib
import sys

from tests.replay.test_replay import RECORDED, read_case, replay

FOLDER = pathlib.Path(__file__).parent / "traces"
# For people, not in the struct; and what would make each file differ for nothing.
NOT_SHOWN = {"type", "id", "t_us", "phase", "progress", "pass_progress", "remaining_us", "verdict", "downtime_us",
             "downtime_bytes"}


def from_trace(path):
    """The lines that ask."""
    lines = [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()]
    limits = next(line for line in lines if line["type"] == "header")["limits"]
    plan = next(line for line in lines if line["type"] == "plan")
    defaults = {"if_stuck": limits["if_stuck"], "postcopy": ("never", "fallback", "now").index(plan["postcopy"])}
    can = ["throttle", "xbzrle"] + (["postcopy"] if plan["postcopy"] != "never" else [])
    facts = {"can": can, "max_downtime_us": limits["max_downtime_us"], "max_throttle_pct": limits["max_throttle_pct"]}
    total_us = next((line["total_us"] for line in lines if line["type"] == "result"), None)
    samples = [line for line in lines if line["type"] == "sample" and line["status"] == "active"]
    return [{"type": "case", "policy": "auto", "facts": facts, "context": {"ram_bytes": samples[0]["total_bytes"]},
             "defaults": defaults, "total_us": total_us},
            *({"type": "recorded", **{key: value for key, value in line.items() if key not in NOT_SHOWN}}
              for line in samples)]


def write(path, asked):
    """With the answers that set or do something; the others are silent."""
    answers = replay(asked)
    assert len(answers) == len(asked), answers[-1]
    # No name and no time in the header: the same answers are the same bytes.
    with open(path, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        for line, answer in zip(asked, answers):
            packed.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
            if answer["type"] != "advice" or answer["set"] or answer["action"] != "none":
                kept = {key: answer[key] for key in ("type", "set", "action", "reason_code") if key in answer}
                packed.write(json.dumps(kept, separators=(",", ":")).encode() + b"\n")


def main():
    FOLDER.mkdir(exist_ok=True)
    for path in RECORDED:
        write(path, [line for line, _ in read_case(path)])
    for name in sys.argv[1:]:
        path = pathlib.Path(name)
        write(FOLDER / f"{path.stem}.jsonl.gz", from_trace(path))


if __name__ == "__main__":
    main()
