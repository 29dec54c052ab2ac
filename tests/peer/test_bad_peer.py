# SPDX-License-Identifier: LGPL-2.1-or-later
"""qmpmig against monitors that are not there, not QMP, or unusual, and what it refuses.

    /usr/bin/python3 -m unittest tests.peer.test_bad_peer        (the binary: build/agent/qmpmig, or $QMPMIG)
"""

import os
import socket
import subprocess
import threading
import unittest

from tests.peer import faults
from tests.peer.bench import Bench
from tests.peer.peer import Ram

GREETING_S = 2.0      # no greeting within this: said so
START_S = 1.0         # what starting the program, and a busy machine, may add
REPLY_S = 1.0         # --reply-timeout of these tests

# One that runs from the client's side: it holds the monitor as another program would.
HOLDER = ("import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.recv(4096); "
          "print('held', flush=True); sys.stdin.read()")


class Unreachable(Bench):
    """Exit 3, and nothing was touched."""

    def look(self, path, within=GREETING_S + START_S, **options):
        return self.run_qmpmig("--socket", path, "status", within=20, **options), within

    def assert_unreachable(self, path, *texts, within=START_S + 0.4):
        done, _ = self.look(path)
        self.assert_ended(done, 3, "qmpmig: ", *texts, within=within)
        self.assertEqual(done.stdout, "", str(done))
        return done

    def serve(self, *chunks, close=False):
        """Some other server at the socket."""
        path = os.path.join(self.folder, "other.sock")
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
        server.listen(4)
        self.addCleanup(server.close)

        def run():
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                for chunk in chunks:
                    client.sendall(chunk)
                if close:
                    client.close()
                else:
                    self.addCleanup(client.close)

        threading.Thread(target=run, daemon=True).start()
        return path

    def test_no_such_socket(self):
        self.assert_unreachable(f"{self.folder}/none", "no such socket: .*/none; `qmpmig list` shows those of this host")

    def test_no_such_destination(self):
        pair = self.pair()
        done = self.run_qmpmig("--socket", pair.source.path, "migrate", "--dest-socket", f"{self.folder}/none",
                               "tcp:127.0.0.1:0")
        self.assert_ended(done, 3, "destination: .*no such socket", within=2)
        self.assertTrue(pair.source.only_asked())

    def test_nobody_listens(self):
        peer = self.single()
        peer.die()
        self.assert_unreachable(peer.path, "nobody listens")

    def test_a_file_is_no_socket(self):
        path = f"{self.folder}/file"
        with open(path, "w", encoding="ascii"):
            pass
        self.assert_unreachable(path, path)

    def test_a_tcp_port_where_nobody_listens(self):
        self.assert_unreachable("tcp:127.0.0.1:1", "127.0.0.1:1")

    def test_held_by_another_client(self):
        peer = self.single()
        holder = subprocess.Popen(["/usr/bin/python3", "-c", HOLDER, peer.path], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        self.addCleanup(lambda: (holder.stdin.close(), holder.wait(), holder.stdout.close()))
        holder.stdout.readline()
        self.assert_unreachable(peer.path, "another client holds this monitor, or QEMU does not respond",
                                rf"\b{holder.pid}\b", "python3", within=GREETING_S + START_S)

    def test_stopped(self):
        peer = self.single()
        peer.freeze()
        self.assert_unreachable(peer.path, "QEMU does not respond", rf"\b{peer.pid}\b", "stopped",
                                within=GREETING_S + START_S)

    def test_silent(self):
        peer = self.single()
        peer.on("greeting", do=faults.silence())
        self.assert_unreachable(peer.path, "no QMP greeting within 2", within=GREETING_S + START_S)

    def test_other_servers(self):
        for name, banner, words in (("ssh", faults.SSH, "SSH-2.0"), ("http", faults.HTTP, "HTTP/1.1 400"),
                                    ("hmp", faults.HMP, "QEMU 10.0.2 monitor"), ("binary", faults.BINARY, "QMP"),
                                    ("0xff", b"\xff" * 8, "QMP"), ("text", b"hello\r\n", "hello")):
            for close in (False, True):
                with self.subTest(name, close=close):
                    peer = self.single()
                    peer.on("greeting", do=faults.banner(banner, then_close=close))
                    self.assert_unreachable(peer.path, "does not speak QMP", words,
                                            within=GREETING_S + START_S)

    def test_json_that_is_no_greeting(self):
        for value in (b'{"hello": "world"}', b'{"QMP": 7}', b'{"return": {}}', b"[1, 2]", b"7", b'"QMP"', b"null"):
            with self.subTest(value):
                peer = self.single()
                peer.on("greeting", do=faults.banner(value + b"\r\n"))
                self.assert_unreachable(peer.path, "QMP", within=GREETING_S + START_S)

    def test_a_greeting_with_an_odd_version(self):
        for value in (b'{"QMP": {}}', b'{"QMP": {"version": []}}', b'{"QMP": {"version": {"qemu": {"major": "ten"}}}}',
                      b'{"QMP": {"version": {"qemu": {"major": -1}}, "capabilities": 7}}',
                      b'{"QMP": {"version": {"qemu": {"major": 1e99}}, "capabilities": [7, null, {}]}}'):
            with self.subTest(value):
                peer = self.single()
                peer.on("greeting", do=faults.banner(value + b"\r\n"))
                done = self.run_qmpmig("--socket", peer.path, "status")
                self.assert_ended(done, (0, 3), within=GREETING_S + START_S)

    def test_gone_before_or_within_the_greeting(self):
        for fault in (faults.close(), faults.truncated()):
            peer = self.single()
            peer.on("greeting", do=fault)
            self.assert_unreachable(peer.path, "closed|ended|gone")

    def test_negotiation_that_fails(self):
        for fault, words, within in ((faults.error("not today"), "not today", 1), (faults.close(), "closed", 1),
                                     (faults.garbage(), "QMP", 1), (faults.never(), "qmp_capabilities", 11.5)):
            peer = self.single()
            peer.on("qmp_capabilities", do=fault)
            self.assert_unreachable(peer.path, words, within=within)


class GoodEnough(Bench):
    """Unusual, and no reason to give up."""

    def assert_moves(self, pair, *options, **how):
        done = self.migrate(pair, *options, **how)
        self.assert_ended(done, 0)
        self.assert_truthful(pair, done)
        self.assertEqual(done.result()["outcome"], "completed", str(done))
        return done

    def test_good_peers_on_every_version(self):
        for version in ("5.2", "7.2", "10.0", "11.1", ("7.2", "10.0"), ("10.0", "11.1")):
            with self.subTest(version):
                pair = self.pair(version)
                done = self.assert_moves(pair)
                self.assertLess(done.seconds, 3, str(done))
                pair.source.wait(lambda peer: not peer.alive)

    def test_a_destination_that_would_start_by_itself(self):
        self.assert_moves(self.pair(destination_paused=False))

    def test_a_guest_that_does_not_run_arrives_as_it_was(self):
        for state in ("paused", "io-error", "shutdown", "suspended"):
            with self.subTest(state):
                pair = self.pair()
                pair.source.run_state = state
                done = self.migrate(pair)
                self.assert_ended(done, 0)
                self.assertEqual(pair.destination.run_state, state, str(done))
                self.assertEqual(pair.running(), [])

    def test_without_out_of_band(self):
        self.assert_moves(self.pair(oob=False))

    def test_events_about_the_greeting_and_the_replies(self):
        pair = self.pair()
        noise = [faults.event("RTC_CHANGE", {"offset": 1}), faults.event("NIC_RX_FILTER_CHANGED"), faults.event("X" * 100)]
        for peer in (pair.source, pair.destination):
            peer.on("greeting", do=faults.events(before=noise, after=noise))
            for command in ("qmp_capabilities", "query-status", "query-migrate", "cont", "migrate"):
                peer.on(command, do=faults.events(before=noise, after=noise))
        self.assert_moves(pair)

    def test_replies_in_pieces(self):
        pair = self.pair()
        for peer in (pair.source, pair.destination):
            peer.on("greeting", do=faults.pieces(1, 0.001))
            for command in ("query-migrate", "migrate-set-capabilities", "cont"):
                peer.on(command, do=faults.pieces(3, 0.0005))
        self.assert_moves(pair)

    def test_replies_twice_and_with_a_foreign_id(self):
        for fault in (faults.twice(), lambda x: (x.send({"return": {}, "id": 12345}), x.send({"return": {}, "id": "abc"}),
                                                 x.answer())):
            pair = self.pair()
            for peer in (pair.source, pair.destination):
                peer.on("query-migrate", do=fault)
            self.assert_moves(pair)

    def test_an_unknown_status_is_still_running(self):
        for nth in (None, 3):
            pair = self.pair(ram=Ram(link=512 << 20))
            seen = []

            def frobnicate(x, seen=seen):
                answer = x.execute()
                if answer["return"].get("status") == "active":
                    seen.append(1)
                    answer["return"]["status"] = "frobnicating"
                x.answer(answer)

            pair.source.on("query-migrate", do=frobnicate, nth=nth)
            self.assert_moves(pair)
            self.assertTrue(seen or nth)

    def test_an_unknown_status_at_the_destination_is_still_running(self):
        pair = self.pair()

        def frobnicate(x):
            answer = x.execute()
            if answer["return"].get("status") == "active":
                answer["return"]["status"] = "frobnicating"
            x.answer(answer)

        pair.destination.on("query-migrate", do=frobnicate)
        self.assert_moves(pair)

    def test_late_replies_to_calls_that_timed_out(self):
        """One answer comes after its time, while the next question is out already."""
        pair = self.pair(ram=Ram(link=64 << 20, working_set=4 << 20))
        pair.source.on("query-migrate", do=faults.late(REPLY_S + 0.3), nth=4)
        done = self.migrate(pair)
        self.assert_truthful(pair, done)

    def test_query_migrate_without_its_numbers(self):
        for path in ("return.ram", "return.total-time", "return.ram.remaining", "return.ram.total", "return.setup-time",
                     "return.expected-downtime", "return.ram.page-size"):
            with self.subTest(path):
                pair = self.pair()
                pair.source.on("query-migrate", do=faults.drop(path))
                self.assert_moves(pair)

    def test_numbers_that_are_none(self):
        for value in ("a lot", -1, 2 ** 64, 1e308, None, [], {}, True):
            for field in ("remaining", "total", "dirty-sync-count", "mbps", "page-size"):
                with self.subTest(value=value, field=field):
                    pair = self.pair()

                    def fault(x, field=field, value=value):
                        answer = x.execute()
                        if "ram" in answer["return"]:
                            answer["return"]["ram"] = {**answer["return"]["ram"], field: value}
                        x.answer(answer)

                    pair.source.on("query-migrate", do=fault)
                    done = self.migrate(pair)
                    self.assert_ended(done, (0, 10))
                    self.assert_truthful(pair, done)


class Refused(Bench):
    """Exit 4, or 2 where nothing was contacted: the guest is untouched."""

    def assert_refused(self, done, pair, code, *texts):
        self.assert_ended(done, code, *texts, within=3)
        for peer in pair.ends.values():
            self.assertTrue(peer.only_asked(), f"{done}\n{peer.describe()}")
            if code == 2:
                self.assertEqual(peer.commands(), [], str(done))
        self.assertEqual(pair.running(), ["source"])

    def test_blocked_reasons(self):
        pair = self.pair()
        pair.source.blocked_reasons = ["0000:00:05.0: VFIO migration is not supported", "and another"]
        self.assert_refused(self.migrate(pair, json_lines=False), pair, 4,
                            "VFIO migration is not supported.*and another", "source")

    def test_a_migration_that_runs_already(self):
        for status in ("setup", "active", "postcopy-active", "frobnicating"):
            pair = self.pair()
            pair.source.migration_status = status
            pair.source.on("query-migrate", do=faults.reply({"status": status}))
            self.assert_refused(self.migrate(pair, json_lines=False), pair, 4, "running already", status)

    def test_an_end_in_the_wrong_state(self):
        pair = self.pair()
        pair.destination.run_state = "paused"
        self.assert_refused(self.migrate(pair, json_lines=False), pair, 4, "destination", "incoming")

    def test_swapped_sockets(self):
        pair = self.pair()
        done = self.run_qmpmig("--socket", pair.destination.path, "migrate", "--dest-socket", pair.source.path,
                               "tcp:127.0.0.1:0")
        self.assert_refused(done, pair, 4, "swapped")

    def test_machine_types_that_differ(self):
        pair = self.pair(destination={"machine": "pc-q35-6.2"})
        self.assert_refused(self.migrate(pair, json_lines=False), pair, 4, "pc-q35-10.0", "pc-q35-6.2")

    def test_memory_sizes_that_differ(self):
        pair = self.pair(destination={"ram": Ram(total=512 << 20)})
        self.assert_refused(self.migrate(pair, json_lines=False), pair, 4, "256 MiB", "512 MiB")

    def test_malformed_uris(self):
        for uri in ("frob:nicate", "tcp:", "tcp:host", "tcp:host:port", "tcp:host:99999", "tcp:::1:4444", "tcp:[::1:4444",
                    "unix:", "", "nonsense", "exec:rm", "vsock:x:1", "fd:", "fd:tcp:", "file:"):
            with self.subTest(uri):
                pair = self.pair()
                done = self.migrate(pair, uri=uri, json_lines=False)
                self.assert_refused(done, pair, 2, ".{20}")

    def test_one_socket_for_both_ends(self):
        pair = self.pair()
        link = f"{self.folder}/link"
        os.symlink(pair.source.path, link)
        for other in (pair.source.path, f"unix:{pair.source.path}", link):
            done = self.run_qmpmig("--socket", pair.source.path, "migrate", "--dest-socket", other, "tcp:127.0.0.1:0")
            self.assert_refused(done, pair, 2, "same monitor")

    def test_a_number_without_its_unit(self):
        for option, readings in (("--max-downtime=300", ("300ms|300 ms", "300s|300 s")), ("--bandwidth=100", ("100",)),
                                 ("--deadline=5", ("5",)), ("--xbzrle=64", ("64",)), ("--xbzrle=64M", ("64",)),
                                 ("--bandwidth=10M", ("10",)), ("--max-downtime=-5ms", ()), ("--max-downtime=", ()),
                                 ("--max-throttle=101", ()), ("--multifd=0", ()), ("--multifd=256", ())):
            with self.subTest(option):
                pair = self.pair()
                self.assert_refused(self.migrate(pair, option, json_lines=False), pair, 2,
                                    option.partition("=")[0], *readings)

    def test_what_this_qemu_is_too_old_for(self):
        cases = (("5.2", "--zero-copy", "zero-copy"), ("5.2", "--cap=postcopy-preempt=on", "postcopy-preempt"),
                 ("7.2", "--cap=switchover-ack=on", "switchover-ack"),
                 ("7.2", "--param=avail-switchover-bandwidth=100000", "avail-switchover-bandwidth"),
                 ("7.2", "--cap=mapped-ram=on", "mapped-ram"), ("11.1", "--cap=zero-blocks=on", "zero-blocks"),
                 ("10.0", "--cap=frobnicate=on", "frobnicate"), ("10.0", "--param=frobnicate=1", "frobnicate"))
        for version, option, word in cases:
            with self.subTest(option, version=version):
                pair = self.pair(version)
                done = self.migrate(pair, option, json_lines=False)
                self.assert_refused(done, pair, 4, word, version.replace(".", r"\."))

    def test_an_old_destination_is_named(self):
        pair = self.pair(("10.0", "7.2"))
        done = self.migrate(pair, "--cap=mapped-ram=on", json_lines=False)
        self.assertEqual(done.code, 4, str(done))
        self.assertRegex(done.said(), r"destination.*7\.2", str(done))

    def test_dry_run_changes_nothing(self):
        pair = self.pair()
        done = self.migrate(pair, "--dry-run")
        self.assertEqual(done.code, 0, str(done))
        self.assertTrue(pair.source.only_asked() and pair.destination.only_asked())


if __name__ == "__main__":
    unittest.main()
