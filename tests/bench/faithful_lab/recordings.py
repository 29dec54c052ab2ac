# SPDX-License-Identifier: LGPL-2.1-or-later
"""The traces that the repository has for this: real migrations of the bench, completed, without what names a machine."""

import gzip
import itertools
import json
import pathlib
import re

TOP = pathlib.Path(__file__).parents[1] / "traces"
FOLDERS = ("held-out", "fitted")
HEADER = ("type", "t_us", "id", "format", "wall_clock", "role", "tool", "limits", "policy", "ram_bytes", "vcpus", "accelerator")
OPTIONS_OF_A_MACHINE = ("trace", "dest-socket")
# What is worked out from the rest; nothing replays it.
ESTIMATES = ("curve", "remaining_us", "progress", "pass_progress", "verdict", "workable_throttle_pct", "confidence_pct",
             "downtime_if_stopped_us", "remaining_after_pass_bytes")


def paths(folder):
    return sorted((TOP / folder).glob("*.jsonl.gz"))


def cell(path):
    """400M-ws64-d100-uniform-page-random-300ms-auto, without the number of the repeat."""
    return re.sub(r"-\d+(-\w\d)?\.jsonl(\.gz)?$", "", pathlib.Path(path).name)


def read(path):
    opened = gzip.open if str(path).endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def end_of(header):
    end = header["ends"]["source"]
    return {"address": "bench", **{key: end[key] for key in ("observed", "version", "capabilities", "parameters")}}


def scheme(uri):
    """tcp: or fd:tcp:, that is who connected."""
    return uri[:uri.index("tcp:") + len("tcp:")]


def anonymous(line):
    if line["type"] == "header":
        options = {key: text for key, text in line["options"].items() if key not in OPTIONS_OF_A_MACHINE}
        return {**{key: line[key] for key in HEADER if key in line}, "vm": {"name": "bench"},
                "ends": {"source": end_of(line)}, "options": options, "uri": scheme(line["uri"]) + "bench:4444"}
    return {key: value for key, value in line.items() if key not in ESTIMATES}


def began(path):
    """As text, which sorts as the time does."""
    return read(path)[0]["wall_clock"]


def newest(folder):
    return max(map(began, paths(folder)), default="")


def is_ours(lines):
    """Begun by qmpmig, and completed: all that its QEMU was told is there."""
    return lines[0].get("role") == "migrate" and lines[-1].get("outcome") == "completed"


def choose(results, since):
    """Of what was begun after SINCE and completed, the newest of each cell and contender."""
    chosen = {}
    for path in itertools.chain(*(pathlib.Path(folder).glob("*.jsonl") for folder in results)):
        lines = read(path)
        if is_ours(lines) and lines[0]["wall_clock"] > max(since, chosen.get(cell(path), ("",))[0]):
            chosen[cell(path)] = (lines[0]["wall_clock"], path)
    return sorted(path for _, path in chosen.values())


def adopt(results, since):
    """Held out is then what is chosen there, and nothing else."""
    if since < newest("fitted"):
        raise ValueError(f"{since}: the newest that the model was fitted on began {newest('fitted')}")
    chosen = choose(results, since)
    for path in paths("held-out"):
        path.unlink()
    for path in chosen:
        add("held-out", path)
    return chosen


def add(folder, path):
    lines = [anonymous(line) for line in read(path) if line["type"] != "event"]
    name = pathlib.Path(path).name.removesuffix(".gz").removesuffix(".jsonl")
    (TOP / folder).mkdir(parents=True, exist_ok=True)
    # No name and no time in the header: the same lines are the same bytes.
    with open(TOP / folder / f"{name}.jsonl.gz", "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        for line in lines:
            packed.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")


def outcome(path):
    """(total, QEMU's downtime), in us."""
    lines = read(path)
    downtimes = [line["downtime_us"] for line in lines if line["type"] == "sample" and "downtime_us" in line]
    return lines[-1]["total_us"], downtimes[-1]


def outcomes():
    """What the real migrations of each cell came to."""
    known = {}
    for path in itertools.chain(*map(paths, FOLDERS)):
        known.setdefault(cell(path), []).append(outcome(path))
    return known
