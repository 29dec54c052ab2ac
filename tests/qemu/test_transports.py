# SPDX-License-Identifier: LGPL-2.1-or-later
"""A live Linux guest over every kind of URI."""

import unittest

from tests.qemu.move import MoveTest


class Transports(MoveTest):
    def test_over_tcp_to_an_ipv4_address(self):
        with self.hop() as hop:
            record = self.move_live(hop, "tcp:127.0.0.1:0")
            self.assert_arrived(hop, record)

    def test_over_tcp_to_an_ipv6_address(self):
        with self.hop() as hop:
            record = self.move_live(hop, "tcp:[::1]:0")
            self.assert_arrived(hop, record)

    def test_over_tcp_to_a_name(self):
        with self.hop() as hop:
            record = self.move_live(hop, "tcp:localhost:0")
            self.assert_arrived(hop, record)

    def test_over_unix(self):
        with self.hop() as hop:
            record = self.move_live(hop, hop.uri())
            self.assert_arrived(hop, record)


if __name__ == "__main__":
    unittest.main()
