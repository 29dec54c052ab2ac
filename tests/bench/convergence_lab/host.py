# SPDX-License-Identifier: LGPL-2.1-or-later
"""A host of the bench: a libvirtd in namespaces of its own (network, mounts, host name, processes).

Its files lie below one folder, so that its sockets are reached from outside as well: what is /run/NAME in there is
host.outside("/run/NAME") here. The kernel ends everything in there with the namespace's first process, and that one with
the bench.
"""

import os
import shutil
import signal
import subprocess
import time
import uuid

from tests.lab import vm

BOUND = {"run": "/run", "etc": "/etc/libvirt", "lib": "/var/lib/libvirt", "log": "/var/log/libvirt",
         "cache": "/var/cache/libvirt", "hosts": "/etc/hosts"}
LIVES = "/run/bench"        # sockets of the guest, in there

LIBVIRTD_CONF = """\
host_uuid = "{uuid}"
auth_unix_rw = "none"
auth_unix_ro = "none"
"""
QEMU_CONF = """\
user = "root"
group = "root"
security_driver = "none"
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
migration_port_min = 49152
migration_port_max = 49215
"""
# No name server is asked: its timeouts would be libvirt's.
ETC_HOSTS = """\
127.0.0.1 localhost
192.0.2.1 qmpmig-bench-a
192.0.2.2 qmpmig-bench-b
"""
# bash, for it reaps what is left to it: libvirtd waits for the QEMUs that it ends to be gone.
FIRST_PROCESS = """
set -e
hostname "$1"; folder=$2; shift 2
while [ $# -gt 0 ]; do mount --bind "$folder/$1" "$2"; shift 2; done
while :; do
    libvirtd --pid-file /run/libvirtd.pid >>"$folder/libvirtd.log" 2>&1 & wait $! || true
    [ -e "$folder/restart" ] || exit 1
    sleep "$(cat "$folder/restart")"
done
"""


class HostFailed(RuntimeError):
    """libvirtd did not come up, or is gone; the text has its last words."""


class BenchHost:
    """host: a tests.lab.hosts.Host, which lends its network namespace."""

    def __init__(self, name, host, folder):
        self.name = name
        self.address = host.address
        self.device = host.device
        self.network = host
        self.folder = os.path.join(folder, name)
        self._write_files()
        self.holder = vm.start_process(
            [*host.prefix(), "unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc",
             "--propagation", "private", "bash", "-c", FIRST_PROCESS, "bash", f"qmpmig-bench-{name}", self.folder,
             *(word for pair in BOUND.items() for word in pair)], stdout=subprocess.DEVNULL)
        try:
            self._wait_ready()
        except BaseException:
            self.cleanup()
            raise

    def _write_files(self):
        for name, inside in BOUND.items():
            if inside != "/etc/hosts":
                os.makedirs(os.path.join(self.folder, name))
        os.makedirs(self.outside(LIVES))
        for name, text in (("etc/libvirtd.conf", LIBVIRTD_CONF), ("etc/qemu.conf", QEMU_CONF), ("hosts", ETC_HOSTS)):
            with open(os.path.join(self.folder, name), "w") as file:
                file.write(text.format(uuid=uuid.uuid4()))

    def _wait_ready(self, timeout=60):
        deadline = time.monotonic() + timeout
        while self.virsh("list", check=False).returncode != 0:
            if self.holder.poll() is not None or time.monotonic() > deadline:
                raise HostFailed(f"libvirtd of host {self.name} did not come up: {self.last_words()}")
            time.sleep(0.1)
        self.first_pid = first_child(self.holder.pid)

    def last_words(self):
        try:
            with open(os.path.join(self.folder, "libvirtd.log"), encoding="utf-8", errors="replace") as file:
                return file.read().strip()[-1000:] or "it said nothing"
        except OSError:
            return "it was not started"

    def outside(self, path):
        """Where a file of the host is, seen from here."""
        for name, inside in BOUND.items():
            if path == inside or path.startswith(inside + "/"):
                return os.path.join(self.folder, name) + path[len(inside):]
        raise ValueError(f"{path} is not the host's own")

    # --- libvirt ----------------------------------------------------------------------------------------------------

    def uri(self):
        return f"qemu+unix:///system?socket={self.outside('/run/libvirt/libvirt-sock')}"

    def virsh_argv(self, *words):
        return ["virsh", "--quiet", "--connect", self.uri(), *words]

    def virsh(self, *words, **options):
        return subprocess.run(self.virsh_argv(*words), **{"check": True, "capture_output": True, "text": True,
                                                          "stdin": subprocess.DEVNULL, **options})

    # --- processes --------------------------------------------------------------------------------------------------

    def start(self, argv, **options):
        """A process in all of the host's namespaces; it ends with the host at the latest."""
        return vm.start_process(["nsenter", "--target", str(self.first_pid), "--mount", "--uts", "--pid", "--net", "--",
                                 *argv], **options)

    def guests(self):
        """Their process ids, seen from here."""
        return [pid for pid in self.network.pids() if "qemu-system" in command_of(pid)]

    def kill_guests(self):
        for pid in self.guests():
            os.kill(pid, signal.SIGKILL)

    def restart_libvirtd(self, away_s):
        """Killed; a new one comes after that time."""
        with open(os.path.join(self.folder, "restart"), "w") as file:
            file.write(str(away_s))
        os.kill(next(pid for pid in self.network.pids() if command_of(pid) == "libvirtd"), signal.SIGKILL)

    def wait_libvirtd(self, timeout=30):
        deadline = time.monotonic() + timeout
        while self.virsh("list", check=False).returncode != 0:
            if time.monotonic() > deadline:
                raise HostFailed(f"libvirtd of host {self.name} did not come back: {self.last_words()}")
            time.sleep(0.1)

    def cleanup(self):
        self.holder.kill()
        self.holder.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)


def first_child(pid):
    for entry in os.listdir("/proc"):
        if entry.isdigit() and parent_of(entry) == pid:
            return int(entry)
    raise HostFailed(f"process {pid} has no child")


def command_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
            return file.read().partition("\0")[0]
    except OSError:
        return ""


def parent_of(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return int(file.read().rpartition(")")[2].split()[1])
    except OSError:
        return None
