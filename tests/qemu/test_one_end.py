# SPDX-License-Identifier: LGPL-2.1-or-later
"""One end at a time: what the other one does is not observed, and never claimed."""

import unittest

from tests.qemu.credentials import Credentials
from tests.qemu.move import FAST, MoveTest, Settings
from tests.qemu.test_transports import free_port


class OneEnd(MoveTest):
    def assert_handed_over(self, hop, record):
        result = record.result
        self.assertEqual((result["outcome"], result["exit_code"]), ("handed-over", 0), result)
        self.assertEqual(result["guest_runs_on"], "unknown")
        self.assertIn("not observed", result["text"])
        self.assertNotIn("run_state", result)
        self.assertTrue(result["source_kept"])
        self.assertFalse(record.header["ends"]["destination"]["observed"])
        self.assertEqual(hop.source.run_state(), "postmigrate")


class Alone(OneEnd):
    def test_a_destination_that_starts_the_guest_by_itself(self):
        uri = f"tcp:127.0.0.1:{free_port()}"
        with self.hop(incoming=uri, paused=False) as hop:
            before = Settings(hop.source)
            record = self.qmpmig.migrate_alone(hop, uri).record
            self.assert_handed_over(hop, record)
            self.assertEqual(record.result["blackout_source"], "qemu")
            self.assertEqual(Settings(hop.source), before)
            hop.destination.wait_run_state("running")
            self.assert_goes_on(hop)
            hop.destination.check_memory()

    def test_a_destination_that_nobody_continues_is_not_said_to_run(self):
        uri = f"tcp:127.0.0.1:{free_port()}"
        with self.hop(incoming=uri) as hop:
            running = self.qmpmig.migrate_alone(hop, uri)
            self.assert_handed_over(hop, running.record)
            self.assertNotIn("runs on the destination", running.errors)
            self.assertNotIn("running", running.record.result["text"])
            self.assertEqual(hop.destination.run_state(), "paused")

    def test_postcopy_is_not_armed_where_the_other_end_is_not_seen(self):
        with self.hop() as hop:
            plan = self.qmpmig.migrate_alone(hop, "tcp:127.0.0.1:4444", "--dry-run").record
            self.assertIsNone(plan.capability("source", "postcopy-ram"))
            self.assertEqual(plan.plan["postcopy"], "never")

    def test_what_both_ends_must_share_stays_as_it_was_found(self):
        with self.hop(paused=True) as hop:
            for vm in (hop.source, hop.destination):
                vm.witness.call("migrate-set-capabilities", {"capabilities": [{"capability": "multifd", "state": True}]})
            hop.destination.witness.call("migrate-incoming", {"uri": hop.uri()})
            record = self.qmpmig.migrate_alone(hop, hop.uri()).record
            self.assert_handed_over(hop, record)
            self.assertTrue(record.capability("source", "multifd"))
            self.assertGreater(record.best("multifd_bytes"), 0)
            hop.destination.witness.call("cont")
            hop.destination.check_memory()

    def test_a_source_without_a_destination_fails_and_the_guest_stays(self):
        with self.hop() as hop:
            before = Settings(hop.source)
            record = self.qmpmig.migrate_alone(hop, f"tcp:127.0.0.1:{free_port()}").record
            self.assert_stays(hop, record.result, "failed", 10)
            self.assertIn("Connection refused", record.result["error"]["text"])
            self.assertEqual(Settings(hop.source), before)


