# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each command that qmpmig sends goes unanswered in turn. It ends in its time and says truly where the guest is; where it
cannot know, `recover` brings the guest to one side as soon as both ends answer again.

    /usr/bin/python3 -m unittest tests.peer.test_silence        ($QMPMIG_LONG=1: every occurrence, every kind of silence)
"""

import time
import unittest

from tests.peer import faults
from tests.peer.bench import LONG, Bench
from tests.peer.peer import FakePair, Ram

TIMEOUT = 600


class Silence(Bench):
    """Every command of a good run, at each end, goes unanswered in turn."""

    KINDS = {"never": faults.never(), "never-executed": faults.never(executed=True), "hang": faults.hang(),
             "hang-executed": faults.hang(executed=True), "freeze": faults.freeze()}
    POSTCOPY = ("--postcopy=now", "--max-downtime=20ms")
    DEADLINE_S = 25  # what the longest way through a failure may take with --reply-timeout 1s

    @staticmethod
    def ram(options):
        """A guest that pre-copy moves, or one for which it takes postcopy."""
        return Ram(total=64 << 20, working_set=48 << 20, dirty_rate=1 << 30, link=192 << 20) if options \
            else Ram(working_set=8 << 20)

    def good_run(self, *options):
        """How often each end gets each command: {"source": {"query-migrate": 7}}."""
        with FakePair(ram=self.ram(options)) as pair:
            done = self.migrate(pair, *options)
            self.assert_ended(done, 0)
            self.assertEqual("postcopy-active" in pair.source.statuses(), bool(options), str(done))
            return {name: {command: len(peer.received(command)) for command in dict.fromkeys(peer.commands())}
                    for name, peer in pair.ends.items()}

    def cases(self, *options):
        for end, counts in self.good_run(*options).items():
            for command, count in counts.items():
                for nth in range(1, count + 1) if LONG else sorted({1, (count + 1) // 2, count}):
                    for kind in self.KINDS if LONG else ("never", "hang"):
                        yield end, command, nth, kind, *options

    def run_one(self, end, command, nth, kind, *options):
        with FakePair(ram=self.ram(options)) as pair:
            environment = self.environment()
            pair.ends[end].on(command, do=self.KINDS[kind], nth=nth)
            done = self.migrate(pair, *options, within=self.DEADLINE_S, environment=environment)
            self.assert_ended(done, (0, 3, 4, 10, 12, 13))
            self.assertLess(len(pair.running()), 2, self.told(pair, done))
            if kind != "freeze":  # a guest in a stopped process runs nowhere, for now
                self.assert_place(pair, done)
            pair.thaw()
            time.sleep(0.1)  # what was stuck goes on
            if done.code in (12, 13):
                self.recover(pair, done, environment)
            else:
                self.assert_truthful(pair, done)

    def recover(self, pair, before, environment):
        """What was left undecided is brought to an end as soon as both answer again."""
        done = self.run_qmpmig("--json", "--socket", pair.source.path, "--reply-timeout", "1s", "recover",
                               within=self.DEADLINE_S, environment=environment)
        told = f"{before}\n\nthen {done}\n{pair.describe()}"
        self.assertIn(done.code, (0, 10, 11), told)
        self.assert_truthful(pair, done)

    def test_each_command_of_a_precopy(self):
        self.each(self.cases(), self.run_one, at_once=16)

    def test_each_command_of_a_postcopy(self):
        self.each(self.cases(*self.POSTCOPY), self.run_one, at_once=16)


if __name__ == "__main__":
    unittest.main()
