# SPDX-License-Identifier: LGPL-2.1-or-later
"""`status` at an end that receives, and where a qmpmig waits for a migration to begin: at scripted peers."""

import json
import signal
import time
import unittest

from tests.peer import faults
from tests.peer.bench import Bench
from tests.peer.peer import Ram

WORDS = {"none": "waiting", "setup": "listening", "active": "receiving", "postcopy-active": "postcopy",
         "postcopy-paused": "postcopy-paused", "postcopy-recover": "postcopy-recover", "completed": "arrived",
         "failed": "failed"}
SENTENCES = {
    ("none", "inmigrate"): ("does not listen yet", "incoming URI"),
    ("setup", "inmigrate"): ("none has come yet", "recover"),
    ("active", "inmigrate"): ("a guest arrives", "SOURCE status"),
    ("postcopy-active", "running"): ("runs here already", "needs both QEMUs"),
    ("postcopy-active", "paused"): ("rest of its memory arrives", "has let go", "qmp cont"),
    ("postcopy-paused", "paused"): ("link broke in postcopy", "SOURCE recover --dest-socket"),
    ("completed", "running"): ("has arrived, and runs here",),
    ("completed", "paused"): ("stands still here", "Never `cont` here"),
    ("failed", "inmigrate"): ("did not arrive", "it broke off"),
}


class Status(Bench):
    def look(self, peer, *words, environment=None):
        done = self.run_qmpmig("--socket", peer.path, "status", *words, environment=environment)
        self.assertEqual(done.code, 0, str(done))
        return json.loads(done.stdout) if "--json" in words else " ".join(done.stdout.split())

    def receiver(self, status, run_state):
        peer = self.single(incoming=True)
        answer = {} if status == "none" else {"status": status}
        if status == "failed":
            answer["error-desc"] = "it broke off"
        if status == "setup":
            answer["socket-address"] = [{"type": "inet", "host": "::1", "port": "4444"},
                                        {"type": "unix", "path": "/run/in.sock"}, {"type": "fd", "str": "7"}]
        peer.on("query-migrate", do=faults.reply(answer))
        peer.on("query-status", do=faults.reply({"status": run_state, "running": False}))
        return peer


class Receiving(Status):
    def test_each_state_says_what_it_is_and_what_to_do(self):
        for (status, run_state), parts in SENTENCES.items():
            with self.subTest(status, run_state=run_state):
                peer = self.receiver(status, run_state)
                text = self.look(peer)
                for part in (run_state, *parts):
                    self.assertIn(part, text)
                self.assertNotIn("steer`", text)
                self.assertNotIn("pass 1", text)
                sample = self.look(peer, "--json")
                self.assertEqual((sample["end"], sample["arrival"], sample["status"]),
                                 ("destination", WORDS[status], status))
                peer.assert_clean()

    def test_it_says_where_it_listens(self):
        peer = self.receiver("setup", "inmigrate")
        self.assertIn("listens at tcp:[::1]:4444, unix:/run/in.sock", self.look(peer))
        self.assertEqual(self.look(peer, "--json")["listens_at"], ["tcp:[::1]:4444", "unix:/run/in.sock"])

    def test_a_source_in_a_broken_postcopy_says_how_it_goes_on(self):
        peer = self.single()
        peer.on("query-migrate", do=faults.reply({"status": "postcopy-paused", "ram": {
            "total": 1 << 30, "remaining": 1 << 20, "transferred": 1 << 29, "mbps": 10.0}}))
        text = self.look(peer)
        self.assertIn("link broke in postcopy", text)
        self.assertIn("recover --dest-socket DESTINATION", text)
        self.assertNotIn("ends in", text)
        self.assertNotIn("steer`", text)

    def test_a_source_is_none(self):
        sample = self.look(self.single(), "--json")
        self.assertFalse({"end", "arrival", "listens_at"} & set(sample))

    def test_incoming_tells_of_itself(self):
        peer, environment = self.single(incoming=True), self.environment()
        receiving = self.start("--socket", peer.path, "incoming", "tcp:127.0.0.1:0", environment=environment)
        peer.wait_status("setup")
        deadline = time.monotonic() + 5
        while (sample := self.look(peer, "--json", environment=environment)).get("arrival") != "listening":
            self.assertLess(time.monotonic(), deadline, sample)
        self.assertEqual(sample["run_state"], "inmigrate")
        self.assertRegex(sample["listens_at"][0], r"^tcp:127\.0\.0\.1:[1-9]")
        self.assertIn(f"received by qmpmig (pid {receiving.pid})", self.look(peer, environment=environment))
        receiving.send_signal(signal.SIGINT)
        text = " ".join(receiving.communicate(timeout=10)[0].split())
        self.assertEqual(receiving.returncode, 15)
        self.assertIn("Left: QEMU still waits for", text)
        self.assertNotIn("the move", text)

    def test_the_destination_of_a_move_that_is_steered(self):
        pair, environment = self.pair(ram=Ram(total=1 << 30, working_set=512 << 20, dirty_rate=1 << 30)), self.environment()
        moving = self.start("--socket", pair.source.path, "migrate", "--dest-socket", pair.destination.path,
                            "--postcopy=never", "--max-downtime=1ms", "--max-throttle=1%", "tcp:127.0.0.1:0",
                            environment=environment)
        pair.source.wait_status("active")
        deadline = time.monotonic() + 5
        while (sample := self.look(pair.destination, "--json", environment=environment))["status"] != "active":
            self.assertLess(time.monotonic(), deadline, sample)
        self.assertEqual((sample["end"], sample["arrival"], sample["seen_from_source"]), ("destination", "receiving", True))
        self.assertIn("vm1: a guest arrives; until all of it is here it is the source's",
                      self.look(pair.destination, environment=environment))
        self.assertIn("vm1: running; migration active", self.look(pair.source, environment=environment))
        moving.send_signal(signal.SIGINT)
        moving.communicate(timeout=10)


