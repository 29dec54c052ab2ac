# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each end is stopped (SIGSTOP) in each phase, and the link swallows what is sent: qmpmig says within its deadlines where
the guest is, and when the end is woken again, there are never two of it.

Nearly all of this is waiting, so the scenarios run beside each other.
"""

import concurrent.futures
import contextlib
import os
import socket
import threading
import time
import unittest

from tests.lab.proxy import Proxy
from tests.lab.qmp import connect
from tests.settle.case import (CONFIRM, CONT, CONTINUE, HOLD, IDLE, LISTENING, MATRIX, PATIENCE, REPLY, SLOW_POSTCOPY, SWITCH, WHOLE, SettleTest,
                               answering)

AT_ONCE = 4


class Together(SettleTest):
    """Each method scenario_X becomes test_X, which waits for it; all of a class run together, AT_ONCE at a time."""

    runs = None

    def __init_subclass__(cls, **more):
        super().__init_subclass__(**more)
        cls.scenarios = [name for name in vars(cls) if name.startswith("scenario_")]
        for name in cls.scenarios:
            setattr(cls, name.replace("scenario_", "test_"), cls.waiter(name))

    @staticmethod
    def waiter(name):
        def wait(self):
            cls = type(self)
            if cls.runs is None:
                cls.pool = concurrent.futures.ThreadPoolExecutor(AT_ONCE)
                cls.runs = {each: cls.pool.submit(cls.run_one, each) for each in cls.scenarios}
            cls.runs[name].result()
        return wait

    @classmethod
    def run_one(cls, name):
        """As unittest would, on an object of its own."""
        case = cls(name)
        try:
            case.setUp()
            getattr(case, name)()
        finally:
            case.doCleanups()

    @classmethod
    def tearDownClass(cls):
        if cls.runs is not None:
            cls.pool.shutdown()


class DestinationHangs(Together):
    def hung_at(self, point, *options, **guest):
        pair, move = self.stopped_at(point, *options, **guest)
        pair.destination.sigstop()
        move.go_on()
        return pair, move

    def assert_kept(self, pair, move):
        """The source has it, before and after the destination wakes, and that one never runs it."""
        record = move.record
        self.assert_on_source(pair, record)
        self.assert_says(record, "no answer within")
        pair.destination.sigcont()
        self.never_two(pair)
        self.assertEqual(answering(pair), ["src"])
        if pair.destination.is_alive():
            self.assertIn(pair.destination.run_state(), ("inmigrate", "paused"))

    def scenario_before_the_source_connects(self):
        self.assert_kept(*self.hung_at(LISTENING))

    def scenario_in_pre_copy(self):
        pair = self.pair()
        move = self.held(pair)
        pair.destination.sigstop()
        self.assert_kept(pair, move)

    def scenario_in_pre_switchover(self):
        self.assert_kept(*self.hung_at(CONFIRM))

    def scenario_in_pre_switchover_unnoticed_with_little_left(self):
        self.assert_kept(*self.hung_at(CONTINUE))

    def scenario_in_pre_switchover_unnoticed_with_much_left(self):
        """More than the sockets hold: the source's main loop hangs too, and only a yank gets through."""
        pair = self.pair()
        move = self.held(pair, stop=CONTINUE)
        self.let_go(pair)
        move.wait_stopped()
        self.assertGreater(pair.source.migration()["ram"]["remaining"], 4 << 20)
        pair.destination.sigstop()
        move.go_on()
        self.assert_kept(pair, move)

    def scenario_whole(self):
        """It has all, and was not told to run: nobody runs until it answers, and then it does."""
        pair, move = self.hung_at(WHOLE)
        record = move.record
        self.assert_undecided(pair, record, f"qmpmig --socket unix:{pair.source.qmp} recover",
                              f"qmpmig --socket unix:{pair.source.qmp} recover --confirm-dead destination")
        self.assertIn(f"process {pair.destination.pid}", record.result["check"][0])
        self.assert_undecided(pair, self.recover(pair))
        pair.destination.sigcont()
        self.never_two(pair, 0.3)
        self.assert_on_destination(pair, self.recover(pair))

    def scenario_whole_and_killed_then(self):
        pair, move = self.hung_at(WHOLE)
        self.assert_undecided(pair, move.record)
        refused = self.recover(pair, "--confirm-dead", "destination")
        self.assert_result(refused, "failed", 4, refused.result["guest_runs_on"])
        self.assert_says(refused, f"kill -9 {pair.destination.pid}")
        pair.destination.kill()
        self.assert_on_source(pair, self.recover(pair))

    def scenario_told_to_run(self):
        """When it wakes it does what it was told; the source must not have taken the guest back by then."""
        pair, move = self.hung_at(CONT)
        record = move.record
        self.assert_undecided(pair, record)
        self.assert_says(record, "destination: cont: no answer")
        pair.destination.sigcont()
        self.never_two(pair, 0.3)
        self.assert_on_destination(pair, self.recover(pair))

    def scenario_as_postcopy_is_asked_for(self):
        pair = self.pair()
        move = self.held(pair, "--postcopy", "fallback", stop=SWITCH)
        self.qmpmig.run("--socket", pair.source.qmp, "postcopy", timeout=PATIENCE)
        move.wait_stopped()
        pair.destination.sigstop()
        move.go_on()
        record = move.record
        self.assertIn(record.result["exit_code"], (10, 12), record.result)
        pair.destination.sigcont()
        self.never_two(pair)
        if record.result["exit_code"] == 10:
            self.assert_runs_at_source(pair)
        else:
            self.assert_on_destination(pair, self.recover(pair))

    def scenario_in_postcopy(self):
        pair = self.pair()
        move = self.in_postcopy(pair)
        pair.destination.sigstop()
        record = move.record
        self.assert_result(record, "postcopy-paused", 12, "both-halves")
        pair.destination.sigcont()
        pair.source.witness.call("migrate-set-parameters", {"max-postcopy-bandwidth": 0})
        self.assert_on_destination(pair, self.recover(pair))

    def scenario_alone_and_free_to_start(self):
        """Its monitor is not ours, and it starts by itself when it wakes: so the source is not given the guest, not by
        yank nor otherwise."""
        pair = self.pair(**IDLE, incoming="tcp:127.0.0.1:0", destination_paused=False)
        port = pair.destination.migration()["socket-address"][0]["port"]
        move = self.move(pair, uri=f"tcp:127.0.0.1:{port}", dest=False, stop=CONTINUE)
        move.wait_stopped()
        pair.destination.sigstop()
        move.go_on()
        record = move.record
        self.assert_undecided(pair, record)
        self.assertFalse([point for point in move.passed() if ":yank:" in point or "cancel" in point])
        pair.destination.sigcont()
        self.never_two(pair)
        self.assertEqual(answering(pair), ["dst"])
        pair.destination.check_memory()
        record = self.recover(pair)
        self.assert_result(record, "handed-over", 0, record.result["guest_runs_on"])
        self.assertEqual(answering(pair), ["dst"])
        self.assert_no_journal()

    def scenario_a_yank_there_would_make_two(self):
        """The twin of the one before: what qmpmig must not do, done by hand."""
        pair = self.pair(**IDLE, incoming="tcp:127.0.0.1:0", destination_paused=False)
        port = pair.destination.migration()["socket-address"][0]["port"]
        move = self.move(pair, uri=f"tcp:127.0.0.1:{port}", dest=False, stop=CONTINUE)
        move.wait_stopped()
        pair.destination.sigstop()
        pair.source.witness.call("migrate-continue", {"state": "pre-switchover"})
        pair.source.witness.wait_event("MIGRATION", status="device")
        time.sleep(0.2)
        pair.source.witness.call("yank", {"instances": [{"type": "migration"}]}, oob=True)
        pair.source.wait_run_state("running")
        pair.destination.sigcont()
        with self.assertRaises(AssertionError):
            self.never_two(pair, 10)
        move.send(9)

    def killed_to_get_out(self, pair, move):
        """Nothing but the destination's death gets the source out of where it hangs."""
        move.wait_line("sample", status="active", timeout=PATIENCE)
        self.let_go(pair)
        move.wait_stopped()
        pair.destination.sigstop()
        move.go_on()
        record = move.record
        self.assert_undecided(pair, record)
        self.assertIn("has to be killed", " ".join(record.result["check"]))
        pair.destination.kill()
        self.assert_on_source(pair, self.recover(pair))

    def scenario_where_nothing_can_be_yanked(self):
        """A monitor without out-of-band commands is as good as a QEMU without yank."""
        pair = self.pair()
        monitor = PlainMonitor(pair.source.qmp, os.path.join(pair.folder, "plain"))
        self.addCleanup(monitor.close)
        pair.source.qmp = monitor.path
        self.killed_to_get_out(pair, self.move(pair, *HOLD, stop=CONTINUE))

    @unittest.skipUnless(MATRIX, "QEMU 5.2 needs --matrix")
    def test_qemu_5_2_which_has_no_yank(self):
        pair = self.pair(version="5.2")
        self.killed_to_get_out(pair, self.move(pair, *HOLD, stop=CONTINUE))


