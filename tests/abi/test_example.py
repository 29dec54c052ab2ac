# SPDX-License-Identifier: LGPL-2.1-or-later
"""A policy can be written with what is installed alone: plugins/example, which the manual shows."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import textwrap
import unittest

from tests.abi.table import PLUGINS
from tests.replay.guest import BUILD

EXAMPLE = PLUGINS / "example"


def run(command, **more):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **more)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


CPP = """
#include <qmpmig-plugin.h>
#include <cstring>

static void *open_it (const struct qmpmig_context *context) { return const_cast<qmpmig_context *> (context); }

static int decide (void *, const struct qmpmig_sample *, struct qmpmig_advice *advice)
{
    std::strcpy (advice->reason, "from C++");
    return 0;
}

const struct qmpmig_plugin qmpmig_plugin = {
    sizeof (struct qmpmig_plugin), QMPMIG_ABI, "cpp", "1", "in another language", nullptr,
    open_it, nullptr, nullptr, nullptr, decide, nullptr,
};
"""


class TheExample(unittest.TestCase):
    """Installed below a folder of its own, as a package would be, and built outside of the tree."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.root = pathlib.Path(cls.folder.name, "root")
        run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", cls.root])
        [pc] = cls.root.rglob("qmpmig-plugin.pc")
        cls.environment = {**os.environ, "PKG_CONFIG_PATH": str(pc.parent), "PKG_CONFIG_SYSROOT_DIR": str(cls.root)}
        cls.source = pathlib.Path(cls.folder.name, "patient")
        [installed] = cls.root.rglob("example")
        shutil.copytree(installed, cls.source)
        run(["make", "-C", cls.source, "install", f"PLUGINDIR={cls.plugin_dir()}",
             "CFLAGS=-O2 -pedantic -Wall -Wextra -Werror"], env=cls.environment)

    @classmethod
    def variable(cls, name):
        return run(["pkg-config", f"--variable={name}", "qmpmig-plugin"], env=cls.environment).strip()

    @classmethod
    def plugin_dir(cls):
        """Some pkg-configs put the folder that all is installed below before it, some do not."""
        path = cls.variable("plugindir")
        return path if path.startswith(str(cls.root)) else f"{cls.root}{path}"

    def replay(self, policy, **environment):
        lines = [{"type": "case", "policy": policy, "config": {"wait": "2s", "throttle": "70%"}, "facts": {"can": ["throttle"]}},
                 {"type": "sample", "now_us": 1999999, "may": ["throttle-up"]},
                 {"type": "sample", "now_us": 2000000, "may": ["throttle-up"]}]
        said = run([BUILD / "tests/replay/replay"], input="".join(json.dumps(line) + "\n" for line in lines),
                   env={**self.environment, **environment})
        return [json.loads(line) for line in said.splitlines()]

    def test_is_loaded_from_the_plugin_directory(self):
        answers = self.replay("patient", QMPMIG_PLUGIN_DIR=self.plugin_dir())
        self.assertEqual(len(answers), 3, answers)
        plan, early, late = answers
        self.assertEqual(plan["set"], {"throttle": "steered"})
        self.assertEqual((early["set"], late["set"]), ({}, {"throttle_pct": 70}))

    def test_is_loaded_from_an_absolute_path(self):
        self.assertEqual(self.replay(str(self.source / "patient.so"))[-1]["reason"], "patience has run out")

    def test_is_shown_by_qmpmig(self):
        said = run([BUILD / "agent/qmpmig", "policies", "patient"], env={**self.environment, "QMPMIG_PLUGIN_DIR": self.plugin_dir()})
        self.assertIn("patient 1: leaves the guest alone for a while, and then throttles it", said)
        self.assertIn("wait      30s      so long", said)

    def test_is_looked_for_where_pkg_config_says(self):
        environment = {name: value for name, value in self.environment.items() if name != "QMPMIG_PLUGIN_DIR"}
        [program] = self.root.rglob("bin/qmpmig")
        done = subprocess.run([program, "policies", "of-nobody"], env=environment, capture_output=True, text=True, check=False)
        self.assertIn(f" in {self.plugin_dir().removeprefix(str(self.root))}; ", done.stderr)

    def test_lies_beside_the_policies_of_qmpmig(self):
        self.assertTrue(pathlib.Path(self.plugin_dir(), "fixed.so").exists())

    def test_exports_one_symbol(self):
        symbols = [line.split()[-1] for line in run(["nm", "-D", "--defined-only", BUILD / "plugins/fixed.so"]).splitlines()]
        self.assertEqual(symbols, ["qmpmig_plugin"])

    def test_knows_the_number_of_the_abi(self):
        header = (PLUGINS / "qmpmig-plugin.h").read_text(encoding="utf-8")
        self.assertRegex(header, rf"(?m)^#define QMPMIG_ABI +{self.variable('abi')}$")

    def test_could_be_written_in_cpp(self):
        source = pathlib.Path(self.source, "cpp.cc")
        source.write_text(CPP, encoding="utf-8")
        flags = run(["pkg-config", "--cflags", "qmpmig-plugin"], env=self.environment).split()
        run(["c++", "-std=c++11", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", *flags, "-o", self.source / "cpp.so", source])
        lines = [{"type": "case", "policy": str(self.source / "cpp.so")}, {"type": "sample"}]
        said = run([BUILD / "tests/replay/replay"], input="".join(json.dumps(line) + "\n" for line in lines))
        self.assertEqual(json.loads(said.splitlines()[-1])["reason"], "from C++")

    def test_stands_in_the_manual_as_it_is(self):
        page = (PLUGINS / "qmpmig-plugin.pod").read_text(encoding="utf-8")
        source = (EXAMPLE / "patient.c").read_text(encoding="utf-8")
        indented = textwrap.indent(source, "  ")
        self.assertIn(indented, page)
        self.assertNotIn(indented.replace("80", "90"), page)
