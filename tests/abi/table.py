# SPDX-License-Identifier: LGPL-2.1-or-later
"""The plugin interface as a compiler sees it: where each field is, and what each constant is worth.

    python3 -m tests.abi.table               prints it
    python3 -m tests.abi.table --freeze      into abi-1.txt, and the header into v1/: until 0.1.0 is released
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
PLUGINS = HERE.parents[1] / "plugins"
NO_NUMBERS = ("QMPMIG_PLUGIN_H", "QMPMIG_EXPORT")


class NotCompiled(Exception):
    pass


def run_c(source, include):
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder, "program")
        compiled = subprocess.run(["cc", "-std=c99", "-Wall", "-Werror", "-I", include, "-I", HERE, "-o", program, "-xc", "-"],
                                  input=source, capture_output=True, text=True, check=False)
        if compiled.returncode != 0:
            raise NotCompiled(compiled.stderr)
        done = subprocess.run([program], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NotCompiled(done.stderr)
        return done.stdout.splitlines()


def constants(include):
    text = re.sub(r"/\*.*?\*/", "", (pathlib.Path(include) / "qmpmig-plugin.h").read_text(encoding="utf-8"), flags=re.DOTALL)
    return [name for name in dict.fromkeys(re.findall(r"\bQMPMIG_[A-Z0-9_]+\b", text)) if name not in NO_NUMBERS]


def table(include):
    """Lines of the header in that folder."""
    prints = "\n".join(f'    printf ("{name} %llu\\n", (unsigned long long){name});' for name in constants(include))
    worth = f"#include <qmpmig-plugin.h>\n#include <stdio.h>\nint main (void) {{\n{prints}\n    return 0;\n}}\n"
    return run_c((HERE / "abi-table.c").read_text(encoding="utf-8"), include) + run_c(worth, include)


if __name__ == "__main__":
    TEXT = "\n".join(table(PLUGINS)) + "\n"
    if sys.argv[1:] == ["--freeze"]:
        (HERE / "abi-1.txt").write_text(TEXT, encoding="utf-8")
        shutil.copy(PLUGINS / "qmpmig-plugin.h", HERE / "v1")
    else:
        sys.stdout.write(TEXT)
