# SPDX-License-Identifier: LGPL-2.1-or-later
"""A scripted QEMU for end-to-end tests of qmpmig: a good one until a rule says otherwise. See README.md."""

import dataclasses
import os
import shutil
import signal
import tempfile
import threading
import time
import uuid

from tests.peer import faults
from tests.peer.commands import HANDLERS, Refused
from tests.peer.facts import Facts
from tests.peer.judge import judge
from tests.peer.loop import Loop
from tests.peer.migration import TICK, Incoming, Outgoing, Ram
from tests.peer.wire import Connection, Greeting, Process, close_all

__all__ = ["FakePair", "FakeQemu", "Ram", "faults"]

# Asked of a QEMU that may not have them: whether they are there is the answer.
PROBES = ("query-yank",)
UUID = str(uuid.uuid4())      # those of other tests are other guests


@dataclasses.dataclass
class Entry:
    """One line of the record. kind: connect, disconnect, command, reply, event, status, run-state, end."""
    time: float  # monotonic
    kind: str
    name: str
    message: object = None


class _Rule:
    def __init__(self, do, nth, times):
        self.do, self.nth, self.times, self.seen = do, nth, times, 0

    def applies(self):
        self.seen += 1
        if self.nth is not None:
            return self.seen == self.nth
        return self.times is None or self.seen <= self.times


