# SPDX-License-Identifier: LGPL-2.1-or-later
"""The packages in a Debian that runs, with its systemd, D-Bus and polkit: a user has a migration steered there."""
import base64
import gzip
import json
import os
import pathlib
import re
import shlex
import shutil
import tempfile
import unittest

from tests.cli.program import TOP
from tests.display.record import record_faults
from tests.lab.vm import guests_folder
from tests.packaging import packages
from tests.packaging.debian import Debian
from tests.service.agent import MIGRATION, NAME, PATH

LONG = os.environ.get("QMPMIG_LONG") == "1"
ALONE = True
LIVE = True
TIMEOUT = 2400

HERE = pathlib.Path(__file__).parent
UNIT = "qmpmig-agent.service"
MONITOR = "/run/vms/src.qmp"
START_ID, END_ID = "6a4b1f0e5d9c4c7fa1f2b33a7f0c1d51", "b1d7e6a94c2f4f0b8e3a6c5d9f1b2e73"

USERS = "groupadd vms && useradd -g vms vmhost && useradd -m alice && useradd mallory && useradd -u 36 vdsm"
# alice may talk to the service, mallory may not; the guests are vmhost's, and the group vms may use their monitors. Who starts
# slowly has time for it.
ADMINISTER = """usermod -aG qmpmig alice && mkdir -p /etc/systemd/system/qmpmig-agent.service.d &&
printf '[Service]\\nSupplementaryGroups=vms\\n' >/etc/systemd/system/qmpmig-agent.service.d/vms.conf && systemctl daemon-reload &&
echo '<busconfig><limit name="service_start_timeout">300000</limit></busconfig>' >/etc/dbus-1/system.d/tests.conf &&
systemctl reload dbus && systemctl start polkit"""
RULE = "/etc/polkit-1/rules.d/50-alice.rules"
RULE_TEXT = """polkit.addRule(function(action, subject) {
    if (subject.user == "alice" && action.id == "org.qmpmig.steer")
        return polkit.Result.YES;
});"""

debian = folder = None
fresh = {}


def setUpModule():
    global debian, folder
    if not LONG:
        return
    folder = pathlib.Path(tempfile.mkdtemp())
    unittest.addModuleCleanup(shutil.rmtree, folder)
    debian = Debian(given(folder))
    unittest.addModuleCleanup(debian.close)
    debian.check(USERS)
    fresh["files"] = debian.check("sh given/list-files").splitlines()
    debian.check("dpkg -i given/old/*.deb")
    fresh["state"] = debian.run(f"systemctl is-active {UNIT}; systemctl is-enabled {UNIT}")[1].split()
    debian.check(ADMINISTER)


def given(top):
    """What the guest gets: the packages in two versions, and what the test runs there."""
    inside = top / "given"
    for name in ("old", "new"):
        (inside / name).mkdir(parents=True)
    for package in packages.build(top / "built"):
        shutil.copy(package, inside / "old")
        packages.of_next_version(package, inside / "new")
    for path in (HERE / "list-files", HERE / "guest-pair", pathlib.Path(guests_folder(), "bare.bin")):
        shutil.copy(path, inside)
    return inside


def gdbus(path, method, *arguments):
    return shlex.join(["gdbus", "call", "--system", "--timeout", "300", "--dest", NAME, "--object-path", path, "--method", method,
                       *arguments])


def steer(user, address=MONITOR, options="{}"):
    """Code and text. Not all may ask the service for its types, and each question takes its time here."""
    return debian.run(gdbus(PATH, f"{NAME}.Steer", address, f"@a{{sv}} {options}"), user=user)


def of(path, name):
    """A property of a migration, as alice reads it."""
    told = debian.check(gdbus(path, "org.freedesktop.DBus.Properties.Get", MIGRATION, name), user="alice")
    return re.search(r"<(?:uint32 |uint64 )?'?(.*?)'?>", told)[1]


def show(name):
    return debian.check(f"systemctl show -P {name} {UNIT}")


