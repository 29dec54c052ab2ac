# SPDX-License-Identifier: LGPL-2.1-or-later
"""The results of a folder: a line of JSON for each run, and one for each start of the bench, so that it goes on where it was
stopped."""

import json
import os


class Results:
    def __init__(self, folder):
        self.folder = folder
        self.path = os.path.join(folder, "results.jsonl")
        self.headers = []
        self.runs = []
        for line in self._read():
            (self.headers if line["type"] == "header" else self.runs).append(line)

    def _read(self):
        if not os.path.exists(self.path):
            return
        with open(self.path, encoding="utf-8") as file:
            for line in file:
                if line.endswith("\n"):     # a last line that was cut short by a kill is no result
                    yield json.loads(line)

    def add_header(self, **values):
        self.headers.append(self._append({"type": "header", **values}))

    def add_run(self, **values):
        self.runs.append(self._append({"type": "run", **values}))

    def _append(self, line):
        os.makedirs(self.folder, exist_ok=True)
        with open(self.path, "ab") as file:
            file.truncate(self._whole_bytes())
            file.write(json.dumps(line).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return line

    def _whole_bytes(self):
        """Up to the end of the last whole line."""
        with open(self.path, "rb") as file:
            return file.read().rfind(b"\n") + 1

    def done(self, cell_id, contender, repeat, program, redo_loaded=False):
        """Whether this run need not be made. program: what qmpmig was, None for who is not of ours."""
        return any(run["cell"] == cell_id and run["contender"] == contender and run["repeat"] == repeat
                   and run["program"] == program and run["outcome"] != "error"
                   and not (redo_loaded and run["loaded"]) for run in self.runs)

    def is_hopeless(self, cell_id, contender, repeats, program):
        """Whether so many runs did not complete that the rest cannot change what most did."""
        failed = {run["repeat"] for run in self.runs if run["cell"] == cell_id and run["contender"] == contender
                  and run["program"] == program and run["outcome"] == "not completed" and run["repeat"] < repeats}
        return 2 * len(failed) > repeats

    def wall_s(self, cell_id, contender):
        """How long such a run took, for the plan; None when there was none."""
        for run in reversed(self.runs):
            if run["cell"] == cell_id and run["contender"] == contender:
                return run["wall_s"]
        return None
