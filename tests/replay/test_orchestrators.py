# SPDX-License-Identifier: LGPL-2.1-or-later
"""The policies of orchestrators do, sample by sample, what their formulas give (orchestrators.py), for guests of several sizes;
a formula with another constant is told apart."""
import dataclasses
import random
import unittest

from tests.replay import orchestrators
from tests.replay.test_replay import replay

MIB, GIB = 1 << 20, 1 << 30


@dataclasses.dataclass(frozen=True)
class Guest:
    ram: int
    link: float         # bytes a second
    dirty: tuple        # what a pass leaves, in bytes: these, one after the other, and again
    jitter: float = 0   # of the link, and of what is left

    def samples(self, seconds, every):
        """Looked at every so often and a bit: (now, syncs, remaining, sent, bandwidth)."""
        lots = random.Random(self.ram + round(self.link))
        now, syncs, remaining, sent, taken = 0.0, 1, float(self.ram), 0.0, []
        while now < seconds:
            step = every * (0.7 + 0.6 * lots.random())
            speed = self.link * (1 + self.jitter * (lots.random() - 0.5))
            now += step
            sent += speed * step
            remaining -= speed * step
            if remaining <= 0:
                remaining = self.dirty[(syncs - 1) % len(self.dirty)] * (1 + self.jitter * (lots.random() - 0.5))
                syncs += 1
            taken.append({"type": "sample", "now_us": round(now * 1e6), "syncs": syncs, "remaining_bytes": round(remaining),
                          "sent_bytes": round(sent), "bandwidth_bytes_per_s": round(speed), "total_bytes": self.ram})
        return taken


def wild(seed):
    """Whose passes leave anything."""
    lots = random.Random(seed)
    dirty = tuple(round(lots.choice((0.5, 1, 2)) * MIB * lots.uniform(100, 400)) for _ in range(lots.choice((7, 23, 60))))
    return Guest(lots.choice((1, 2, 4)) * GIB, lots.choice((60, 100, 200)) * MIB, dirty, lots.choice((0, 0.3, 0.8)))


SMALL = Guest(1 * GIB, 50 * MIB, (400 * MIB,))
MIDDLE = Guest(5 * GIB, 120 * MIB, (900 * MIB, 700 * MIB, 800 * MIB), jitter=0.2)
LARGE = Guest(40 * GIB, 1000 * MIB, (12 * GIB, 10 * GIB, 14 * GIB))
SHORT = Guest(512 * MIB, 60 * MIB, (20 * MIB, 30 * MIB), jitter=0.3)
IDLE = Guest(2 * GIB, 100 * MIB, (1 * MIB,))
STUCK = Guest(6 * GIB, 100.0, (GIB,))   # a link that is as good as gone
SHRINKS = Guest(3 * GIB, 100 * MIB, tuple(int(900 * MIB * 0.93 ** step) for step in range(20)) + (300 * MIB, 250 * MIB) * 400, jitter=0.1)

