# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the build installs is in exactly one package, of Debian's and of the RPM; and they agree on the rest."""
import fnmatch
import functools
import json
import pathlib
import re
import subprocess
import unittest
import xml.etree.ElementTree as tree

from tests.cli import program

BUILD = pathlib.Path(program.BINARY).resolve().parents[1]
PACKAGING = program.TOP / "packaging"
SPEC = (PACKAGING / "rpm/qmpmig.spec").read_text()
MACROS = {"%{_bindir}": "usr/bin", "%{_libdir}": "usr/lib/*", "%{_libexecdir}": "usr/libexec", "%{_includedir}": "usr/include",
          "%{_datadir}": "usr/share", "%{_mandir}": "usr/share/man", "%{_sysconfdir}": "etc"}


def option(name):
    told = subprocess.run(["meson", "introspect", "--buildoptions", BUILD], check=True, capture_output=True, text=True)
    return next(entry["value"] for entry in json.loads(told.stdout) if entry["name"] == name)


@functools.cache
def installed():
    """As below a package's root: usr/bin/qmpmig."""
    told = subprocess.run(["meson", "introspect", "--installed", BUILD], check=True, capture_output=True, text=True)
    prefix = option("prefix").rstrip("/") + "/"
    paths = []
    for source, path in json.loads(told.stdout).items():
        path = path.removeprefix(prefix) if path.startswith(prefix) else path.lstrip("/")
        path = path if path.startswith("etc/") else "usr/" + path.removeprefix("usr/")
        inside = [file.relative_to(source) for file in pathlib.Path(source).rglob("*") if file.is_file()]
        paths += [f"{path}/{file}" for file in inside] or [path]
    return sorted(paths)


def debian_patterns():
    """{package: patterns}"""
    return {path.stem: [line.split()[0] for line in path.read_text().splitlines()]
            for path in (PACKAGING / "debian").glob("*.install")}


def rpm_patterns():
    found = {}
    for section in re.split(r"^%files", SPEC, flags=re.MULTILINE)[1:]:
        name, *lines = section.split("%changelog")[0].splitlines()
        # %doc of a file in the source is not one that the build installs.
        words = [line.removeprefix("%doc ") for line in lines]
        found[name.strip()] = [expand(word) for word in words if re.match(r"%\{_|/", word)]
    return found


def expand(path):
    for macro, value in MACROS.items():
        path = path.replace(macro, value)
    return path.lstrip("/")


def holders(path, patterns):
    return [package for package, mine in patterns.items()
            if any(fnmatch.fnmatchcase(path, pattern) or fnmatch.fnmatchcase(path, pattern + "/*") for pattern in mine)]


class Packages(unittest.TestCase):
    def test_every_installed_file_is_in_exactly_one(self):
        for kind, patterns in (("debian", debian_patterns()), ("rpm", rpm_patterns())):
            for path in installed():
                with self.subTest(kind, path=path):
                    self.assertEqual(len(holders(path, patterns)), 1, holders(path, patterns))

    def test_a_file_of_nobody_is_noticed(self):
        for patterns in (debian_patterns(), rpm_patterns()):
            self.assertEqual(holders("usr/share/doc/other", patterns), [])

    def test_hold_nothing_that_is_not_installed(self):
        for kind, patterns in (("debian", debian_patterns()), ("rpm", rpm_patterns())):
            for package, mine in patterns.items():
                for pattern in mine:
                    with self.subTest(kind, package=package, pattern=pattern):
                        self.assertTrue([path for path in installed() if holders(path, {"": [pattern]})])

    def test_are_of_the_version_of_the_program(self):
        version = program.run("--version").stdout.split()[1]
        self.assertEqual(re.match(r"qmpmig \(([^)]+)\)", (PACKAGING / "debian/changelog").read_text())[1], version)
        self.assertEqual(re.search(r"^Version: +(\S+)", SPEC, re.MULTILINE)[1], version)

    def test_debian_has_a_list_for_each_package(self):
        names = re.findall(r"^Package: (\S+)", (PACKAGING / "debian/control").read_text(), re.MULTILINE)
        self.assertEqual(sorted(names), sorted(debian_patterns()))


class WhatIsInstalled(unittest.TestCase):
    def test_scripts_are_sound(self):
        for script in [*PACKAGING.glob("*/*.in"), *PACKAGING.glob("debian/*.postrm"), PACKAGING / "build-deb"]:
            if script.read_bytes().startswith(b"#!"):
                done = subprocess.run(["bash", "-n", script], capture_output=True, text=True, check=False)
                self.assertEqual((done.returncode, done.stderr), (0, ""), script)

    def test_xml_is_sound(self):
        for path in [*PACKAGING.glob("*/*.conf"), *PACKAGING.glob("*/*.policy")]:
            if path.read_text().startswith("<?xml"):
                tree.parse(path)

    def test_vdsm_may_hand_over_and_look_and_nothing_else(self):
        policy = tree.parse(PACKAGING / "vdsm/org.qmpmig.Agent1.vdsm.conf").find("policy")
        self.assertEqual(policy.attrib, {"user": "vdsm"})
        self.assertEqual([(rule.attrib["send_interface"], rule.attrib.get("send_member")) for rule in policy],
                         [("org.qmpmig.Agent1", "Steer"), ("org.freedesktop.DBus.ObjectManager", None),
                          ("org.freedesktop.DBus.Properties", "Get")])


if __name__ == "__main__":
    unittest.main()
