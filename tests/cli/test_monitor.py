# SPDX-License-Identifier: LGPL-2.1-or-later
"""`list`, --verbose and a monitor that somebody holds, with a real QEMU that runs no guest."""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from tests.cli import program

QEMU = shutil.which("qemu-system-x86_64")

# `list` looks at every monitor of this host.
ALONE = True


class Qemu:
    """A QEMU without a guest; its monitor is at .path."""

    def __init__(self, folder, name, *words):
        self.path = os.path.join(folder, f"{name}.qmp")
        self.process = subprocess.Popen(
            [QEMU, "-machine", "none", "-nodefaults", "-display", "none", "-name", f"guest={name},debug-threads=on",
             "-qmp", f"unix:{self.path},server=on,wait=off", *words])
        deadline = time.monotonic() + 20
        while not os.path.exists(self.path) and time.monotonic() < deadline:
            time.sleep(0.01)

    def close(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()


def hold(path):
    """A client that has got the greeting."""
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(10)
    client.connect(path)
    client.recv(4096)
    return client


@unittest.skipUnless(QEMU or os.environ.get("QMPMIG_MUST_RUN"), "QEMU is not here")
class Monitor(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def start(self, name, *words):
        qemu = Qemu(self.folder.name, name, *words)
        self.addCleanup(qemu.close)
        return qemu

    def listed(self, qemu):
        lines = [json.loads(line) for line in program.run("list", "--json").stdout.splitlines()]
        return next((line for line in lines if line["pid"] == qemu.process.pid), {})

    def test_list_knows_a_free_monitor_and_asks_it(self):
        qemu = self.start("web1", "-uuid", "4e5d6a88-6f0c-4f3b-8f5d-7a4a5e7b9f10")
        line = self.listed(qemu)
        self.assertEqual((line["type"], line["name"], line["uuid"]),
                         ("vm", "web1", "4e5d6a88-6f0c-4f3b-8f5d-7a4a5e7b9f10"))
        self.assertEqual(line["monitors"], [{"address": f"unix:{qemu.path}", "server": True, "hold": "free"}])
        self.assertEqual(line["run_state"], "running")
        self.assertNotIn("migration", line)

    def test_list_names_the_holder_and_keeps_away(self):
        qemu = self.start("web1")
        with hold(qemu.path):
            line = self.listed(qemu)
            self.assertEqual(line["monitors"][0]["hold"], "held")
            self.assertEqual(line["monitors"][0]["held_by"]["pid"], os.getpid())
            self.assertNotIn("run_state", line)
            table = program.run("list").stdout
            self.assertRegex(table, rf"web1 +{qemu.process.pid} +- +unix:\S+ +\S+ \(pid {os.getpid()}\)")

    def test_list_finds_each_kind_of_monitor(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        qemu = self.start("web1", "-chardev", f"socket,id=a,host=127.0.0.1,port={port},server=on,wait=off",
                          "-mon", "a,mode=control", "-chardev", "null,id=b", "-mon", "b,mode=readline")
        monitors = {monitor["address"]: monitor for monitor in self.listed(qemu)["monitors"]}
        self.assertEqual(set(monitors), {f"unix:{qemu.path}", f"tcp:127.0.0.1:{port}"})
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.recv(4096)
            held = [m for m in self.listed(qemu)["monitors"] if m["address"] == f"tcp:127.0.0.1:{port}"]
        self.assertEqual(held[0]["held_by"]["pid"], os.getpid())

    def test_list_does_not_wait_for_a_stopped_qemu(self):
        qemu = self.start("web1")
        qemu.process.send_signal(signal.SIGSTOP)
        before = time.monotonic()
        line = self.listed(qemu)
        self.assertLess(time.monotonic() - before, 15) # not once 10 s a QEMU
        self.assertTrue(line["stopped"])
        self.assertIn("stopped (T)", program.run("list").stdout)

    def test_list_reads_the_path_that_a_descriptor_is_bound_to(self):
        path = os.path.join(self.folder.name, "given.sock")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            process = subprocess.Popen(
                [QEMU, "-machine", "none", "-nodefaults", "-display", "none",
                 "-chardev", f"socket,id=m,fd={listener.fileno()},server=on,wait=off", "-mon", "m,mode=control"],
                pass_fds=[listener.fileno()])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        hold(path).close()  # it is up
        lines = [json.loads(line) for line in program.run("list", "--json").stdout.splitlines()]
        line = next(line for line in lines if line["pid"] == process.pid)
        self.assertEqual(line["monitors"][0]["address"], f"unix:{path}")

    def test_list_shows_a_migration_at_both_of_its_ends(self):
        board = ("-machine", "pc,accel=tcg", "-m", "64", "-S")  # memory enough to be seen on its way
        source = self.start("web1", *board)
        other = self.start("web2", *board, "-incoming", "defer")
        uri = f"unix:{self.folder.name}/stream"
        state = {"XDG_STATE_HOME": self.folder.name, "STATE_DIRECTORY": self.folder.name}
        with program.start("-s", source.path, "migrate", uri, "--dest-socket", other.path, "--bandwidth", "1kB/s",
                           "--max-downtime", "1ms", "--postcopy", "never", environment=state) as mover:
            deadline = time.monotonic() + 20
            outgoing = incoming = {}
            while (not all("role" in each.get("migration", {}) for each in (outgoing, incoming)) and
                   time.monotonic() < deadline):
                outgoing, incoming = self.listed(source), self.listed(other)
            mover.send_signal(signal.SIGINT)
            mover.communicate(timeout=20)
        self.assertEqual(outgoing["migration"]["steered_by"], {"pid": mover.pid, "program": "qmpmig"})
        self.assertEqual((outgoing["migration"]["role"], incoming["migration"]["role"]), ("source", "destination"))
        self.assertNotEqual(incoming.get("run_state"), "running")

    def test_a_held_monitor_is_said_to_be_held_and_by_whom(self):
        qemu = self.start("web1")
        with hold(qemu.path):
            process = program.run("-s", qemu.path, "status")
        self.assertEqual(process.returncode, 3)
        self.assertIn("no QMP greeting within 2 s", process.stderr)
        self.assertRegex(process.stderr, rf"\(held by \S+ \(pid {os.getpid()}\)\)")

    def test_a_held_port_is_said_to_be_held_and_by_whom(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.start("web1", "-qmp", f"tcp:127.0.0.1:{port},server=on,wait=off")
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.recv(4096)
            process = program.run("-s", f"tcp:localhost:{port}", "status")
        self.assertEqual(process.returncode, 3)
        self.assertRegex(process.stderr, rf"\(held by \S+ \(pid {os.getpid()}\)\)")

    def test_a_stopped_qemu_is_said_to_be_stopped(self):
        qemu = self.start("web1")
        qemu.process.send_signal(signal.SIGSTOP)
        process = program.run("-s", qemu.path, "status")
        self.assertEqual(process.returncode, 3)
        self.assertIn(f"qemu-system-x86_64 (pid {qemu.process.pid}) is stopped (state T)", process.stderr)

    def test_verbose_shows_each_message_but_no_secret(self):
        qemu = self.start("web1")
        process = program.run("-s", qemu.path, "-v", "qmp", "object-add",
                              '{"qom-type": "secret", "id": "s", "data": "open sesame"}')
        self.assertEqual(process.returncode, 0, process.stderr)
        self.assertRegex(process.stderr, r'^\w+ <- \{"QMP".*\}\n\w+ -> \{.*"qmp_capabilities".*\}\n')
        self.assertRegex(process.stderr, r'(?m)^\w+ -> \{.*"object-add".*"\*\*\*".*\}$')
        self.assertRegex(process.stderr, r'(?m)^\w+ <- \{.*"return".*\}$')
        self.assertNotIn("sesame", process.stderr)


if __name__ == "__main__":
    unittest.main()
