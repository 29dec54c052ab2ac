# SPDX-License-Identifier: LGPL-2.1-or-later
"""VDSM and libvirtd as callers of hooks, by what is known of them."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from tests.cli import program

BUILD = pathlib.Path(program.BINARY).resolve().parents[1]
DOMAINS = pathlib.Path(__file__).parent / "domains"
NOBODY = 65534


# What a hook may take. Others use the machine too, so one try in so many has to show it, and what two starts of a
# program that does nothing take at that time is not counted.
LIMIT_S = 0.05
OWN_S = 0.02
TRIES = 12


class HookError(Exception):
    pass


class Host:
    """The program and its hooks where an unprivileged user can run them."""

    def __init__(self, bus_address):
        self._folder = tempfile.TemporaryDirectory()
        self.top = pathlib.Path(self._folder.name)
        self.top.chmod(0o755)
        self.environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "DBUS_SYSTEM_BUS_ADDRESS": bus_address}
        (self.top / "helpers").mkdir()
        shutil.copy(program.BINARY, self.top / "qmpmig")
        shutil.copy(BUILD / "agent/helpers/hook", self.top / "helpers/hook")

    def install(self, built, *place):
        """A script of the build folder, as it is but for where the program lies."""
        text = (BUILD / "packaging" / built).read_text()
        path = self.top.joinpath(*place)
        path.parent.mkdir(parents=True, exist_ok=True)
        line, = [line for line in text.splitlines() if "/qmpmig/hook " in line]
        path.write_text(text.replace(line.split()[0], str(self.top / "helpers/hook")))
        path.chmod(0o755)
        return path

    def run(self, argv, stdin=b"", environment=None):
        """The finished process and how long it took, until nobody held its output any more."""
        before = time.monotonic()
        done = subprocess.run(argv, input=stdin, capture_output=True, check=False, timeout=30,
                              env={**self.environment, **(environment or {})}, cwd="/", **other_user())
        return done, time.monotonic() - before

    def end(self):
        self._folder.cleanup()


def assert_quick(host, run):
    """RUN gives the seconds that it took."""
    taken = []
    for _ in range(TRIES):
        idle = host.run(["/bin/sh", "-c", f"{host.top}/qmpmig --version; {host.top}/qmpmig --version"])[1]
        taken.append((run(), idle))
        if taken[-1][0] < max(LIMIT_S, idle + OWN_S):
            return
    raise AssertionError(f"not within {LIMIT_S} s: {taken}")


def other_user():
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}


class Vdsm:
    """Runs the hooks of a point: each executable file of its folder, by name, with the custom properties and the path of
    the XML in the environment. 1 goes on with the next script, 2 stops; either fails the point if it is a "before"."""

    POINTS = ("before_vm_start", "before_vm_migrate_source", "after_vm_migrate_source",
              "before_vm_migrate_destination", "after_vm_migrate_destination")

    def __init__(self, host):
        self.host = host
        for point in self.POINTS:
            host.install(f"vdsm/{point}", "hooks", point, "50_qmpmig")

    def run(self, point, xml, **properties):
        """The XML afterwards, what was logged, and the seconds that it took."""
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "domxml")
            file.write_text(xml)
            file.chmod(0o600)
            if os.getuid() == 0:
                os.chown(folder, NOBODY, NOBODY)
                os.chown(file, NOBODY, NOBODY)
            log, seconds = self._scripts(point, {**properties, "_hook_domxml": str(file), "vmId": "of no use"})
            return file.read_text(), log, seconds

    def _scripts(self, point, environment):
        log, longest, is_failed = "", 0, False
        for script in sorted((self.host.top / "hooks" / point).iterdir()):
            done, seconds = self.host.run([script], environment=environment)
            log += done.stderr.decode()
            longest = max(longest, seconds)
            is_failed |= done.returncode != 0
            if done.returncode == 2:
                break
        if is_failed and point.startswith("before"):
            raise HookError(log)
        return log, longest


class Libvirtd:
    """Runs the hook with its four words, and the XML on standard input."""

    def __init__(self, host):
        self.host = host
        self.script = host.install("libvirt/qemu-hook", "qemu.d", "qmpmig")

    def run(self, guest, operation, sub_operation, xml, extra="-"):
        return self.host.run([self.script, guest, operation, sub_operation, extra], stdin=xml.encode())