class SourceHangs(Together):
    def hung(self, pair, move, *, code=13):
        pair.source.sigstop()
        if move.state() == "T":
            move.go_on()
        record = move.record
        self.assertEqual(record.result["exit_code"], code, record.result)
        self.assertTrue(record.result["commands"])
        self.assertEqual(answering(pair), [])
        return record

    def assert_comes_back(self, pair):
        """Woken, and looked after: it is somewhere, and only there."""
        pair.source.sigcont()
        self.never_two(pair)
        record = self.recover(pair)
        if record.result["exit_code"] == 0:
            self.assert_on_destination(pair, record)
        else:
            self.assert_on_source(pair, record)

    def scenario_in_pre_copy(self):
        pair = self.pair()
        record = self.hung(pair, self.held(pair))
        self.assert_says(record, "source: ", "no answer within")
        self.assertIn(f"process {pair.source.pid}", record.result["check"][0])
        self.assert_undecided(pair, self.recover(pair))
        self.let_loose(pair)
        self.assert_comes_back(pair)

    @staticmethod
    def let_loose(pair):
        """Whoever goes on with the move shall come to an end: once it wakes."""
        pair.source.witness.send("migrate-set-parameters", {"downtime-limit": 20000, "max-bandwidth": 0})

    def scenario_in_pre_switchover(self):
        pair, move = self.stopped_at(CONTINUE)
        self.hung(pair, move)
        self.assert_comes_back(pair)

    def scenario_in_pre_switchover_and_killed_then(self):
        """The destination could not have got anything."""
        pair, move = self.stopped_at(CONTINUE)
        self.hung(pair, move)
        pair.source.kill()
        record = self.recover(pair)
        self.assert_result(record, "guest-ended", 14, "nowhere")
        self.assertEqual(answering(pair), [])

    def scenario_with_everything_sent(self):
        """The guest runs over there; the source sleeps over that, and does not run when it wakes."""
        pair, move = self.stopped_at(WHOLE)
        pair.source.sigstop()
        move.go_on()
        self.assert_result(move.record, "completed", 0, "destination")
        self.assertEqual(answering(pair), ["dst"])
        pair.source.sigcont()
        self.never_two(pair)
        self.assert_runs_at_destination(pair)

    def scenario_in_postcopy(self):
        pair = self.pair()
        move = self.in_postcopy(pair)
        pair.source.sigstop()
        record = move.record
        self.assert_result(record, "postcopy-paused", 12, "both-halves")
        self.assertIn(f"process {pair.source.pid}", " ".join(record.result["check"]))
        pair.source.sigcont()
        pair.source.witness.call("migrate-set-parameters", {"max-postcopy-bandwidth": 0})
        self.assert_on_destination(pair, self.recover(pair))


