# SPDX-License-Identifier: LGPL-2.1-or-later
"""qmpmig at work between real machines: started, listened to, and its record held against docs/qmpmig-1.schema.json.

    class Something(MoveTest):
        def test_a_guest_does_something(self):
            with self.hop() as hop:                      # a running guest, and a QEMU that waits for it
                record = self.qmpmig.move(hop, "tcp:127.0.0.1:0").record
                self.assert_arrived(hop, record)
"""

import contextlib
import ctypes
import json
import os
import pathlib
import queue
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest
import uuid

from tests.cli.program import unlisted
from tests.display.record import line_faults, record_faults
from tests.lab import vm as lab
from tests.lab.hosts import Hosts
from tests.lab.proxy import Proxy
from tests.lab.qmp import QmpClosed
from tests.lab.vm import Vm, leftovers

TOP = pathlib.Path(__file__).parents[2]
BINARY = os.environ.get("QMPMIG", str(TOP / "build/agent/qmpmig"))

MIB = 1 << 20
BOOT_S = 120
# The first pass has much to send, and goes fast, but in the tenth of a second in which QEMU counts it sends less than the
# working set. The later ones are so slow that the guest writes over all of that meanwhile, also when it gets a small part
# of the machine: nothing ends such a move but somebody who changes something.
FAST = "48MiB/s"
SLOW = 12 * MIB
HOLD = ("--max-downtime", "1ms", "--throttle", "off", "--postcopy", "never", "--bandwidth", FAST,
        "--policy", "auto,xbzrle=off")
LINUX = {"version": "10.0", "guest": "linux", "memory": 128, "ws": "6M", "static": "8M", "rate": "256M"}
BARE = {"version": "7.2", "guest": "bare", "memory": 128, "ws": "6M", "static": "8M", "rate": "256M"}


class Record:
    """The lines that one qmpmig printed with --json, each with the time.monotonic() at which it came."""

    def __init__(self, lines):
        self.lines = [line for _, line in lines]
        self.received = [received for received, _ in lines]
        whole = any(line.get("type") == "header" for line in self.lines)
        faults = record_faults(self.lines, whole)
        if faults:
            raise AssertionError("\n".join(faults))

    def of(self, kind, **values):
        return [line for line in self.lines if line["type"] == kind and holds(line, values)]

    @property
    def header(self):
        return self.of("header")[0]

    @property
    def plan(self):
        return self.of("plan")[0]

    @property
    def result(self):
        return self.of("result")[0]

    @property
    def samples(self):
        return self.of("sample")

    def planned(self, kind, end, name):
        """What the plan sets a capability or parameter of that end to; None when it does not touch it."""
        for setting in self.plan[kind]:
            if setting["end"] == end and setting["name"] == name:
                return setting["value"]
        return None

    def capability(self, end, name):
        return self.planned("capabilities", end, name)

    def parameter(self, end, name):
        return self.planned("parameters", end, name)

    def codes(self):
        """The advices' reason codes, in order."""
        return [line["reason_code"] for line in self.of("advice")]

    def notices(self):
        return [line["text"] for line in self.of("notice")]

    def best(self, name):
        """The largest value that a sample has for it; None when none has it."""
        return max((sample[name] for sample in self.samples if name in sample), default=None)

    def statuses(self):
        """The source's statuses in the order in which the samples tell them."""
        found = [sample["status"] for sample in self.samples]
        return [status for status, before in zip(found, [None, *found]) if status != before]


