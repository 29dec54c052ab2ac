# SPDX-License-Identifier: LGPL-2.1-or-later
"""The scripted peer itself: it behaves like QEMU, and it tells on a careless client.

    /usr/bin/python3 -m unittest tests.peer.test_peer
"""

import array
import json
import socket
import time
import unittest

from tests.peer import faults
from tests.peer.facts import VERSIONS
from tests.peer.peer import FakePair, FakeQemu, Ram


class Client:
    """The smallest QMP client that will do."""

    def __init__(self, peer, timeout=2, negotiate=True):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(timeout)
        self.sock.connect(peer.path)
        self.file = self.sock.makefile("rb")
        self.events = []
        if negotiate:
            self.greeting = json.loads(self.file.readline())
            assert self.call("qmp_capabilities", enable=["oob"])["return"] == {}

    def send(self, command, number=1, oob=False, fd=None, **arguments):
        arguments = {name.replace("_", "-"): value for name, value in arguments.items()}
        line = json.dumps({"exec-oob" if oob else "execute": command, "arguments": arguments, "id": number}).encode()
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))] if fd is not None else []
        self.sock.sendmsg([line], rights)

    def reply(self):
        while True:
            line = self.file.readline()
            if not line:
                raise EOFError
            message = json.loads(line)
            if "event" not in message:
                return message
            self.events.append(message["event"])

    def call(self, command, oob=False, fd=None, **arguments):
        self.send(command, 1, oob, fd, **arguments)
        return self.reply()

    def close(self):
        self.file.close()
        self.sock.close()


class Case(unittest.TestCase):
    def single(self, *arguments, **options):
        peer = FakeQemu(*arguments, **options)
        self.addCleanup(peer.close)
        return peer

    def client(self, peer, **options):
        client = Client(peer, **options)
        self.addCleanup(client.close)
        return client

    def pair(self, version="10.0", capabilities=("events", "return-path", "pause-before-switchover"), **options):
        """A pair with a client on each end, the destination waiting."""
        pair = FakePair(version, **options)
        self.addCleanup(pair.close)
        source, destination = self.client(pair.source), self.client(pair.destination)
        wanted = [{"capability": name, "state": True} for name in capabilities]
        for client in (source, destination):
            self.assertEqual(client.call("migrate-set-capabilities", capabilities=wanted)["return"], {})
        source.call("migrate-set-parameters", max_bandwidth=0)
        destination.call("stop")
        self.assertEqual(destination.call("migrate-incoming", uri="tcp:127.0.0.1:0")["return"], {})
        address = destination.call("query-migrate")["return"]["socket-address"][0]
        return pair, source, destination, f"tcp:127.0.0.1:{address['port']}"

    def never_ending(self, *arguments, **options):
        return self.pair(*arguments, ram=Ram(working_set=64 << 20, dirty_rate=1 << 30, link=32 << 20), **options)

    def sins(self, *peers):
        return [sin for peer in peers for sin in peer.sins]


