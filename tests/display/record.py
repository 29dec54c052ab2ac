# SPDX-License-Identifier: LGPL-2.1-or-later
"""What every record that qmpmig writes must be: each line by the schema, and all of them in order.

As a program: python3 -m tests.display.record FILE... says what is wrong with each.
"""
import json
import pathlib
import sys

import jsonschema

ROOT = pathlib.Path(__file__).parents[2]
SCHEMA = ROOT / "docs/qmpmig-1.schema.json"


def line_validator():
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def line_faults(line, validator=None):
    """What is wrong with one line (an object), as texts."""
    validator = validator or line_validator()
    return [f"{line.get('type')}: {error.json_path}: {error.message[:200]}"
            for error in validator.iter_errors(line)]


def record_faults(lines, whole=True):
    """What is wrong with a record (objects). WHOLE: it must reach from the header to the result."""
    validator = line_validator()
    faults = []
    for number, line in enumerate(lines, 1):
        faults += [f"line {number}: {fault}" for fault in line_faults(line, validator)]
    types = [line.get("type") for line in lines]
    if whole and (types[:1] != ["header"] or types.count("header") != 1):
        faults.append("the header is not the first line and the only one")
    if whole and (types[-1:] != ["result"] or types.count("result") != 1):
        faults.append("the result is not the last line and the only one")
    if whole and lines and "id" not in lines[0]:
        faults.append("a record without a migration id")
    if len({line.get("id") for line in lines}) > 1:
        faults.append("more than one migration id, or none on some lines")
    return faults + _falls(lines, "t_us") + _falls(lines, "progress") + _falls(lines, "passes")


def _falls(lines, key):
    values = [line[key] for line in lines if line.get("type") != "result" and key in line]
    pairs = zip(values, values[1:])
    return [f"{key} falls from {a} to {b}" for a, b in pairs if b < a]


def read_lines(path):
    return [json.loads(line) for line in pathlib.Path(path).read_text().splitlines()]


if __name__ == "__main__":
    found = {path: record_faults(read_lines(path)) for path in sys.argv[1:]}
    for path, faults in found.items():
        print(*(f"{path}: {fault}" for fault in faults), sep="\n", end="\n" if faults else "")
    sys.exit(any(found.values()))
