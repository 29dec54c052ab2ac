# SPDX-License-Identifier: LGPL-2.1-or-later
"""The proxy's modes and the two hosts, under a migration that the witnesses drive."""

import os
import time
import unittest

from tests.lab.hosts import Hosts
from tests.lab.proxy import Proxy
from tests.lab.vm import Pair, leftovers

BARE = {"version": "10.0", "guest": "bare", "memory": 128, "ws": "16M", "rate": "1M"}
MIB = 1 << 20


class ProxyModes(unittest.TestCase):
    def setUp(self):
        self.pair = Pair(**BARE)
        self.addCleanup(lambda: self.assertEqual(leftovers(), []))
        self.addCleanup(self.pair.cleanup)
        self.proxy = Proxy(self.pair.uri())
        self.addCleanup(self.proxy.close)

    def start(self):
        self.pair.destination.witness.call("migrate-incoming", {"uri": self.pair.uri()})
        self.pair.source.witness.call("migrate", {"uri": self.proxy.uri})

    def test_limit(self):
        self.proxy.limit(20 * MIB)
        begin = time.monotonic()
        self.start()
        self.pair.source.witness.wait_migration("completed")
        self.assertGreater(self.proxy.forwarded, 15 * MIB)
        rate = self.proxy.forwarded / (time.monotonic() - begin)
        self.assertLess(rate, 25 * MIB)
        self.assertGreater(rate, 8 * MIB)

    def test_cut(self):
        self.proxy.limit(10 * MIB)
        self.start()
        self.proxy.wait_forwarded(4 * MIB)
        self.proxy.cut()
        self.pair.source.witness.wait_migration("failed")
        self.assertEqual(self.pair.source.run_state(), "running")
        self.assertEqual(self.pair.destination.wait_exit(), 1)

    def test_stall_and_go_on(self):
        self.proxy.stall_after(5 * MIB)
        self.start()
        self.proxy.wait_forwarded(5 * MIB)
        time.sleep(0.5)
        self.assertEqual(self.proxy.forwarded, 5 * MIB)
        self.assertEqual(self.pair.source.migration()["status"], "active")
        self.proxy.set_pass()
        self.pair.source.witness.wait_migration("completed")

    def test_multifd(self):
        on = {"capabilities": [{"capability": "multifd", "state": True}]}
        self.pair.source.witness.call("migrate-set-capabilities", on)
        self.pair.destination.witness.call("migrate-set-capabilities", on)
        self.pair.migrate(self.proxy.uri, incoming_uri=self.pair.uri())
        self.assertEqual(self.proxy.connections, 3)
        self.pair.destination.wait_heartbeat()
        self.pair.destination.check_memory()


@unittest.skipUnless(os.geteuid() == 0, "network namespaces need root")
class TwoHosts(unittest.TestCase):
    def test_limited_link_and_a_cut(self):
        with Hosts(rate_mbit=200) as hosts:
            with Pair(hosts=(hosts.a, hosts.b), **BARE) as pair:
                begin = time.monotonic()
                pair.migrate(f"tcp:{hosts.b.address}:4444")
                self.assertGreater(time.monotonic() - begin, 0.7)
                pair.destination.check_memory()
            with Pair(hosts=(hosts.a, hosts.b), **BARE) as pair:
                uri = f"tcp:{hosts.b.address}:4444"
                pair.destination.witness.call("migrate-incoming", {"uri": uri})
                pair.source.witness.call("migrate", {"uri": uri})
                time.sleep(0.3)
                hosts.cut()
                time.sleep(0.5)
                self.assertEqual(pair.source.migration()["status"], "active")
                hosts.restore()
                pair.source.witness.wait_migration("completed")
        self.assertEqual(leftovers(), [])


if __name__ == "__main__":
    unittest.main()
