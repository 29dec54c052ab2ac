# SPDX-License-Identifier: LGPL-2.1-or-later
"""The hooks as VDSM runs them: unprivileged, in its order, with its environment, and by its reading of exit codes."""
import re
import unittest
import xml.etree.ElementTree as tree

from tests.hook.bus import Bus
from tests.hook.caller import DOMAINS, TRIES, HookError, Vdsm, assert_quick
from tests.hook.case import HookCase, ServiceTroubles

WEB1 = (DOMAINS / "web1.xml").read_text()
UUID = "4dea22b3-1d52-d8f3-2516-782e98ab3fa0"
MONITOR = f"/var/lib/libvirt/qemu/qmpmig-{UUID}.sock"
QEMU = "{http://libvirt.org/schemas/domain/qemu/1.0}"


def canonical(xml):
    return tree.canonicalize(xml, strip_text=True, rewrite_prefixes=True)


class Hooks(HookCase):
    def vdsm(self, bus):
        return Vdsm(self.host(bus))

    def assert_passes(self, vdsm, point, log="", **properties):
        """It changes nothing, fails nothing, says only this, and is quick."""
        def run():
            after, said, seconds = vdsm.run(point, WEB1, **properties)
            self.assertEqual((after, said), (WEB1, log))
            return seconds

        assert_quick(vdsm.host, run)


class WhateverTheServiceDoes(ServiceTroubles, Hooks):
    def assert_all_pass(self, bus):
        vdsm = self.vdsm(bus)
        for point in Vdsm.POINTS:
            self.assert_passes(vdsm, point, qmpmig_policy="auto")

    def test_refusing_it_holds_nothing_up_unasked(self):
        self.assert_all_pass(Bus("refuses"))

    def test_no_bus_holds_nothing_up(self):
        bus = Bus(None)
        bus.address += ".not-here"
        self.assert_all_pass(bus)


class WhateverBecomesOfQmpmig(Hooks):
    def setUp(self):
        self.caller = self.vdsm(Bus(None))

    def replace(self, name, text):
        path = self.caller.host.top / name
        path.write_text(text)
        path.chmod(0o755)

    def test_without_it_guests_move(self):
        (self.caller.host.top / "helpers/hook").unlink()
        self.assertIn("not found", self.caller.run("before_vm_migrate_source", WEB1)[1])

    def test_the_command_is_the_helper_and_never_fails(self):
        program = [self.caller.host.top / "qmpmig", "hook", "vdsm", "no_such_point"]
        done, _ = self.caller.host.run(program)
        self.assertEqual((done.returncode, done.stdout), (0, b""))
        self.assertIn(b"no_such_point is not one that qmpmig has to do with", done.stderr)
        (self.caller.host.top / "helpers/hook").unlink()
        done, _ = self.caller.host.run(program)
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"is not installed", done.stderr)

    def test_crashing_it_lets_guests_move(self):
        self.replace("helpers/hook", "#!/bin/sh\nkill -SEGV $$\n")
        self.caller.run("before_vm_migrate_source", WEB1)

    def test_its_veto_alone_stops_them(self):
        self.replace("helpers/hook", "#!/bin/sh\nexit 1\n")
        self.caller.run("before_vm_migrate_source", WEB1)
        self.replace("helpers/hook", "#!/bin/sh\nexit 2\n")
        with self.assertRaises(HookError):
            self.caller.run("before_vm_migrate_source", WEB1)

    def test_xml_that_is_none_is_left_alone_and_said(self):
        for text in ("", "<domain>", "<domain/>", "<other/>", WEB1.replace(UUID, "../../etc")):
            after, log, _ = self.caller.run("before_vm_start", text, qmpmig_monitor="on")
            self.assertEqual(after, text)
            self.assertRegex(log, r"^qmpmig: before_vm_start: the .*XML")


