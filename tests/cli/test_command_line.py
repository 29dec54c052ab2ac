# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mistakes on the command line and in the configuration: exit 2, one sentence, and nobody is contacted."""
import json
import os
import pathlib
import socket
import tempfile
import unittest

from tests.cli import program


class Mistakes(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = os.path.join(self.folder.name, "qmp")
        self.listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(self.listener.close)
        self.listener.bind(self.path)
        self.listener.listen()
        self.listener.setblocking(False)

    def refused(self, *words, environment=None):
        """What stderr says of a usage error in front of a monitor that must stay alone."""
        process = program.run("-s", self.path, *words, environment=environment)
        self.assertEqual(process.returncode, 2, process.stderr)
        self.assertTrue(process.stderr.startswith("qmpmig: "), process.stderr)
        with self.assertRaises(BlockingIOError):
            self.listener.accept()
        if "--json" not in words:
            self.assertEqual(process.stdout, "")
        return process.stderr

    def test_numbers_need_their_units(self):
        self.assertIn("300 has no unit: write 300ms or 300s", self.refused("migrate", "tcp:a:1", "--max-downtime", "300"))
        self.assertIn("100M is ambiguous: write 100MiB/s (104857600 B/s) or 100Mbit/s (12500000 B/s)",
                      self.refused("migrate", "--bandwidth=100M", "tcp:a:1"))

    def test_the_nearest_name_is_suggested(self):
        self.assertIn("did you mean 'migrate'?", self.refused("migrat", "tcp:a:1"))
        self.assertIn("did you mean --max-downtime?", self.refused("migrate", "--max-downtim", "1s", "tcp:a:1"))

    def test_the_usage_line_is_shown_for_a_wrong_count(self):
        self.assertIn("too few arguments\nusage: qmpmig migrate [OPTIONS] URI", self.refused("migrate"))
        self.assertIn("too many arguments", self.refused("migrate", "tcp:a:1", "tcp:b:1"))
        self.assertIn("too many arguments", self.refused("list", "x"))

    def test_an_option_of_another_command_is_refused(self):
        self.assertIn("status does not take --max-downtime", self.refused("status", "--max-downtime", "1s"))

    def test_no_command_at_all(self):
        self.assertIn("a command is needed", self.refused())

    def test_with_json_an_error_is_a_result(self):
        process = program.run("--json", "migrate", "tcp:a:1", "--max-downtime", "300")
        line = json.loads(process.stdout)
        self.assertEqual((line["type"], line["exit_code"], line["guest_runs_on"]), ("result", 2, "unknown"))
        self.assertIn("300ms", line["error"]["text"])

    def test_a_mistake_in_a_file_has_its_line(self):
        path = pathlib.Path(self.folder.name, "own.conf")
        path.write_text("[defaults]\n\nmax-downtim = 1s\n")
        self.assertIn("own.conf:3: unknown key 'max-downtim'; did you mean 'max-downtime'?",
                      self.refused("migrate", "tcp:a:1", "--config", str(path)))
        self.assertIn("own.conf:3:", self.refused("migrate", "tcp:a:1", environment={"QMPMIG_CONFIG": str(path)}))

    def test_a_user_has_a_file_and_root_has_not(self):
        folder = pathlib.Path(self.folder.name, "qmpmig")
        folder.mkdir()
        (folder / "qmpmig.conf").write_text("[defaults]\nmax-downtime = 7s\n")
        text = program.run("--print-config", environment={"XDG_CONFIG_HOME": self.folder.name}).stdout
        self.assertEqual("7s" in text, os.geteuid() != 0)

    def test_an_address_of_the_environment_is_checked_too(self):
        process = program.run("status", environment={"QMPMIG_SOCKET": "tcp:nowhere"})
        self.assertEqual(process.returncode, 2)
        self.assertIn("QMPMIG_SOCKET: ", process.stderr)


class Settings(unittest.TestCase):
    def test_each_says_where_it_came_from(self):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write("[defaults]\nmax-downtime = 2s\ncap = a=on;b=off\n[vm db*]\nmax-downtime=1s\n"
                       "[policy downtime]\nsteps=5\n")
            file.flush()
            process = program.run("--print-config", "--max-throttle", "50%", "--json", "--config", file.name,
                                  environment={"QMPMIG_SOCKET": "/run/x", "QMPMIG_POLICY": "fixed"})
            settings = [json.loads(line) for line in process.stdout.splitlines()]
        found = {(s.get("section"), s["key"], s["value"]): s["origin"] for s in settings}
        self.assertEqual(found[(None, "max-downtime", "2s")], f"{file.name}:2")
        self.assertEqual(found[(None, "cap", "b=off")], f"{file.name}:3")
        self.assertEqual(found[("vm db*", "max-downtime", "1s")], f"{file.name}:5")
        self.assertEqual(found[("policy downtime", "steps", "5")], f"{file.name}:7")
        self.assertEqual(found[(None, "policy", "fixed")], "environment")
        self.assertEqual(found[(None, "max-throttle", "50%")], "command line")
        self.assertEqual(found[(None, "bandwidth", "unlimited")], "built in")
        self.assertEqual(found[(None, "socket", "unix:/run/x")], "environment")


class Output(unittest.TestCase):
    def test_a_full_disk_is_no_success(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            process = program.subprocess.run([program.BINARY, "--help"], stdout=full, stderr=program.subprocess.PIPE,
                                             text=True, check=False)
        self.assertEqual(process.returncode, 1)
        self.assertIn("cannot write to standard output", process.stderr)

    def test_a_reader_that_leaves_is_none_of_our_business(self):
        reader, writer = os.pipe()
        os.close(reader)
        process = program.subprocess.run([program.BINARY, "--help"], stdout=writer, stderr=program.subprocess.PIPE,
                                         text=True, check=False)
        os.close(writer)
        self.assertEqual(process.stderr, "")

    def test_what_a_vm_is_called_does_no_harm_to_a_terminal(self):
        process = program.run("fro\x1b[31mb")
        self.assertNotIn("\x1b", process.stderr)


if __name__ == "__main__":
    unittest.main()
