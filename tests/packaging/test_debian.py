# SPDX-License-Identifier: LGPL-2.1-or-later
"""The packages themselves: built from what is committed, checked, installed, upgraded and purged in a fresh Debian."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from tests.cli.program import TOP
from tests.lab.qemus import debian_mirror

LONG = os.environ.get("QMPMIG_LONG") == "1"
ALONE = True
TIMEOUT = 1800

SCRIPT = pathlib.Path(__file__).parent / "chroot-script"
NEEDED = "libglib2.0-0,libjson-c5,libxml2,libcairo2,libvirt0,dbus"


def run(*argv, **more):
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more)


def packages(folder):
    return sorted(path for path in folder.glob("*.deb") if "dbgsym" not in path.name)


def of_next_version(package, folder):
    """The same, but newer."""
    with tempfile.TemporaryDirectory() as content:
        subprocess.run(["dpkg-deb", "-R", package, content], check=True)
        control = pathlib.Path(content, "DEBIAN/control")
        text = control.read_text()
        version = next(line.split()[1] for line in text.splitlines() if line.startswith("Version: "))
        control.write_text(text.replace(version, version + "+1"))
        subprocess.run(["dpkg-deb", "--root-owner-group", "-b", content, folder], check=True, stdout=subprocess.DEVNULL)


@unittest.skipUnless(LONG, "long: --long runs it")
class Packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.folder.chmod(0o755)
        built = run(TOP / "packaging/build-deb", cls.folder)
        if built.returncode:
            raise AssertionError(built.stdout[-4000:])

    def test_lintian_has_nothing_to_say(self):
        done = run("lintian", "--allow-root", "--fail-on", "error,warning,info", "--display-info",
                   *self.folder.glob("*.changes"))
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_install_upgrade_and_purge_leave_nothing_behind(self):
        for name in ("old", "new"):
            (self.folder / name).mkdir()
        for package in packages(self.folder):
            shutil.copy(package, self.folder / "old")
            of_next_version(package, self.folder / "new")
        done = run("mmdebstrap", "--quiet", f"--mode={'root' if os.getuid() == 0 else 'unshare'}", "--format=null",
                   "--variant=minbase", f"--include={NEEDED}",
                   f"--customize-hook=copy-in {self.folder / 'old'} {self.folder / 'new'} {SCRIPT} /root",
                   '--customize-hook=chroot "$1" sh /root/chroot-script', "bookworm", "-", debian_mirror())
        self.assertEqual(done.returncode, 0, done.stdout[-4000:])
        self.assertIn("NOTHING-LEFT", done.stdout)


@unittest.skipUnless(LONG, "long: --long runs it")
class TheSpec(unittest.TestCase):
    def test_is_one_that_rpmbuild_accepts(self):
        """As far as that goes on a Debian: its packages cannot be asked for by the names of Enterprise Linux."""
        with tempfile.TemporaryDirectory() as top:
            version = next(line.split()[1] for line in (TOP / "packaging/rpm/qmpmig.spec").read_text().splitlines()
                           if line.startswith("Version:"))
            source = pathlib.Path(top, "SOURCES")
            source.mkdir()
            subprocess.run(["git", "archive", f"--prefix=qmpmig-{version}/", "-o", source / f"qmpmig-{version}.tar.gz", "HEAD"],
                           cwd=TOP, check=True)
            done = run("rpmbuild", "-bb", "--nodeps", "--define", f"_topdir {top}", TOP / "packaging/rpm/qmpmig.spec")
            self.assertEqual(done.returncode, 0, done.stdout[-4000:])
            built = {path.name.split(f"-{version}")[0] for path in pathlib.Path(top, "RPMS").rglob("*.rpm")}
            self.assertLessEqual({"qmpmig", "qmpmig-libvirt", "qmpmig-devel", "qmpmig-vdsm", "qmpmig-openstack"}, built)


@unittest.skipUnless(LONG, "long: --long runs it")
class TheRole(unittest.TestCase):
    def test_has_sound_syntax(self):
        done = run("ansible-playbook", "--syntax-check", "-i", "compute,", "site.yml",
                   cwd=TOP / "packaging/openstack/ansible")
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    unittest.main()