class Waiting(Status):
    def test_the_guest_is_known_before_there_is_a_migration(self):
        peer, environment = self.single(), self.environment()
        steering = self.start("--socket", peer.path, "steer", "--wait", environment=environment)
        peer.wait(lambda at: len(at.received("query-migrate")) > 2)
        self.assertIn(f"vm1: running; no migration steered by qmpmig (pid {steering.pid}), which waits for a migration",
                      self.look(peer, environment=environment))
        sample = self.look(peer, "--json", environment=environment)
        self.assertEqual((sample["run_state"], sample["steered_by"]["waits"]), ("running", True))
        steering.send_signal(signal.SIGINT)
        text = steering.communicate(timeout=10)[0]
        self.assertEqual(steering.returncode, 15)
        self.assertIn("nothing was started", text)
        self.assertNotIn("goes on", text)


class Leaving(Status):
    def leave(self, slow, end):
        """Two Ctrl-C while the END takes its time over the command SLOW: before `migrate` was sent."""
        pair = self.pair()
        pair.ends[end].on(slow, do=faults.delay(1), nth=1)
        moving = self.start("--socket", pair.source.path, "migrate", "--dest-socket", pair.destination.path,
                            "tcp:127.0.0.1:0")
        pair.ends[end].wait(lambda at: at.received(slow))
        for _ in range(2):
            moving.send_signal(signal.SIGINT)
            time.sleep(0.1)
        text = " ".join(moving.communicate(timeout=15)[0].split())
        self.assertEqual(pair.source.received("migrate"), [])
        self.assertEqual(pair.source.run_state, "running")
        self.assertNotIn("goes on", text)
        return pair, moving.returncode, text

    def test_before_anything_was_set(self):
        _, code, text = self.leave("query-migrate-capabilities", "source")
        self.assertEqual(code, 15)
        self.assertIn("Left: nothing was started, the guest is untouched.", text)

    def test_what_was_set_goes_back(self):
        pair, code, text = self.leave("migrate-incoming", "destination")
        self.assertEqual(code, 11)
        self.assertIn("Cancelled: vm1 runs on the source, as before.", text)
        self.assertEqual([name for name, on in pair.source.capabilities.items() if on], [])


if __name__ == "__main__":
    unittest.main()
