# SPDX-License-Identifier: LGPL-2.1-or-later
"""qmpmig gets an answer that is no JSON, too long, too deep, of the wrong type, no answer at all: to each command.

    /usr/bin/python3 -m unittest tests.peer.test_broken_replies
"""

import unittest

from tests.peer import faults
from tests.peer.bench import LONG, Bench
from tests.peer.peer import FakePair

TIMEOUT = 600


class BrokenReplies(Bench):
    """Whatever one end sends: an orderly end, within its time, that says what was wrong."""

    FAULTS = {
        "garbage": faults.garbage(), "binary": faults.garbage(faults.BINARY), "truncated": faults.truncated(),
        "close": faults.close(), "close-executed": faults.close(executed=True), "long": faults.long_reply(17 << 20),
        "deep": faults.deep_reply(100000), "deep65": faults.deep_reply(65), "list": faults.reply([]),
        "text": faults.reply("text"), "number": faults.reply(7), "null": faults.reply(None),
        "bool": faults.reply(True), "empty": faults.reply({}), "error": faults.error("I do not want to"),
        "odd-error": lambda x: x.answer({"error": "text", **x.id()}), "no-return": lambda x: x.answer(x.id()),
        "wrong-id": faults.wrong_id(), "no-id": faults.no_id(), "0xff": faults.ff(), "inside": faults.events(
            inside=[faults.event("RTC_CHANGE", {"offset": 1})]), "die": faults.die(),
        "list-of-odd": faults.reply([7, None, {}, "x", {"capability": 7, "state": "x"}]),
    }

    # After these the connection is of no use any more; after the others it goes on.
    ENDING = ("garbage", "binary", "truncated", "close", "long", "deep", "deep65", "0xff", "inside", "die")
    FIRST = ("query-status", "query-migrate", "query-migrate-capabilities", "query-migrate-parameters", "query-name",
             "query-uuid", "qom-get", "query-memory-size-summary", "query-cpus-fast", "query-kvm", "query-yank")
    LATER = (("source", "migrate-set-capabilities"), ("source", "migrate-set-parameters"), ("source", "migrate"),
             ("source", "migrate-continue"), ("source", "quit"), ("destination", "migrate-set-capabilities"),
             ("destination", "stop"), ("destination", "migrate-incoming"), ("destination", "cont"))

    def run_one(self, end, command, fault, nth=None):
        with FakePair() as pair:
            pair.ends[end].on(command, do=self.FAULTS[fault], nth=nth)
            done = self.migrate(pair, within=40, reply_timeout="2s")
            self.assert_ended(done, (0, 3, 4, 10, 12, 13, 14))
            if all(peer.alive for peer in pair.ends.values()) or done.code == 0:
                self.assert_truthful(pair, done)
            else:
                self.assertLess(len(pair.running()), 2, self.told(pair, done))
            return done

    def run_first(self, end, command, fault):
        done = self.run_one(end, command, fault, nth=1)
        self.assertIn(done.code, (0, 3, 4), str(done))
        if fault in self.ENDING:
            self.assertEqual(done.code, 3, str(done))
            self.assertRegex(done.said(), f"{end}: ", str(done))

    def test_the_reply_to_each_first_question(self):
        slow = ("wrong-id", "no-id")  # each costs a reply timeout: tried with one question
        self.each([(end, command, fault) for end in ("source", "destination") for command in self.FIRST
                   for fault in self.FAULTS if fault not in slow or command == "query-status"], self.run_first)

    def test_the_reply_to_each_later_command(self):
        self.each([(*which, fault) for which in self.LATER for fault in self.FAULTS], self.run_one)

    def test_query_migrate_while_it_runs(self):
        self.each([(end, "query-migrate", fault, nth) for end in ("source", "destination")
                   for nth in ((2, 3, 4, 5) if LONG else (3,)) for fault in self.FAULTS], self.run_one)

    def test_the_wrong_type_is_named(self):
        for end in ("source", "destination"):
            pair = self.pair()
            pair.ends[end].on("query-status", do=faults.put("return.status", 7))
            done = self.migrate(pair, json_lines=False)
            self.assert_ended(done, (3, 4), end, "query-status", "status", within=3)
            self.assert_truthful(pair, done)


if __name__ == "__main__":
    unittest.main()