# rule, policy, its options, what the formula is told, guest, seconds, a sample about every
CASES = [
    *(("schedule", "schedule", {"name": name}, {"json": orchestrators.schedule_json(name)}, guest, 400, 2.3)
      for name in (*orchestrators.ENGINE, "legacy") for guest in (SMALL, LARGE, IDLE)),
    ("schedule", "schedule", {"json": orchestrators.schedule_json("post-copy"), "interval": "3s"},
     {"json": orchestrators.schedule_json("post-copy"), "interval_s": 3}, MIDDLE, 90, 0.7),
    ("nova", "nova", {}, {}, SMALL, 1700, 1.1),
    ("nova", "nova", {}, {}, MIDDLE, 4200, 2.7),
    ("nova", "nova", {"downtime": "1s", "downtime-steps": "7", "downtime-delay": "5", "completion-timeout": "30"},
     {"downtime_ms": 1000, "steps": 7, "delay_s": 5, "timeout_s": 30}, MIDDLE, 170, 0.2),
    ("nova", "nova", {"timeout-action": "force-complete", "completion-timeout": "10"}, {"force": "pause-guest", "timeout_s": 10},
     LARGE, 420, 0.4),
    ("nova", "nova", {"timeout-action": "force-complete", "completion-timeout": "10", "permit-post-copy": "yes", "disks": "3GiB"},
     {"force": "postcopy", "timeout_s": 10, "disks_gib": 3}, MIDDLE, 90, 0.2),
    ("nova", "nova", {"completion-timeout": "0", "downtime-delay": "3"}, {"timeout_s": 0, "delay_s": 3}, SMALL, 70, 0.1),
    ("kubevirt", "kubevirt", {}, {}, SMALL, 320, 0.6),
    ("kubevirt", "kubevirt", {}, {}, STUCK, 1100, 1.7),
    ("kubevirt", "kubevirt", {"progress-timeout": "10s"}, {"progress_s": 10}, Guest(GIB, 0.0, (1,)), 20, 0.2),
    ("kubevirt", "kubevirt", {"completion-timeout": "4", "allow-post-copy": "yes"},
     {"timeout_s": 4, "postcopy": True, "disrupts": True}, LARGE, 190, 0.3),
    ("kubevirt", "kubevirt", {"completion-timeout": "4", "allow-workload-disruption": "yes"},
     {"timeout_s": 4, "disrupts": True}, MIDDLE, 60, 0.1),
    ("kubevirt", "kubevirt", {"completion-timeout": "6", "allow-post-copy": "yes"},
     {"timeout_s": 6, "postcopy": True, "disrupts": True, "vfio": True}, MIDDLE, 90, 0.2),
    ("kubevirt", "kubevirt", {"downtime-tuning": "yes"}, {"tunes": True}, MIDDLE, 300, 0.5),
    ("kubevirt", "kubevirt", {"downtime-tuning": "yes", "downtime": "2s"}, {"tunes": True, "downtime_ms": 2000}, SHORT, 150, 0.3),
    ("kubevirt-stall", "kubevirt", {"stall-detection": "yes"}, {}, SHRINKS, 400, 0.2),
    ("kubevirt-stall", "kubevirt", {"stall-detection": "yes", "downtime": "2200ms"}, {"downtime_ms": 2200}, SHRINKS, 400, 0.2),
    ("kubevirt-stall", "kubevirt", {"stall-detection": "yes", "downtime": "200ms"}, {"downtime_ms": 200}, SHORT, 200, 0.1),
    ("kubevirt-stall", "kubevirt", {"stall-detection": "yes", "allow-post-copy": "yes"}, {"postcopy": True, "disrupts": True},
     SHRINKS, 400, 0.2),
    ("kubevirt-stall", "kubevirt", {"stall-detection": "yes", "allow-workload-disruption": "yes"}, {"disrupts": True}, LARGE, 300, 0.3),
    ("kubevirt-stall", "kubevirt", {"stall-detection": "yes", "completion-timeout": "5", "allow-workload-disruption": "yes"},
     {"timeout_s": 5, "disrupts": True}, MIDDLE, 140, 0.2),
    ("kubevirt-stall", "kubevirt", {"stall-detection": "yes", "completion-timeout": "5", "allow-post-copy": "yes"},
     {"timeout_s": 5, "postcopy": True, "disrupts": True}, MIDDLE, 60, 0.2),
    ("kubevirt-stall", "kubevirt", {"stall-detection": "yes", "completion-timeout": "5"}, {"timeout_s": 5}, MIDDLE, 60, 0.2),
    # guests at which one of the constants matters
    ("kubevirt", "kubevirt", {}, {}, Guest(4 * GIB, 0.0, (1,)), 250, 1.1),
    *(("kubevirt-stall", "kubevirt", {"stall-detection": "yes", "downtime": f"{ms}ms"}, {"downtime_ms": ms}, wild(seed), 250, 0.35)
      for seed, ms in ((67, 900), (82, 900), (143, 900), (811, 1500))),
    ("kubevirt-stall", "kubevirt", {"stall-detection": "yes", "completion-timeout": "3", "allow-workload-disruption": "yes"},
     {"timeout_s": 3, "disrupts": True}, SMALL, 20, 0.2),
    ("proxmox", "proxmox", {}, {}, SMALL, 300, 0.3),
    ("proxmox", "proxmox", {}, {}, SHORT, 100, 0.06),
    ("proxmox", "proxmox", {"downtime": "7s"}, {"downtime_ms": 7000}, MIDDLE, 700, 0.4),
    ("proxmox", "proxmox", {"downtime": "900s"}, {"downtime_ms": 900000}, SHORT, 60, 0.06),
    ("ganeti", "ganeti", {}, {}, SMALL, 60, 0.3),
    ("ganeti", "ganeti", {"caps": "postcopy-ram"}, {"postcopy": True}, SMALL, 60, 0.3),
    ("ganeti", "ganeti", {"caps": "auto-converge:postcopy-ram", "rate": "1Gbit/s"}, {"postcopy": True, "rate": 125000000}, LARGE, 90, 0.7),
]


