# SPDX-License-Identifier: LGPL-2.1-or-later
"""The rules of orchestrators, written down a second time from their formulas: what each does at which sample. CONSTANTS are what
a test may break. A rule is a generator: it is sent a sample and yields what it does, a dictionary."""
import heapq
import json
import math

GIB = 1 << 30
LONGEST_MS = 2000000

CONSTANTS = {
    "schedule": {"tick_s": 10},
    "nova": {"tick_s": 0.5, "smallest_gib": 2, "delay_s": 75, "timeout_s": 800, "downtime_ms": 500, "steps": 10},
    "kubevirt": {"tick_s": 0.4, "billion": 1e9, "timeout_s": 150, "progress_s": 150, "downtime_ms": 900, "vfio_factor": 2},
    "kubevirt-tuning": {"first_ms": 150, "parts": 7, "syncs": 3, "gap_s": 10},
    "kubevirt-stall": {"margin": 0.04, "window_s": 40, "switchover_s": 60, "alpha": 0.4, "possible": 1.5, "decay": 0.5, "factor": 2,
                       "first_ms": 300},
    "proxmox": {"tick_s": 1, "fast_s": 0.1, "patience": 5, "times": 2, "downtime_ms": 100},
    "ganeti": {"tick_s": 1, "syncs": 2, "rate": 32 << 20},
}
ENGINE = {
    "minimal-downtime": (100, [(1, 150), (2, 200), (3, 300), (4, 400), (6, 500)], ["abort"]),
    "suspend-workload": (100, [(1, 150), (2, 200), (3, 300), (4, 400), (6, 500)], [5000, "abort"]),
    "post-copy": (100, [(1, 150), (2, 200)], ["postcopy", "abort"]),
    "very-large": (300, [(1, 400), (2, 500), (3, 700), (4, 1000), (6, 1500)], [5000, "abort"]),
}


def legacy_downtimes(downtime=500, steps=5):
    """VDSM's own curve, as it is calculated there."""
    offset = downtime / steps
    base = (downtime - offset) ** (1 / (steps - 1))
    return [int(offset + base ** step) for step in range(steps)]


def action_json(what):
    if isinstance(what, str):
        return {"name": what, "params": []}
    return {"name": "setDowntime", "params": [str(what)]}


def schedule_json(name):
    if name == "legacy":
        first, *rest = legacy_downtimes()
        steps, last = [*enumerate(rest, 1), (42, rest[-1])], ["abort"]
    else:
        first, steps, last = ENGINE[name]
    return json.dumps({"init": [action_json(first)], "stalling": [
        {"limit": limit, "action": action_json(what)} for limit, what in [*steps, *((-1, what) for what in last)]]})


