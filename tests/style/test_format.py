# SPDX-License-Identifier: LGPL-2.1-or-later
"""C looks as .clang-format says. Another release of clang-format would say something else of the same file."""
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

TOP = pathlib.Path(__file__).parents[2]
RELEASE = "14"      # Debian 12's
NOT_OURS = ("build",)


def clang_format():
    """The program of that release, or None."""
    for name in (f"clang-format-{RELEASE}", "clang-format"):
        if path := shutil.which(name):
            said = subprocess.run([path, "--version"], check=True, capture_output=True, text=True).stdout
            if re.search(rf"version {RELEASE}\.", said):
                return path
    return None


def sources():
    return [path for path in sorted(TOP.rglob("*.[ch]")) if not path.relative_to(TOP).parts[0].startswith(NOT_OURS)]


def complaints(files):
    """The lines that say where it would be written otherwise."""
    said = subprocess.run([clang_format(), "--dry-run", f"--style=file:{TOP}/.clang-format", *files], check=True,
                          capture_output=True, text=True).stderr
    return re.findall(r"^(\S+:\d+):\d+: .*code should be clang-formatted", said, re.MULTILINE)


@unittest.skipUnless(clang_format(), f"clang-format {RELEASE} is not here")
class Format(unittest.TestCase):
    def test_every_file_is_formatted(self):
        self.assertGreater(len(sources()), 300)
        self.assertEqual(complaints(sources()), [])

    def test_one_that_is_not_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "odd.c")
            file.write_text("int\nmain(void)\n{\n  return 0;\n}\n")
            self.assertEqual(complaints([file])[0], f"{file}:2")


if __name__ == "__main__":
    unittest.main()
