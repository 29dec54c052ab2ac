# SPDX-License-Identifier: LGPL-2.1-or-later
"""qmpmig when an end, the link or the guest itself fails at a chosen point of the way.

    /usr/bin/python3 -m unittest tests.peer.test_bad_luck        (the binary: build/agent/qmpmig, or $QMPMIG)
"""

import signal
import threading
import time
import unittest

from tests.peer import faults
from tests.peer.bench import Bench
from tests.peer.peer import FakePair, Ram
from tests.peer.test_peer import SMALL, Client

POSTCOPY = ("--postcopy=now", "--max-downtime=20ms")
SLOW = {"total": 64 << 20, "working_set": 48 << 20, "dirty_rate": 1 << 30, "link": 192 << 20, "postcopy_link": 24 << 20}
VERSIONS = ("5.2", "7.2", "10.0", "11.1")


class Case(Bench):
    def run_with(self, what, code, *options, version="10.0", ram=None, prepare=None, environment=None):
        """WHAT(pair) sets it up; the outcome is CODE (or one of them), and true."""
        codes = code if isinstance(code, tuple) else (code,)
        with FakePair(version, ram=ram or Ram()) as pair:
            what(pair)
            done = self.migrate(pair, *options, within=30, environment=environment)
            pair.thaw()
            time.sleep(0.1)
            self.assertIn(done.code, codes, self.told(pair, done))
            self.assert_ended(done, codes)
            self.assert_truthful(pair, done)
            if prepare:
                prepare(pair, done)
            return done


class Deaths(Case):
    def test_the_destination_dies(self):
        def run(version, phase):
            self.run_with(lambda pair: pair.source.at(phase, lambda peer: peer.other.die()), 10, version=version)

        self.each([(version, phase) for version in VERSIONS for phase in ("setup", "active", "pre-switchover", "device")],
                  run)

    def test_the_destination_dies_when_it_is_whole(self):
        """It never ran the guest: the source takes it back, though it had completed."""
        for version in VERSIONS:
            self.run_with(lambda pair: pair.destination.at("completed", lambda peer: peer.die()), 10, version=version)

    def test_the_destination_dies_when_it_runs(self):
        """Before qmpmig can see it run, nobody knows how far it got."""
        with FakePair() as pair:
            pair.destination.on("cont", do=faults.die(executed=True))
            done = self.migrate(pair)
            self.assert_ended(done, 13)
            self.assertEqual(pair.running(), [])
            self.assertEqual([*pair.source.sins, *pair.source.violations], [], str(done))

    def test_the_source_dies_on_the_way(self):
        """In the handover the destination may have got everything just in time."""
        def run(version, phase):
            self.run_with(lambda pair: pair.source.at(phase, lambda peer: peer.die()),
                          (0, 14) if phase == "device" else 14, version=version)

        self.each([(version, phase) for version in VERSIONS for phase in ("setup", "active", "pre-switchover", "device")],
                  run)

    def test_the_source_dies_when_all_is_sent(self):
        for version in VERSIONS:
            self.run_with(lambda pair: pair.source.at("completed", lambda peer: peer.die()), 0, version=version)

    def test_either_end_dies_in_postcopy(self):
        """Half a guest is none, though its half at the destination may run until it misses a page."""
        def run(version, end):
            with FakePair(version, ram=Ram(**SLOW)) as pair:
                pair.destination.at("running", lambda peer: pair.ends[end].die())
                done = self.migrate(pair, *POSTCOPY, within=30)
                self.assert_ended(done, 14, f"{end}'s QEMU is gone|its QEMU is gone")
                self.assertNotIn("source", pair.running(), self.told(pair, done))
                pair.assert_clean()

        self.each([(version, end) for version in VERSIONS for end in ("source", "destination")], run)

    def test_the_guest_shuts_itself_down(self):
        for stays in (False, True):
            def shut_down(pair, stays=stays):
                pair.source.at("active", lambda peer: peer.shut_down(stays))

            with FakePair() as pair:
                shut_down(pair)
                done = self.migrate(pair, within=30)
                self.assert_ended(done, 14)
                self.assertEqual(pair.running(), [], self.told(pair, done))


class Links(Case):
    def test_the_link_breaks(self):
        def run(version, phase):
            self.run_with(lambda pair: pair.source.at(phase, lambda peer: peer._cut()), 10, version=version,
                          ram=Ram(link=512 << 20))

        self.each([(version, phase) for version in VERSIONS for phase in ("active", "pre-switchover", "device")], run)

    def test_the_link_breaks_in_postcopy_and_recover_brings_it_on(self):
        def run(version):
            environment = self.environment()

            def recover(pair, before):
                self.assertEqual(before.code, 12)
                done = self.run_qmpmig("--json", "--socket", pair.source.path, "--reply-timeout", "1s", "recover",
                                       environment=environment)
                self.assert_ended(done, 0)
                self.assert_truthful(pair, done)

            self.run_with(lambda pair: pair.destination.at("running", lambda peer: peer._cut()), 12, *POSTCOPY,
                          version=version, ram=Ram(**SLOW), prepare=recover, environment=environment)

        self.each([(version,) for version in VERSIONS], run)

    def test_what_arrives_cannot_be_loaded(self):
        for version in VERSIONS:
            def spoil(pair):
                pair.destination.load_fails = "error while loading state for instance 0x0 of device 'ram'"

            done = self.run_with(spoil, 10, version=version)
            if version in ("10.0", "11.1"):  # kept alive, it tells
                self.assertIn("error while loading state", done.result()["text"])

    def test_nobody_listens_there(self):
        """One-ended: the refused connection comes as a status."""
        with FakePair() as pair:
            done = self.migrate(pair, observed=False, uri="tcp:127.0.0.1:1")
            self.assert_ended(done, 10, "Connection refused")
            self.assert_truthful(pair, done)

    def test_a_port_that_is_taken(self):
        with FakePair() as pair, FakePair() as other:
            client = Client(other.destination)
            client.call("migrate-incoming", uri="tcp:127.0.0.1:0")
            port = client.call("query-migrate")["return"]["socket-address"][0]["port"]
            done = self.migrate(pair, uri=f"tcp:127.0.0.1:{port}")
            client.close()
            self.assert_ended(done, (4, 10), "Address already in use")
            self.assert_truthful(pair, done)


