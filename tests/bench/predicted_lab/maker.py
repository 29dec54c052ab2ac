# SPDX-License-Identifier: LGPL-2.1-or-later
"""One move: a fresh guest, `migrate --predict`, and what its trace says of both."""

import json
import os
import time

from tests.bench.convergence_lab.contender import Qmpmig
from tests.bench.convergence_lab.load import ForeignLoad, TOO_MUCH_CORES
from tests.bench.convergence_lab.stage import BareStage

SETTLE_S = 2.0          # after the boot
MEASURED_S = 10.0       # what the prediction may take before the start
PATIENCE_S = 45.0       # for the move


def make(lab, move, program, trace):
    """A line of the results."""
    contender = Qmpmig("predicted", program, "auto", "--predict", "--bandwidth", move.bandwidth, *move.options)
    lab.link.limit(move.cell.link_mbit)
    with BareStage(lab.a, lab.b, move.cell.guest()) as stage:
        time.sleep(SETTLE_S)
        load = ForeignLoad()
        outcome = contender.move(stage, move.cell, MEASURED_S + PATIENCE_S, trace)
        foreign = load.cores()
    return {**read(trace), "command": outcome.command.replace(lab.folder, "LAB"), "text": outcome.text,
            "foreign_cores": round(foreign, 2), "loaded": foreign > TOO_MUCH_CORES}


def read(trace):
    """What was said, and what came."""
    with open(trace, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    last = lines[-1]
    foreseen = next((line for line in lines if line["type"] == "prediction"), None)
    if foreseen is None:
        raise ValueError(f"{os.path.basename(trace)}: nothing was predicted: "
                         + " ".join(line["text"] for line in lines if line["type"] == "notice"))
    return {"outcome": "completed" if last["outcome"] == "completed" else "not completed",
            "by_postcopy": any(line.get("status", "").startswith("postcopy") for line in lines if line["type"] == "sample"),
            "total_us": last.get("total_us"), "blackout_us": last.get("blackout_us"),
            "foreseen": {key: foreseen[key] for key in ("converges", "late", "completed", "runs", "postcopy", "total", "blackout",
                                                        "work_lost", "workload", "measured") if key in foreseen}}
