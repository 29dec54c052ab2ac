# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is installed, with its options and defaults, or why it is refused."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from tests.cli import program

BUILD = pathlib.Path(program.BINARY).resolve().parents[1]
PLUGINS = program.TOP / "plugins"
OURS = sorted(path.stem for path in (BUILD / "plugins").glob("*.so"))


class Policies(unittest.TestCase):
    def policies(self, *words, folder=None, code=0):
        """By default those of the build tree, which are found without being told."""
        done = program.run("policies", *words, environment={"QMPMIG_PLUGIN_DIR": str(folder)} if folder else None)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def lines(self, *words, folder=None):
        return [json.loads(line) for line in self.policies("--json", *words, folder=folder).stdout.splitlines()]

    def copies(self, *names):
        """A folder of our own with some of them."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for name in names:
            shutil.copy(BUILD / f"plugins/{name}.so", folder.name)
        return folder.name

    def test_all_are_listed_by_name(self):
        lines = self.lines()
        self.assertEqual([line["name"] for line in lines], sorted([*OURS, "exec"]))
        self.assertFalse([line for line in lines if "refused" in line])
        self.assertIn("classic", OURS)

    def test_the_table_is_for_people(self):
        title, *rows = self.policies().stdout.splitlines()
        self.assertEqual(title.split(), ["NAME", "VERSION", "WHAT", "IT", "DOES"])
        self.assertIn("fixed     1        sets throttle, downtime limit and rate once", rows)
        self.assertEqual(rows[-2:], ["", f"The policies are in {BUILD / 'plugins'}"])

    def test_one_is_shown_with_its_options(self):
        self.assertEqual(self.policies("deadline").stdout.splitlines(), [
            "deadline 1: throttles no earlier and no harder than the deadline needs",
            str(BUILD / "plugins/deadline.so"),
            "",
            "OPTION  DEFAULT  MEANING",
            "first   30ms     the downtime limit as long as that is enough",
            "margin  2s       aim at so much before the deadline"])
        line, = self.lines("fixed")
        self.assertEqual(line["options"][1], {"key": "downtime", "meaning": "QEMU's downtime limit"})

    def test_one_is_shown_from_its_path(self):
        folder = self.copies("fixed")
        self.assertIn(f"\n{folder}/fixed.so\n", self.policies(f"{folder}/fixed.so").stdout)

    def test_one_without_options_says_so(self):
        self.assertIn("It takes no options.", self.policies("bare", folder=BUILD / "tests/abi").stdout)

    def test_what_is_refused_is_listed_with_the_reason(self):
        refused = {line["name"]: line["refused"] for line in self.lines(folder=BUILD / "tests/abi") if "refused" in line}
        self.assertEqual(set(refused), {"no-decide", "no-symbol", "other-abi", "too-small", "wrong-name"})
        self.assertIn("is built for plugin ABI 2, this qmpmig has ABI 1", refused["other-abi"])
        self.assertIn("refused: policy other-abi: ", self.policies(folder=BUILD / "tests/abi").stdout)
        done = self.policies("other-abi", folder=BUILD / "tests/abi", code=2)
        self.assertRegex(done.stderr, "^qmpmig: policy other-abi: .* is built for plugin ABI 2")

    def test_what_others_can_write_is_refused(self):
        folder = self.copies("fixed", "classic")
        os.chmod(f"{folder}/fixed.so", 0o666)
        by_name = {line["name"]: line for line in self.lines(folder=folder)}
        self.assertNotIn("refused", by_name["classic"])
        self.assertIn("fixed.so may be written by others (mode 0666)", by_name["fixed"]["refused"])
        os.chmod(folder, 0o777)
        self.assertEqual([line["name"] for line in self.lines(folder=folder) if "refused" not in line], ["exec"])

    def test_an_unknown_name_is_an_error(self):
        self.assertIn("did you mean 'deadline'?", self.policies("dedline", code=2).stderr)
        self.assertIn("neither a name", self.policies("plugins/fixed.so", code=2).stderr)

    def test_a_folder_is_named_as_a_whole(self):
        self.assertIn("QMPMIG_PLUGIN_DIR: plugins is not an absolute path", self.policies(folder="plugins", code=2).stderr)

    def test_where_no_plugin_is_there_is_what_needs_none(self):
        for folder in (self.copies(), "/nowhere"):
            done = self.policies(folder=folder)
            self.assertEqual([line.split()[0] for line in done.stdout.splitlines()], ["NAME", "exec"])
            self.assertEqual(done.stderr, f"qmpmig: there is no plugin in {folder}\n")
            self.assertEqual(self.policies("--quiet", folder=folder).stderr, "")

    def test_other_files_are_passed_over(self):
        folder = self.copies("fixed")
        for name in ("README", "Fixed.so", "fixed.so.bak", ".so"):
            pathlib.Path(folder, name).touch()
        self.assertEqual([line["name"] for line in self.lines(folder=folder)], ["exec", "fixed"])


class ThePolicyOption(unittest.TestCase):
    """--policy, before anything is contacted."""

    def taken(self, *words):
        return program.run("migrate", "tcp:a:1", *words, "--print-config")

    def test_a_policy_may_be_called_like_a_limit(self):
        for words in (("deadline", "--deadline", "25s"), ("postcopy", "--postcopy", "fallback")):
            done = self.taken("--policy", *words)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("deadline is given as 20s there and as 25s by --deadline",
                      self.taken("--policy", "deadline,deadline=20s", "--deadline", "25s").stderr)

    def file(self, content):
        file = tempfile.NamedTemporaryFile()
        self.addCleanup(file.close)
        file.write(content)
        file.flush()
        return file.name

    def test_a_file_that_cannot_be_taken_is_told_without_its_words(self):
        for content, text in ((b"secret\0", "no UTF-8 text"), (b"secret\xff", "no UTF-8 text"),
                              (b"secret" * 20000, "no file of up to 64 KiB")):
            done = self.taken("--policy", f"schedule,json=@{self.file(content)}")
            self.assertEqual(done.returncode, 2)
            self.assertIn(text, done.stderr)
            self.assertNotIn("secret", done.stderr)
        for path in ("/nowhere", "/dev/zero"):
            self.assertIn(path, self.taken("--policy", f"schedule,json=@{path}").stderr)

    def test_a_file_is_taken_as_it_is(self):
        self.assertEqual(self.taken("--policy", f"schedule,json=@{self.file(b'{}')}").returncode, 0)


class ThePages(unittest.TestCase):
    """plugins/NAME.pod says what the policy itself says."""

    def policy(self, name):
        return json.loads(program.run("policies", name, "--json").stdout)

    def test_each_policy_has_its_page(self):
        for name in (*OURS, "exec"):
            page = (PLUGINS / f"{name}.pod").read_text(encoding="utf-8")
            self.assertIn(f"qmpmig-{name}-policy - ", page)

    def test_has_every_option_with_its_default_and_no_other(self):
        for name in (*OURS, "exec"):
            page = (PLUGINS / f"{name}.pod").read_text(encoding="utf-8")
            told = re.findall(r"^=item B<([a-z-]+)>=\S+?(?: \(default (\S+)\))?$", page, re.MULTILINE)
            self.assertEqual(told, [(option["key"], option.get("default", "")) for option in self.policy(name)["options"]],
                             name)

    @unittest.skipUnless(shutil.which("podchecker"), "podchecker is not here")
    def test_is_sound_pod(self):
        for path in PLUGINS.glob("*.pod"):
            done = subprocess.run(["podchecker", path], capture_output=True, text=True, check=False)
            self.assertIn("pod syntax OK", done.stderr)
            self.assertNotIn("WARNING", done.stderr)

    def test_fits_a_terminal(self):
        for path in PLUGINS.glob("*.pod"):
            for line in path.read_text(encoding="utf-8").split("=head1 EXAMPLE\n\nThis is a whole")[0].splitlines():
                if line.startswith("  "):
                    self.assertLessEqual(len(line), 73, f"{path.name}: {line}")


if __name__ == "__main__":
    unittest.main()
