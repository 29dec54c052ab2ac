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
from tests.packaging import packages
from tests.packaging.packages import run

LONG = os.environ.get("QMPMIG_LONG") == "1"
ALONE = True
TIMEOUT = 1800

HERE = pathlib.Path(__file__).parent
NEEDED = "libglib2.0-0,libjson-c5,libxml2,libcairo2,libvirt0,dbus,systemd-standalone-sysusers,systemd-standalone-tmpfiles"


@unittest.skipUnless(LONG, "long: --long runs it")
class Packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.folder.chmod(0o755)
        cls.packages = packages.build(cls.folder)

    def test_lintian_has_nothing_to_say(self):
        done = run("lintian", "--allow-root", "--fail-on", "error,warning,info", "--display-info",
                   *self.folder.glob("*.changes"))
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_install_upgrade_and_purge_leave_nothing_behind(self):
        for name in ("old", "new"):
            (self.folder / name).mkdir()
        for package in self.packages:
            shutil.copy(package, self.folder / "old")
            packages.of_next_version(package, self.folder / "new")
        done = run("mmdebstrap", "--quiet", f"--mode={'root' if os.getuid() == 0 else 'unshare'}", "--format=null",
                   "--variant=minbase", f"--include={NEEDED}",
                   f"--customize-hook=copy-in {self.folder}/old {self.folder}/new {HERE}/list-files {HERE}/chroot-script /root",
                   '--customize-hook=chroot "$1" sh /root/chroot-script', "bookworm", "-", debian_mirror())
        self.assertEqual(done.returncode, 0, done.stdout[-4000:])
        self.assertIn("NOTHING-LEFT", done.stdout)


@unittest.skipUnless(LONG, "long: --long runs it")
class TheSpec(unittest.TestCase):
    """As far as that goes on a Debian: its packages cannot be asked for by the names of Enterprise Linux."""

    @classmethod
    def setUpClass(cls):
        top = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.spec = TOP / "packaging/rpm/qmpmig.spec"
        cls.version = next(line.split()[1] for line in cls.spec.read_text().splitlines() if line.startswith("Version:"))
        pathlib.Path(top, "SOURCES").mkdir()
        subprocess.run(["git", "archive", f"--prefix=qmpmig-{cls.version}/", "-o",
                        f"{top}/SOURCES/qmpmig-{cls.version}.tar.gz", "HEAD"], cwd=TOP, check=True)
        cls.done = run("rpmbuild", "-ba", "--nodeps", "--load", HERE / "rpm-macros", "--define", f"_topdir {top}", cls.spec)
        cls.built = {path.name.split(f"-{cls.version}")[0]: path for path in pathlib.Path(top, "RPMS").rglob("*.rpm")}
        cls.sources = list(pathlib.Path(top, "SRPMS").glob("*.src.rpm"))

    def test_is_one_that_rpmbuild_accepts(self):
        self.assertEqual(self.done.returncode, 0, self.done.stdout[-4000:])
        self.assertEqual(len(self.sources), 1)
        self.assertLessEqual({"qmpmig", "qmpmig-libvirt", "qmpmig-devel", "qmpmig-vdsm", "qmpmig-openstack"}, set(self.built))
        self.assertNotIn("warning:", self.done.stdout)

    def test_tells_systemd_of_the_unit(self):
        scripts = run("rpm", "-qp", "--scripts", self.built["qmpmig"]).stdout
        for action in ("preset", "disable --now", "try-restart"):
            self.assertIn(f"systemctl {action} qmpmig-agent.service", scripts)
        self.assertNotIn("%", scripts, "a macro that nobody knows")

    def test_packages_ask_for_what_they_use(self):
        asked = {name: run("rpm", "-qp", "--requires", path).stdout for name, path in self.built.items()}
        self.assertIn("libsystemd.so.0", asked["qmpmig"])
        self.assertNotIn("libvirt.so.0", asked["qmpmig"])
        self.assertIn("libvirt.so.0", asked["qmpmig-libvirt"])
        self.assertIn(f"qmpmig-libvirt >= {self.version}", asked["qmpmig-vdsm"])


@unittest.skipUnless(LONG, "long: --long runs it")
class TheRole(unittest.TestCase):
    def test_has_sound_syntax(self):
        done = run("ansible-playbook", "--syntax-check", "-i", "compute,", "site.yml",
                   cwd=TOP / "packaging/openstack/ansible")
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    unittest.main()
