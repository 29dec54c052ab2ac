# SPDX-License-Identifier: LGPL-2.1-or-later
"""A live Linux guest over every kind of URI."""

import os
import socket
import unittest

from tests.qemu.move import MoveTest


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def vsock_loops():
    with socket.socket(socket.AF_VSOCK) as listener, socket.socket(socket.AF_VSOCK) as caller:
        try:
            listener.bind((socket.VMADDR_CID_ANY, socket.VMADDR_PORT_ANY))
            listener.listen()
            caller.settimeout(1)
            caller.connect((1, listener.getsockname()[1]))
        except OSError:
            return False
        return True


class Transports(MoveTest):
    def assert_goes_over(self, uri, *options):
        """The URI, or what makes it from the hop."""
        with self.hop() as hop:
            record = self.move_live(hop, uri(hop) if callable(uri) else uri, *options)
            self.assert_arrived(hop, record)
            self.assertEqual(hop.source.wait_exit(), 0)
            return record

    def test_over_tcp_to_an_ipv4_address(self):
        record = self.assert_goes_over(f"tcp:127.0.0.1:{free_port()}")
        self.assertEqual(record.result["blackout_source"], "events")

    def test_over_tcp_to_a_port_that_the_destination_chooses(self):
        self.assert_goes_over("tcp:127.0.0.1:0")

    def test_over_tcp_to_an_ipv6_address(self):
        self.assert_goes_over("tcp:[::1]:0")

    def test_over_tcp_to_a_name(self):
        self.assert_goes_over("tcp:localhost:0")

    def test_over_unix(self):
        self.assert_goes_over(lambda hop: hop.uri())

    @unittest.skipUnless(vsock_loops(), "the kernel has no vsock loopback")
    def test_over_vsock(self):
        self.assert_goes_over(f"vsock:1:{free_port()}")

    def test_over_a_tcp_connection_that_qmpmig_makes(self):
        self.assert_goes_over(f"fd:tcp:127.0.0.1:{free_port()}")

    def test_over_a_tcp_connection_to_a_port_that_the_destination_chooses(self):
        self.assert_goes_over("fd:tcp:127.0.0.1:0")

    def test_over_a_unix_connection_that_qmpmig_makes(self):
        self.assert_goes_over(lambda hop: "fd:" + hop.uri())


class Inherited(MoveTest):
    def test_over_a_descriptor_that_qmpmig_inherited(self):
        with self.hop() as hop, socket.socket(socket.AF_UNIX) as stream:
            hop.destination.witness.call("migrate-incoming", {"uri": hop.uri()})
            stream.connect(hop.uri().removeprefix("unix:"))
            record = self.move_live(hop, f"fd:{stream.fileno()}", pass_fds=[stream.fileno()])
            self.assert_arrived(hop, record)

    def test_a_descriptor_is_refused_when_the_destination_does_not_listen(self):
        near, far = socket.socketpair()
        with self.hop() as hop, near, far:
            running = self.qmpmig.migrate(hop, f"fd:{near.fileno()}", pass_fds=[near.fileno()])
            result = running.record.result
            self.assert_stays(hop, result, "failed", 4)
            self.assertIn("make it listen first", result["error"]["text"])

    def test_a_descriptor_that_is_not_open_is_a_usage_error(self):
        with self.hop() as hop:
            self.assertIn("not open", self.qmpmig.refused(hop, "fd:77", code=2))


class Files(MoveTest):
    """A stream that goes nowhere is brought back by hand."""

    def assert_restores(self, hop, record, uri):
        self.assertEqual(record.result["outcome"], "handed-over", record.result)
        self.assertEqual(record.result["guest_runs_on"], "unknown")
        self.assertTrue(record.result["source_kept"])
        self.assertEqual(hop.running(), [])
        hop.destination.witness.call("migrate-incoming", {"uri": uri})
        hop.destination.witness.wait_migration("completed")
        hop.destination.witness.call("cont")
        self.assert_works(hop.destination)
        hop.destination.check_memory()

    def test_into_a_file(self):
        with self.hop() as hop:
            uri = "file:" + os.path.join(hop.folder, "state")
            record = self.move_live(hop, uri, observed=False)
            self.assertIn("written to", record.result["text"])
            self.assert_restores(hop, record, uri)

    def test_into_a_file_at_an_offset(self):
        with self.hop() as hop:
            uri = "file:" + os.path.join(hop.folder, "state") + ",offset=4096"
            self.assert_restores(hop, self.move_live(hop, uri, observed=False), uri)

    def test_into_a_command_that_was_permitted(self):
        with self.hop() as hop:
            path = os.path.join(hop.folder, "state")
            record = self.move_live(hop, f"exec:cat > {path}", "--allow-exec", observed=False)
            self.assert_restores(hop, record, f"exec:cat {path}")

    def test_a_command_is_refused_when_it_was_not_permitted(self):
        with self.hop() as hop:
            path = os.path.join(hop.folder, "state")
            text = self.qmpmig.migrate_alone(hop, f"exec:cat > {path}").record.result["error"]["text"]
            self.assertIn("--allow-exec", text)
            self.assertFalse(os.path.exists(path))
            self.assertEqual(hop.source.migration()["status"], "none")

    def test_a_file_has_no_destination(self):
        with self.hop() as hop:
            self.assertIn("leave --dest-socket out", self.qmpmig.refused(hop, "file:/nonexistent/state", code=2))


if __name__ == "__main__":
    unittest.main()
