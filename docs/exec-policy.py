#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A policy for `--policy exec`: doubles the downtime limit after each pass that has left as much as the one before."""
import json
import sys

WHY_PASS = 1 << 2       # the names and bits are those of qmpmig-plugin.h
MAY_DOWNTIME = 1 << 2

header = json.loads(sys.stdin.readline())
print(f"steering {header.get('vm_name', 'a guest')}", file=sys.stderr)     # goes to the record
left = None             # by the last pass

for line in sys.stdin:
    sample = json.loads(line)
    advice = {"sequence": sample["sequence"]}
    if sample["why"] & WHY_PASS:
        now = sample["remaining_bytes"]
        limit, most = sample["downtime_limit_us"], sample["max_downtime_us"]
        if left is not None and now > 0.9 * left and limit < most and sample["may"] & MAY_DOWNTIME:
            advice["downtime_limit_us"] = min(2 * limit, most)
            advice["reason"] = f"a pass has left {now >> 20} MiB: twice the downtime"
        left = now
    print(json.dumps(advice), flush=True)
