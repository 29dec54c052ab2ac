# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every command of the README is run, and what it says of the output and the exit codes is so."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from tests.lab.vm import Pair, start_process

TOP = pathlib.Path(__file__).parents[2]
README = (TOP / "README.md").read_text(encoding="utf-8")
BINARY = os.environ.get("QMPMIG", str(TOP / "build/agent/qmpmig"))

# What cannot be run as it stands. All else is, with {folder} for /tmp.
INSTEAD = {
    "tests/run": "tests/run --list",
    "export PATH=$PWD/build/agent:$PATH QMPMIG_SOCKET=/tmp/src.qmp":
        "export PATH={programs}:$PATH QMPMIG_SOCKET={folder}/src.qmp",
    "ssh -fN -L /tmp/there.qmp:/run/qemu/web1.qmp host-b":
        "ssh -F {folder}/ssh_config -fN -L {folder}/there.qmp:{destination} host-b",
    "qmpmig --socket /run/qemu/web1.qmp migrate tcp:host-b:4444 --dest-socket /tmp/there.qmp":
        "qmpmig --socket {source} migrate tcp:127.0.0.1:0 --dest-socket {folder}/there.qmp",
    "meson setup build-release --prefix=/usr/local --buildtype=release -Dtests=false":
        "meson setup {folder}/build-release --prefix=/usr/local --buildtype=release -Dtests=false",
    "qmpmig report docs/hard.jsonl.gz -o docs/hard.svg": "qmpmig report docs/hard.jsonl.gz -o {folder}/hard.svg",
    "ninja -C build-release": "ninja -C {folder}/build-release",
    "sudo meson install -C build-release": "DESTDIR={folder}/root meson install -C {folder}/build-release",
}

# Commands in the text, between the blocks: how each is run here...
IN_THE_TEXT = {
    "qmpmig policies": "qmpmig policies",
    "qmpmig history": "qmpmig history",
    "qmpmig COMMAND --help": "for command in migrate predict simulate steer; do qmpmig $command --help; done",
    "qmpmig report": "qmpmig report --help",     # the block draws one
}
# ... or which test has the guest, the other host or the hour that it takes, and a word that is in it.
ELSEWHERE = {
    "qmpmig status": ("tests/qemu/test_terminals.py", '"status"'),
    "qmpmig recover": ("tests/qemu/test_postcopy.py", '"recover"'),
    "qmpmig --socket /run/qemu/web1.qmp predict --bandwidth 1Gbit/s": ("tests/cli/test_predict.py", '"predict"'),
    "qmpmig --socket /run/qemu/web1-2.qmp steer": ("tests/bench/test_steer.py", '"steer"'),
    "qmpmig --libvirt web1 steer": ("tests/libvirt/test_long.py", '"steer"'),
    "qmpmig --libvirt web1 migrate qemu+ssh://host-b/system": ("tests/libvirt/test_libvirt.py", '"migrate"'),
    "packaging/build-deb FOLDER": ("tests/packaging/packages.py", "build-deb"),
    "tests/bench/agent --readme": ("tests/bench/agent", "--readme"),    # writes the table; its commit is in it
    "man qmpmig": ("tests/cli/test_manual.py", "man"),
}


def blocks():
    """The commands of each console block, without their comments."""
    for block in re.findall(r"^```console\n(.*?)^```", README, re.MULTILINE | re.DOTALL):
        yield [re.sub(r"\s+# .*", "", line[2:]) for line in block.replace("\\\n", " ").splitlines()
               if line.startswith("$ ")]


def block_with(words):
    found = [block for block in blocks() if any(words in line for line in block)]
    assert len(found) == 1, f"{len(found)} console blocks with {words!r}"
    return found[0]


def in_the_text():
    """The commands in the text; what a console block runs already is none of them."""
    text = re.sub(r"^```.*?^```|<!-- bench:.*?<!-- /bench:", "", README, flags=re.MULTILINE | re.DOTALL)
    found = {span.replace("\n", " ") for span in re.findall(r"`([^`]+)`", text)}
    return {span for span in found if re.match(r"(qmpmig|man|packaging/[\w-]+|tests/\S+) [^=]", span)}


