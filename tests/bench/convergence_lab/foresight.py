# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a policy of ours said, while it could still spare the guest, of a move that cannot end within the limits."""

import json
import os

CANNOT = "cannot-within-limits"


def of_trace(path):
    """When it was first said, in what words, and what had been done to the guest until then; None: it never was."""
    throttle_s = 0
    for line in lines(path):
        if line["type"] == "sample":
            throttle_s = line.get("throttle_integral_us", 0) / 1e6
        elif line["type"] == "advice" and line.get("verdict") == CANNOT:
            return {"after_s": round(line["t_us"] / 1e6, 1), "words": line["reason"], "throttle_s": round(throttle_s, 3)}
    return None


def lines(path):
    """Nothing where nobody wrote a trace; what a kill cut short is no line."""
    if not os.path.exists(path):
        return
    with open(path, encoding="utf-8") as file:
        for text in file:
            if text.endswith("\n"):
                yield json.loads(text)
