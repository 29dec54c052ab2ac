# SPDX-License-Identifier: LGPL-2.1-or-later
"""How both ends are spoken to where a moment more would be felt, or a word that one of them does not know."""

import unittest

from tests.peer import faults
from tests.peer.bench import Bench

NOT_KNOWN = "Parameter 'exit-on-error' is unexpected"


def between(peer, event, command):
    """What the peer was asked after it had sent that MIGRATION event, up to that command."""
    names, since = [], False
    for entry in peer.log:
        if entry.kind == "event" and entry.message.get("data", {}).get("status") == event:
            since, names = True, []
        elif since and entry.kind == "command":
            if entry.name == command:
                return names
            names.append(entry.name)
    return None


class Handover(Bench):
    def test_a_source_that_says_it_waits_is_not_asked_again(self):
        """Of some moves: a question may be under way already."""
        for version in ("7.2", "10.0"):
            with self.subTest(version):
                self.assertIn([], [self.asked_while_it_waits(version) for _ in range(4)])

    def asked_while_it_waits(self, version):
        pair = self.pair(version)
        pair.source._pass = lambda number: None  # each would make qmpmig look, the last one just before
        done = self.migrate(pair)
        self.assert_ended(done, 0)
        return between(pair.source, "pre-switchover", "migrate-continue")

    def test_the_destination_is_asked_before_the_source_goes_on(self):
        pair = self.pair("10.0")
        done = self.migrate(pair)
        self.assert_ended(done, 0)
        stopped = next(entry.time for entry in pair.source.log if entry.kind == "event" and entry.name == "STOP")
        went_on = next(entry.time for entry in pair.source.log
                       if entry.kind == "command" and entry.name == "migrate-continue")
        asked = [entry for entry in pair.destination.log if entry.kind == "command" and
                 entry.name == "query-migrate" and stopped < entry.time < went_on]
        self.assertEqual(len(asked), 1, self.told(pair, done))

    def test_a_destination_that_has_failed_is_not_gone_on_with(self):
        pair = self.pair("10.0")
        pair.source.at("pre-switchover", lambda peer: peer.other.on(
            "query-migrate", do=faults.put("return.status", "failed", "return.error-desc", "out of luck")))
        done = self.migrate(pair)
        self.assert_ended(done, 10, "out of luck")
        self.assertEqual(pair.source.received("migrate-continue"), [], self.told(pair, done))
        self.assert_truthful(pair, done)

    def test_a_guest_that_somebody_stops_moves_all_the_same(self):
        pair = self.pair("10.0")
        pair.source.at("active", lambda peer: peer._set_run_state("paused"))
        done = self.migrate(pair)
        self.assert_ended(done, 0)


class Listening(Bench):
    def test_a_destination_that_does_not_know_exit_on_error_listens_without(self):
        pair = self.pair("10.0")
        pair.destination.on("migrate-incoming", faults.error(NOT_KNOWN), nth=1)
        done = self.migrate(pair)
        self.assert_ended(done, 0)
        first, second = [dict(entry.message["arguments"]) for entry in
                         pair.destination.received("migrate-incoming")]
        self.assertIs(first.pop("exit-on-error"), False)
        self.assertEqual(first, second)
        self.assert_truthful(pair, done)

    def test_any_other_refusal_is_not_asked_twice(self):
        pair = self.pair("10.0")
        pair.destination.on("migrate-incoming", faults.error("no such luck"), nth=1)
        done = self.migrate(pair)
        self.assert_ended(done, 10, "destination: migrate-incoming", "no such luck")
        self.assertEqual(len(pair.destination.received("migrate-incoming")), 1, self.told(pair, done))
        self.assert_truthful(pair, done)

    def test_who_never_had_it_is_not_asked_for_it(self):
        pair = self.pair("7.2")
        done = self.migrate(pair)
        self.assert_ended(done, 0)
        self.assertNotIn("exit-on-error", pair.destination.received("migrate-incoming")[0].message["arguments"])


if __name__ == "__main__":
    unittest.main()
