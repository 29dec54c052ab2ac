# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who moves the guest. Each has a name, a stage that it plays on, and move(): an Outcome."""

import dataclasses
import json
import math
import os
import signal
import subprocess
import time

from tests.bench.convergence_lab import domain
from tests.bench.convergence_lab.stage import BareStage, LibvirtStage
from tests.lab import vm

GIVE_UP_S = 20      # what a cancelled move may take to end


@dataclasses.dataclass
class Outcome:
    completed: bool
    text: str = ""              # what the contender said of a failure
    told_total_s: float = None  # by the contender's own account, or QEMU's
    told_blackout_ms: float = None
    command: str = ""


class Contender:
    pre_copy = True

    def __init__(self, name):
        self.name = name

    def prepare(self, stage, cell):
        """Before the undisturbed guest is measured."""

    def program(self):
        """What of ours it runs, as a digest: results of another one are not its own. None: nothing."""
        return None

    def move(self, stage, cell, timeout_s, trace):
        """Begins at once and returns when it is over; cancels after the timeout."""
        raise NotImplementedError


class Virsh(Contender):
    stage = LibvirtStage

    def __init__(self, name, *options, pre_copy=True):
        super().__init__(name)
        self.options = options
        self.pre_copy = pre_copy

    def prepare(self, stage, cell):
        stage.a.virsh("migrate-setmaxdowntime", domain.NAME, str(cell.limit_ms))

    def argv(self, stage, cell):
        options = [word.format(patience_s=patience_s(cell)) for word in self.options]
        return stage.a.virsh_argv("migrate", "--live", domain.NAME, stage.b.uri(), "--migrateuri",
                                  f"tcp://{stage.b.address}", *options)

    def move(self, stage, cell, timeout_s, trace):
        argv = self.argv(stage, cell)
        process = vm.start_process(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said, in_time = wait(process, timeout_s)
        if not in_time:
            stage.a.virsh("domjobabort", domain.NAME, check=False)
            said, _ = wait(process, GIVE_UP_S)
        completed = in_time and process.returncode == 0
        outcome = Outcome(completed, said.strip(), command=" ".join(argv))
        if completed:
            stats = job_statistics(stage.b)
            outcome.told_total_s = stats.get("time_elapsed", 0) / 1000 or None
            outcome.told_blackout_ms = stats.get("downtime")
        return outcome


def patience_s(cell):
    """--timeout: twice the time that all of the guest's memory needs on the link."""
    return math.ceil(2 * domain.MEMORY_MIB * (1 << 20) * 8 / (cell.link_mbit * 1e6))


def job_statistics(host):
    """Of the move that is over; libvirt keeps none of one that ended in postcopy."""
    text = host.virsh("domjobinfo", domain.NAME, "--completed", "--rawstats").stdout
    return {key: int(value) for key, _, value in (line.partition(": ") for line in text.splitlines())
            if value.strip().isdigit()}


def wait(process, timeout_s):
    """(what it said, whether it ended in time). On Ctrl-C it goes with us."""
    try:
        return process.communicate(timeout=timeout_s)[0], True
    except subprocess.TimeoutExpired:
        return "", False
    except BaseException:
        process.kill()
        raise


class QemuDefaults(Contender):
    """migrate and nothing else, and cont on the other side."""
    stage = BareStage

    def prepare(self, stage, cell):
        events = {"capabilities": [{"capability": "events", "state": True}]}
        for end in (stage.source, stage.destination):
            end.witness.call("migrate-set-capabilities", events)

    def move(self, stage, cell, timeout_s, trace):
        source, destination = stage.source.witness, stage.destination.witness
        mark, mark_there = source.mark(), destination.mark()
        destination.call("migrate-incoming", {"uri": stage.uri()})
        source.call("migrate", {"uri": stage.uri()})
        if not wait_status(source, mark, timeout_s):
            source.call("migrate_cancel", timeout=GIVE_UP_S)
            return Outcome(False, "cancelled at the timeout", command="migrate")
        reply = source.call("query-migrate")
        if reply["status"] != "completed":
            return Outcome(False, reply.get("error-desc", reply["status"]), command="migrate")
        wait_status(destination, mark_there, GIVE_UP_S)
        destination.call("cont")
        return Outcome(True, "", reply["total-time"] / 1000, reply["downtime"], "migrate")


def wait_status(witness, mark, timeout_s):
    """Until a MIGRATION event tells of the end; False when none did."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if {"completed", "failed", "cancelled"} & set(witness.migration_statuses(mark)):
            return True
        time.sleep(0.005)
    return False


class Qmpmig(Contender):
    """A policy, with the cell's limit; None: a program that knows no policies. As libvirt does, it connects on the
    source's host and gives QEMU the connection; connects=False leaves that to QEMU."""
    stage = BareStage

    def __init__(self, name, program, policy, *options, pre_copy=True, connects=True):
        super().__init__(name)
        self.scheme = "fd:" if connects else ""
        self.measured = program
        self.policy = policy
        self.options = options
        self.pre_copy = pre_copy

    def program(self):
        return self.measured.digest(self.policy and policy_name(self.policy), self.policy, self.scheme, *self.options)

    def argv(self, stage, cell, trace):
        policy = ["--policy", self.policy] if self.policy else []
        return [self.measured.path, "--json", "--socket", stage.qmp(stage.source), "migrate", self.scheme + stage.uri(),
                "--dest-socket", stage.qmp(stage.destination), "--max-downtime", f"{cell.limit_ms}ms", *policy,
                *self.options, "--trace", trace]

    def move(self, stage, cell, timeout_s, trace):
        argv = self.argv(stage, cell, trace)
        process = vm.start_process([*stage.a.network.prefix(), *argv], stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True)
        said, in_time = wait(process, timeout_s)
        if not in_time:
            process.send_signal(signal.SIGINT)
            said, ended = wait(process, GIVE_UP_S)
            if not ended:
                process.kill()
                said = process.communicate()[0]
        result = last_result(said)
        return Outcome(in_time and process.returncode == 0, failure_text(result, said, process.returncode),
                       result.get("total_us", 0) / 1e6 or None, result.get("blackout_us", 0) / 1e3 or None,
                       " ".join(["qmpmig", *argv[1:-2]]))


def policy_name(policy):
    """Without its options."""
    return policy.partition(",")[0]


def last_result(said):
    for line in reversed(said.splitlines()):
        if line.startswith("{") and (told := json.loads(line)).get("type") == "result":
            return told
    return {}


def failure_text(result, said, code):
    if code == 0:
        return ""
    return result.get("error", {}).get("text") or said.strip()[-300:] or f"exit code {code}"
