# SPDX-License-Identifier: LGPL-2.1-or-later
"""What only query-qmp-schema tells, which is too large to be held as objects."""

import json
import unittest

from tests.peer.bench import Bench


def broken(exchange):
    """The answer with one comma too many in its list."""
    answer = exchange.execute()
    text = json.dumps(answer)
    at = text.index("}, {")
    exchange.send((text[:at] + "},, {" + text[at + 4:] + "\r\n").encode())


class Compressed(Bench):
    def move(self, pair, method):
        environment = {**self.environment(), "CACHE_DIRECTORY": self.folder}
        return self.migrate(pair, "--multifd=2", "--compress", method, "--postcopy", "never", environment=environment)

    def test_a_compression_that_both_have(self):
        for version in ("7.2", "10.0"):
            with self.subTest(version):
                pair = self.pair(version)
                done = self.move(pair, "zlib")
                self.assert_ended(done, 0)
                self.assertEqual(len(pair.source.received("query-qmp-schema")), 1)
                self.assertEqual(pair.source.received("migrate-set-parameters")[0].message["arguments"]
                                 ["multifd-compression"], "zlib")
                self.assertEqual(pair.destination.received("query-qmp-schema"), [], "the same build")
                self.assert_truthful(pair, done)

    def test_a_compression_that_none_has(self):
        pair = self.pair("7.2")
        done = self.move(pair, "qpl")
        self.assert_ended(done, 4, "qpl")
        self.assertTrue(pair.source.only_asked(), self.told(pair, done))

    def test_a_schema_that_is_no_json(self):
        pair = self.pair("10.0")
        pair.source.on("query-qmp-schema", broken)
        done = self.move(pair, "zlib")
        self.assert_ended(done, 3, "source: query-qmp-schema: it sent broken JSON")
        self.assertTrue(pair.source.only_asked(), self.told(pair, done))


class Channels(Bench):
    """The policy wants channels where it is told of a fast link; whether postcopy goes with them is in the schema."""

    def armed(self, version, *options):
        """(channels, whether postcopy is)"""
        pair = self.pair(version)
        environment = {**self.environment(), "CACHE_DIRECTORY": self.folder}
        done = self.migrate(pair, *options, environment=environment)
        self.assert_ended(done, 0)
        capabilities = {one["capability"]: one["state"] for one in
                        pair.source.received("migrate-set-capabilities")[0].message["arguments"]["capabilities"]}
        return (pair.source.received("migrate-set-parameters")[0].message["arguments"].get("multifd-channels")
                if capabilities.get("multifd") else None, capabilities.get("postcopy-ram", False))

    def test_of_a_fast_link(self):
        self.assertEqual(self.armed("10.0", "--bandwidth=25Gbit/s", "--postcopy=never"), (3, False))
        self.assertEqual(self.armed("10.0", "--bandwidth=10Gbit/s", "--postcopy=never"), (None, False))
        self.assertEqual(self.armed("10.0", "--postcopy=never"), (None, False))

    def test_they_do_not_cost_postcopy(self):
        self.assertEqual(self.armed("10.0", "--bandwidth=25Gbit/s"), (None, True))
        self.assertEqual(self.armed("11.1", "--bandwidth=25Gbit/s"), (3, True))


if __name__ == "__main__":
    unittest.main()