class FakeQemu:
    """One QEMU. Everything starting with an underscore runs in the loop's thread only."""

    def __init__(self, version="10.0", name="vm1", incoming=False, paused=False, ram=None, machine=None, uuid=UUID,
                 oob=True, vcpus=2, folder=None, loop=None):
        self.facts = Facts(version)
        self.name, self.uuid, self.oob, self.vcpus = name, uuid, oob, vcpus
        self.ram = ram or Ram()
        self.machine = machine or self.facts.machine()
        self.defer = incoming                  # -incoming defer
        self.autostart = not paused            # paused: -S
        self.run_state = "inmigrate" if incoming else "paused" if paused else "running"
        self.capabilities = self.facts.capabilities()
        self.parameters = self.facts.parameters()
        self.objects, self.descriptors, self.spare_descriptors = {}, {}, []
        self.blocks, self.blocked_reasons = [], []
        self.kvm, self.userfaultfd = False, True
        self.migration_status, self.error_desc = "none", ""
        self.outgoing = self.incoming = None
        self.resume_lag = 0.005                # from `failed` to RESUME
        self.cancel_loses = False              # migrate_cancel in `device` comes too late: it completes all the same
        self.load_fails = None                 # a destination: what it dies of when all has arrived
        self.other = None                      # the other end, for the judge
        self.log, self.sins, self.violations, self.unmodelled = [], [], [], []
        self.alive, self.frozen, self.hung = True, False, False
        self._rules, self._at, self._connection, self._stuck = {}, {}, None, []
        self._changed = threading.Condition()
        self._own_loop = loop is None
        self.loop = loop or Loop()
        self._own_folder = folder is None
        self.folder = folder or tempfile.mkdtemp(prefix="qmpmig-peer-")
        self.path = os.path.join(self.folder, f"{name}-{'dst' if incoming else 'src'}.qmp")
        self._process = Process(self.path)
        self.pid = self._process.pid
        self._process.listener.setblocking(False)
        self.loop.call(self._listen)

    # --- rules --------------------------------------------------------------------------------------------------------

    def on(self, command, do, nth=None, times=None):
        """What happens instead of the answer to COMMAND ("greeting": when a client connects): to every one, to the
        NTH from now, or to the first TIMES."""
        self.loop.call(self._rules.setdefault(command, []).append, _Rule(do, nth, times))

    def at(self, what, do):
        """DO(peer), in the loop's thread, each time this migration status or run state is entered or this event sent."""
        self.loop.call(self._at.setdefault(what, []).append, do)

    # --- what a test does to it ---------------------------------------------------------------------------------------

    def die(self):
        """Killed: SIGKILL. Its socket's file stays."""
        self.loop.call(self._exit, False)

    def freeze(self):
        """Stopped, as by SIGSTOP."""
        self.loop.call(self._freeze, True)

    def thaw(self):
        """Goes on after freeze() or a hang."""
        self.loop.call(self._freeze, False)
        self.loop.call(self._unhang)

    def cut(self):
        """The migration's stream breaks."""
        self.loop.call(self._cut)

    def emit(self, name, data=None):
        self.loop.call(self._emit, name, data)

    def shut_down(self, stays=False):
        """The guest shuts itself down; with STAYS (-no-shutdown) QEMU does not exit."""
        self.loop.call(self._shut_down, stays)

    def now(self):
        return time.monotonic()

    # --- what a test looks at -----------------------------------------------------------------------------------------

    def received(self, name=None):
        """The commands that came, in order; of one name."""
        return [entry for entry in list(self.log) if entry.kind == "command" and name in (None, entry.name)]

    def commands(self):
        return [entry.name for entry in self.received()]

    def events(self):
        return [entry.name for entry in list(self.log) if entry.kind == "event"]

    def statuses(self):
        return [entry.name for entry in list(self.log) if entry.kind == "status"]

    def only_asked(self):
        """Nothing but queries came."""
        return all(name.startswith(("query-", "qom-get", "qom-list", "qmp_capabilities")) for name in self.commands())

    def wait(self, condition, timeout=5):
        """Until CONDITION(peer)."""
        until = time.monotonic() + timeout
        while not condition(self):
            if time.monotonic() > until:
                raise AssertionError(f"not within {timeout} s: {self.describe()}")
            with self._changed:
                self._changed.wait(0.02)

    def wait_status(self, *statuses, timeout=5):
        self.wait(lambda peer: peer.migration_status in statuses, timeout)

    def describe(self):
        tail = "".join(f"\n    {entry.time:.3f} {entry.kind} {entry.name} {str(entry.message)[:160]}"
                       for entry in self.log[-25:])
        return f"{self.path}: {self.migration_status}, {self.run_state}, alive {self.alive}{tail}"

    def assert_clean(self):
        """Nothing was sent that this QEMU does not take, or that a careful tool does not send."""
        bad = [*self.violations, *self.sins, *self.loop.errors]
        if bad:
            raise AssertionError("\n".join(map(str, bad)) + "\n" + self.describe())

    def close(self):
        if self.loop is not None:
            self.loop.call(self._exit, False)
            if self._own_loop:
                self.loop.stop()
            if self._own_folder:
                shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # --- in the loop's thread: clients --------------------------------------------------------------------------------

    def _listen(self):
        self.loop.watch(self._process.listener, self._accept)

    def _accept(self):
        if self.frozen:
            return self.loop.watch(self._process.listener)
        sock, _ = self._process.listener.accept()
        self.loop.watch(self._process.listener)  # one client at a time: the next one waits in the backlog
        self._connection = Connection(self, sock)
        self._note("connect", "")
        self._answer(Greeting(self._connection))

    def _disconnected(self, connection):
        self._note("disconnect", "")
        self._connection = None
        close_all(self.spare_descriptors)
        self.spare_descriptors = []
        if self.alive and not self.frozen:
            self._listen()

    def _received_descriptors(self, descriptors):
        self.spare_descriptors += descriptors

    def _received(self, exchange):
        self._note("command", exchange.command, exchange.message)

    def _answer(self, exchange):
        sin = judge(self, exchange.command, exchange.arguments)
        if sin:
            self.sins.append(sin)
        for rule in self._rules.get(exchange.command, ()):
            if rule.applies():
                return rule.do(exchange)
        exchange.answer()

    def _execute(self, exchange):
        try:
            return {"return": self._do(exchange), **exchange.id()}
        except Refused as refusal:
            return {**exchange.id(), "error": {"class": refusal.error_class, "desc": str(refusal)}}

    def _do(self, exchange):
        command, connection = exchange.command, exchange.connection
        if not connection.negotiated or command == "qmp_capabilities":
            return self._negotiate(exchange, connection)
        if "exec-oob" in exchange.message and not connection.oob_enabled:
            raise Refused("QMP input member 'exec-oob' is unexpected")
        error = self.facts.schema.check(command, exchange.arguments, oob="exec-oob" in exchange.message)
        if error:
            known = command in self.facts.schema.commands()
            if known or command not in PROBES:
                self.violations.append(f"{self.facts.key}: {error}")
            raise Refused(error if known else f"The command {command} has not been found",
                          "GenericError" if known else "CommandNotFound")
        if command not in HANDLERS:
            self.unmodelled.append(command)
            raise Refused(f"{command}: not played by this peer")
        return HANDLERS[command](self, exchange.arguments)

    def _negotiate(self, exchange, connection):
        if exchange.command != "qmp_capabilities":
            self.violations.append(f"{exchange.command} before qmp_capabilities")
            raise Refused("Expecting capabilities negotiation with 'qmp_capabilities'", "CommandNotFound")
        if connection.negotiated:
            self.violations.append("qmp_capabilities again")
            raise Refused("Capabilities negotiation is already complete, command ignored", "CommandNotFound")
        wanted = exchange.arguments.get("enable", [])
        if [name for name in wanted if name != "oob" or not self.oob]:
            self.violations.append(f"qmp_capabilities enables {wanted}")
            raise Refused("Capability oob is not available")
        connection.negotiated = True
        connection.oob_enabled = "oob" in wanted
        return {}

    def _blocked(self):
        return self.frozen or self.hung or self.outgoing is not None and self.outgoing.blocks_main_loop()

    # --- in the loop's thread: what happens ---------------------------------------------------------------------------

    def _note(self, kind, name, message=None):
        with self._changed:
            self.log.append(Entry(time.monotonic(), kind, name, message))
            self._changed.notify_all()

    def _reached(self, what):
        for do in list(self._at.get(what, ())):
            do(self)

    def _emit(self, name, data=None):
        if not self.alive:
            return
        event = faults.event(name, data)
        self._note("event", name, event)
        if self._connection and self._connection.negotiated:
            self._connection.send(Greeting(self._connection).encode(event))
        self._reached(name)

    def _pass(self, number):
        if self.capabilities["events"]:
            self._emit("MIGRATION_PASS", {"pass": number})

    def _set_status(self, status):
        self.migration_status = status
        self._note("status", status)
        if self.capabilities["events"]:
            self._emit("MIGRATION", {"status": status})
        self._reached(status)

    def _set_run_state(self, state):
        before, self.run_state = self.run_state, state
        self._note("run-state", state)
        if state == "running" and before != "running":
            self._emit("RESUME")
            if self.other is not None and self.other.alive and self.other.run_state == "running":
                self.sins.append("two running guests")
        elif before == "running":
            self._emit("STOP")
        self._reached(state)

    def _start_outgoing(self, uri):
        self.error_desc = ""
        self.outgoing = Outgoing(self, uri)
        self._drive(self.outgoing)

    def _start_incoming(self, uri, exit_on_error):
        self.incoming = Incoming(self, uri, exit_on_error or not self.facts.at_least(9, 1))
        self._drive(self.incoming)

    def _drive(self, half):
        generator = half.run()
        next(generator)
        self.loop.later(TICK, self._step, generator, time.monotonic())

    def _step(self, generator, before):
        now = time.monotonic()
        if not self.alive:
            return
        if not self.frozen and not self.hung:
            try:
                generator.send(min(now - before, 0.02))
            except StopIteration:
                return
            if self._connection:
                self._connection.next()
        self.loop.later(TICK, self._step, generator, now)

    def _freeze(self, frozen):
        if not self.alive or self.frozen == frozen:
            return
        self.frozen = frozen
        self._process.signal(signal.SIGSTOP if frozen else signal.SIGCONT)
        if self._connection:
            self._connection.watch()
            self._connection.next()
        elif not frozen:
            self._listen()

    def _hang(self, then):
        self.hung = True
        self._stuck.append(then)

    def _unhang(self):
        self.hung = False
        stuck, self._stuck = self._stuck, []
        for then in stuck:
            then()
        if self._connection:
            self._connection.next()

    def _cut(self):
        for half in (self.outgoing, self.incoming):
            if half is not None and half.link is not None:
                half.link.cut = True

    def _shut_down(self, stays):
        self._emit("SHUTDOWN", {"guest": True, "reason": "guest-shutdown"})
        if stays:
            self._set_run_state("shutdown")
        else:
            self.loop.later(0.005, self._exit)

    def _exit(self, clean=True):
        """The end of the process; a clean one removes its socket."""
        if not self.alive:
            return
        self.alive = False
        self._note("end", "exit" if clean else "killed")
        self._cut()
        if self.incoming:
            self.incoming.listener.close()
        self.loop.watch(self._process.listener)
        self._process.end()
        if self._connection:
            self._connection.close_when_sent()
            if self._connection:
                self._connection.close()
        close_all([*self.descriptors.values(), *self.spare_descriptors])
        self.descriptors, self.spare_descriptors = {}, []
        if clean and os.path.exists(self.path):
            os.unlink(self.path)


