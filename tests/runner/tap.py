# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Test Anything Protocol, as GLib's tests speak it."""

import re

LINE = re.compile(r"(not )?ok\b *(\d+)? *(?:- )?([^#]*?) *(?:# *(\w+) *(.*))?$")
PLAN = re.compile(r"1\.\.(\d+)(?: *# *skip *(.*))?", re.IGNORECASE)


class Tap:
    """Takes lines as they come; `ends` has (name, state, text) of each test."""

    def __init__(self):
        self.planned = None
        self.ends = []
        self.bailed = None

    def line(self, text):
        """What ended with this line, or None."""
        if match := PLAN.match(text):
            self.planned = int(match[1])
        elif text.startswith("Bail out!"):
            self.bailed = text[9:].strip()
        elif match := LINE.match(text):
            failed, _, name, directive, words = match.groups()
            state = "fail" if failed else "pass"
            if (directive or "").upper() in ("SKIP", "TODO"):
                state = "skip"
            self.ends.append((name, state, words or ""))
            return self.ends[-1]
        return None

    def complaint(self, exit_code):
        """What is wrong with the whole, when no test said so."""
        if self.bailed is not None:
            return f"it gave up: {self.bailed}"
        if self.planned is None:
            return f"it ended with {exit_code} and without a plan"
        if len(self.ends) != self.planned:
            return f"{len(self.ends)} of {self.planned} tests ended; the exit code was {exit_code}"
        if exit_code != 0 and all(state != "fail" for _, state, _ in self.ends):
            return f"the exit code was {exit_code}"
        return None
