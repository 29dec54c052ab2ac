# SPDX-License-Identifier: LGPL-2.1-or-later
"""docs/qmpmig-1.schema.json takes the examples, and refuses their broken twins."""
import copy
import pathlib
import unittest

from tests.display.record import line_faults, line_validator, read_lines, record_faults

EXAMPLES = sorted(pathlib.Path(__file__).parent.glob("examples/*.jsonl"))
MISSING = object()

# example, type of the line, path to what is broken, what stands there instead
BROKEN = [
    ("precopy", "header", "type", "heading"),
    ("precopy", "header", "t_us", -1),
    ("precopy", "header", "t_us", 1.5),
    ("precopy", "header", "id", "web1"),
    ("precopy", "header", "format", "qmpmig-2"),
    ("precopy", "header", "wall_clock", "yesterday"),
    ("precopy", "header", "wall_clock", MISSING),
    ("precopy", "header", "role", "send"),
    ("precopy", "header", "ends", {}),
    ("precopy", "header", "ends.middle", {"observed": False}),
    ("precopy", "header", "ends.source.observed", "yes"),
    ("precopy", "header", "ends.source.version", MISSING),
    ("precopy", "header", "ends.source.capabilities.events", "on"),
    ("precopy", "header", "limits.max_downtime_us", "500ms"),
    ("precopy", "header", "limits.max_downtime_ms", 500),
    ("precopy", "header", "options.max-downtime", 500),
    ("precopy", "header", "options.max_downtime", "500ms"),
    ("precopy", "plan", "dry_run", MISSING),
    ("precopy", "plan", "postcopy", "maybe"),
    ("precopy", "plan", "capabilities.0.value", "on"),
    ("precopy", "plan", "capabilities.0.reason", MISSING),
    ("precopy", "plan", "parameters.0.end", "here"),
    ("precopy", "plan", "warnings", [{"text": "no"}]),
    ("precopy", "sample", "status", MISSING),
    ("precopy", "sample", "phase", "precopy"),
    ("precopy", "sample", "progress", 1.2),
    ("precopy", "sample", "remaining_bytes", "4096"),
    ("precopy", "sample", "throttle_pct", 101),
    ("precopy", "sample", "some_new_name_us", None),
    ("precopy", "sample", "verdict", "fine"),
    ("precopy", "advice", "reason_code", "throttle"),
    ("precopy", "advice", "reason", "x" * 257),
    ("precopy", "advice", "action", "wait"),
    ("precopy", "applied", "parameters", []),
    ("precopy", "applied", "answer", MISSING),
    ("precopy", "event", "end", "qemu"),
    ("precopy", "event", "name", "stop"),
    ("postcopy", "notice", "level", "fatal"),
    ("postcopy", "notice", "code", "Dirty Rate"),
    ("postcopy", "notice", "text", MISSING),
    ("precopy", "result", "outcome", "success"),
    ("precopy", "result", "exit_code", 10),
    ("precopy", "result", "guest_runs_on", "source"),
    ("precopy", "result", "blackout_source", MISSING),
    ("precopy", "result", "passes", -1),
    ("undecided", "result", "check", MISSING),
    ("undecided", "result", "commands", []),
    ("undecided", "result", "exit_code", 0),
    ("undecided", "result", "error.text", MISSING),
    ("handed-over", "result", "exit_code", 13),
    ("cancelled", "result", "exit_code", 0),
    ("postcopy-paused", "result", "guest_runs_on", "nowhere"),
    ("failed", "result", "error", MISSING),
]


def example(name):
    return read_lines(pathlib.Path(__file__).parent / "examples" / f"{name}.jsonl")


def broken(line, path, value):
    twin = copy.deepcopy(line)
    *way, last = path.split(".")
    at = twin
    for step in way:
        at = at[int(step)] if isinstance(at, list) else at[step]
    if value is MISSING:
        del at[last]
    else:
        at[last] = value
    return twin


class Schema(unittest.TestCase):
    def test_examples_pass(self):
        self.assertTrue(EXAMPLES)
        for path in EXAMPLES:
            with self.subTest(path.name):
                self.assertEqual(record_faults(read_lines(path)), [])

    def test_broken_twins_fail(self):
        validator = line_validator()
        for name, kind, path, value in BROKEN:
            with self.subTest(f"{name}: {kind}: {path}"):
                line = next(line for line in example(name) if line["type"] == kind)
                self.assertEqual(line_faults(line, validator), [])
                self.assertNotEqual(line_faults(broken(line, path, value), validator), [])

    def test_unknown_keys_pass(self):
        for line in example("precopy"):
            self.assertEqual(line_faults(line | {"colour": "red"}), [])

    def test_every_type_has_an_example(self):
        types = {line["type"] for path in EXAMPLES for line in read_lines(path)}
        schema = line_validator().schema
        # Those of other commands are no part of a record: tests/cli/program.py holds them against the schema.
        others = {"vm", "capabilities", "settings", "setting", "history", "would", "policy", "prediction", "simulated"}
        self.assertEqual(types | others, set(schema["properties"]["type"]["enum"]))

    def test_every_outcome_has_an_example(self):
        outcomes = {read_lines(path)[-1]["outcome"] for path in EXAMPLES}
        schema = line_validator().schema["$defs"]["result"]
        self.assertEqual(outcomes, set(schema["properties"]["outcome"]["enum"]))


class Record(unittest.TestCase):
    def test_order_is_checked(self):
        lines = example("precopy")
        self.assertTrue(record_faults(lines[1:]))
        self.assertTrue(record_faults(lines[:-1]))
        self.assertTrue(record_faults([lines[0], *reversed(lines[1:-1]), lines[-1]]))

    def test_id_is_on_each_line(self):
        lines = example("precopy")
        del lines[3]["id"]
        self.assertTrue(record_faults(lines))

    def test_one_migration_only(self):
        self.assertTrue(record_faults(example("precopy")[:-1] + example("cancelled")[-1:]))

    def test_progress_never_falls(self):
        lines = example("precopy")
        last = [line for line in lines if line["type"] == "sample"][-1]
        last["progress"] = 0.1
        self.assertTrue(record_faults(lines))


if __name__ == "__main__":
    unittest.main()
