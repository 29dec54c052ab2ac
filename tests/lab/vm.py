# SPDX-License-Identifier: LGPL-2.1-or-later
"""One virtual machine, or a source and its destination, as a test sees them from outside.

A machine has two QMP sockets: `qmp` is the path that qmpmig will use, `witness` a client that the test itself holds on the
other one. Its serial line is read by a thread that stamps each line.
"""

import atexit
import collections
import concurrent.futures
import functools
import glob
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import uuid

from tests.lab import bare, qemus
from tests.lab.qmp import Qmp, QmpClosed, QmpError, connect

HERE = os.path.dirname(os.path.abspath(__file__))

Line = collections.namedtuple("Line", "text received wall")
Beat = collections.namedtuple("Beat", "number guest_us work received wall")

BEAT = re.compile(r"H (\d+) (\d+) (\d+) (?:\d+ )?\.")
KERNEL_ARGUMENTS = ("console=ttyS0 quiet mitigations=off nokaslr tsc=reliable no_timer_check cryptomgr.notests lsm= "
                    "audit=0")


class MemoryBad(Exception):
    """The guest's memory is not what it wrote; the text is the guest's own complaint."""


class Machine:
    """What is made for one test process and goes with it: a folder for sockets and files."""

    prefix = f"qmpmig-lab-{os.getpid()}-"

    @classmethod
    def new_folder(cls):
        sweep()
        return tempfile.mkdtemp(prefix=cls.prefix)