class TwoPrograms(OneEnd):
    """`migrate` here, `incoming` there."""

    def receive(self, hop, uri, *options):
        running = self.qmpmig.start("--json", "--socket", hop.destination.qmp, "incoming", uri, *options)
        said = running.wait_line("notice", code="listening")["text"]
        return running, said.rpartition(" ")[2]

    def assert_received(self, hop, receiving, before):
        record = receiving.record
        result = record.result
        self.assertEqual((result["outcome"], result["exit_code"]), ("completed", 0), result)
        self.assertEqual((result["guest_runs_on"], result["run_state"]), ("destination", "running"))
        self.assertEqual(record.header["role"], "incoming")
        self.assertFalse(record.header["ends"]["source"]["observed"])
        self.assertEqual(hop.running(), [hop.destination.name])
        self.assert_goes_on(hop)
        hop.destination.check_memory()
        self.assertEqual(Settings(hop.destination), before)
        self.assertEqual(self.qmpmig.journals(), [])

    def assert_goes(self, uri, to=None, *options):
        with self.hop() as hop:
            before = Settings(hop.destination)
            uri = uri(hop) if callable(uri) else uri
            receiving, where = self.receive(hop, uri, *options)
            record = self.qmpmig.migrate_alone(hop, to or where, *options).record
            self.assert_handed_over(hop, record)
            self.assert_received(hop, receiving, before)

    def test_incoming_takes_a_free_port_and_says_which(self):
        self.assert_goes("tcp:127.0.0.1:0")

    def test_over_unix(self):
        self.assert_goes(lambda hop: hop.uri())

    def test_incoming_accepts_the_connection_itself(self):
        port = free_port()
        self.assert_goes(f"fd:tcp:127.0.0.1:{port}", f"tcp:127.0.0.1:{port}")

    def test_with_channels_and_compression_at_both_ends(self):
        self.assert_goes("tcp:127.0.0.1:0", None, "--multifd=2", "--compress", "zstd")

    def test_with_a_shared_key_at_both_ends(self):
        credentials = Credentials().add_psk()
        self.addCleanup(credentials.end)
        self.assert_goes("tcp:127.0.0.1:0", None, "--tls", f"psk,dir={credentials.folder}")

    def test_live(self):
        with self.hop() as hop:
            before = Settings(hop.destination)
            receiving, where = self.receive(hop, "tcp:127.0.0.1:0")
            running = self.hold(hop, where, observed=False)
            self.assertEqual(self.qmpmig.json("--socket", hop.destination.qmp, "status")["steered_by"]["pid"],
                             receiving.process.pid)
            self.let_go(hop)
            self.assert_live(running.record, hop.source)
            self.assert_handed_over(hop, running.record)
            self.assert_received(hop, receiving, before)

    def test_postcopy_when_both_were_told_so(self):
        with self.hop() as hop:
            before = Settings(hop.destination)
            receiving, where = self.receive(hop, "tcp:127.0.0.1:0", "--postcopy", "fallback")
            running = self.qmpmig.migrate_alone(hop, where, "--postcopy", "now", "--max-downtime", "1ms", "--bandwidth", FAST)
            self.slow_down(hop)
            self.assertIn("postcopy-active", running.record.statuses())
            self.assert_handed_over(hop, running.record)
            self.assert_received(hop, receiving, before)

    def test_a_guest_that_does_not_come_is_not_started(self):
        with self.hop() as hop:
            receiving, where = self.receive(hop, "tcp:127.0.0.1:0")
            running = self.hold(hop, where, observed=False)
            self.qmpmig.run("--socket", hop.source.qmp, "cancel")
            self.assert_stays(hop, running.record.result, "cancelled", 11)
            result = receiving.record.result
            self.assertEqual((result["outcome"], result["exit_code"]), ("failed", 10), result)
            self.assertIn("none was started here", result["text"])

    def test_ctrl_c_while_nothing_came_leaves(self):
        with self.hop() as hop:
            receiving, _ = self.receive(hop, "tcp:127.0.0.1:0")
            receiving.interrupt()
            self.assertEqual(receiving.record.result["exit_code"], 15)
            self.assertEqual(hop.destination.run_state(), "inmigrate")

    def test_incoming_cannot_tell_that_a_guest_stood_still_and_continues_it(self):
        with self.hop() as hop:
            hop.source.witness.call("stop")
            receiving, where = self.receive(hop, "tcp:127.0.0.1:0")
            self.assert_handed_over(hop, self.qmpmig.migrate_alone(hop, where).record)
            self.assertEqual(receiving.record.result["run_state"], "running")
            hop.destination.check_memory()


if __name__ == "__main__":
    unittest.main()
