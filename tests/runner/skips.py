# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which tests may be skipped, and why: the file tests/skips, one `NAME | REASON` a line, both with * if need be."""

import fnmatch
import pathlib

FILE = pathlib.Path(__file__).parents[1] / "skips"


class Skips:
    def __init__(self, path=FILE):
        self.rules = []
        for number, line in enumerate(pathlib.Path(path).read_text(encoding="utf-8").splitlines(), 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            name, bar, reason = (word.strip() for word in line.partition(" | "))
            if not (name and bar and reason):
                raise ValueError(f"{path}:{number}: NAME | REASON expected")
            self.rules.append((name, reason))

    def allow(self, name, reason):
        return any(fnmatch.fnmatchcase(name, names) and fnmatch.fnmatchcase(reason, reasons)
                   for names, reasons in self.rules)