class Running:
    """A qmpmig that was started. Its lines are read as they come."""

    def __init__(self, argv, environment, pass_fds=()):
        self.argv = argv
        self.lines = []
        self.text = ""
        self.errors = ""
        self._changed = threading.Condition()
        self.process = lab.start_process(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                         env=environment, pass_fds=pass_fds)
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._read, self._read_errors)]
        for thread in self._threads:
            thread.start()

    def _read(self):
        for text in self.process.stdout:
            received = time.monotonic()
            with self._changed:
                self.text += text
                with contextlib.suppress(ValueError):
                    self.lines.append((received, json.loads(text)))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def _read_errors(self):
        for text in self.process.stderr:
            with self._changed:
                self.errors += text
                self._changed.notify_all()

    def wait_for(self, predicate, what, timeout=60):
        """Until predicate() is true; it is asked again after each line that comes, and ten times a second."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not (found := predicate()):
                if not self._threads[0].is_alive():
                    raise AssertionError(f"no {what}: qmpmig ended: {self.text[-2000:]} {self.errors}")
                if time.monotonic() > deadline:
                    raise TimeoutError(f"no {what} in {timeout} s: {self.text[-2000:]} {self.errors}")
                self._changed.wait(0.1)
        return found

    def wait_line(self, kind, timeout=60, **values):
        """The first line of that type with these values."""
        def find():
            return [line for _, line in self.lines if line["type"] == kind and holds(line, values)]
        return self.wait_for(find, f"{kind} {values or ''}", timeout)[0]

    def wait_errors(self, pattern, timeout=60):
        return self.wait_for(lambda: re.search(pattern, self.errors), f"text {pattern!r} on stderr", timeout)

    def wait_passes(self, count, guest, timeout=60):
        """Until so many true passes have gone by with the guest at work in each."""
        self.wait_for(lambda: len(working_passes(list(self.lines), guest)) >= count, f"{count} passes", timeout)

    def send(self, number):
        os.kill(self.process.pid, number)

    def interrupt(self):
        self.send(signal.SIGINT)

    def wait(self, timeout=60):
        """The exit code."""
        code = self.process.wait(timeout)
        for thread in self._threads:
            thread.join(10)
        self.process.stdout.close()
        self.process.stderr.close()
        if fault := unlisted(self.argv[1:], code):
            raise AssertionError(fault)
        return code

    @property
    def record(self):
        """Whole, once it has ended; its result and its exit code agree."""
        code = self.wait()
        record = Record(self.lines)
        if not record.of("result"):
            raise AssertionError(f"no result, exit code {code}: {self.errors}")
        if record.result["exit_code"] != code:
            raise AssertionError(f"exit code {code}, but the record says {record.result}")
        return record

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.wait()


class Qmpmig:
    """The program with a home of its own."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix=lab.Machine.prefix)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("QMPMIG", "XDG"))}
        homes = {f"{name}_DIRECTORY": os.path.join(self.folder, name.lower()) for name in ("STATE", "RUNTIME", "CACHE")}
        self.environment = {**kept, **homes, "LC_ALL": "C.UTF-8", "HOME": self.folder}
        self.started = []

    def start(self, *words, pass_fds=()):
        running = Running([BINARY, *words], self.environment, pass_fds)
        self.started.append(running)
        return running

    def run(self, *words, code=0, timeout=60):
        """A command from another terminal: what it printed; it must exit with this code."""
        running = self.start(*words)
        found = running.wait(timeout)
        if found != code:
            raise AssertionError(f"{words}: exit code {found}, not {code}: {running.text} {running.errors}")
        return running.text + running.errors

    def json(self, *words, code=0):
        """The single JSON line of a command, by the schema."""
        line = json.loads(self.run("--json", *words, code=code))
        if faults := line_faults(line):
            raise AssertionError("\n".join(faults))
        return line

    def migrate(self, hop, uri, *options, pass_fds=()):
        """Started, both ends named."""
        return self.start("--json", "--socket", hop.source.qmp, "migrate", uri, "--dest-socket", hop.destination.qmp,
                          *options, pass_fds=pass_fds)

    def migrate_alone(self, hop, uri, *options):
        return self.start("--json", "--socket", hop.source.qmp, "migrate", uri, *options)

    def refused(self, hop, uri, *options, code=4):
        """The sentence with which a migration is refused."""
        record = self.migrate(hop, uri, *options).record
        if record.result["exit_code"] != code:
            raise AssertionError(f"not refused with {code}: {record.result}")
        return record.result["error"]["text"]

    def end(self):
        for running in self.started:
            running.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def journals(self):
        return self._files("state", "journal")

    def control_sockets(self):
        return [name for name in self._files("runtime", "control") if name.endswith(".sock")]

    def _files(self, *path):
        folder = os.path.join(self.folder, *path)
        return os.listdir(folder) if os.path.isdir(folder) else []


class Hop:
    """Where the guest is, and the QEMU that waits for it."""

    def __init__(self, source, destination):
        self.source = source
        self.destination = destination
        self.folder = source.folder
        self.mark = source.witness.mark()

    def running(self):
        """Names of those that run the guest now: never two."""
        return [vm.name for vm in (self.source, self.destination) if is_running(vm)]

    def uri(self, name="stream"):
        return "unix:" + os.path.join(self.folder, name)