class Readme(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="qmpmig-readme-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def run_block(self, words, timeout=60, **places):
        return self.run_lines(block_with(words), timeout, **places)

    def run_lines(self, lines, timeout=60, **places):
        """All output of these, run as one script that no command of it may fail."""
        places = {"folder": self.folder, "programs": os.path.dirname(BINARY), **places}
        script = []
        for line in lines:
            line = INSTEAD[line] if line in INSTEAD else line.replace("/tmp/", "{folder}/")
            script.append(re.sub(r"\{(\w+)\}", lambda match: places[match[1]], line))
        done = subprocess.run(["bash", "-euxc", "\n".join(script)], cwd=TOP, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout,
                              env={**os.environ, "PATH": f"{os.path.dirname(BINARY)}:{os.environ['PATH']}"})
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def test_the_two_commands(self):
        output = self.run_block("packaging/demo", timeout=240)
        self.assertIn("Done: demo runs on the destination.", output)
        self.assertRegex(output, r"silent for \d+ ms, no beat lost")
        self.assertRegex(output, r"compared all \d+ pages")
        self.assertIn("readme.test_readme: Readme.test_the_two_commands", output)
        self.assert_shown(output)

    def assert_shown(self, output):
        """Each line of the annotated output has its like in the real one, by its first words."""
        shown = README.split("<!-- output:demo -->")[1].split("```")[1].splitlines()[1:]
        for line in shown:
            label = line.split("  ")[0] or line.split()[0]
            start = re.sub(r"(\\? ?[\d.]+)+", r"[\\d. ]+", re.escape(" ".join(label.split()[:2])))
            self.assertRegex(output, rf"(?m)^\s*{start}", f"nothing like this in the output: {line}")

    def test_the_ten_lines(self):
        self.addCleanup(self.end_processes, f"unix:{self.folder}/")
        output = self.run_block("qmpmig list")
        self.assertRegex(output, rf"web1 +\d+ +running +unix:{self.folder}/src.qmp +free")
        self.assertIn("dry run: nothing was changed", output)
        self.assertIn("Done: web1 runs on the destination.", output)
        self.assertIn("source's QEMU has quit", output)
        self.assertRegex(output, "web1: running; the guest has arrived, and runs here")

    def end_processes(self, word, patience_s=0):
        """Those of a session that broke off: no process with WORD in its command line is left. PATIENCE_S is for what
        ends by itself."""
        patient_until = time.monotonic() + patience_s
        while found := processes_with(word):
            for pid in found if time.monotonic() >= patient_until else ():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)

    def test_between_two_hosts_over_ssh(self):
        with Pair(guest="bare") as pair, self.ssh_server():
            output = self.run_block("ssh -fN", source=pair.source.qmp, destination=pair.destination.qmp)
            self.assertIn("Done: lab runs on the destination.", output)
            self.assertEqual(pair.running(), ["dst"])

    @contextlib.contextmanager
    def ssh_server(self):
        """host-b for the ssh of this test: this machine, with keys and a port of its own."""
        inside = pathlib.Path(self.folder)
        for name in ("host_key", "key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", inside / name], check=True)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        (inside / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1:{port}\nHostKey {inside}/host_key\nAuthorizedKeysFile {inside}/key.pub\n"
            f"StrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin yes\n", encoding="utf-8")
        (inside / "ssh_config").write_text(
            f"Host host-b\nHostName 127.0.0.1\nPort {port}\nIdentityFile {inside}/key\nIdentitiesOnly yes\n"
            f"UserKnownHostsFile /dev/null\nStrictHostKeyChecking no\nLogLevel ERROR\n"
            f"ControlMaster yes\nControlPath {inside}/control\n", encoding="utf-8")
        # sshd of root wants a folder below /run; it gets a /run of its own.
        server = start_process(["unshare", "--mount", "sh", "-c", "mount -t tmpfs run /run && mkdir /run/sshd && "
                                f"exec {shutil.which('sshd', path='/usr/sbin:/sbin')} -D -e -f {inside}/sshd_config"],
                               stderr=subprocess.DEVNULL)
        try:
            wait_port(port)
            yield
        finally:
            self.end_tunnel(inside / "ssh_config")
            server.terminate()
            server.wait(10)

    def end_tunnel(self, config):
        """It has gone to the background: asked, it ends a moment later; before it listens, it cannot be asked."""
        subprocess.run(["ssh", "-F", config, "-O", "exit", "host-b"], capture_output=True, check=False)
        self.end_processes(str(config), patience_s=2)

    def test_the_commands_in_the_text(self):
        self.assertEqual(in_the_text(), {*IN_THE_TEXT, *ELSEWHERE})
        for command in IN_THE_TEXT.values():
            self.run_lines([command])
        for path, word in ELSEWHERE.values():
            self.assertIn(word, (TOP / path).read_text(encoding="utf-8"), path)

    def test_the_installation(self):
        self.run_block("meson install", timeout=240)
        installed = subprocess.run([f"{self.folder}/root/usr/local/bin/qmpmig", "--version"], check=True,
                                   capture_output=True, text=True).stdout
        self.assertIn("0.1.0", installed)

    def test_the_picture_is_what_its_command_draws(self):
        self.run_block("qmpmig report")
        self.assertEqual(pathlib.Path(self.folder, "hard.svg").read_bytes(), (TOP / "docs/hard.svg").read_bytes())

    def test_the_exit_codes_are_those_of_the_manual(self):
        table = dict(re.findall(r"^\| (\d+) \|.*\| (.*) \|$", README, re.MULTILINE))
        manual = (TOP / "man/qmpmig.pod").read_text(encoding="utf-8").split("=head1 EXIT CODES")[1]
        codes = re.findall(r"^ +(\d+)  ", manual.split("=head1")[0], re.MULTILINE)
        self.assertEqual(sorted(table, key=int), codes)

    def test_the_files_that_it_names_are_there(self):
        for path in re.findall(r"\]\(([^):]+)\)", README):
            self.assertTrue((TOP / path).exists(), path)

    def test_the_figures_come_from_the_bench(self):
        figures = README.split("<!-- bench:agent -->")[1].split("<!-- /bench:agent -->")[0]
        self.assertIn("`tests/bench/agent", figures)


def processes_with(word):
    """The ids of those that have this in their command line."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if word.encode() in path.read_bytes():
                found.append(int(path.parent.name))
    return found


def wait_port(port):
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