class GoodQemu(Case):
    def test_greets_and_negotiates_on_every_version(self):
        for key, (version, _) in VERSIONS.items():
            with self.subTest(key), FakeQemu(key) as peer:
                client = self.client(peer)
                said = client.greeting["QMP"]["version"]["qemu"]
                self.assertEqual((said["major"], said["minor"], said["micro"]), version)
                self.assertEqual(client.call("query-status")["return"]["status"], "running")
                self.assertGreater(len(client.call("query-qmp-schema")["return"]), 500)
                peer.assert_clean()

    def test_commands_before_negotiation_are_refused(self):
        peer = self.single()
        client = self.client(peer, negotiate=False)
        client.file.readline()
        self.assertEqual(client.call("query-status")["error"]["class"], "CommandNotFound")

    def test_serves_one_client_at_a_time(self):
        peer = self.single()
        first = self.client(peer)
        second = self.client(peer, negotiate=False, timeout=0.3)
        with self.assertRaises(TimeoutError):
            second.sock.recv(1)
        first.close()
        second.sock.settimeout(2)
        self.assertIn(b"QMP", second.sock.recv(4096))

    def test_unknown_commands_and_arguments_are_violations(self):
        peer = self.single("5.2")
        client = self.client(peer)
        self.assertEqual(client.call("yank", instances=[])["error"]["class"], "CommandNotFound")
        self.assertIn("error", client.call("query-status", frobnicate=1))
        self.assertEqual(len(peer.violations), 2)
        with self.assertRaises(AssertionError):
            peer.assert_clean()

    def test_a_probe_is_no_violation_where_the_command_is_missing(self):
        peer = self.single("5.2")
        client = self.client(peer)
        self.assertEqual(client.call("query-yank")["error"]["class"], "CommandNotFound")
        self.assertIn("error", client.call("query-yank", frobnicate=1))
        peer.assert_clean()

    def test_the_process_has_the_pid_that_the_socket_names(self):
        peer = self.single()
        client = self.client(peer)
        pid = int.from_bytes(client.sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 4), "little")
        self.assertEqual(pid, peer.pid)
        with open(f"/proc/{pid}/comm") as file:
            self.assertEqual(file.read(), "qemu-system-x86\n")

    def test_0xff_and_broken_json_are_answered_and_survived(self):
        client = self.client(self.single())
        client.sock.sendall(b"\xff")
        self.assertIn("error", client.reply())
        self.assertIn("return", client.call("query-status"))
        client.sock.sendall(b'{"execute": }\r\n')
        self.assertIn("error", client.reply())
        self.assertIn("return", client.call("query-status"))


