# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of who keeps the guest have in common.

    class Something(SettleTest):
        def test_a_destination_that_dies(self):
            pair = self.pair()                                # two machines, the guest runs on the first
            move = self.move(pair, stop="send:source:migrate-continue:before#1")
            move.wait_stopped()                               # qmpmig stands still at exactly that point
            pair.destination.kill()
            move.go_on()
            self.assert_on_source(pair, move.record)
"""

import contextlib
import os
import pathlib
import signal
import time
import unittest

from tests.lab.proxy import Proxy
from tests.lab.qmp import QmpClosed, QmpTimeout
from tests.lab.vm import Pair, leftovers
from tests.qemu.move import Qmpmig, Running

TOP = pathlib.Path(__file__).parents[2]
FAULTY = os.environ.get("QMPMIG_FAULTY", str(TOP / "build/agent/qmpmig-faulty"))
LONG = os.environ.get("QMPMIG_LONG") == "1"
MATRIX = os.environ.get("QMPMIG_MATRIX") == "1"

# A peer's time for an answer; after one without a way out the state is called late, after two it is given up.
REPLY = 2
# No failure takes longer than: notice it, settle, resume, and a machine that does ten things at once.
PATIENCE = 60
REPLY_TIMEOUT = ("--reply-timeout", f"{REPLY}s")

# A guest that never stops writing, so that nothing ends the first phase but somebody who changes the limit.
BUSY = {"guest": "bare", "memory": 96, "ws": "24M", "static": "4M", "rate": "64M"}
# One that has next to nothing left at the handover.
IDLE = {"guest": "bare", "memory": 96, "ws": "8M", "static": "4M", "rate": "1M"}
HOLD = ("--max-downtime", "1ms", "--throttle", "off", "--postcopy", "never", "--bandwidth", "32MiB/s",
        "--policy", "auto,xbzrle=off")

# The points of a move of an idle guest, in their order.
LISTENING = "send:source:migrate:before#1"
CONFIRM = "send:destination:query-migrate:before#2"
CONTINUE = "send:source:migrate-continue:before#1"
WHOLE = "send:destination:query-status:before#2"
CONT_SENT = "send:destination:cont:after#1"
CONT = "send:destination:cont:before#1"
SWITCH = "send:source:migrate-start-postcopy:before#1"
# A quick first pass, then a postcopy that takes a while.
SLOW_POSTCOPY = ("--postcopy", "now", "--max-downtime", "1ms", "--bandwidth", "64MiB/s",
                 "--param", "max-postcopy-bandwidth=524288")


class Move(Running):
    """A qmpmig that can be stopped, or killed, at a named point."""

    def state(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0]

    def wait_stopped(self, timeout=PATIENCE):
        """Until it stands still at its point."""
        deadline = time.monotonic() + timeout
        while self.process.poll() is None and self.state() != "T":
            if time.monotonic() > deadline:
                raise TimeoutError(f"not stopped in {timeout} s: {self.text[-2000:]}")
            time.sleep(0.005)
        if self.process.poll() is not None:
            raise AssertionError(f"ended before its point: {self.text[-2000:]} {self.errors}")

    def go_on(self):
        self.woken = time.monotonic()
        self.send(signal.SIGCONT)

    def passed(self):
        """The points that it has passed."""
        with open(self.points, encoding="utf-8") as file:
            return file.read().split()

    def wait_killed(self, timeout=PATIENCE):
        """TRUE when it died at its point; FALSE when it never came there and ended by itself."""
        return self.wait(timeout) == -signal.SIGKILL


class SettleTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        unittest.addModuleCleanup(check_leftovers)

    def setUp(self):
        self.qmpmig = Qmpmig()
        self.addCleanup(self.qmpmig.end)

    # --- machines and moves -----------------------------------------------------------------------------------------

    def pair(self, **options):
        """Two machines; what is not said is as in BUSY. The destination waits with -S unless told otherwise."""
        pair = Pair(**{"destination_paused": True, **BUSY, **options})
        self.addCleanup(pair.cleanup)
        return pair

    def start(self, *words, stop=None, kill=None, points=None):
        """The program with fault points, which writes those that it passes to the file POINTS."""
        points = points or os.path.join(self.qmpmig.folder, f"points-{len(self.qmpmig.started)}")
        wanted = {"QMPMIG_FAULT_LIST": points, "QMPMIG_FAULT_STOP": stop, "QMPMIG_FAULT_KILL": kill}
        environment = {**self.qmpmig.environment, **{name: value for name, value in wanted.items() if value}}
        move = Move([FAULTY, "--json", *words], environment)
        move.points = points
        self.qmpmig.started.append(move)
        self.addCleanup(self.wake, move)
        return move

    def move(self, pair, *options, uri=None, dest=True, **faults):
        """A move of the guest, both ends named unless DEST is FALSE."""
        there = ("--dest-socket", pair.destination.qmp) if dest else ()
        return self.start("--socket", pair.source.qmp, *REPLY_TIMEOUT, "migrate", uri or pair.uri(), *there, *options,
                          **faults)

    def held(self, pair, *options, **more):
        """A move that is in its first phase and stays there until let_go()."""
        move = self.move(pair, *HOLD, *options, **more)
        move.wait_line("sample", status="active", timeout=PATIENCE)
        return move

    def stopped_at(self, point, *options, **guest):
        """An idle guest's move, stopped at the point."""
        pair = self.pair(**{**IDLE, **guest})
        move = self.move(pair, *options, stop=point)
        move.wait_stopped()
        return pair, move

    def in_postcopy(self, pair, **more):
        """The guest runs at the destination, and most of its memory is still at the source."""
        move = self.move(pair, *SLOW_POSTCOPY, **more)
        move.wait_line("sample", status="postcopy-active", timeout=PATIENCE)
        pair.destination.wait_run_state("running")
        return move

    def in_device(self, proxy, pair, **more):
        """The guest stands still, and the rest of it drips through the proxy."""
        move = self.held(pair, uri=proxy.uri, stop=CONTINUE, **more)
        self.let_go(pair)
        move.wait_stopped()
        proxy.limit(256 << 10)
        move.go_on()
        pair.source.witness.wait_event("MIGRATION", status="device")
        return move

    def with_proxy(self, listen=None, **options):
        """A pair whose stream goes over a proxy, which takes little that it does not pass on (TCP's buffers hold
        megabytes); the destination listens as it was started."""
        pair = self.pair(incoming="tcp:127.0.0.1:0", **options)
        port = pair.destination.migration()["socket-address"][0]["port"]
        proxy = Proxy(f"tcp:127.0.0.1:{port}", listen or pair.uri("proxy"))
        self.addCleanup(close, proxy)
        return pair, proxy

    def let_go(self, pair, downtime="2s"):
        self.qmpmig.run("--socket", pair.source.qmp, "set", f"max-downtime={downtime}", timeout=PATIENCE)

    def recover(self, pair, *options, vm=None):
        """What `recover` says in the end."""
        return self.start("--socket", (vm or pair.source).qmp, *REPLY_TIMEOUT, "recover", *options).record

    @staticmethod
    def wake(move):
        with contextlib.suppress(ProcessLookupError):
            move.send(signal.SIGCONT)

    # --- where the guest is -----------------------------------------------------------------------------------------

    def assert_result(self, record, outcome, code, place):
        result = record.result
        found = (result["outcome"], result["exit_code"], result["guest_runs_on"])
        self.assertEqual(found, (outcome, code, place), result)

    def assert_on_source(self, pair, record, outcome="failed", code=10):
        """It works at the source, nowhere else, as before; with what was set put back."""
        self.assert_result(record, outcome, code, "source")
        self.assert_runs_at_source(pair)

    def assert_runs_at_source(self, pair):
        self.assertEqual(answering(pair), ["src"])
        pair.source.wait_heartbeat(PATIENCE)
        pair.source.check_memory()
        self.assert_no_journal()

    def assert_on_destination(self, pair, record):
        self.assert_result(record, "completed", 0, "destination")
        self.assert_runs_at_destination(pair)

    def assert_runs_at_destination(self, pair):
        self.assertEqual(answering(pair), ["dst"])
        pair.destination.wait_heartbeat(PATIENCE)
        pair.destination.check_memory()
        self.assert_no_journal()

    def assert_undecided(self, pair, record, *commands):
        """Nobody runs it, nobody has lost it, and what to type is there, whole."""
        self.assert_result(record, "undecided", 13, record.result["guest_runs_on"])
        self.assertIn(record.result["guest_runs_on"], ("nowhere", "unknown"))
        self.assertEqual(answering(pair), [])
        self.assertTrue(record.result["check"])
        for command in commands:
            self.assertIn(command, record.result["commands"])
        self.assertEqual(len(self.qmpmig.journals()), 1)

    def assert_no_journal(self):
        self.assertEqual(self.qmpmig.journals(), [])

    def assert_says(self, record, *words):
        """The sentences of the result have all of these."""
        told = record.result["text"] + " " + record.result.get("error", {}).get("text", "")
        for word in words:
            self.assertIn(word, told)

    def assert_soon(self, since, limit=PATIENCE):
        self.assertLess(time.monotonic() - since, limit)

    def never_two(self, pair, seconds=1.0):
        """Looks for a while; nobody may begin to run the guest beside another."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.assertLessEqual(len(answering(pair)), 1)
            time.sleep(0.02)


def answering(pair):
    """Names of those that run the guest, of those that live and are not stopped."""
    return [vm.name for vm in (pair.source, pair.destination) if state_of(vm) == "running"]


def close(proxy):
    """Its socket may have been taken over by a destination that was told to listen there."""
    with contextlib.suppress(FileNotFoundError):
        proxy.close()


def state_of(vm):
    """What QEMU says; "" for one that is stopped, hangs, or is gone."""
    try:
        with open(f"/proc/{vm.pid}/stat", encoding="utf-8") as file:
            if file.read().rpartition(")")[2].split()[0] in ("T", "Z"):
                return ""
        return vm.witness.call("query-status", timeout=REPLY)["status"]
    except (FileNotFoundError, QmpClosed, QmpTimeout):
        return ""


def check_leftovers():
    if left := leftovers():
        raise AssertionError(f"left behind: {left}")
