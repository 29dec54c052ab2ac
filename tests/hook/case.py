# SPDX-License-Identifier: LGPL-2.1-or-later
"""What both callers' hooks have to live with."""
import unittest

from tests.hook.bus import Bus, DeafBus
from tests.hook.caller import Host


class HookCase(unittest.TestCase):
    def host(self, bus):
        """Where the hooks run; they speak to this bus."""
        self.addCleanup(bus.end)
        host = Host(bus.address)
        self.addCleanup(host.end)
        self.bus = bus
        return host


class ServiceTroubles:
    """A HookCase says with assert_all_pass(bus) what all its hooks do then."""

    def test_absent_it_holds_nothing_up(self):
        self.assert_all_pass(Bus(None))

    def test_hung_it_holds_nothing_up(self):
        self.assert_all_pass(Bus("hangs"))

    def test_dying_at_each_call_it_holds_nothing_up(self):
        self.assert_all_pass(Bus("dies"))

    def test_crashing_at_its_start_it_holds_nothing_up(self):
        self.assert_all_pass(Bus("crashes"))

    def test_a_deaf_bus_holds_nothing_up(self):
        self.assert_all_pass(DeafBus())
