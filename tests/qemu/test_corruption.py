# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each check of the guest's memory has to go red when a page was changed on its way."""

import unittest
from unittest import mock

from tests.lab.proxy import Spoiler
from tests.lab.vm import MemoryBad
from tests.qemu.move import BARE, Between, MoveTest


class Corruption(MoveTest):
    def corrupt(self, hop, between, *options):
        """A move that ends well, as far as anybody can see from outside: the page that was changed."""
        hop.source.check_memory()
        between.proxy.corrupt()
        self.assert_moved(hop, self.qmpmig.migrate(hop, between.uri, *options).record)
        self.assertEqual(len(between.proxy.corrupted), 1)
        return between.proxy.corrupted[0].page

    def assert_found(self, *options):
        with Between() as between, self.hop(**between.options) as hop:
            page = self.corrupt(hop, between, *options)
            with self.assertRaisesRegex(MemoryBad, f"page={page} region=static"):
                hop.destination.check_memory()
            return between

    def test_a_changed_page_is_found_by_the_guest(self):
        self.assert_found()

    def test_a_changed_page_is_found_when_it_came_over_channels(self):
        between = self.assert_found("--multifd=3")
        self.assertEqual(between.proxy.connections, 4)

    def test_a_changed_page_is_found_when_it_came_by_postcopy(self):
        self.assert_found("--postcopy", "now")


class BareCorruption(Corruption):
    guest = BARE

    def test_a_changed_page_is_found_from_outside(self):
        with Between() as between, self.hop(**between.options) as hop, mock.patch.object(Spoiler, "inside", 20):
            page = self.corrupt(hop, between)
            hop.destination.witness.call("stop")
            with self.assertRaisesRegex(MemoryBad, f"static page {page} has lost its head"):
                hop.destination.check_bare_from_outside()


if __name__ == "__main__":
    unittest.main()