class WholeMigrations(Case):
    def test_precopy_on_every_version(self):
        for version in (*VERSIONS, ("7.2", "10.0")):
            with self.subTest(version):
                began = time.monotonic()
                pair, source, destination, uri = self.pair(version)
                source.call("migrate", uri=uri)
                pair.source.wait_status("pre-switchover")
                self.assertEqual(source.call("query-status")["return"]["status"], "finish-migrate")
                self.assertEqual(source.call("cont")["error"]["desc"], "Migration is not finalized yet")
                source.call("migrate-continue", state="pre-switchover")
                pair.source.wait_status("completed")
                self.assertEqual(destination.call("query-migrate")["return"]["status"], "completed")
                self.assertEqual(destination.call("query-status")["return"]["status"], "paused")
                self.assertEqual(pair.running(), [])
                destination.call("cont")
                self.assertEqual(pair.running(), ["destination"])
                source.call("query-migrate")
                self.assertEqual([name for name in source.events if name != "MIGRATION_PASS"],
                                 ["MIGRATION"] * 2 + ["STOP"] + ["MIGRATION"] * 3)
                source.call("quit")
                pair.source.wait(lambda peer: not peer.alive)
                pair.assert_clean()
                self.assertLess(time.monotonic() - began, 2)

    def test_shows_memory_and_time_while_it_runs(self):
        pair, source, _, uri = self.never_ending()
        source.call("migrate", uri=uri)
        pair.source.wait_status("active")
        time.sleep(0.2)
        info = source.call("query-migrate")["return"]
        self.assertEqual(info["ram"]["total"], 256 << 20)
        self.assertGreater(info["ram"]["transferred"], 0)
        self.assertGreater(info["total-time"], 100)
        self.assertLess(info["ram"]["remaining"], 256 << 20)

    def test_throttles_when_auto_converge_is_on(self):
        ram = Ram(total=16 << 20, working_set=16 << 20, dirty_rate=1 << 30, link=128 << 20, rate_period=0.02)
        pair, source, _, uri = self.pair(capabilities=("events", "auto-converge"), ram=ram)
        source.call("migrate-set-parameters", downtime_limit=1, cpu_throttle_initial=30)
        source.call("migrate", uri=uri)
        pair.source.wait(lambda peer: peer.outgoing.throttle >= 40)
        self.assertGreaterEqual(source.call("query-migrate")["return"]["cpu-throttle-percentage"], 40)

    def test_does_not_converge_by_itself_and_does_with_a_longer_downtime(self):
        pair, source, _, uri = self.never_ending(capabilities=("events",))
        source.call("migrate-set-parameters", downtime_limit=1)
        source.call("migrate", uri=uri)
        time.sleep(0.5)
        self.assertEqual(source.call("query-migrate")["return"]["status"], "active")
        source.call("migrate-set-parameters", downtime_limit=60000)
        pair.source.wait_status("completed")

    def test_postcopy_on_every_version(self):
        for version in VERSIONS:
            with self.subTest(version):
                pair, source, destination, uri = self.never_ending(
                    version, capabilities=("events", "return-path", "pause-before-switchover", "postcopy-ram"))
                source.call("migrate", uri=uri)
                pair.source.wait_status("active")
                self.assertEqual(source.call("migrate-start-postcopy")["return"], {})
                pair.source.wait_status("pre-switchover")
                source.call("migrate-continue", state="pre-switchover")
                pair.destination.wait_status("postcopy-active")
                self.assertEqual(destination.call("query-status")["return"]["status"], "paused")
                destination.call("cont")
                pair.cut()
                pair.source.wait_status("postcopy-paused")
                pair.destination.wait_status("postcopy-paused")
                self.assertEqual(destination.call("migrate-recover", oob=True, uri="tcp:127.0.0.1:0")["return"], {})
                port = destination.call("query-migrate")["return"]["socket-address"][0]["port"]
                source.call("migrate", uri="tcp:127.0.0.1:1", resume=True)
                time.sleep(0.05)
                pair.source.wait_status("postcopy-paused")
                pair.source.outgoing.remaining = 1 << 20
                source.call("migrate", uri=f"tcp:127.0.0.1:{port}", resume=True)
                pair.source.wait_status("completed")
                pair.destination.wait_status("completed")
                self.assertEqual(pair.running(), ["destination"])
                self.assertEqual("postcopy-device" in pair.source.statuses(), version == "11.1")
                pair.assert_clean()

    def test_cancel_gives_the_guest_back(self):
        for version in VERSIONS:
            for phase in ("active", "pre-switchover"):
                with self.subTest(version=version, phase=phase):
                    pair, source, _, uri = self.pair(version)
                    source.call("migrate", uri=uri)
                    pair.source.wait_status(phase)
                    source.call("migrate_cancel")
                    pair.source.wait_status("cancelled")
                    self.assertEqual(pair.running(), ["source"])
                    pair.destination.wait(lambda peer: not peer.alive)

    def test_failures_give_the_guest_back(self):
        for version in VERSIONS:
            with self.subTest(version):
                pair, source, _, uri = self.never_ending(version)
                source.call("migrate", uri=uri)
                pair.source.wait_status("active")
                pair.destination.die()
                pair.source.wait_status("failed")
                self.assertEqual(pair.running(), ["source"])
                self.assertEqual("failing" in pair.source.statuses(), version == "11.1")
                self.assertIn("error-desc", source.call("query-migrate")["return"])

    def test_a_refused_connection_comes_as_a_status(self):
        peer = self.single()
        client = self.client(peer)
        self.assertEqual(client.call("migrate", uri="tcp:127.0.0.1:1")["return"], {})
        peer.wait_status("failed")
        self.assertIn("Connection refused", client.call("query-migrate")["return"]["error-desc"])

    def test_a_bad_uri_is_an_error(self):
        for version, status in (("5.2", "failed"), ("10.0", None)):
            client = self.client(self.single(version))
            self.assertIn("error", client.call("migrate", uri="frob:nicate"))
            self.assertEqual(client.call("query-migrate")["return"].get("status"), status)

    def test_two_guests_that_do_not_fit_fail(self):
        for unlike in ({"ram": Ram(total=512 << 20)}, {"machine": "pc-q35-6.0"}):
            pair, source, _, uri = self.pair(destination=unlike)
            source.call("migrate", uri=uri)
            pair.source.wait_status("failed")
            pair.destination.wait(lambda peer: not peer.alive)

    def test_postcopy_armed_on_the_source_only_ends_the_destination(self):
        pair, source, _, uri = self.pair()
        source.call("migrate-set-capabilities", capabilities=[{"capability": "postcopy-ram", "state": True}])
        source.call("migrate", uri=uri)
        pair.source.wait_status("failed")
        pair.destination.wait(lambda peer: not peer.alive)
        self.assertIn("RAM postcopy is disabled", pair.destination.error_desc)

    def test_a_destination_kept_on_error_says_why(self):
        pair = FakePair(destination={"machine": "pc-q35-6.0"})
        self.addCleanup(pair.close)
        source, destination = self.client(pair.source), self.client(pair.destination)
        destination.call("migrate-incoming", uri="tcp:127.0.0.1:0", exit_on_error=False)
        port = destination.call("query-migrate")["return"]["socket-address"][0]["port"]
        source.call("migrate", uri=f"tcp:127.0.0.1:{port}")
        pair.destination.wait_status("failed")
        self.assertIn("Machine type", destination.call("query-migrate")["return"]["error-desc"])
        self.assertEqual(destination.call("query-status")["return"]["status"], "inmigrate")

    def test_a_descriptor_leads_to_the_destination(self):
        pair, source, _, uri = self.pair(capabilities=("events",))
        with socket.create_connection(("127.0.0.1", int(uri.rpartition(":")[2]))) as sock:
            self.assertEqual(source.call("getfd", fd=sock.fileno(), fdname="way")["return"], {})
        source.call("migrate", uri="fd:way")
        pair.source.wait_status("completed")
        pair.destination.wait_status("completed")

    def test_cont_on_inmigrate_re_arms_autostart(self):
        pair, source, destination, uri = self.pair(capabilities=("events", "return-path"))
        self.assertEqual(destination.call("cont")["return"], {})
        source.call("migrate", uri=uri)
        pair.source.wait_status("completed")
        self.assertEqual(pair.running(), ["destination"])
        self.assertEqual(pair.destination.sins, ["cont on an inmigrate destination"])

    def test_blocked_reasons_are_shown_and_refuse(self):
        peer = self.single()
        peer.blocked_reasons = ["The device cannot"]
        client = self.client(peer)
        self.assertEqual(client.call("query-migrate")["return"]["blocked-reasons"], ["The device cannot"])
        self.assertEqual(client.call("migrate", uri="tcp:127.0.0.1:1")["error"]["desc"], "The device cannot")