class Clock:
    """Looks on a grid, from START on."""

    def __init__(self, tick_s, start=0.0):
        self.us, self.next = round(tick_s * 1e6), round(start * 1e6)

    def ticks(self, now_us, us=None):
        us = us or self.us
        if now_us < self.next:
            return False
        self.next = (now_us // us + 1) * us
        return True


def schedule(given, constants, text):
    """GIVEN: "interval_s" may be there."""
    parsed = json.loads(text)
    interval = given.get("interval_s", constants["tick_s"])
    clock, waiting = Clock(interval, interval), list(parsed["stalling"])
    first = last = None
    over = False
    sample = yield
    done = {"downtime_ms": int(parsed["init"][-1]["params"][0])}
    while True:
        if clock.ticks(sample["now_us"]):
            if first is None:
                first = last = sample["syncs"]
            if sample["syncs"] > last and not over:
                last = sample["syncs"]
                if waiting and waiting[0]["limit"] < last - first:
                    action = waiting.pop(0)["action"]
                    if action["name"] == "setDowntime":
                        done["downtime_ms"] = int(action["params"][0])
                    else:
                        done["action"] = {"abort": "cancel", "postcopy": "postcopy"}[action["name"]]
                        over = True
        sample = yield done
        done = {}


def nova(given, c, ram):
    size = max(c["smallest_gib"], ram / GIB) + given.get("disks_gib", 0)
    downtime, steps = given.get("downtime_ms", c["downtime_ms"]), given.get("steps", c["steps"])
    delay = int(given.get("delay_s", c["delay_s"]) * size)
    timeout = int(given.get("timeout_s", c["timeout_s"]) * size)
    base = downtime / steps
    offset = (downtime - base) / steps
    plan = [(delay * i, int(base + offset * i)) for i in range(steps + 1)]
    clock, current, tasks, forced, aborted = Clock(c["tick_s"]), None, [], False, False
    sample = yield
    while True:
        done = {}
        if clock.ticks(sample["now_us"]):
            elapsed = sample["now_us"] / 1e6
            if tasks and not forced:
                done["action"] = tasks.pop()
                forced = True
            if timeout and elapsed > timeout and not forced and not aborted:
                if given.get("force"):
                    tasks = [given["force"]]
                else:
                    done["action"] = "cancel"
                    aborted = True
            reached = [limit for when, limit in plan if elapsed > when]
            if reached and reached[-1] != current:
                done["downtime_ms"] = current = reached[-1]
        sample = yield done


def kubevirt_acceptable(given, c, ram):
    return given.get("timeout_s", c["timeout_s"]) * math.ceil(ram / c["billion"])


def kubevirt(given, c, ram):
    """The way by default, and the steps of the downtime with it."""
    acceptable, progress_s = kubevirt_acceptable(given, c, ram), given.get("progress_s", c["progress_s"])
    clock, watermark, progressed, paused = Clock(c["tick_s"]), 0, 0.0, False
    tuning = Tuning(given.get("downtime_ms", c["downtime_ms"]), c) if given.get("tunes") else None
    sample = yield
    while True:
        done = {}
        if clock.ticks(sample["now_us"]):
            elapsed, remaining = sample["now_us"] / 1e6, sample["remaining_bytes"]
            if watermark == 0 or remaining < watermark:
                progressed = elapsed
            watermark = remaining
            late = elapsed > acceptable
            if given.get("disrupts") and late and not paused:
                if given.get("postcopy") and not given.get("vfio"):
                    done["action"] = "postcopy"
                elif given.get("postcopy"):
                    done["downtime_ms"] = min(int(c["vfio_factor"] * acceptable * 1000), LONGEST_MS)
                else:
                    done["action"] = "pause-guest"
                paused, acceptable = True, 2 * acceptable
            elif elapsed - progressed > progress_s or late:
                done["action"] = "cancel"
            if tuning and not paused:
                done.update(tuning.step(elapsed, sample["syncs"]))
        sample = yield done
        if done.get("action") in ("postcopy", "cancel"):
            while True:
                sample = yield {}


class Tuning:
    def __init__(self, most, c):
        self.most, self.c, self.now, self.at = most, c, None, None

    def step(self, elapsed, syncs):
        if self.now is None:
            self.now = self.c["first_ms"]
        elif syncs >= self.c["syncs"] and elapsed - self.at >= self.c["gap_s"] and self.now < self.most:
            self.now = min(self.now + max((self.most - self.c["first_ms"]) // self.c["parts"], 1), self.most)
        else:
            return {}
        self.at = elapsed
        return {"downtime_ms": self.now}


class Stall:
    """What is left, pass by pass: decides whether now is the time."""

    def __init__(self, c):
        self.c, self.recent, self.before, self.best = c, [], None, None
        self.heap, self.patience, self.deadline = [], None, None

    def is_the_time(self, elapsed, remaining):
        while self.recent and elapsed - self.recent[0][0] > self.c["window_s"]:
            old = self.recent.pop(0)[1]
            self.before = old if self.before is None else min(self.before, old)
        if (self.before is None or remaining <= self.before) and (not self.recent or remaining < self.recent[-1][1]):
            self.recent.append((elapsed, remaining))
        if self.best is not None:
            heapq.heappush(self.heap, remaining)
            if elapsed >= self.deadline:
                self.best = heapq.heappop(self.heap)
                self.patience *= self.c["decay"]
                self.deadline = elapsed + self.patience
        elif self.before is not None and remaining >= self.before * (1 - self.c["margin"]):
            self.best = min([self.before, *(entry[1] for entry in self.recent)])
            self.patience = self.c["window_s"]
            self.deadline = elapsed + self.patience
        return self.best is not None and remaining <= self.best * (1 + self.c["margin"])


def kubevirt_stall(given, c, ram):
    acceptable, most = kubevirt_acceptable(given, c, ram), given.get("downtime_ms", c["downtime_ms"])
    clock, stall, speed, syncs, switching = Clock(c["tick_s"]), Stall(c), None, 0, None
    sample = yield
    done = {"downtime_ms": min(most, c["first_ms"])}
    while True:
        elapsed, remaining = sample["now_us"] / 1e6, sample["remaining_bytes"]
        if clock.ticks(sample["now_us"]):
            now = sample["bandwidth_bytes_per_s"]
            speed = now if speed is None else c["alpha"] * now + (1 - c["alpha"]) * speed
            if elapsed > (acceptable if switching is None else switching):
                possible = remaining / speed <= c["factor"] * acceptable - elapsed
                if switching is None and possible and given.get("postcopy"):
                    done["action"] = "postcopy"
                elif switching is None and possible and given.get("disrupts"):
                    done["downtime_ms"], switching = LONGEST_MS, elapsed + c["switchover_s"]
                    acceptable *= 2
                else:
                    done["action"] = "cancel"
        if sample["syncs"] > syncs:
            syncs = sample["syncs"]
            if switching is None and "action" not in done and stall.is_the_time(elapsed, remaining):
                needed = remaining / speed
                if needed > c["factor"] * acceptable - elapsed:
                    pass
                elif given.get("postcopy"):
                    done["action"] = "postcopy"
                elif given.get("disrupts") or needed * 1000 <= c["possible"] * most:
                    done["downtime_ms"] = LONGEST_MS if given.get("disrupts") else most
                    switching = elapsed + c["switchover_s"]
                else:
                    done["action"] = "cancel"
        sample = yield done
        if "action" in done:
            while True:
                sample = yield {}
        done = {}


def proxmox(given, c, _ram):
    downtime, counter, polls, clock = given.get("downtime_ms", c["downtime_ms"]), 0, 0, Clock(c["tick_s"])
    last_sent, last_remaining = None, 0
    sample = yield
    while True:
        done, now = {}, sample["now_us"]
        fast = polls and last_remaining < last_sent // polls
        if fast:
            fast_us = round(c["fast_s"] * 1e6)
            clock.next = min(clock.next, (now // fast_us + 1) * fast_us)
        if clock.ticks(now, round(c["fast_s"] * 1e6) if fast else None):
            if sample["sent_bytes"] != last_sent:
                if polls and (sample["remaining_bytes"] > last_remaining or sample["remaining_bytes"] == 0):
                    counter += 1
                if counter > c["patience"]:
                    counter = 0
                    downtime = min(downtime * c["times"], LONGEST_MS)
                    done["downtime_ms"] = downtime
                last_sent, last_remaining = sample["sent_bytes"], sample["remaining_bytes"]
            polls += 1
        sample = yield done


def ganeti(given, c, _ram):
    clock, due, switched = Clock(c["tick_s"]), False, False
    sample = yield
    while True:
        done = {}
        if clock.ticks(sample["now_us"]):
            due = sample["syncs"] >= c["syncs"]
        if given.get("postcopy") and due and not switched:
            done, switched = {"action": "postcopy", "postcopy_rate": given.get("rate", c["rate"])}, True
        sample = yield done


RULES = {"nova": nova, "kubevirt": kubevirt, "kubevirt-stall": kubevirt_stall, "proxmox": proxmox, "ganeti": ganeti}


def play(rule, given, samples, ram, constants=None):
    """[(index of the sample, what is done)], of those at which something is."""
    constants = constants or {name: value for family in families(rule) for name, value in CONSTANTS[family].items()}
    player = schedule(given, constants, given["json"]) if rule == "schedule" else RULES[rule](given, constants, ram)
    next(player)
    return [(index, done) for index, done in ((index, player.send(sample)) for index, sample in enumerate(samples)) if done]


def families(rule):
    """Whose constants a rule has."""
    return {"kubevirt": ("kubevirt", "kubevirt-tuning"), "kubevirt-stall": ("kubevirt", "kubevirt-stall")}.get(rule, (rule,))
