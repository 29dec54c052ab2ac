# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each end and the link between them fail in each phase of a move: the guest goes on at exactly one side, or, where
nobody can know, at none, and what qmpmig says has both ends' reasons. Ends that hang are in test_hangs."""

import contextlib
import fcntl
import os
import struct
import time
import unittest

from tests.settle.case import (CONFIRM, CONT_SENT, CONTINUE, IDLE, LISTENING, SLOW_POSTCOPY, SWITCH, WHOLE, SettleTest,
                               answering)

class DestinationDies(SettleTest):
    def killed_at(self, point, *options):
        pair, move = self.stopped_at(point, *options)
        pair.destination.kill()
        move.go_on()
        return pair, move.record

    def assert_kept(self, point, *words):
        pair, record = self.killed_at(point)
        self.assert_on_source(pair, record)
        self.assert_says(record, *words)

    def test_before_the_source_has_connected(self):
        self.assert_kept(LISTENING, "destination: ")

    def test_in_pre_copy(self):
        pair = self.pair()
        move = self.held(pair)
        pair.destination.kill()
        record = move.record
        self.assert_on_source(pair, record)
        self.assert_says(record, "source: ", "its QEMU is gone")

    def test_in_pre_switchover(self):
        self.assert_kept(CONFIRM, "destination: QEMU closed the QMP connection")

    def test_as_the_source_is_told_to_continue(self):
        self.assert_kept(CONTINUE, "destination: QEMU closed the QMP connection")

    def test_while_the_rest_is_sent(self):
        pair, proxy = self.with_proxy()
        move = self.in_device(proxy, pair)
        pair.destination.kill()
        self.assert_on_source(pair, move.record)
        self.assert_says(move.record, "source: ", "destination: ")

    def test_whole_but_never_told_to_run(self):
        self.assert_kept(WHOLE, "destination: QEMU closed the QMP connection")

    def test_told_to_run(self):
        """Nobody can know whether it did, for a moment: the operator decides."""
        pair, record = self.killed_at(CONT_SENT)
        again = f"qmpmig --socket unix:{pair.source.qmp} recover"
        self.assert_undecided(pair, record, f"{again} --confirm-dead destination")
        self.assert_says(record, "may have run the guest before", "destination: QEMU closed the QMP connection")
        self.assert_undecided(pair, self.recover(pair), f"{again} --confirm-dead destination")
        self.assert_on_source(pair, self.recover(pair, "--confirm-dead", "destination"))

    def test_seen_running(self):
        """It had the guest, so the source's copy is history."""
        pair, move = self.stopped_at("journal:arrived:after#1", "--on-success", "keep")
        pair.destination.kill()
        move.send(9)
        record = self.recover(pair)
        self.assert_result(record, "guest-ended", 14, "nowhere")
        self.assert_says(record, "ran at the destination", "nothing was started by us")
        self.assertEqual(pair.source.run_state(), "postmigrate")
        self.assert_no_journal()

    def test_as_postcopy_is_asked_for(self):
        pair = self.pair()
        move = self.move(pair, *SLOW_POSTCOPY, stop=SWITCH)
        move.wait_stopped()
        pair.destination.kill()
        move.go_on()
        record = move.record
        self.assert_on_source(pair, record)
        self.assert_says(record, "its QEMU is gone")

    def test_in_postcopy(self):
        pair = self.pair()
        move = self.in_postcopy(pair)
        pair.destination.kill()
        self.assert_result(move.record, "guest-ended", 14, "nowhere")
        self.assert_says(move.record, "destination, and its QEMU is gone", "nothing was started by us")
        self.assertEqual(answering(pair), [])
        self.assert_no_journal()

    def test_alone_in_pre_copy(self):
        """Its monitor is not ours; the source's words are all there is."""
        pair = self.pair(incoming="tcp:127.0.0.1:0")
        port = pair.destination.migration()["socket-address"][0]["port"]
        move = self.held(pair, uri=f"tcp:127.0.0.1:{port}", dest=False)
        pair.destination.kill()
        self.assert_on_source(pair, move.record)
        self.assert_says(move.record, "source: ")