class LinkSwallows(Together):
    def scenario_in_pre_copy(self):
        """The destination answers, so the link may come back: it is said, and waited for, until it is cancelled."""
        pair, proxy = self.with_proxy()
        move = self.held(pair, uri=proxy.uri)
        proxy.blackhole()
        move.wait_line("notice", code="no-progress", timeout=PATIENCE)
        move.interrupt()
        self.assert_on_source(pair, move.record, "cancelled", 11)

    def scenario_in_pre_copy_for_a_while(self):
        pair, proxy = self.with_proxy()
        move = self.held(pair, uri=proxy.uri)
        proxy.blackhole()
        move.wait_line("notice", code="no-progress", timeout=PATIENCE)
        proxy.set_pass()
        self.let_go(pair)
        self.assert_on_destination(pair, move.record)

    def swallow_the_rest(self, pair, proxy, move):
        move.wait_stopped()
        proxy.blackhole()
        time.sleep(0.1)
        move.go_on()
        record = move.record
        self.assert_on_source(pair, record)
        proxy.set_pass()
        self.never_two(pair)

    def scenario_with_little_left(self):
        pair, proxy = self.with_proxy(**IDLE)
        self.swallow_the_rest(pair, proxy, self.move(pair, uri=proxy.uri, stop=CONTINUE))

    def scenario_with_much_left(self):
        pair, proxy = self.with_proxy()
        move = self.held(pair, uri=proxy.uri, stop=CONTINUE)
        self.let_go(pair)
        self.swallow_the_rest(pair, proxy, move)

    def scenario_in_postcopy(self):
        """It is said, and may come back; the operator can break it, and recover over another way."""
        pair, proxy = self.with_proxy()
        move = self.in_postcopy(pair, uri=proxy.uri)
        proxy.blackhole()
        move.wait_line("notice", code="no-progress", timeout=PATIENCE)
        self.qmpmig.run("--socket", pair.source.qmp, "postcopy", "--pause", timeout=PATIENCE)
        self.assert_result(move.record, "postcopy-paused", 12, "both-halves")
        pair.source.witness.call("migrate-set-parameters", {"max-postcopy-bandwidth": 0})
        self.assert_on_destination(pair, self.recover(pair, pair.uri("again")))

    def after_the_last_page(self, swallow):
        """QEMU's source fails when the link breaks then, and resumes a guest that runs at the destination: it is
        stopped again at once."""
        pair, proxy = self.with_proxy("tcp:127.0.0.1:0", ws="4M")
        move = self.move(pair, *SLOW_POSTCOPY, "--bandwidth", "16MiB/s", uri=proxy.uri)
        move.wait_line("sample", status="postcopy-active", timeout=PATIENCE)
        pair.destination.wait_run_state("running")
        swallow(proxy)
        pair.source.witness.call("migrate-set-parameters", {"max-postcopy-bandwidth": 0})
        move.wait_line("sample", status="postcopy-active", remaining_bytes=0, timeout=PATIENCE)
        refused = self.qmpmig.run("--socket", pair.source.qmp, "postcopy", "--pause", code=4, timeout=PATIENCE)
        self.assertIn("all memory has been sent", refused)
        return pair, proxy, move

    def scenario_the_last_pages_of_postcopy(self):
        """The destination lacks what was lost, and the source cannot send it again."""
        pair, proxy, move = self.after_the_last_page(Proxy.blackhole)
        proxy.cut(refuse=True)
        record = move.record
        self.assert_result(record, "undecided", 13, "unknown")
        self.assertTrue(record.of("notice", code="stray-source"))
        self.assertNotEqual(pair.source.run_state(), "running")
        self.assertIn(f"qmpmig --socket unix:{pair.source.qmp} qmp quit", record.result["commands"])

    def scenario_that_postcopy_has_arrived(self):
        """The destination has everything; only its answer was lost."""
        pair, proxy, move = self.after_the_last_page(Proxy.swallow_answers)
        pair.destination.witness.wait_migration("completed")
        proxy.cut(refuse=True)
        record = move.record
        self.assert_on_destination(pair, record)
        self.assertTrue(record.of("notice", code="stray-source"))


class PlainMonitor:
    """Between qmpmig and a monitor; what it lets through does not offer out-of-band commands."""

    def __init__(self, monitor, path):
        self.path = path
        self.monitor = monitor
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                client = self.listener.accept()[0]
                qemu = connect(self.monitor, REPLY)
                way_in = threading.Thread(target=self.carry, args=(client, qemu), daemon=True)
                way_in.start()
                self.carry(qemu, client)
                way_in.join()

    @staticmethod
    def carry(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data.replace(b'"capabilities": ["oob"]', b'"capabilities": []'))
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.listener.close()


del Together

if __name__ == "__main__":
    unittest.main()
