# SPDX-License-Identifier: LGPL-2.1-or-later
"""A migration made of arithmetic, steered by a real policy: no QEMU, no clock, the same each time."""
import json
import math
import os
import pathlib
import subprocess
from dataclasses import dataclass

TICK = 0.1          # between two questions
STEP = 0.01
RATED = 1.0         # between two looks of QEMU at the dirty pages that count for its throttle
TIMER = 5.0         # between two such looks within a pass
SWITCHOVER = 0.02
CURVE_TIMES = (0.05, 0.2, 0.5, 1, 2, 5, 10, 30)


TOP = pathlib.Path(__file__).parents[2]
BUILD = pathlib.Path(os.environ.get("QMPMIG", TOP / "build/agent/qmpmig")).resolve().parents[1]


def us(seconds):
    return round(seconds * 1e6)


class Policy:
    """One loaded by `replay`, asked line by line."""

    def __init__(self, name, config=None, **facts):
        environment = {**os.environ, "QMPMIG_PLUGIN_DIR": str(BUILD / "plugins")}
        self.process = subprocess.Popen([BUILD / "tests/replay/replay"], env=environment, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.plan = self.ask({"type": "case", "policy": name, "config": config or {}, "facts": facts})

    def ask(self, line):
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert answer["type"] != "failed", answer
        return answer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=10)


@dataclass
class Guest:
    """Dirties RATE bytes a second at first, and no more than SET in all; LINK carries so much."""
    set_bytes: float
    rate: float
    link: float = 50e6
    ram: float = 512e6

    def dirtied(self, seconds):
        return self.set_bytes * (1 - math.exp(-seconds * self.rate / self.set_bytes))

    def curve(self):
        return [[us(seconds), round(self.dirtied(seconds))] for seconds in CURVE_TIMES]


@dataclass
class Outcome:
    seconds: float      # None: it did not end within the patience
    throttled_at: float = None
    lost: float = 0     # seconds of the guest's time, without the blackout
    passes: int = 0
    hardest: int = 0
    action: str = "none"


class Move:
    """The state of one migration."""

    def __init__(self, guest, max_downtime, deadline=None, max_throttle=95):
        self.guest, self.max_downtime, self.deadline, self.max_throttle = guest, max_downtime, deadline, max_throttle
        self.now = self.ran = self.since_sync = 0.0
        self.remaining = self.at_sync = guest.ram
        self.passes = self.throttle = self.commanded = 0
        self.looked_at, self.looks = 0.0, 2
        self.downtime = max_downtime
        self.outcome = Outcome(None)

    def sample(self, ended):
        known = {"deadline_left_us": us(max(self.deadline - self.now, 0))} if self.deadline else {}
        if self.passes:
            known["curve"] = self.guest.curve()
        return {"type": "sample", "now_us": us(self.now), "why": ["pass", "sync"] if ended else ["clock"],
                "passes": self.passes, "first_pass_done": self.passes > 0, "since_sync_us": us(self.since_sync),
                "remaining_bytes": round(self.remaining), "remaining_at_sync_bytes": round(self.at_sync), "total_bytes": round(self.guest.ram),
                "link_bytes_per_s": round(self.guest.link), "page_size_bytes": 4096, "page_bytes": 4096, "switchover_us": us(SWITCHOVER),
                "throttle_pct": self.throttle, "throttle_commanded_pct": self.commanded,
                "downtime_limit_us": us(self.downtime), "max_downtime_us": us(self.max_downtime),
                "max_throttle_pct": self.max_throttle,
                "downtime_if_stopped_us": us(self.remaining / self.guest.link + SWITCHOVER),
                "may": ["downtime", "throttle-up", "throttle-down", "pause-guest", "postcopy"], **known}

    def apply(self, advice):
        self.outcome.action = advice["action"]
        self.downtime = advice["set"].get("downtime_limit_us", us(self.downtime)) / 1e6
        assert self.downtime <= self.max_downtime
        if "throttle_pct" in advice["set"]:
            self.commanded, self.looks = advice["set"]["throttle_pct"], 0
            assert 0 <= self.commanded <= self.max_throttle
            self.outcome.hardest = max(self.outcome.hardest, self.commanded)
            if self.commanded and self.outcome.throttled_at is None:
                self.outcome.throttled_at = self.now

    def look(self):
        """QEMU's, at which pages are dirty: the second that counts brings the throttle into force."""
        if self.now - self.looked_at < RATED:
            return
        self.looked_at = self.now
        self.looks += 1
        if self.looks >= 2:
            self.throttle = self.commanded

    def step(self):
        """TRUE when a pass has ended; else after a tick."""
        until = self.now + TICK
        while self.now < until - STEP / 2:
            self.now += STEP
            self.since_sync += STEP
            self.ran += STEP * (1 - self.throttle / 100)
            self.outcome.lost += STEP * self.throttle / 100
            self.remaining = max(self.remaining - self.guest.link * STEP, 0)
            if self.now - self.looked_at >= TIMER and self.passes:
                self.look()
            if self.remaining == 0:
                self.remaining = self.at_sync = self.guest.dirtied(self.ran)
                self.passes += 1
                self.ran = self.since_sync = 0.0
                self.look()
                return True
        return False

    def fits(self):
        return self.remaining <= (self.downtime - SWITCHOVER) * self.guest.link

    def run(self, policy, patience):
        self.downtime = policy.plan["set"].get("downtime_limit_us", us(self.downtime)) / 1e6
        ended = False
        while self.now < patience and self.outcome.action == "none":
            if ended and self.fits():
                self.outcome.seconds = self.now + self.remaining / self.guest.link + SWITCHOVER
                break
            self.apply(policy.ask(self.sample(ended)))
            ended = self.step()
        self.outcome.passes = self.passes
        return self.outcome


def move(name, guest, max_downtime=0.3, deadline=None, patience=600, **config):
    facts = {"can": ["throttle", "postcopy"], "max_throttle_pct": 95, "max_downtime_us": us(max_downtime)}
    if deadline:
        facts["deadline_left_us"] = us(deadline)
    with Policy(name, config, **facts) as policy:
        return Move(guest, max_downtime, deadline).run(policy, patience)