class DestinationRefuses(SettleTest):
    def test_nobody_listens_there(self):
        """It listens, and elsewhere."""
        pair = self.pair(incoming="tcp:127.0.0.1:0")
        record = self.move(pair, uri=pair.uri("nobody")).record
        self.assert_on_source(pair, record)
        self.assert_says(record, "source: ", "nobody", "No such file or directory")

    def test_nobody_listens_on_that_port(self):
        pair, proxy = self.with_proxy("tcp:127.0.0.1:0")
        proxy.close()
        record = self.move(pair, uri=proxy.uri, dest=False).record
        self.assert_on_source(pair, record)
        self.assert_says(record, "Connection refused")

    def test_the_connection_is_reset_at_once(self):
        pair, proxy = self.with_proxy()
        proxy.cut(refuse=True)
        record = self.move(pair, uri=proxy.uri).record
        self.assert_on_source(pair, record)
        self.assert_says(record, "source: ")

    def test_it_can_be_tried_again(self):
        """A destination that nobody reached still waits."""
        pair, proxy = self.with_proxy()
        proxy.cut(refuse=True)
        self.assert_on_source(pair, self.move(pair, uri=proxy.uri).record)
        proxy.set_pass()
        self.assert_on_destination(pair, self.move(pair, uri=proxy.uri).record)

    def test_memory_that_it_does_not_have(self):
        """It says so when the stream begins."""
        pair = self.pair(**IDLE, source_extra=["-device", "VGA"])
        record = self.move(pair).record
        self.assert_on_source(pair, record)
        self.assert_says(record, "source: ", "destination: ", "load of migration failed")
        self.assertFalse(pair.destination.is_alive())

    def test_a_device_that_it_does_not_have(self):
        """It says so when the guest has been stopped for the handover."""
        pair = self.pair(**IDLE, source_extra=["-device", "virtio-rng-pci"])
        record = self.move(pair).record
        self.assert_on_source(pair, record)
        self.assert_says(record, "source: ", "destination: ", "load of migration failed")
        self.assertTrue(pair.source.witness.events_named("RESUME"))
        self.assertFalse(pair.destination.is_alive())

    def test_a_device_that_it_does_not_have_in_postcopy(self):
        pair = self.pair(**IDLE, source_extra=["-device", "virtio-rng-pci"])
        record = self.move(pair, "--postcopy", "now", "--bandwidth", "16MiB/s").record
        self.assertIn(record.result["exit_code"], (10, 14), record.result)
        self.assert_says(record, "destination")

    def test_to_run_the_guest(self):
        """It has the whole guest, but somebody locks its disk: the source takes the guest back."""
        image = os.path.join(self.qmpmig.folder, "disk")
        pair = self.pair(**IDLE, disk=new_image(image))
        move = self.move(pair, stop=WHOLE)
        move.wait_stopped()
        with keep_writers_out(image):
            move.go_on()
            pair.destination.wait_exit()
        record = move.record
        self.assert_on_source(pair, record)
        self.assert_says(record, "destination: cont: ", "lock")


@contextlib.contextmanager
def keep_writers_out(image):
    """As QEMU does it: a lock on the byte that says "nobody else may write"."""
    with open(image, "r+b") as file:
        lock = struct.pack("hhqqi4x", fcntl.F_RDLCK, os.SEEK_SET, 201, 1, 0)
        fcntl.fcntl(file, 37, lock)  # F_OFD_SETLK
        yield


def new_image(path):
    with open(path, "wb") as image:
        image.truncate(1 << 20)
    return path