@unittest.skipUnless(LONG, "long: --long runs it")
class Installed(unittest.TestCase):
    def setUp(self):
        """No service, no guests, no rule: as after the installation."""
        debian.check(f"systemctl stop {UNIT}; sh given/guest-pair end; rm -f {RULE} /etc/qmpmig/qmpmig.conf.d/*")

    def permit(self):
        """What the host's administrator writes: the service may steer, and alice may have it do so."""
        debian.check("printf '[agent]\\nmode = steer\\n' >/etc/qmpmig/qmpmig.conf.d/50-test.conf")
        debian.check(f"cat >{RULE} <<'END'\n{RULE_TEXT}\nEND\n")

    def begin(self):
        """A guest that leaves, and would do so for ever."""
        debian.check("sh given/guest-pair begin")

    def taken(self, user, options):
        """The path of the migration that the service has taken."""
        code, text = steer(user, options=options)
        self.assertEqual(code, 0, text)
        return re.search(r"'(/[^']+)'", text)[1]

    def qemu(self, command, end="src"):
        return json.loads(debian.check(f"qmpmig --socket /run/vms/{end}.witness qmp {command}"))

    def journal(self, message_id):
        lines = debian.check(f"journalctl -o json -u {UNIT} MESSAGE_ID={message_id}").splitlines()
        return [json.loads(line) for line in lines]

    # -- The unit

    def test_it_is_not_started_by_its_installation(self):
        self.assertEqual(fresh["state"], ["inactive", "disabled"])

    def test_a_call_starts_it_and_systemd_says_so(self):
        self.assertEqual(debian.run(f"systemctl is-active {UNIT}")[1], "inactive")
        told = debian.check(gdbus(PATH, "org.freedesktop.DBus.Properties.Get", NAME, "Mode"), user="alice")
        self.assertEqual(told, "(<'observe'>,)")
        status = debian.check(f"systemctl status --no-pager --full {UNIT}")
        self.assertIn("active (running)", status)
        self.assertIn("Steers live migrations of QEMU guests", status)

    def test_it_runs_as_nobody_else_without_capabilities_in_a_sandbox(self):
        debian.check(f"systemctl start {UNIT}")
        status = debian.check(f"cat /proc/{show('MainPID')}/status")
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        uid = debian.check("id -u qmpmig")
        self.assertEqual(set(fields["Uid"].split()), {uid})
        self.assertEqual({int(fields[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb")}, {0})
        self.assertEqual((fields["NoNewPrivs"], fields["Seccomp"]), ("1", "2"))
        inside = f"nsenter -t {show('MainPID')} -m -- "
        self.assertNotEqual(debian.run(inside + "touch /etc/qmpmig/written")[0], 0)
        self.assertEqual([debian.run(where + "ls /home/alice")[0] == 0 for where in ("", inside)], [True, False])
        self.assertEqual(debian.check(inside + "touch /var/lib/qmpmig/written"), "")

    def test_systemd_analyze_gives_it_the_figure_of_its_manual(self):
        debian.check(f"systemctl start {UNIT}")
        told = debian.check(f"systemd-analyze security --no-pager {UNIT}")
        figure = re.search(r"exposure level for \S+: ([0-9.]+)", told)[1]
        manual = (TOP / "man/qmpmig-agent.pod").read_text()
        stated = re.search(r"systemd-analyze security .*, ([0-9.]+) where it runs", manual)
        self.assertEqual(stated[1], figure)

    def test_systemd_finds_no_fault_with_the_system(self):
        debian.check(f"systemctl start {UNIT}")
        self.assertEqual(debian.check("systemctl is-system-running"), "running")
        self.assertEqual(debian.check(f"systemd-analyze verify --man=no {UNIT}"), "")

    # -- Who may

    def test_the_bus_keeps_out_who_is_not_in_the_group(self):
        code, text = steer("mallory")
        self.assertNotEqual(code, 0)
        self.assertIn("org.freedesktop.DBus.Error.AccessDenied", text)
        self.assertEqual(debian.run(f"systemctl is-active {UNIT}")[1], "inactive")

    def test_polkit_keeps_out_whom_no_rule_permits(self):
        code, text = steer("alice", "/nonexistent/qmp")
        self.assertNotEqual(code, 0)
        self.assertIn("org.qmpmig.Error.Refused: polkit says no", text)

    def test_polkit_lets_in_whom_a_rule_permits(self):
        self.permit()
        code, text = steer("alice", "/nonexistent/qmp")
        self.assertNotEqual(code, 0)
        self.assertIn("org.qmpmig.Error.Unreachable", text)

    def test_the_package_for_vdsm_permits_what_its_hooks_do_and_no_more(self):
        code, text = steer("vdsm", "/nonexistent/qmp")
        self.assertNotEqual(code, 0)
        self.assertIn("org.qmpmig.Error.Unreachable", text)
        code, text = debian.run(gdbus(PATH, f"{NAME}.Reload"), user="vdsm")
        self.assertIn("org.freedesktop.DBus.Error.AccessDenied", text)

    # -- What it does

    def test_freshly_installed_it_observes_and_root_sees_it_at_a_shell(self):
        self.begin()
        path = self.taken("root", "{'max-downtime': <'60s'>}")
        debian.wait(lambda: of(path, "Reason"), "what it would do")
        self.assertEqual(of(path, "Role"), "observed")
        told = json.loads(debian.check(f"qmpmig --json --socket {MONITOR} status").splitlines()[-1])
        self.assertEqual((told["type"], told["status"]), ("sample", "active"))
        self.assertEqual(self.qemu("query-migrate-parameters")["downtime-limit"], 100)
        self.assertEqual(self.qemu("query-migrate")["status"], "active")

    def test_a_user_has_a_migration_steered_to_its_end(self):
        self.permit()
        self.begin()
        path = self.taken("alice", "{'max-downtime': <'60s'>}")
        self.assertEqual(of(path, "Role"), "steered")
        debian.wait(lambda: of(path, "Outcome"), "the end")
        self.assertEqual((of(path, "Outcome"), of(path, "GuestRunsOn")), ("handed-over", "destination"))
        self.assertEqual(self.qemu("query-migrate")["status"], "completed")
        self.assertEqual(self.qemu("query-status", "dst")["status"], "running")
        self.check_record(path)
        self.check_journal(of(path, "Id"))

    def test_a_reload_is_systemds(self):
        debian.check(f"systemctl start {UNIT}")
        self.permit()
        debian.check(f"systemctl reload {UNIT}")
        read = gdbus(PATH, "org.freedesktop.DBus.Properties.Get", NAME, "Mode")
        debian.wait(lambda: debian.check(read) == "(<'steer'>,)", "the new mode")

    def check_record(self, path):
        packed = debian.check(f"gzip -c {of(path, 'TracePath')} | base64 -w 0")
        lines = [json.loads(line) for line in gzip.decompress(base64.b64decode(packed)).splitlines()]
        self.assertEqual(record_faults(lines), [])
        self.assertTrue([line for line in lines if line["type"] == "applied"], "nothing was changed")

    def check_journal(self, migration):
        begun, ended = ([entry for entry in self.journal(message_id) if entry["QMPMIG_ID"] == migration]
                        for message_id in (START_ID, END_ID))
        self.assertEqual((len(begun), len(ended)), (1, 1))
        self.assertEqual((begun[0]["QMPMIG_VM"], begun[0]["QMPMIG_UUID"]), ("web1", "6b1f0e5d-9c4c-4fa1-b2b3-3a7f0c1d5101"))
        self.assertEqual((ended[0]["QMPMIG_OUTCOME"], ended[0]["_SYSTEMD_UNIT"]), ("handed-over", UNIT))


@unittest.skipUnless(LONG, "long: --long runs it")
class Replaced(unittest.TestCase):
    """After Installed: unittest goes by the names."""

    def test_an_upgrade_restarts_it_where_it_runs_and_a_purge_leaves_nothing(self):
        debian.check(f"sh given/guest-pair end; rm -rf {RULE} /etc/qmpmig/qmpmig.conf.d/* /etc/systemd/system/{UNIT}.d")
        debian.check(f"rm /etc/dbus-1/system.d/tests.conf; systemctl daemon-reload; systemctl enable --now {UNIT}")
        before = show("MainPID")
        debian.check("dpkg -i given/new/*.deb")
        self.assertEqual(show("ActiveState"), "active")
        self.assertNotEqual(show("MainPID"), before)
        names = " ".join(sorted({package.name.split("_")[0] for package in (folder / "given/new").iterdir()}))
        debian.check(f"dpkg --purge {names}")
        self.assertEqual(debian.check("find /proc -maxdepth 1 -user qmpmig"), "")
        self.assertEqual(debian.check("sh given/list-files").splitlines(), fresh["files"])
        self.assertEqual(debian.check("find / /run -xdev -name '*qmpmig*' -not -path '/root/*'"), "")
        self.assertNotEqual(debian.run(f"systemctl cat {UNIT}")[0], 0)
        self.assertNotIn(NAME, debian.check("busctl --system --activatable list"))


if __name__ == "__main__":
    unittest.main()