# An idle guest of which little is left at the switchover.
SMALL = Ram(total=64 << 20, working_set=0, link=1 << 30, first_window=1)


class HungDestination(Case):
    def stuck_in_device(self, **options):
        pair, source, destination, uri = self.pair(**options)
        source.call("migrate", uri=uri)
        pair.source.wait_status("pre-switchover")
        pair.destination.freeze()
        source.call("migrate-continue", state="pre-switchover")
        pair.source.wait_status("device")
        return pair, source

    def test_blocks_the_source_in_band_until_yanked(self):
        pair, source = self.stuck_in_device()
        source.send("query-migrate", 7)
        source.sock.settimeout(0.3)
        self.assertRaises(TimeoutError, source.reply)
        source.sock.settimeout(2)
        source.file = source.sock.makefile("rb")
        source.send("yank", 8, oob=True, instances=[{"type": "migration"}])
        self.assertEqual({source.reply()["id"], source.reply()["id"]}, {7, 8})
        pair.source.wait_status("failed")
        pair.source.wait(lambda peer: peer.run_state == "running")

    def test_yank_with_a_whole_stream_and_autostart_makes_two_guests(self):
        pair, source = self.stuck_in_device(ram=SMALL)
        pair.destination.autostart = True
        pair.source.wait(lambda peer: peer.outgoing.link.whole)
        source.call("yank", oob=True, instances=[{"type": "migration"}])
        pair.source.wait(lambda peer: peer.run_state == "running")
        pair.destination.thaw()
        pair.destination.wait_status("completed")
        self.assertEqual(pair.running(), ["source", "destination"])
        self.assertEqual(self.sins(pair.source, pair.destination),
                         ["yank after migrate-continue on a destination that can start by itself", "two running guests"])

    def test_yank_with_autostart_cleared_makes_one(self):
        pair, source = self.stuck_in_device(ram=SMALL)
        pair.source.wait(lambda peer: peer.outgoing.link.whole)
        source.call("yank", oob=True, instances=[{"type": "migration"}])
        pair.source.wait(lambda peer: peer.run_state == "running")
        pair.destination.thaw()
        pair.destination.wait_status("completed")
        self.assertEqual(pair.running(), ["source"])
        pair.assert_clean()