class Vm:
    """Started at once. `with Vm(...) as vm:` or vm.cleanup() ends it and removes what it made."""

    def __init__(self, name="vm", version="10.0", guest="linux", memory=256, machine="q35", incoming=None,
                 paused=False, extra=(), disk=None, folder=None, host=None, guest_name=None, guest_uuid=None,
                 smp=1, **parameters):
        """machine: q35, pc, or a versioned one; memory in MiB; incoming: None, "defer" or an address;
        disk: a size in bytes or a path; host: a hosts.Host to run on; parameters: the guest's (ws, rate, shape...)."""
        self.name = name
        self.qemu = qemus.find(version)
        self.version = version
        self.guest = guest
        self.parameters = {key: parse_size(value) for key, value in parameters.items()}
        self.memory = memory
        self.machine = versioned_machine(machine, version)
        self.owns_folder = folder is None
        self.folder = folder or Machine.new_folder()
        self.qmp = os.path.join(self.folder, f"{name}.qmp")
        self.witness_path = os.path.join(self.folder, f"{name}.witness")
        self.serial_path = os.path.join(self.folder, f"{name}.serial")
        self.disk = self._make_disk(disk)
        self.guest_name = guest_name or name
        self.uuid = guest_uuid or str(uuid.uuid4())
        self.argv = [*(host.prefix() if host else []), *self.qemu.argv_prefix(), *self._options(incoming, paused, smp),
                     *extra]
        self.witness = None
        self.serial = None
        _alive.add(self)
        try:
            self._start()
        except BaseException:
            self.cleanup()
            raise

    # --- starting ---------------------------------------------------------------------------------------------------

    def _options(self, incoming, paused, smp):
        options = ["-nodefaults", "-display", "none", "-no-user-config", "-accel", "tcg",
                   "-name", self.guest_name, "-uuid", self.uuid, "-machine", self.machine, "-m", f"{self.memory}M",
                   "-smp", str(smp),
                   "-qmp", f"unix:{self.qmp},server=on,wait=off", "-qmp", f"unix:{self.witness_path},server=on,wait=off",
                   "-chardev", f"socket,id=serial,path={self.serial_path},server=on,wait=off",
                   "-serial", "chardev:serial"]
        options += self._guest_options()
        if self.disk:
            options += ["-blockdev", f"driver=raw,node-name=disk0,file.driver=file,file.filename={self.disk}",
                        "-device", "virtio-blk-pci,id=vda,drive=disk0"]
        if incoming is not None:
            options += ["-incoming", incoming]
        if paused:
            options += ["-S"]
        return options

    def _guest_options(self):
        if self.guest == "none":
            return []
        built = guests_folder()
        if self.guest == "linux":
            words = [f"lab.{key}={value}" for key, value in self.parameters.items()]
            return ["-device", "pvpanic", "-kernel", f"{built}/kernel/vmlinuz", "-initrd", f"{built}/initrd",
                    "-append", " ".join([KERNEL_ARGUMENTS, *words])]
        if self.guest == "bare":
            words = [f"{key}={value}" for key, value in self.parameters.items()]
            told = ["-fw_cfg", f"name=opt/qmpmig/lab,string={' '.join(words)}"] if words else []
            return ["-device", "pvpanic", "-bios", f"{built}/bare.bin", *told]
        raise ValueError(f"guest {self.guest!r}: linux, bare or none")

    def _make_disk(self, disk):
        if disk is None or isinstance(disk, str):
            return disk
        path = os.path.join(self.folder, f"{self.name}.img")
        with open(path, "wb") as image:
            image.truncate(disk)
        return path

    def _start(self):
        self.started = time.monotonic()
        with open(os.path.join(self.folder, f"{self.name}.stderr"), "wb") as stderr:
            self.process = start_process(self.argv, stdout=stderr, stderr=stderr,
                                         env={**os.environ, **self.qemu.environment()})
        try:
            self.serial = Serial(connect(self.serial_path, 10, self._died), self.name)
            self.witness = Qmp(self.witness_path)
        except (OSError, QmpClosed) as error:
            raise RuntimeError(f"{self.name}: QEMU {self.version} did not start: {self.stderr() or error}") from error

    def _died(self):
        return self.process.poll() is not None

    # --- the guest --------------------------------------------------------------------------------------------------

    def wait_boot(self, timeout=30):
        """Until the guest's workload beats; nothing to wait for when it has no guest."""
        if self.guest != "none":
            self.serial.wait_line(BEAT, timeout)
        return self

    def heartbeats(self, since=0.0):
        """The beats received after this time.monotonic()."""
        return [Beat(*map(int, match.groups()), line.received, line.wall)
                for line in self.serial.lines_since(since) if (match := BEAT.fullmatch(line.text))]

    def wait_heartbeat(self, timeout=10):
        """A beat that comes from now on."""
        mark = time.monotonic()
        self.serial.wait_line(BEAT, timeout, mark)
        return self.heartbeats(mark)[0]

    def work(self):
        """Pages that the guest has written since it booted, by the last beat seen here."""
        beats = self.heartbeats()
        return beats[-1].work if beats else 0

    def command(self, text, answer, timeout=30):
        """Type a line on the guest's console, and wait for the line that answers it."""
        mark = time.monotonic()
        self.serial.write(text + "\n")
        return self.serial.wait_line(re.compile(answer), timeout, mark).text

    def check_memory(self, timeout=60):
        """The guest compares all its pages with what it wrote: how many there were, or MemoryBad."""
        line = self.command("check", r"CHECK .*", timeout)
        if not line.startswith("CHECK ok"):
            raise MemoryBad(f"{self.name}: {line}")
        return int(line.rpartition("=")[2])

    def dump(self, address, size):
        """Guest-physical memory, through QEMU (pmemsave)."""
        path = os.path.join(self.folder, f"{self.name}.dump")
        self.witness.call("pmemsave", {"val": address, "size": size, "filename": path}, timeout=60)
        try:
            with open(path, "rb") as file:
                return file.read()
        finally:
            os.unlink(path)

    def check_bare_from_outside(self):
        """The bare guest's memory must be an instant of its loop, seen from outside; MemoryBad when it is not.
        The machine must be paused."""
        work, size, fixed = bare.layout(self.parameters)
        return bare.verify(self.dump(work, size + fixed), self.parameters, self.name)

    # --- the machine ------------------------------------------------------------------------------------------------

    def run_state(self):
        return self.witness.call("query-status")["status"]

    def wait_run_state(self, *states, timeout=30):
        deadline = time.monotonic() + timeout
        while (state := self.run_state()) not in states:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name}: is {state}, not {' or '.join(states)}, after {timeout} s")
            time.sleep(0.01)
        return state

    def migration(self):
        """What query-migrate says, with an empty status made plain."""
        return {"status": "none", **self.witness.call("query-migrate")}

    @property
    def pid(self):
        return self.process.pid

    @property
    def cmdline(self):
        """As in /proc: what a tool would read to start the same machine elsewhere."""
        with open(f"/proc/{self.pid}/cmdline", "rb") as file:
            return [word.decode() for word in file.read().split(b"\0")[:-1]]

    def stderr(self):
        with open(os.path.join(self.folder, f"{self.name}.stderr"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def is_alive(self):
        return self.process.poll() is None

    def sigstop(self):
        os.kill(self.pid, signal.SIGSTOP)

    def sigcont(self):
        os.kill(self.pid, signal.SIGCONT)

    def kill(self):
        """SIGKILL, as a host that lost power would look to the other one."""
        if self.is_alive():
            self.process.kill()
        return self.process.wait(10)

    def quit(self):
        try:
            self.witness.call("quit")
        except (QmpError, QmpClosed):
            pass
        return self.wait_exit()

    def wait_exit(self, timeout=30):
        """The exit code; minus a signal's number."""
        return self.process.wait(timeout)

    def cleanup(self):
        _alive.discard(self)
        if getattr(self, "process", None) is not None:
            self.kill()
        if self.witness is not None:
            self.witness.close()
        if self.serial is not None:
            self.serial.close()
        if self.owns_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.cleanup()


class Pair:
    """A source and the destination that fits it.

    version is one for both, or two: ("7.2", "10.0") gives both the older one's machine type.
    """

    def __init__(self, version="10.0", incoming="defer", destination_paused=False, source_extra=(), destination_extra=(),
                 disk=None, hosts=(None, None), machine="q35", boot=True, guest_name="lab", **both):
        versions = (version, version) if isinstance(version, str) else tuple(version)
        pinned = versioned_machine(machine, min(versions, key=version_number))
        extra = tuple(both.pop("extra", ()))
        self.folder = Machine.new_folder()
        self.source = self.destination = None
        common = {"folder": self.folder, "machine": pinned, "guest_name": guest_name, "disk": disk,
                  "guest_uuid": str(uuid.uuid4()), **both}
        try:
            self.source = Vm("src", versions[0], extra=extra + tuple(source_extra), host=hosts[0], **common)
            self.destination = Vm("dst", versions[1], extra=extra + tuple(destination_extra), incoming=incoming,
                                  paused=destination_paused, host=hosts[1], **common)
            if boot:
                self.source.wait_boot()
        except BaseException:
            self.cleanup()
            raise

    def uri(self, name="stream"):
        """An address for the stream, on a unix socket beside the machines'."""
        return "unix:" + os.path.join(self.folder, name)

    def migrate(self, uri=None, incoming_uri=None, timeout=60, **parameters):
        """A plain migration driven by the witnesses, to compare with or to break: what the source says at the end."""
        uri = uri or self.uri()
        if parameters:
            self.source.witness.call("migrate-set-parameters",
                                     {key.replace("_", "-"): value for key, value in parameters.items()})
        self.destination.witness.call("migrate-incoming", {"uri": incoming_uri or uri})
        self.source.witness.call("migrate", {"uri": uri})
        reply = self.source.witness.wait_migration("completed", timeout=timeout)
        self.destination.witness.wait_migration("completed", timeout=timeout)
        return reply

    def blackout_ms(self):
        """From the source's last beat to the destination's first, as the outside sees it."""
        return 1000 * (self.destination.heartbeats()[0].received - self.source.heartbeats()[-1].received)

    def lost_work_s(self, start, end=None):
        """Seconds' worth of work missing between these two times.monotonic(), against the pace before the first one."""
        beats = [beat for vm in (self.source, self.destination) for beat in vm.heartbeats(start)]
        beats = [beat for beat in beats if end is None or beat.received <= end]
        seconds = beats[-1].received - beats[0].received
        return seconds - (beats[-1].work - beats[0].work) / self.usual_pace(start)

    def usual_pace(self, until):
        """Pages a second: as observed in the last seconds before this time, as told when there were none."""
        beats = [beat for beat in self.source.heartbeats(until - 5) if beat.received <= until]
        if not beats or beats[-1].received - beats[0].received < 0.5 or beats[-1].work == beats[0].work:
            return self.source.parameters["rate"] / 4096
        return (beats[-1].work - beats[0].work) / (beats[-1].received - beats[0].received)

    def running(self):
        """Names of those that run the guest now: never two."""
        return [vm.name for vm in (self.source, self.destination) if vm.is_alive() and vm.run_state() == "running"]

    def cleanup(self):
        for vm in (self.source, self.destination):
            if vm is not None:
                vm.cleanup()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.cleanup()


class Serial:
    """The guest's console: every line with the time at which it came."""

    def __init__(self, connection, name):
        self._socket = connection
        self._lines = []
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._read, daemon=True, name=f"serial {name}")
        self._thread.start()

    def write(self, text):
        self._socket.sendall(text.encode())

    def lines_since(self, mark=0.0):
        with self._changed:
            return [line for line in self._lines if line.received > mark]

    def wait_line(self, pattern, timeout=30, since=0.0):
        """The first line after the mark that is this pattern, whole."""
        deadline = time.monotonic() + timeout
        seen = 0
        with self._changed:
            while True:
                for line in self._lines[seen:]:
                    if line.received > since and pattern.fullmatch(line.text):
                        return line
                seen = len(self._lines)
                left = deadline - time.monotonic()
                if left <= 0 or self._closed:
                    last = [line.text for line in self._lines[-5:]]
                    raise TimeoutError(f"{self._thread.name}: no line {pattern.pattern!r} in {timeout} s; last: {last}")
                self._changed.wait(left)

    def close(self):
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._thread.join(5)
        self._socket.close()

    def _read(self):
        rest = b""
        while True:
            try:
                data = self._socket.recv(65536)
            except OSError:
                data = b""
            received, wall = time.monotonic(), time.time()
            *lines, rest = (rest + data).split(b"\n")
            with self._changed:
                self._lines += [Line(line.decode(errors="replace").rstrip("\r"), received, wall) for line in lines]
                self._closed = not data
                self._changed.notify_all()
            if not data:
                return


# --- helpers ----------------------------------------------------------------------------------------------------------

_alive = set()
# Who forks must live as long as the test: the kernel takes the end of the forking *thread* for the parent's death.
_starter = concurrent.futures.ThreadPoolExecutor(max_workers=1, thread_name_prefix="starter")


def start_process(argv, **options):
    """A child that the kernel kills when the test process is gone."""
    return _starter.submit(subprocess.Popen, ["setpriv", "--pdeathsig", "KILL", "--", *argv],
                           stdin=subprocess.DEVNULL, **options).result()


_guests = threading.Lock()


def guests_folder():
    """Where the built guests are; builds them when they are not up to date."""
    with _guests:
        if not hasattr(guests_folder, "found"):
            done = subprocess.run([os.path.join(HERE, "../guest/build")], capture_output=True, text=True)
            if done.returncode != 0:
                raise RuntimeError(f"tests/guest/build: {done.stderr}")
            guests_folder.found = done.stdout.strip()
        return guests_folder.found


def version_number(version):
    return tuple(map(int, version.split(".")))


def versioned_machine(machine, version):
    if machine == "q35":
        return f"pc-q35-{version}"
    if machine == "pc":
        return f"pc-i440fx-{version}"
    return machine


def parse_size(value):
    """64M and the like as a number; anything else as it is."""
    match = re.fullmatch(r"(\d+)([KMG]?)", str(value))
    if match is None:
        return value
    return int(match.group(1)) << {"": 0, "K": 10, "M": 20, "G": 30}[match.group(2)]


def leftovers():
    """What this test process left behind: machines, folders. An empty list is what a test wants to see."""
    left = glob.glob(os.path.join(tempfile.gettempdir(), Machine.prefix + "*"))
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as file:
                command = file.read().decode(errors="replace")
        except OSError:
            continue
        if Machine.prefix in command:
            left.append(f"process {path.split('/')[2]}: {command.split(chr(0))[0]}")
    return left


@functools.cache
def sweep():
    """Remove the folders of test processes that were killed; their machines went with them."""
    for folder in glob.glob(os.path.join(tempfile.gettempdir(), "qmpmig-lab-*-*")):
        owner = folder.split("-lab-")[1].split("-")[0]
        if not os.path.exists(f"/proc/{owner}"):
            shutil.rmtree(folder, ignore_errors=True)


@atexit.register
def cleanup_all():
    for vm in list(_alive):
        vm.cleanup()
    for folder in glob.glob(os.path.join(tempfile.gettempdir(), Machine.prefix + "*")):
        shutil.rmtree(folder, ignore_errors=True)