class Hangs(Case):
    """The destination stops at the worst moment; thawed, no second guest appears."""

    def test_in_the_handover(self):
        def run(version, ram):
            self.run_with(lambda pair: pair.source.at("device", lambda peer: peer.other.freeze()), (0, 10, 13),
                          version=version, ram=ram)

        self.each([(version, ram) for version in VERSIONS for ram in (SMALL, Ram())], run)

    def test_in_pre_switchover(self):
        def run(version, ram):
            self.run_with(lambda pair: pair.source.at("pre-switchover", lambda peer: peer.other.freeze()), 10,
                          version=version, ram=ram)

        self.each([(version, ram) for version in VERSIONS for ram in (SMALL, Ram())], run)

    def test_in_precopy(self):
        def run(version):
            self.run_with(lambda pair: pair.source.at("active", lambda peer: peer.other.freeze()), 10, version=version)

        self.each([(version,) for version in VERSIONS], run)

    def test_in_the_handover_of_a_destination_that_could_start_by_itself(self):
        with FakePair(destination_paused=False, ram=SMALL) as pair:
            pair.source.at("device", lambda peer: peer.other.freeze())
            done = self.migrate(pair, within=30)
            pair.thaw()
            time.sleep(0.2)
            self.assert_ended(done, (10, 13))
            self.assert_truthful(pair, done)

    def test_a_source_that_takes_long_to_resume(self):
        with FakePair() as pair:
            pair.source.resume_lag = 2
            pair.source.at("device", lambda peer: peer._cut())
            done = self.migrate(pair, within=30)
            self.assert_ended(done, 10)
            self.assert_truthful(pair, done)


class Interrupts(Case):
    """Ctrl-C at each phase: the source keeps the guest, or the destination has it already."""

    def interrupted(self, phase, *options, signals=(signal.SIGINT,), ram=None, **attributes):
        with FakePair(ram=ram or Ram()) as pair:
            for name, value in attributes.items():
                setattr(pair.source, name, value)
            reached = threading.Event()
            (pair.destination if phase == "running" else pair.source).at(phase, lambda peer: reached.set())
            process = self.start("--json", "--socket", pair.source.path, "--reply-timeout", "1s", "migrate",
                                 "--dest-socket", pair.destination.path, *options, "tcp:127.0.0.1:0")
            self.assertTrue(reached.wait(10), pair.describe())
            for number in signals:
                process.send_signal(number)
                time.sleep(0.05)
            stdout, stderr = process.communicate(timeout=30)
            return self.judge(pair, process.returncode, stdout, stderr)

    def judge(self, pair, code, stdout, stderr):
        told = f"{code}\n{stdout[-1000:]}\n{stderr}\n{pair.describe()}"
        self.assertLess(len(pair.running()), 2, told)
        self.assertEqual([sin for peer in pair.ends.values() for sin in (*peer.sins, *peer.violations)], [], told)
        if code == 0:
            self.assertEqual(pair.running(), ["destination"], told)
        if code == 11:
            self.assertEqual(pair.running(), ["source"], told)
        return code, told

    def test_in_precopy(self):
        code, told = self.interrupted("active", ram=Ram(**SLOW))
        self.assertEqual(code, 11, told)

    def test_in_the_handover(self):
        for phase in ("pre-switchover", "device", "completed"):
            code, told = self.interrupted(phase)
            self.assertIn(code, (0, 11), told)

    def test_in_postcopy_it_is_refused(self):
        code, told = self.interrupted("running", *POSTCOPY, ram=Ram(**SLOW))
        self.assertEqual(code, 0, told)

    def test_too_late_it_completes(self):
        code, told = self.interrupted("device", cancel_loses=True)
        self.assertEqual(code, 0, told)

    def test_terminated_it_leaves(self):
        for number in (signal.SIGTERM, signal.SIGHUP):
            code, told = self.interrupted("active", signals=(number,), ram=Ram(**SLOW))
            self.assertEqual(code, 15, told)

    def test_twice_in_postcopy_it_leaves(self):
        code, told = self.interrupted("running", *POSTCOPY, signals=(signal.SIGINT, signal.SIGINT), ram=Ram(**SLOW))
        self.assertIn(code, (0, 15), told)


class OneEnded(Case):
    def test_what_was_not_observed_is_not_claimed(self):
        with FakePair(destination_paused=False) as pair:
            client = Client(pair.destination)
            client.call("migrate-incoming", uri="tcp:127.0.0.1:0")
            port = client.call("query-migrate")["return"]["socket-address"][0]["port"]
            commands = pair.destination.commands()
            done = self.migrate(pair, observed=False, uri=f"tcp:127.0.0.1:{port}")
            self.assertEqual(pair.destination.commands(), commands)
            client.close()
            self.assert_ended(done, 0)
            self.assertEqual((done.result()["outcome"], done.result()["guest_runs_on"]), ("handed-over", "unknown"))
            self.assertTrue(pair.source.alive)
            self.assert_truthful(pair, done)


if __name__ == "__main__":
    unittest.main()