class Sins(Case):
    def arrived(self):
        pair, source, destination, uri = self.pair(capabilities=("events", "return-path"))
        source.call("migrate", uri=uri)
        pair.source.wait_status("completed")
        return pair, source, destination

    def test_cont_on_a_completed_source(self):
        pair, source, _ = self.arrived()
        source.call("cont")
        self.assertEqual(pair.source.sins, ["cont on a completed source while the destination lives"])

    def test_cont_on_a_completed_source_is_right_once_the_destination_is_dead(self):
        pair, source, _ = self.arrived()
        pair.destination.die()
        source.call("cont")
        pair.assert_clean()

    def test_both_running(self):
        pair, source, destination = self.arrived()
        destination.call("cont")
        source.call("cont")
        self.assertIn("two running guests", pair.source.sins)

    def test_cancel_after_postcopy_began(self):
        pair, source, _, uri = self.never_ending(
            "7.2", capabilities=("events", "return-path", "postcopy-ram"))
        source.call("migrate", uri=uri)
        pair.source.wait_status("active")
        source.call("migrate-start-postcopy")
        pair.destination.wait_status("postcopy-active")
        source.call("migrate_cancel")
        pair.source.wait_status("cancelled")
        self.assertEqual(pair.source.run_state, "postmigrate")
        self.assertEqual(pair.source.sins, ["migrate_cancel after postcopy began"])

    def test_a_dirty_log_that_is_cleared_under_a_migration(self):
        pair, source, _, uri = self.never_ending()
        source.call("migrate", uri=uri)
        pair.source.wait_status("active")
        source.call("calc-dirty-rate", **{"calc-time": 1, "mode": "page-sampling"})
        self.assertEqual(pair.source.sins, [])
        source.call("calc-dirty-rate", **{"calc-time": 1, "mode": "dirty-bitmap"})
        self.assertEqual(pair.source.sins, ["calc-dirty-rate that clears the dirty log of a migration"])

    def test_capabilities_of_a_destination_mid_incoming(self):
        pair, source, destination, uri = self.never_ending()
        change = {"capabilities": [{"capability": "xbzrle", "state": True}]}
        destination.call("migrate-set-capabilities", **change)
        self.assertEqual(pair.destination.sins, [])
        source.call("migrate", uri=uri)
        pair.destination.wait_status("active")
        destination.call("migrate-set-capabilities", **change)
        self.assertEqual(pair.destination.sins, ["capability change on a destination mid-incoming"])

    def test_cont_on_a_destination_whose_source_failed(self):
        pair, source, destination = self.arrived()
        pair.source.migration_status = "failed"
        destination.call("cont")
        self.assertEqual(pair.destination.sins, ["cont on a destination whose source is failed"])

    def test_too_many_commands_in_flight(self):
        peer = self.single()
        peer.on("query-name", do=faults.hang())
        client = self.client(peer)
        for number in range(9):
            client.send("query-name", number)
        peer.wait(lambda peer: peer.sins)
        self.assertIn("more than 7 commands in flight", peer.sins)

    def test_quit_with_the_only_copy(self):
        peer = self.single()
        self.client(peer).call("quit")
        self.assertEqual(peer.sins, ["quit of a source whose guest has not arrived"])
        pair, _, destination = self.arrived()
        destination.call("quit")
        self.assertEqual(pair.destination.sins, ["quit of a destination that has the guest"])


