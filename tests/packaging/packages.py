# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Debian packages of what is committed."""
import pathlib
import subprocess
import tempfile

from tests.cli.program import TOP


def run(*argv, **more):
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more)


def build(folder):
    """The packages, in FOLDER; what else dpkg-buildpackage makes is there too."""
    built = run(TOP / "packaging/build-deb", folder)
    if built.returncode:
        raise AssertionError(built.stdout[-4000:])
    return sorted(path for path in pathlib.Path(folder).glob("*.deb") if "dbgsym" not in path.name)


def of_next_version(package, folder):
    """The same, but newer."""
    with tempfile.TemporaryDirectory() as content:
        subprocess.run(["dpkg-deb", "-R", package, content], check=True)
        control = pathlib.Path(content, "DEBIAN/control")
        text = control.read_text()
        version = next(line.split()[1] for line in text.splitlines() if line.startswith("Version: "))
        control.write_text(text.replace(version, version + "+1"))
        subprocess.run(["dpkg-deb", "--root-owner-group", "-b", content, folder], check=True, stdout=subprocess.DEVNULL)