class FakePair:
    """A source and the destination that fits it, in one thread.

    version: "10.0", or ("7.2", "10.0") for source and destination; what else is given goes to both, and
    source={...}, destination={...} to one of them."""

    def __init__(self, version="10.0", destination_paused=True, source=None, destination=None, **both):
        versions = (version, version) if isinstance(version, str) else version
        self.folder = tempfile.mkdtemp(prefix="qmpmig-peer-")
        self.loop = Loop()
        both.setdefault("machine", Facts(min(versions, key=lambda key: Facts(key).version)).machine())
        both.setdefault("uuid", str(uuid.uuid4()))      # other tests' guests are others
        common = {"folder": self.folder, "loop": self.loop, **both}
        self.source = FakeQemu(versions[0], **{**common, **(source or {})})
        self.destination = FakeQemu(versions[1], incoming=True,
                                    **{"paused": destination_paused, **common, **(destination or {})})
        self.source.other, self.destination.other = self.destination, self.source
        self.ends = {"source": self.source, "destination": self.destination}

    def running(self):
        """The ends whose guest runs now."""
        return [name for name, peer in self.ends.items() if peer.alive and peer.run_state == "running"]

    def blackout(self):
        """Seconds from the source's last STOP to the first RESUME after it at either end; None: not one of them."""
        stops = [entry.time for entry in self.source.log if entry.kind == "event" and entry.name == "STOP"]
        resumes = [entry.time for peer in self.ends.values() for entry in peer.log
                   if entry.kind == "event" and entry.name == "RESUME" and stops and entry.time >= stops[-1]]
        return min(resumes) - stops[-1] if resumes else None

    def cut(self):
        self.source.cut()

    def thaw(self):
        for peer in self.ends.values():
            peer.thaw()

    def describe(self):
        return "\n".join(f"{name}: {peer.describe()}" for name, peer in self.ends.items())

    def assert_clean(self):
        for peer in self.ends.values():
            peer.assert_clean()

    def close(self):
        for peer in self.ends.values():
            peer.close()
        self.loop.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