class Faults(Case):
    def after(self, do, command="query-name", **how):
        peer = self.single()
        client = self.client(peer, timeout=0.5)
        peer.on(command, do=do, **how)
        client.send(command, 5)
        return peer, client

    def raw(self, client, length=65536):
        return client.sock.recv(length)

    def test_never_answers_this_one_only(self):
        _, client = self.after(faults.never(), nth=1)
        self.assertIn("running", client.call("query-status")["return"])

    def test_hang_stops_all_but_out_of_band(self):
        _, client = self.after(faults.hang())
        client.send("query-status", 6)
        client.send("query-yank", 7, oob=True)
        self.assertEqual(client.reply()["id"], 7)
        with self.assertRaises(TimeoutError):
            client.reply()

    def test_nth_and_times(self):
        peer, client = self.after(faults.error("no"), nth=2)
        self.assertIn("return", client.reply())
        self.assertEqual(client.call("query-name")["error"]["desc"], "no")
        self.assertIn("return", client.call("query-name"))
        peer.on("query-uuid", do=faults.error("no"), times=1)
        self.assertIn("error", client.call("query-uuid"))
        self.assertIn("return", client.call("query-uuid"))

    def test_delay_and_late(self):
        for fault, order in ((faults.delay(0.1), [5, 6]), (faults.late(0.1), [6, 5])):
            _, client = self.after(fault)
            client.send("query-status", 6)
            self.assertEqual([client.reply()["id"], client.reply()["id"]], order)

    def test_other_answers(self):
        cases = (
            (faults.put("return.name", 7), {"return": {"name": 7}, "id": 5}),
            (faults.drop("return.name"), {"return": {}, "id": 5}),
            (faults.wrong_id(9), {"return": {"name": "vm1"}, "id": 9}),
            (faults.no_id(), {"return": {"name": "vm1"}}),
            (faults.pieces(2), {"return": {"name": "vm1"}, "id": 5}),
            (faults.reply([]), {"return": [], "id": 5}),
        )
        for fault, expected in cases:
            _, client = self.after(fault)
            self.assertEqual(client.reply(), expected)

    def test_other_bytes(self):
        _, client = self.after(faults.ff())
        self.assertTrue(self.raw(client).startswith(b"\xff{"))
        _, client = self.after(faults.garbage(b"}}\r\n"))
        self.assertEqual(self.raw(client), b"}}\r\n")
        _, client = self.after(faults.deep_reply(2000))
        self.assertIn(b'{"a": ' * 100, self.raw(client))
        _, client = self.after(faults.truncated())
        self.assertNotIn(b"\n", self.raw(client))
        self.assertEqual(self.raw(client), b"")
        _, client = self.after(faults.twice())
        self.assertEqual(client.reply(), client.reply())

    def test_long_replies_arrive_whole(self):
        _, client = self.after(faults.long_reply(3 << 20))
        self.assertEqual(len(client.reply()["return"]["padding"]), 3 << 20)

    def test_events_around_a_reply(self):
        before, after = faults.event("RTC_CHANGE", {"offset": 1}), faults.event("WAKEUP")
        _, client = self.after(faults.events(before=[before], after=[after]))
        lines = [json.loads(client.file.readline()) for _ in range(3)]
        self.assertEqual([line.get("event") for line in lines], ["RTC_CHANGE", None, "WAKEUP"])
        _, client = self.after(faults.events(inside=[before]))
        self.assertRaises(json.JSONDecodeError, client.reply)

    def test_faults_of_the_greeting(self):
        for fault, expected in ((faults.banner(faults.SSH), b"SSH-"), (faults.banner(faults.HTTP), b"HTTP"),
                                (faults.banner(faults.HMP), b"QEMU"), (faults.truncated(), b'{"QMP"'),
                                (faults.events(before=[faults.event("RESUME")]), b'{"timestamp"')):
            peer = self.single()
            peer.on("greeting", do=fault)
            self.assertTrue(self.raw(self.client(peer, negotiate=False)).startswith(expected))
        peer = self.single()
        peer.on("greeting", do=faults.silence())
        with self.assertRaises(TimeoutError):
            self.raw(self.client(peer, negotiate=False, timeout=0.2))

    def test_die_ends_the_process(self):
        peer, client = self.after(faults.die())
        self.assertRaises((EOFError, ConnectionResetError), client.reply)
        self.assertRaises(ProcessLookupError, lambda: __import__("os").kill(peer.pid, 0))

    def test_at_a_phase(self):
        pair, source, _, uri = self.pair()
        pair.source.at("pre-switchover", lambda peer: peer.other.die())
        source.call("migrate", uri=uri)
        pair.destination.wait(lambda peer: not peer.alive)
        self.assertEqual(pair.source.migration_status, "pre-switchover")

    def test_only_asked(self):
        peer = self.single()
        client = self.client(peer)
        client.call("query-status")
        self.assertTrue(peer.only_asked())
        client.call("stop")
        self.assertFalse(peer.only_asked())


if __name__ == "__main__":
    unittest.main()
