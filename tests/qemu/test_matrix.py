# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every QEMU to itself and to every newer one, with the older one's machine type. Only with `tests/run --matrix`."""

import contextlib
import itertools
import os
import unittest

from tests.lab.vm import Pair
from tests.qemu.move import BARE, FAST, LINUX, MIB, Hop, MoveTest, Settings

VERSIONS = ("5.2", "7.2", "10.0", "11.1")
UPWARD = tuple(itertools.combinations_with_replacement(VERSIONS, 2))
TIMEOUT = 900


def for_each_pair(body):
    """A class decorator's worth of tests: one for each pair, named after both versions and what BODY is called."""
    def decorate(cls):
        for pair in UPWARD:
            name = f"test_{'_to_'.join(pair).replace('.', '_')}_{body.__name__}"
            setattr(cls, name, lambda self, pair=pair: body(self, pair))
        return cls
    return decorate


def pre_copy(self, pair):
    self.assert_goes(pair)


def pre_copy_over_channels(self, pair):
    record = self.assert_goes(pair, "--multifd=2")
    self.assertGreater(record.best("multifd_bytes") or record.result["sent_bytes"], 8 * MIB)


def postcopy(self, pair):
    with self.pair(pair) as hop:
        running = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", "--postcopy", "now", "--max-downtime", "1ms", "--bandwidth", FAST)
        self.slow_down(hop)
        record = running.record
        self.assertIn("postcopy-active", record.statuses())
        self.assert_arrived(hop, record)


def cancel(self, pair):
    with self.pair(pair) as hop:
        before = Settings(hop.source)
        running = self.hold(hop, "tcp:127.0.0.1:0", passes=2)
        self.qmpmig.run("--socket", hop.source.qmp, "cancel")
        self.assert_stays(hop, running.record.result, "cancelled", 11)
        self.assertEqual(Settings(hop.source), before)


@for_each_pair(pre_copy)
@for_each_pair(pre_copy_over_channels)
@for_each_pair(postcopy)
@for_each_pair(cancel)
class Matrix(MoveTest):
    guest = {key: value for key, value in BARE.items() if key != "version"}

    @contextlib.contextmanager
    def pair(self, versions, **guest):
        with Pair(versions, destination_paused=True, **{**self.guest, **guest}) as pair:
            yield Hop(pair.source, pair.destination)

    def assert_goes(self, versions, *options, **guest):
        with self.pair(versions, **guest) as hop:
            with self.live(hop, "tcp:127.0.0.1:0", "--on-success", "keep", *options) as running:
                pass
            record = running.record
            ends = record.header["ends"]
            for end, version in zip(("source", "destination"), versions):
                self.assertTrue(ends[end]["version"].startswith(version + "."))
            self.assertEqual(ends["source"]["machine"], ends["destination"]["machine"])
            self.assert_arrived(hop, record)
            if hop.source.guest == "bare":
                hop.destination.witness.call("stop")
                self.assertLessEqual(hop.source.check_bare_from_outside(), hop.destination.check_bare_from_outside())
            return record

    def test_10_0_to_11_1_with_linux(self):
        self.assert_goes(("10.0", "11.1"), **{key: value for key, value in LINUX.items() if key != "version"})

    def test_11_1_to_11_1_with_linux(self):
        self.assert_goes(("11.1", "11.1"), **{key: value for key, value in LINUX.items() if key != "version"})

    def test_machine_types_that_differ_are_refused(self):
        with Pair("7.2", **self.guest) as old, Pair("10.0", **self.guest) as new:
            hop = Hop(old.source, new.destination)
            said = self.qmpmig.refused(hop, "tcp:127.0.0.1:0")
            self.assertIn("the source has pc-q35-7.2", said)
            self.assertIn("start the destination with -machine pc-q35-7.2", said)
            self.assertEqual(hop.running(), [hop.source.name])


def load_tests(_loader, tests, _pattern):
    return tests if os.environ.get("QMPMIG_MATRIX") == "1" else unittest.TestSuite()


if __name__ == "__main__":
    unittest.main()
