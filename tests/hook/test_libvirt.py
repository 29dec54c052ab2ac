# SPDX-License-Identifier: LGPL-2.1-or-later
"""The hook as libvirtd runs it in a migration, on both hosts."""
import subprocess
import time
import unittest

from tests.hook.bus import Bus
from tests.hook.caller import DOMAINS, Libvirtd, assert_quick
from tests.hook.case import HookCase, ServiceTroubles

NOVA, OLD, WEB1 = ((DOMAINS / f"{name}.xml").read_text() for name in ("nova", "nova-old", "web1"))

# What libvirtd says on the receiving host, and on the source when the guest has gone.
ARRIVAL = [("migrate", "begin"), ("prepare", "begin"), ("start", "begin"), ("started", "begin")]
DEPARTURE = [("stopped", "end"), ("release", "end", "migrated")]


class Hooks(HookCase):
    def libvirtd(self, bus):
        return Libvirtd(self.host(bus))

    def play(self, libvirtd, xml, *sequence):
        for operation, sub_operation, *extra in sequence:
            done, _ = libvirtd.run("instance-0000002a", operation, sub_operation, xml, *extra)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))


class WhateverTheServiceDoes(ServiceTroubles, Hooks):
    def assert_all_pass(self, bus):
        libvirtd = self.libvirtd(bus)
        for words in (*ARRIVAL, ("reconnect", "begin"), ("stopped", "end")):
            def run():
                done, seconds = libvirtd.run("web1", *words, NOVA)
                self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))
                return seconds

            assert_quick(libvirtd.host, run)


class WhateverComes(Hooks):
    def setUp(self):
        self.caller = self.libvirtd(Bus(None))

    def test_xml_that_is_none_is_said_and_stops_nothing(self):
        done, _ = self.caller.run("web1", "started", "begin", "<domain>")
        self.assertEqual((done.returncode, done.stdout), (0, b""))
        self.assertIn(b"web1: the domain's XML cannot be read", done.stderr)

    def test_xml_that_does_not_end_is_not_waited_for(self):
        before = time.monotonic()
        with subprocess.Popen([self.caller.script, "web1", "started", "begin", "-"], stdin=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=self.caller.host.environment) as process:
            self.assertIn(b"did not end in time", process.stderr.read())
            self.assertEqual(process.wait(), 0)
            self.assertLess(time.monotonic() - before, 0.5)

    def test_a_guest_may_have_any_name(self):
        for name in ("-j", "--help", "a b", "*"):
            done, _ = self.caller.run(name, "stopped", "end", WEB1)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))

    def test_too_few_words_stop_nothing(self):
        done, _ = self.caller.host.run([self.caller.script, "web1"])
        self.assertEqual((done.returncode, done.stdout), (0, b""))


class AMigration(Hooks):
    def test_hands_over_the_policy_of_the_flavor_where_the_guest_arrives(self):
        self.play(self.libvirtd(Bus("answers")), NOVA, *ARRIVAL)
        self.assertEqual(self.bus.calls(2), [
            "running ()", "Steer ('libvirt:instance-0000002a', {'policy': <'deadline,margin=3s'>, 'wait': <true>})"])

    def test_only_starts_the_service_where_the_flavor_names_none(self):
        for xml in (OLD, WEB1):
            self.play(self.libvirtd(Bus("answers")), xml, *ARRIVAL)
            self.assertEqual(self.bus.calls(1), ["running ()"])

    def test_tells_nobody_where_the_guest_leaves(self):
        self.play(self.libvirtd(Bus("answers")), NOVA, *DEPARTURE)
        time.sleep(0.3)
        self.assertFalse(self.bus.record.exists())

    def test_a_restart_of_libvirtd_hands_the_policy_over_again(self):
        self.play(self.libvirtd(Bus("answers")), NOVA, ("reconnect", "begin"))
        self.assertIn("'deadline,margin=3s'", self.bus.calls(2)[1])


if __name__ == "__main__":
    unittest.main()
