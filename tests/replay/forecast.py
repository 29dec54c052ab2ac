# SPDX-License-Identifier: LGPL-2.1-or-later
"""How wrong auto's forecast of the total time is, over recorded migrations, without QEMU.

    /usr/bin/python3 -m tests.replay.forecast [--write] [TRACE...]

Each trace is gone through again by today's estimates and today's policy, from what QEMU said alone. Looked at is what auto
says after the first and the second pass, and as soon as enough of the third is known to tell what deltas bring (what `auto`
has to meet is told of the second). A trace whose throttle is not what auto would do now is marked: its end is another's.
Without TRACE: all of tests/replay/traces and tests/bench/results/traces. --write puts what it comes to into
tests/bench/RESULTS.md, between its markers.
"""
import argparse
import pathlib
import statistics
import subprocess

from tests.replay.record import from_trace
from tests.replay.test_replay import RECORDED, read_case, replay

BENCH = pathlib.Path(__file__).parents[1] / "bench/results/traces"
RESULTS = pathlib.Path(__file__).parents[1] / "bench/RESULTS.md"
MARKS = ("<!-- bench:forecast -->", "<!-- /bench:forecast -->")
TITLES = ("traces", "known", "count", "median", "90th percentile", "worst")
SETTLED_PAGES = 256     # looked up in the cache since the second pass
COLUMNS = (("pass 1", 1), ("pass 2", 2), ("deltas", 2.5))


def load(path):
    """(lines that ask, total seconds)."""
    if path.name.endswith(".gz"):
        asked = [line for line, _ in read_case(path)]
    else:
        asked = from_trace(path)
    last = max(line["now_us"] for line in asked if line["type"] == "recorded")
    return [{**asked[0], "estimate": True}, *asked[1:]], (asked[0].get("total_us") or last) / 1e6


def looked_up(line):
    return line.get("xbzrle_pages", 0) + line.get("xbzrle_misses", 0)


def moments(samples):
    """The first sample after so many passes; and after enough of the third."""
    found, base = {}, None
    for index, line in enumerate(samples):
        for passes in (1, 2):
            if line["passes"] >= passes and passes not in found:
                found[passes] = index
                base = looked_up(line)
        if 2 in found and 2.5 not in found and looked_up(line) >= base + SETTLED_PAGES:
            found[2.5] = index
    return found


def commands(samples):
    """The throttle that was commanded in the end, and when first."""
    known = [(line.get("throttle_commanded_pct", 0), line["now_us"]) for line in samples]
    hard = [at for pct, at in known if pct > 1]
    return (known[-1][0] if known[-1][0] > 1 else 0), (hard[0] if hard else None)


def follows(samples, answers):
    """Whether the recorded course is the one that auto would take now."""
    done, at = commands(samples)
    asked = [(answer["set"]["throttle_pct"], line["now_us"]) for line, answer in zip(samples, answers)
             if "throttle_pct" in answer["set"]]
    if not asked or not done:
        return not asked and not done
    return asked[0][0] == done and abs(asked[0][1] - at) < 0.4e6


def has_ended(path):
    """One that a kill cut short tells nothing, and one that never ended has no total."""
    last = path.read_text(encoding="utf-8").rstrip().rpartition("\n")[2]
    return '"type":"result"' in last and '"outcome":"completed"' in last


def measure(path):
    asked, total = load(path)
    answers = replay(asked)
    assert answers[-1]["type"] == "advice", f"{path}: {answers[-1]}"
    samples, answers = asked[1:], answers[1:]
    errors = {}
    for key, index in moments(samples).items():
        left = answers[index].get("remaining_us")
        if left is not None and samples[index]["now_us"] / 1e6 < total - 0.05:
            errors[key] = (samples[index]["now_us"] + left) / 1e6 / total - 1
    return total, errors, follows(samples, answers)


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def sums(name, rows):
    """A line for each moment, of those that say something then."""
    found = []
    for label, key in COLUMNS:
        errors = [abs(errors[key]) for _, errors, _ in rows if key in errors]
        if errors:
            found.append((name, label, str(len(errors)), f"{statistics.median(errors):.1%}", f"{quantile(errors, 0.9):.1%}",
                          f"{max(errors):.1%}"))
    return found


def all_sums(rows):
    followed = [(name, row) for name, row in rows if row[2]]
    kinds = (("all", rows), ("same course", followed),
             ("same course, stationary", [one for one in followed if "bursts" not in one[0]]),
             ("same course, bursts", [one for one in followed if "bursts" in one[0]]))
    return [line for name, chosen in kinds for line in sums(name, [row for _, row in chosen])]


def tell(name, row):
    total, errors, followed = row
    print(f"{name.split('.jsonl')[0]:60} {total:8.2f}" +
          "".join(f" {errors[key]:+8.1%}" if key in errors else "        -" for _, key in COLUMNS) +
          ("" if followed else "  another course"))


def write(lines):
    commit = subprocess.run(["git", "-C", RESULTS.parent, "describe", "--always", "--dirty"], check=True, capture_output=True,
                            text=True).stdout.strip()
    table = "\n".join(f"| {' | '.join(line)} |" for line in (TITLES, ["---"] * len(TITLES), *lines))
    before, rest = RESULTS.read_text("utf-8").split(MARKS[0])
    RESULTS.write_text(f"{before}{MARKS[0]}\n{table}\n\nAt {commit}.\n{MARKS[1]}{rest.split(MARKS[1])[1]}", "utf-8")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--write", action="store_true")
    parser.add_argument("traces", nargs="*", type=pathlib.Path, metavar="TRACE")
    return parser.parse_args()


def main():
    asked = parse()
    paths = asked.traces or [*RECORDED, *sorted(path for path in BENCH.glob("*-auto*.jsonl") if has_ended(path))]
    print(f"{'trace':60} {'total s':>8}" + "".join(f" {label:>8}" for label, _ in COLUMNS))
    rows = [(path.name, measure(path)) for path in paths]
    for name, row in rows:
        tell(name, row)
    lines = all_sums(rows)
    for name, label, count, *errors in lines:
        print(f"{name:24} {label:7} {count:>3} traces: median {errors[0]:>6}, p90 {errors[1]:>6}, worst {errors[2]:>6}")
    if asked.write:
        write(lines)


if __name__ == "__main__":
    main()