class Chain:
    """A guest that goes from machine to machine, so that not every test has to boot one. A test that fails, or that
    leaves it anywhere but running on one machine, costs the next one a boot."""

    def __init__(self, **guest):
        self.guest = {**guest, "guest_name": "lab", "guest_uuid": str(uuid.uuid4())}
        self.at = None
        self.count = 0

    def machine(self, **options):
        self.count += 1
        return Vm(f"vm{self.count}", **{**self.guest, **options})

    @contextlib.contextmanager
    def hop(self, source=None, **destination):
        """SOURCE: options of a fresh source, beside the chain; the others are those of the machine to move to."""
        if source is not None:
            with self._aside(), self._hop(self.machine(**source), destination) as hop:
                yield hop
            return
        start, self.at = self.at or self.machine(), None
        with self._hop(start, destination) as hop:
            yield hop
            self.at = self._keep(hop.source, *([] if destination else [hop.destination]))

    @contextlib.contextmanager
    def _hop(self, start, destination):
        there = None
        try:
            start.wait_boot(BOOT_S)
            there = self.machine(**{"incoming": "defer", "paused": True, **destination})
            yield Hop(start, there)
        finally:
            for vm in (start, there):
                if vm and vm is not self.at:
                    vm.cleanup()

    @contextlib.contextmanager
    def _aside(self):
        """The chain's guest leaves the machine to another one for a while."""
        if self.at:
            self.at.witness.call("stop")
        try:
            yield
        finally:
            if self.at:
                self.at.witness.call("cont")

    def _keep(self, *machines):
        """The one where the guest runs and no migration is under way."""
        fit = [vm for vm in machines if is_running(vm) and vm.migration()["status"] in self.fit_for_another(vm)]
        return fit[0] if len(fit) == 1 else None

    @staticmethod
    def fit_for_another(vm):
        # The TCG of 7.2 does not see all that is written while it sends for the second time.
        return ("none", "completed") if vm.version in ("5.2", "7.2") else ("none", "completed", "cancelled", "failed")

    def end(self):
        if self.at:
            self.at.cleanup()
        self.at = None


class MoveTest(unittest.TestCase):
    """Has a qmpmig and a chain of machines; leaves nothing behind."""

    guest = LINUX
    chain = None
    chains = {}  # of the module that runs, by guest

    @classmethod
    def setUpClass(cls):
        if not os.access(BINARY, os.X_OK):
            raise RuntimeError(f"{BINARY} is not there: build it, or name it in QMPMIG")
        if not MoveTest.chains:
            unittest.addModuleCleanup(end_chains)
        cls.chain = MoveTest.chains.setdefault(json.dumps(cls.guest), Chain(**cls.guest))

    def setUp(self):
        self.qmpmig = Qmpmig()
        self.addCleanup(self.qmpmig.end)

    def hop(self, **options):
        return self.chain.hop(**options)

    # --- moves ------------------------------------------------------------------------------------------------------

    def hold(self, hop, uri, *options, pass_fds=(), observed=True, passes=3):
        """A move that goes on until somebody ends it, with so many passes gone by over the guest at work."""
        words = (*HOLD, *options)
        running = (self.qmpmig.migrate(hop, uri, *words, pass_fds=pass_fds) if observed
                   else self.qmpmig.migrate_alone(hop, uri, *words))
        self.slow_down(hop)
        running.wait_passes(passes, hop.source)
        return running

    @contextlib.contextmanager
    def live(self, hop, uri, *options, **more):
        """A held move; let go at the end, and looked at."""
        before = Settings(hop.destination)
        running = self.hold(hop, uri, *options, **more)
        yield running
        self.let_go(hop)
        self.assert_live(running.record, hop.source)
        self.assertEqual(Settings(hop.destination), before)

    def move_live(self, hop, uri, *options, **more):
        """The record of such a move with nothing done to it meanwhile."""
        with self.live(hop, uri, *options, **more) as running:
            pass
        return running.record

    def slow_down(self, hop, rate=SLOW):
        """From the second pass on."""
        self.wait_second_pass(hop)
        hop.source.witness.call("migrate-set-parameters", {"max-bandwidth": rate})

    def wait_second_pass(self, hop):
        """Of the qmpmig that was started last."""
        def seen():
            return any(event.data["pass"] >= 2 for event in hop.source.witness.events_named("MIGRATION_PASS", hop.mark))
        self.qmpmig.started[-1].wait_for(seen, "second pass")

    def let_go(self, hop):
        self.qmpmig.run("--socket", hop.source.qmp, "set", "max-downtime=2s", f"bandwidth={FAST}")

    def assert_live(self, record, guest, passes=3):
        """So many true passes at least, with the guest at work in each."""
        self.assertGreaterEqual(len(working_passes(list(zip(record.received, record.lines)), guest)), passes)

    def assert_moved(self, hop, record):
        """On the destination, running there and nowhere else."""
        self.assertEqual(record.result["outcome"], "completed", record.result)
        self.assertEqual(record.result["guest_runs_on"], "destination")
        self.assertEqual(record.result["run_state"], "running")
        self.assertEqual(hop.running(), [hop.destination.name])

    def assert_arrived(self, hop, record):
        """Moved, at work where it left off, and its memory is what it wrote."""
        self.assert_moved(hop, record)
        self.assert_goes_on(hop)
        hop.destination.check_memory()

    def assert_goes_on(self, hop):
        """The same guest, not one that was started anew."""
        after, before = hop.destination.wait_heartbeat(), hop.source.heartbeats()
        if before:
            self.assertGreater(after.number, before[-1].number)
            self.assertGreaterEqual(after.work, before[-1].work)

    def assert_works(self, guest):
        self.assertGreater(guest.wait_heartbeat().number, 0)

    def assert_stays(self, hop, result, outcome, code):
        """The guest goes on at the source, and runs nowhere else."""
        self.assertEqual(result["outcome"], outcome, result)
        self.assertEqual(result["exit_code"], code)
        self.assertEqual(result["guest_runs_on"], "source")
        self.assertEqual(hop.running(), [hop.source.name])
        self.assert_works(hop.source)


