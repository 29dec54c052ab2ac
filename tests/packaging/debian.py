# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine that runs the Debian of image.py, and a shell of root's in it."""
import os
import re
import shlex
import shutil
import subprocess
import time

from tests.lab.qmp import connect
from tests.lab.vm import KERNEL_ARGUMENTS, Machine, Serial, Vm
from tests.packaging import image

# An emulated machine beside others: minutes for what takes seconds.
BOOT_S = 600
COMMAND_S = 400
READY = re.compile("SHELL-READY")
PLAIN = "PS1=; PS2=; export TERM=dumb SYSTEMD_COLORS=0 SYSTEMD_URLIFY=0\n"


class Failed(AssertionError):
    """A command in the guest ended with another code than 0."""


class Debian:
    """Booted when it is there. GIVEN, a folder, is /root/given in it. What happens on its disk is forgotten."""

    def __init__(self, given):
        self.folder = Machine.new_folder()
        self.number = 0
        self.shell = self.vm = None
        try:
            self._start(image.find(), self._pack(given))
            self.shell.wait_line(READY, BOOT_S)
            self.shell.write(PLAIN)
            self.check("mkdir given && tar -C given -xf /dev/vdb && systemctl is-system-running --wait", BOOT_S)
        except BaseException:
            self.close()
            raise

    def _pack(self, given):
        packed = os.path.join(self.folder, "given.tar")
        subprocess.run(["tar", "-C", given, "--owner=0", "--group=0", "-cf", packed, "."], check=True)
        return packed

    def _start(self, made, given):
        path = os.path.join(self.folder, "shell")
        self.vm = Vm("debian", guest="none", memory=1024, smp=2, folder=self.folder, extra=[
            "-kernel", f"{made}/kernel", "-initrd", f"{made}/initrd", "-append", f"{KERNEL_ARGUMENTS} root=/dev/vda rw",
            "-drive", f"file={made}/disk,format=raw,if=virtio,cache=unsafe,snapshot=on",
            "-drive", f"file={given},format=raw,if=virtio,read-only=on", "-device", "virtio-rng-pci", "-no-reboot",
            "-chardev", f"socket,id=shell,path={path},server=on,wait=off", "-serial", "chardev:shell"])
        self.shell = Serial(connect(path, 10, lambda: not self.vm.is_alive()), "shell")

    def close(self):
        if self.shell:
            self.shell.close()
        if self.vm:
            self.vm.cleanup()
        shutil.rmtree(self.folder, ignore_errors=True)

    def console(self):
        """The last that kernel and systemd said."""
        return "\n".join(line.text for line in self.vm.serial.lines_since()[-20:])

    # -- Commands

    def run(self, command, timeout=COMMAND_S, user=None):
        """Its exit code, and all that it printed."""
        self.number += 1
        mark = time.monotonic()
        if user:
            command = f"runuser -u {user} -- sh -c {shlex.quote(command)}"
        self.shell.write(f"({command}) </dev/null 2>&1; code=$?; echo; echo \"=={self.number} $code\"\n")
        try:
            end = self.shell.wait_line(re.compile(rf"=={self.number} (\d+)"), timeout, mark)
        except TimeoutError as error:
            raise Failed(f"{command}: {error}; the console: {self.console()}") from error
        lines = [line.text for line in self.shell.lines_since(mark)]
        lines = lines[:lines.index(end.text)]
        return int(end.text.split()[1]), "\n".join(lines).rstrip("\n")

    def check(self, command, timeout=COMMAND_S, user=None):
        """What it printed; its code must be 0."""
        code, text = self.run(command, timeout, user)
        if code:
            raise Failed(f"{command}: code {code}: {text[-4000:]}")
        return text

    def wait(self, condition, what, seconds=COMMAND_S):
        """The first true value of CONDITION()."""
        until = time.monotonic() + seconds
        while not (value := condition()):
            if time.monotonic() > until:
                raise Failed(f"{what} did not come within {seconds} s")
            time.sleep(1)
        return value