def told(answer):
    """What a policy said, in the words of the formulas."""
    done = {}
    if "downtime_limit_us" in answer["set"]:
        done["downtime_ms"] = answer["set"]["downtime_limit_us"] / 1000
    if "postcopy_bandwidth_bytes_per_s" in answer["set"]:
        done["postcopy_rate"] = answer["set"]["postcopy_bandwidth_bytes_per_s"]
    if answer["action"] != "none":
        done["action"] = answer["action"]
    return done


def ask(policy, options, given, guest, samples):
    facts = {"can": ["postcopy", "throttle", "xbzrle"], "unthrottled_writers": 2 if given.get("vfio") else 0}
    plan, *answers = replay([{"type": "case", "policy": policy, "config": options, "context": {"ram_bytes": guest.ram},
                              "facts": facts, "defaults": {"may": ["downtime", "bandwidth", "postcopy", "pause-guest", "cancel"]}},
                             *samples])
    assert plan["type"] == "plan" and len(answers) == len(samples), (plan, answers[-1:])
    return [(index, done) for index, done in ((index, told(answer)) for index, answer in enumerate(answers)) if done]


class Orchestrators(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.played = []
        for rule, policy, options, given, guest, seconds, every in CASES:
            samples = guest.samples(seconds, every)
            cls.played.append((rule, options, given, guest, samples, ask(policy, options, given, guest, samples)))

    def test_each_does_what_its_formula_gives(self):
        for rule, options, given, guest, samples, said in self.played:
            with self.subTest(rule=rule, options=options, ram=guest.ram):
                self.assertEqual(said, orchestrators.play(rule, given, samples, guest.ram))

    def test_there_is_something_to_compare(self):
        """Each thing that a rule can do is done somewhere."""
        done = {rule: set() for rule, *_ in self.played}
        for rule, *_, said in self.played:
            done[rule] |= {"downtime" for _, what in said if "downtime_ms" in what} | {what["action"] for _, what in said
                                                                                       if "action" in what}
        every = {"downtime", "postcopy", "cancel"}
        self.assertEqual(done, {"schedule": every, "nova": every | {"pause-guest"}, "kubevirt": every | {"pause-guest"},
                                "kubevirt-stall": every, "proxmox": {"downtime"}, "ganeti": {"postcopy"}})

    def test_a_formula_with_another_constant_is_told_apart(self):
        for rule in orchestrators.CONSTANTS:
            for name, value in orchestrators.CONSTANTS[rule].items():
                with self.subTest(rule=rule, constant=name):
                    self.assertTrue(self.is_seen(rule, name, value * 1.3 if isinstance(value, float) else round(value * 1.3) + 1))

    def is_seen(self, family, name, value):
        for rule, _, given, guest, samples, said in self.played:
            if family in orchestrators.families(rule):
                constants = {key: each for part in orchestrators.families(rule) for key, each in orchestrators.CONSTANTS[part].items()}
                if orchestrators.play(rule, given, samples, guest.ram, {**constants, name: value}) != said:
                    return True
        return False


if __name__ == "__main__":
    unittest.main()
