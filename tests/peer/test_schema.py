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


if __name__ == "__main__":
    unittest.main()