def end_chains():
    """After a module's last test: nothing may be left of it."""
    for chain in MoveTest.chains.values():
        chain.end()
    MoveTest.chains.clear()
    if left := leftovers():
        raise AssertionError(f"left behind: {left}")


class Settings:
    """What a migration may change in a QEMU, and has to put back; equal when nothing differs."""

    def __init__(self, vm):
        self.capabilities = {each["capability"]: each["state"] for each in vm.witness.call("query-migrate-capabilities")}
        self.parameters = vm.witness.call("query-migrate-parameters")
        self.objects = sorted(each["name"] for each in vm.witness.call("qom-list", {"path": "/objects"}))

    def __eq__(self, other):
        return vars(self) == vars(other)

    def __repr__(self):
        return json.dumps(vars(self), sort_keys=True)


def is_running(vm):
    """A QEMU that is about to exit runs nothing any more."""
    try:
        return vm.is_alive() and vm.run_state() == "running"
    except QmpClosed:
        return False


def holds(line, values):
    return all(line.get(name) == value for name, value in values.items())


def working_passes(lines, guest):
    """Those of the record's true passes in which the guest's work counter rose while it ran at the source."""
    times = pass_times(lines)
    beats = guest.heartbeats(times[0]) if times else []
    found = []
    for number, (start, end) in enumerate(zip(times, times[1:]), 1):
        work = [beat.work for beat in beats if start < beat.received <= end]
        if work and work[-1] > work[0]:
            found.append(number)
    return found


def pass_times(lines):
    """When each true pass was seen to end, as time.monotonic(), after the time at which the first one began."""
    times = []
    for received, line in lines:
        if line["type"] == "sample" and "passes" in line:
            times += [received] * (line["passes"] + 1 - len(times))
    return times


# --- a proxy where the stream's address is the same for both ends -----------------------------------------------------

class Between:
    """Two hosts whose 127.0.0.1:4444 is one address to qmpmig and two to the kernel: the source's connection comes to
    our proxy, which passes it on to the destination's listener.

        with Between() as between, self.hop(**between.options) as hop: ...
    """

    uri = "tcp:127.0.0.1:4444"

    def __init__(self):
        self.hosts = Hosts()
        self.proxy = None

    @property
    def options(self):
        """For Chain.hop."""
        return {"source": {"host": self.hosts.a}, "host": self.hosts.b}

    def __enter__(self):
        self.proxy = in_namespace(self.hosts.a.namespace, lambda: BetweenProxy(self.hosts.b.namespace, self.uri))
        return self

    def __exit__(self, *_):
        self.proxy.close()
        self.hosts.cleanup()


class BetweenProxy(Proxy):
    """Listens where it is made; connects from another namespace."""

    def __init__(self, namespace, uri):
        self.namespace = namespace
        super().__init__(uri, uri)

    def _accept(self):
        enter_namespace(self.namespace)
        super()._accept()


def enter_namespace(name):
    """Moves the calling thread, and it alone."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/run/netns/{name}", "rb") as file:
        if libc.setns(file.fileno(), 0x40000000):  # CLONE_NEWNET
            raise OSError(ctypes.get_errno(), f"setns {name}")


def in_namespace(name, function):
    """What the function returns, called in a thread that stays in there and ends."""
    results = queue.Queue()

    def work():
        try:
            enter_namespace(name)
            results.put((function(), None))
        except BaseException as error:  # pylint: disable=broad-except
            results.put((None, error))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    value, error = results.get()
    if error:
        raise error
    return value
