# SPDX-License-Identifier: LGPL-2.1-or-later
"""The service on a bus of its own."""

import os
import re
import signal
import subprocess
import time

from tests.cli.program import BINARY, environ

HELPER = os.path.join(os.path.dirname(BINARY), "helpers/agent")
NAME = "org.qmpmig.Agent1"
PATH = "/org/qmpmig/Agent1"
MIGRATION = "org.qmpmig.Migration1"
BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>custom</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


class Agent:
    """A bus, and the service on it. FOLDER gets their files; CONFIG is the text of the service's configuration, MORE of its
    environment, USER as whom it runs when not as we do."""

    def __init__(self, folder, config="", helper=HELPER, more=None, user=None):
        self.folder, self.helper = folder, helper
        self.user = {} if user is None else {"user": user, "group": user, "extra_groups": []}
        self.more = {"LIBVIRT_DEFAULT_URI": "test:///default", **(more or {})}
        self.config = os.path.join(folder, "agent.conf")
        self.configure(config)
        self.address = f"unix:path={folder}/bus"
        self.bus = self._start_bus()
        self.process = None

    def configure(self, text):
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(text)

    def _start_bus(self):
        path = os.path.join(self.folder, "bus.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(BUS.format(socket=f"{self.folder}/bus"))
        process = subprocess.Popen(["dbus-daemon", f"--config-file={path}", "--nofork", "--print-address"],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        process.stdout.readline()
        return process

    def environment(self):
        own = {f"{what}_DIRECTORY": os.path.join(self.folder, what.lower()) for what in ("STATE", "RUNTIME", "CACHE")}
        return environ({**own, **self.more})

    def start(self, *command):
        """COMMAND: instead of the helper on the bus of this one."""
        self.log = open(os.path.join(self.folder, "agent.log"), "a", encoding="utf-8")
        self.process = subprocess.Popen([*(command or (self.helper, "--bus", self.address)), "--config", self.config],
                                        stdin=subprocess.DEVNULL, stderr=self.log, env=self.environment(), **self.user)
        self.wait(lambda: self.property("Version"), "the service's name on the bus")
        return self

    def kill(self, how=signal.SIGKILL):
        self.process.send_signal(how)
        code = self.process.wait(20)
        self.log.close()
        self.process = None
        return code

    def close(self):
        if self.process:
            self.kill(signal.SIGTERM)
        self.bus.terminate()
        self.bus.wait(10)
        self.bus.stdout.close()

    def said(self):
        with open(os.path.join(self.folder, "agent.log"), encoding="utf-8") as file:
            return file.read()

    def wait(self, condition, what, seconds=15):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if value := condition():
                return value
            if self.process and self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"{what} did not come within {seconds} s: {self.said()}")

    # -- Calls

    def call(self, path, method, *arguments):
        """What gdbus prints; a Refusal when the answer is an error."""
        done = subprocess.run(["gdbus", "call", "--address", self.address, "--dest", NAME, "--object-path", path,
                               "--method", method, *arguments], capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise Refusal(done.stderr)
        return done.stdout.strip()

    def steer(self, address, options="{}"):
        return self._path(self.call(PATH, f"{NAME}.Steer", address, options))

    def start_migration(self, address, uri, options="{}"):
        return self._path(self.call(PATH, f"{NAME}.Start", address, uri, options))

    @staticmethod
    def _path(text):
        return re.search(r"objectpath '([^']+)'", text)[1]

    def reload(self):
        self.call(PATH, f"{NAME}.Reload")

    def property(self, name, path=PATH, interface=NAME):
        """As Python's own value; None where there is no such object."""
        try:
            text = self.call(path, "org.freedesktop.DBus.Properties.Get", interface, name)
        except Refusal:
            return None
        value = re.fullmatch(r"\(<(?:uint32 |uint64 |objectpath )?(.*)>,\)", text, re.DOTALL)[1]
        return int(value) if re.fullmatch(r"\d+", value) else value[1:-1]

    def of(self, path, name):
        return self.property(name, path, MIGRATION)

    def migrations(self):
        text = self.call(PATH, "org.freedesktop.DBus.ObjectManager.GetManagedObjects")
        return re.findall(rf"'({PATH}/migration/[^']+)'", text)


class Refusal(Exception):
    @property
    def name(self):
        """Usage, Refused, ..."""
        found = re.search(r"org\.qmpmig\.Error\.(\w+)", str(self))
        return found[1] if found else str(self)
