# SPDX-License-Identifier: LGPL-2.1-or-later
"""The manual and the help tell of the same commands, options and exit codes."""
import re
import shlex
import shutil
import subprocess
import unittest

from tests.cli import program

POD = (program.TOP / "man/qmpmig.pod").read_text()
ITEMS = re.findall(r"^=item (.*)$", POD, re.MULTILINE)


def plain(pod):
    """The text of one line without its formatting codes."""
    previous = None
    while pod != previous:
        previous, pod = pod, re.sub(r"[BICF]<([^<>]*)>", r"\1", pod)
    return pod


class TheManual(unittest.TestCase):
    def test_has_every_option_of_the_help(self):
        items = " ".join(plain(item) for item in ITEMS)
        for option in program.all_options():
            self.assertRegex(items, rf"{option}(?![a-z-])", f"{option} is not in the manual")

    def test_has_no_option_that_the_help_lacks(self):
        known = program.all_options()
        for option in re.findall(r"--[a-z][a-z-]*", plain(POD)):
            self.assertIn(option, known, "the manual tells of it, --help does not")

    def test_has_the_letters_of_the_help(self):
        for command in program.commands():
            for letter, option in re.findall(r"^  (-\w), (--[a-z-]+)", program.run("help", command).stdout,
                                             re.MULTILINE):
                self.assertRegex("\n".join(map(plain, ITEMS)), rf"{letter}, {option}")

    def test_names_the_words_that_an_option_takes(self):
        for option, argument in program.all_options().items():
            if re.fullmatch(r"[a-z-]+(\|[a-z-]+)+", argument):
                self.assertTrue(any(plain(item).endswith(f"{option} {argument}") for item in ITEMS),
                                f"{option} {argument}")

    def test_has_every_command_and_no_other(self):
        described = {re.match(r"[a-z]+", plain(item))[0] for item in ITEMS if re.match(r"B<[a-z]+>", item)}
        self.assertEqual(described - {"unix"}, set(program.commands()))

    def test_has_every_exit_code(self):
        table = POD.split("=head1 EXIT CODES")[1].split("=head1")[0]
        codes = set(re.findall(r"^ +(\d+)  ", table, re.MULTILINE))
        for command in program.commands():
            text = program.run("help", command).stdout.split("Exit codes:")[1]
            self.assertLessEqual(set(re.findall(r"^ +(\d+)  ", text, re.MULTILINE)), codes, command)

    def test_lists_the_exit_codes_of_each_command_as_its_help_does(self):
        table = POD.split("=head1 EXIT CODES")[1].split("=head1")[0]
        listed = dict(re.findall(r"^  ([a-z]+) +(\d[\d ]*)$", table, re.MULTILINE))
        self.assertEqual(listed, {command: " ".join(map(str, program.exit_codes(command)))
                                  for command in program.commands()})

    def test_gives_examples_that_the_program_takes(self):
        examples = POD.split("=head1 EXAMPLES")[1].split("=head1")[0].replace("\\\n", " ")
        for line in re.findall(r"^  qmpmig (.*)$", examples, re.MULTILINE):
            if not line.startswith("list"):
                process = program.run(*shlex.split(line), "--print-config")
                self.assertEqual(process.returncode, 0, f"{line}: {process.stderr}")

    def test_leads_to_every_page_of_ours_and_to_no_other(self):
        named = set(re.findall(r"L<(qmpmig-[^>]*)>", POD.split("=head1 SEE ALSO")[1]))
        policies = {f"qmpmig-{page.stem}-policy(7)" for page in (program.TOP / "plugins").glob("*.pod")}
        self.assertEqual(named, policies - {"qmpmig-qmpmig-plugin-policy(7)"} | {"qmpmig-plugin(3)", "qmpmig-agent(8)"})

    @unittest.skipUnless(shutil.which("podchecker"), "podchecker is not here")
    def test_is_sound_pod(self):
        process = subprocess.run(["podchecker", program.TOP / "man/qmpmig.pod"], capture_output=True, text=True,
                                 check=False)
        self.assertIn("pod syntax OK", process.stderr)
        self.assertNotIn("WARNING", process.stderr)

    def test_fits_a_terminal(self):
        for line in POD.splitlines():
            if line.startswith("  "):
                self.assertLessEqual(len(line), 73, line)  # man(1) indents them by seven


class TheHelp(unittest.TestCase):
    def test_fits_a_terminal(self):
        for command in program.commands():
            text = program.run("help", command).stdout.split("\nExample:")[0]
            for line in text.splitlines():
                self.assertLessEqual(len(line), 80, f"{command}: {line}")

    def test_is_the_same_in_each_way_of_asking(self):
        for command in program.commands():
            asked = program.run("help", command)
            self.assertEqual(asked.returncode, 0)
            self.assertEqual(program.run(command, "--help").stdout, asked.stdout)
            self.assertEqual(program.run("-h", command).stdout, asked.stdout)

    def test_gives_examples_that_the_program_takes(self):
        for command in program.commands():
            for line in re.findall(r"^  qmpmig (.*)$", program.run("help", command).stdout, re.MULTILINE):
                process = program.run(*shlex.split(line.split("&&")[0]), "--print-config")
                self.assertEqual(process.returncode, 0, f"{line}: {process.stderr}")


if __name__ == "__main__":
    unittest.main()