class TheHandOver(Hooks):
    def test_the_service_is_told_of_the_guest(self):
        self.vdsm(Bus("answers")).run("before_vm_migrate_source", WEB1)
        self.assertEqual(self.bus.calls(2), ["running ()", "Steer ('libvirt:web1', {'wait': <true>})"])

    def test_the_policy_is_the_custom_property(self):
        self.vdsm(Bus("answers")).run("before_vm_migrate_source", WEB1, qmpmig_policy="deadline")
        self.assertEqual(self.bus.calls(2)[1], "Steer ('libvirt:web1', {'policy': <'deadline'>, 'wait': <true>})")

    def test_a_second_monitor_is_used_where_the_guest_has_one(self):
        vdsm = self.vdsm(Bus("answers"))
        xml, _, _ = vdsm.run("before_vm_start", WEB1, qmpmig_monitor="on")
        vdsm.run("before_vm_migrate_source", xml)
        self.assertEqual(self.bus.calls(2)[1], f"Steer ('unix:{MONITOR}', {{'wait': <true>}})")

    def test_the_receiving_host_starts_its_service(self):
        self.vdsm(Bus("answers")).run("before_vm_migrate_destination", WEB1)
        self.assertEqual(self.bus.calls(1), ["running ()"])

    def test_the_outcome_goes_to_the_log(self):
        vdsm = self.vdsm(Bus("answers"))
        vdsm.run("before_vm_migrate_source", WEB1)
        self.bus.calls(2)
        said = {vdsm.run("after_vm_migrate_source", WEB1)[1] for _ in range(TRIES)}
        self.assertIn("qmpmig: web1: completed after 12.3 s; the trace is /var/lib/qmpmig/traces/one.jsonl\n", said)

    def test_the_outcome_of_another_guest_does_not(self):
        vdsm = self.vdsm(Bus("answers"))
        vdsm.run("before_vm_migrate_source", WEB1)
        self.bus.calls(2)
        other = WEB1.replace("4dea22b3", "5dea22b3")
        self.assertEqual(vdsm.run("after_vm_migrate_source", other)[1], "")


class TheVeto(Hooks):
    def hand_over(self, manner, veto="hopeless"):
        """The seconds that it took."""
        return self.vdsm(Bus(manner)).run("before_vm_migrate_source", WEB1, qmpmig_veto=veto)[2]

    def test_stops_a_migration_that_has_no_hope(self):
        with self.assertRaisesRegex(HookError, "qmpmig: web1: no policy can end it within the limits\n"):
            self.hand_over("says-cannot-within-limits")
        self.assertEqual(self.bus.calls(2)[1], "Steer ('libvirt:web1', {'wait': <true>})")

    def test_is_for_nothing_less(self):
        for manner in ("says-on-course", "says-needs-action", "refuses", "fails", "dies", "crashes", None):
            with self.subTest(manner):
                self.assertLess(self.hand_over(manner), 2)

    def test_is_not_waited_for_without_end(self):
        for manner in ("hangs", "says-unknown"):
            with self.subTest(manner):
                seconds = self.hand_over(manner)
                self.assertLess(seconds, 3.5)
                self.assertGreater(seconds, 2.5)

    def test_has_to_be_asked_for_by_its_word(self):
        self.hand_over("says-cannot-within-limits", veto="yes")


class TheSecondMonitor(Hooks):
    def setUp(self):
        self.caller = self.vdsm(Bus(None))

    def arguments(self, xml):
        line, = tree.fromstring(xml).findall(QEMU + "commandline")
        return [argument.attrib["value"] for argument in line.findall(QEMU + "arg")]

    def start(self, xml):
        after, log, seconds = self.caller.run("before_vm_start", xml, qmpmig_monitor="on")
        self.assertEqual(log, "")
        self.assertLess(seconds, 1)
        return after

    def test_is_added_when_asked_for(self):
        self.assertEqual(self.arguments(self.start(WEB1)), ["-qmp", f"unix:{MONITOR},server=on,wait=off"])

    def test_leaves_the_rest_as_it_was(self):
        after = tree.fromstring(self.start(WEB1))
        after.remove(after.find(QEMU + "commandline"))
        self.assertEqual(canonical(tree.tostring(after)), canonical(WEB1))

    def test_joins_the_arguments_of_another_hook(self):
        theirs = (f'<q:commandline xmlns:q="{QEMU[1:-1]}"><q:arg value="-device"/><q:arg value="x"/></q:commandline>')
        after = self.start(WEB1.replace("</domain>", theirs + "</domain>"))
        self.assertEqual(self.arguments(after)[:3], ["-device", "x", "-qmp"])

    def test_is_added_once(self):
        once = self.start(WEB1)
        self.assertEqual(self.arguments(self.start(once)), self.arguments(once))

    def test_that_does_not_come_along_is_said(self):
        log = self.caller.run("after_vm_migrate_destination", self.start(WEB1))[1]
        self.assertTrue(re.fullmatch(rf"qmpmig: web1: .* did not come along: {MONITOR} is not there\n", log), log)


if __name__ == "__main__":
    unittest.main()