class SourceDies(SettleTest):
    def killed_at(self, point, *options):
        pair, move = self.stopped_at(point, *options)
        pair.source.kill()
        move.go_on()
        return pair, move.record

    def assert_ended(self, pair, record):
        self.assert_result(record, "guest-ended", 14, "nowhere")
        self.assert_says(record, "source's QEMU is gone", "nothing was started by us")
        self.assertEqual(answering(pair), [])
        if pair.destination.is_alive():
            self.assertIn(pair.destination.run_state(), ("inmigrate", "paused"))
        self.assert_no_journal()

    def test_before_the_start(self):
        self.assert_ended(*self.killed_at(LISTENING))

    def test_in_pre_copy(self):
        pair = self.pair()
        move = self.held(pair)
        pair.source.kill()
        self.assert_ended(pair, move.record)

    def test_in_pre_switchover(self):
        self.assert_ended(*self.killed_at(CONTINUE))

    def test_while_the_rest_is_sent(self):
        pair, proxy = self.with_proxy()
        move = self.in_device(proxy, pair)
        pair.source.kill()
        self.assert_ended(pair, move.record)

    def test_when_everything_was_sent(self):
        """The destination has the whole guest, so the guest lives on there."""
        self.assert_on_destination(*self.killed_at(WHOLE))

    def test_in_postcopy(self):
        pair = self.pair()
        move = self.in_postcopy(pair)
        pair.source.kill()
        record = move.record
        self.assert_result(record, "guest-ended", 14, "nowhere")
        self.assert_says(record, "source's QEMU is gone")
        self.assert_no_journal()

    def test_alone_in_pre_copy(self):
        """Nobody has told it to hand over, so the destination cannot have the guest."""
        pair, proxy = self.with_proxy()
        move = self.held(pair, uri=proxy.uri, dest=False)
        pair.source.kill()
        self.assert_ended(pair, move.record)

    def test_alone_after_that(self):
        """The destination, which nobody here sees, may have got everything."""
        pair, proxy = self.with_proxy()
        move = self.in_device(proxy, pair, dest=False)
        pair.source.kill()
        self.assert_undecided(pair, move.record)
        self.assert_says(move.record, "may have got everything")


class LinkBreaks(SettleTest):
    def test_cut_in_pre_copy(self):
        pair, proxy = self.with_proxy()
        move = self.held(pair, uri=proxy.uri)
        proxy.cut(refuse=True)
        self.assert_on_source(pair, move.record)
        self.assert_says(move.record, "source: ")

    def test_cut_in_pre_switchover(self):
        pair, proxy = self.with_proxy(**IDLE)
        move = self.move(pair, uri=proxy.uri, stop=CONTINUE)
        move.wait_stopped()
        proxy.cut(refuse=True)
        time.sleep(0.1)
        move.go_on()
        self.assert_on_source(pair, move.record)
        self.assert_says(move.record, "destination: ")

    def test_cut_while_the_rest_is_sent(self):
        pair, proxy = self.with_proxy()
        move = self.in_device(proxy, pair)
        proxy.cut(refuse=True)
        self.assert_on_source(pair, move.record)

    def test_cut_in_postcopy_and_recovered(self):
        pair, proxy = self.with_proxy()
        move = self.in_postcopy(pair, uri=proxy.uri)
        proxy.cut(refuse=True)
        record = move.record
        self.assert_result(record, "postcopy-paused", 12, "both-halves")
        self.assertEqual(record.result["commands"], [f"qmpmig --socket unix:{pair.source.qmp} recover"])
        self.assertEqual(len(self.qmpmig.journals()), 1)
        pair.source.witness.call("migrate-set-parameters", {"max-postcopy-bandwidth": 0})
        record = self.start("--socket", pair.source.qmp, "recover", pair.uri("again")).record
        self.assert_on_destination(pair, record)


class NotOurs(SettleTest):
    """What is done to the guest by others meanwhile is theirs."""

    def test_a_guest_that_the_operator_paused_stays_paused(self):
        pair = self.pair()
        move = self.held(pair)
        pair.source.witness.call("stop")
        pair.destination.kill()
        record = move.record
        self.assert_result(record, "failed", 10, "source")
        self.assertEqual(record.result["run_state"], "paused")
        self.assertEqual(pair.source.run_state(), "paused")

    def test_a_guest_that_was_paused_stays_paused(self):
        pair = self.pair(**IDLE)
        pair.source.witness.call("stop")
        move = self.move(pair, stop=CONTINUE)
        move.wait_stopped()
        pair.destination.kill()
        move.go_on()
        record = move.record
        self.assert_result(record, "failed", 10, "source")
        self.assertEqual(record.result["run_state"], "paused")

    def test_an_offline_move_that_fails_lets_the_guest_run_again(self):
        pair, move = self.stopped_at(LISTENING, "--offline")
        self.assertEqual(pair.source.run_state(), "paused")
        pair.destination.kill()
        move.go_on()
        self.assert_on_source(pair, move.record)

    def test_a_guest_that_panics_meanwhile(self):
        pair = self.pair(extra=["-no-shutdown"])
        move = self.held(pair, "--bandwidth", "16MiB/s")
        pair.source.serial.write("panic\n")
        pair.source.wait_run_state("guest-panicked", "shutdown")
        self.assert_result(move.record, "guest-ended", 14, "nowhere")


if __name__ == "__main__":
    unittest.main()
