# SPDX-License-Identifier: LGPL-2.1-or-later
"""qmpmig-plugin.h keeps its promise: plain C99 and C++, no padding, and nothing moves within an ABI."""
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from tests.abi.table import HERE, PLUGINS, NotCompiled, table

FROZEN = (HERE / "abi-1.txt").read_text(encoding="utf-8").splitlines()
HEADER = (PLUGINS / "qmpmig-plugin.h").read_text(encoding="utf-8")
NEVER_GROW = ("qmpmig_curve", "qmpmig_limits")

# What may not happen within an ABI, as a change to the header.
BREAKAGES = {
    "a field in the middle": ("uint64_t can, chosen;", "uint64_t can, another, chosen;"),
    "a field less": ("uint64_t needs; /*", "/*"),
    "two fields swapped": ("syncs, passes;", "passes, syncs;"),
    "a smaller field": ("uint32_t status, run_state;", "uint16_t status, run_state, a, b;"),
    "padding": ("uint32_t status, run_state;", "uint32_t status, run_state, odd;"),
    "a longer text": ("char reason[256]; /* UTF-8", "char reason[512]; /* UTF-8"),
    "more points of the curve": ("QMPMIG_CURVE_POINTS 8", "QMPMIG_CURVE_POINTS 9"),
    "a limit more": ("uint64_t if_stuck;", "uint64_t if_stuck, more;"),
    "a bit that moves": ("QMPMIG_MAY_CANCEL = 1 << 9", "QMPMIG_MAY_CANCEL = 1 << 10"),
    "an enum's value in the middle": ("QMPMIG_ACTION_POSTCOPY,", "QMPMIG_ACTION_OTHER, QMPMIG_ACTION_POSTCOPY,"),
    "a constant less": ("QMPMIG_NEEDS_TIME = 1 << 3,", ""),
    "another unknown": ("QMPMIG_UNKNOWN UINT64_MAX", "QMPMIG_UNKNOWN UINT32_MAX"),
}
GROWTH = {
    "a new bit": ("QMPMIG_MAY_CANCEL = 1 << 9,", "QMPMIG_MAY_CANCEL = 1 << 9, QMPMIG_MAY_MORE = 1 << 10,"),
    "a new action": ("QMPMIG_ACTION_CANCEL,", "QMPMIG_ACTION_CANCEL, QMPMIG_ACTION_MORE,"),
}


def moved(lines):
    """What is in the frozen table and not in LINES, and structs that grew and must not."""
    grown = [line for line in lines if line.startswith(NEVER_GROW) and line not in FROZEN]
    return [line for line in FROZEN if line not in lines] + grown


def compiles(command, source, header=HEADER):
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "qmpmig-plugin.h").write_text(header, encoding="utf-8")
        done = subprocess.run([*command, "-I", folder, "-c", "-o", "/dev/null", "-"], input=source, capture_output=True,
                              text=True, check=False)
        return done.returncode == 0, done.stderr


class TheHeader(unittest.TestCase):
    def table_after(self, old, new):
        """However many spaces are between the words."""
        changed, count = re.subn(r"\s+".join(map(re.escape, old.split())), new, HEADER)
        self.assertEqual(count, 1, old)
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "qmpmig-plugin.h").write_text(changed, encoding="utf-8")
            return table(folder)

    def test_has_everything_where_the_frozen_table_has_it(self):
        self.assertEqual(moved(table(PLUGINS)), [], "before 0.1.0: python3 -m tests.abi.table --freeze")

    def test_has_no_change_that_the_table_lets_pass(self):
        for name, (old, new) in BREAKAGES.items():
            with self.subTest(name):
                try:
                    self.assertNotEqual(moved(self.table_after(old, new)), [])
                except NotCompiled:
                    pass    # abi-table.c has seen it

    def test_may_get_new_values(self):
        for name, (old, new) in GROWTH.items():
            self.assertEqual(moved(self.table_after(old, new)), [], name)

    def test_matches_its_frozen_copy(self):
        self.assertEqual(table(HERE / "v1"), FROZEN)

    def test_is_c99_and_later(self):
        for standard in ("c99", "c11", "c17"):
            done = compiles(["cc", f"-std={standard}", "-pedantic", "-Wall", "-Wextra", "-Werror", "-xc"],
                            "#include <qmpmig-plugin.h>\nint x;\n")
            self.assertTrue(done[0], done[1])

    def test_is_cpp(self):
        for standard in ("c++11", "c++20"):
            done = compiles(["c++", f"-std={standard}", "-pedantic", "-Wall", "-Wextra", "-Werror", "-xc++"],
                            "#include <qmpmig-plugin.h>\nint x = QMPMIG_ABI;\n")
            self.assertTrue(done[0], done[1])

    def test_would_not_pass_with_something_newer_than_c99(self):
        done = compiles(["cc", "-std=c99", "-pedantic", "-Werror", "-xc"], "#include <qmpmig-plugin.h>\nint x;\n",
                        HEADER.replace("uint32_t qemu_major, qemu_minor;", "struct { uint32_t qemu_major, qemu_minor; };"))
        self.assertFalse(done[0])

    @unittest.skipUnless(shutil.which("clang"), "clang is not here")
    def test_has_no_padding(self):
        command = ["clang", "-std=c99", "-Wpadded", "-Werror", "-xc"]
        # A struct is laid out where it is used.
        uses = "".join(f"struct {name} a_{name};\n" for name in re.findall(r"^struct (\w+) \{", HEADER, re.MULTILINE)
                       if name != "qmpmig_plugin")
        source = f"#include <qmpmig-plugin.h>\n{uses}struct qmpmig_plugin *x;\n"
        done = compiles(command, source)
        self.assertTrue(done[0], done[1])
        self.assertFalse(compiles(command, source, HEADER.replace("status, run_state;", "status;"))[0])

    def test_includes_nothing_of_qmpmig(self):
        self.assertEqual(re.findall(r"#include (.*)", HEADER), ["<stdint.h>"])
