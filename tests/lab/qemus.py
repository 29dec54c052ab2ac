# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where a given QEMU is: the system's, or one unpacked from Debian's archive into the cache.

    python3 -m tests.lab.qemus 7.2 5.2 11.1      fetches them
"""

import fcntl
import functools
import glob
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

SUITES = {"5.2": "bullseye", "7.2": "bookworm", "11.1": "forky"}
SYSTEM = "10.0"
ALL = ("5.2", "7.2", "10.0", "11.1")

PACKAGES = "qemu-system-x86,seabios,ipxe-qemu"
ARCHIVE_KEYS = ("debian-archive-keyring.gpg", "debian-archive-removed-keys.gpg")


class NotToBeHad(Exception):
    """This QEMU is not on this machine and could not be fetched; the text says why."""


class Qemu:
    def __init__(self, version, root=None):
        self.version = version
        self.root = root

    def argv_prefix(self):
        """What starts it; the guest's own options follow."""
        if self.root is None:
            return ["qemu-system-x86_64"]
        inside = functools.partial(os.path.join, self.root)
        libraries = [inside("lib/x86_64-linux-gnu"), inside("usr/lib/x86_64-linux-gnu"),
                     *glob.glob(inside("usr/lib/x86_64-linux-gnu/*/"))]
        loader = next(path for path in (inside("lib64/ld-linux-x86-64.so.2"),
                                        inside("usr/lib64/ld-linux-x86-64.so.2"),
                                        inside("lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"),
                                        inside("usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"))
                      if os.path.exists(path))
        return [loader, "--library-path", ":".join(libraries), inside("usr/bin/qemu-system-x86_64"),
                "-L", inside("usr/share/qemu"), "-L", inside("usr/share/seabios"),
                "-L", inside("usr/lib/ipxe/qemu")]

    def environment(self):
        """An unpacked QEMU must not look for its modules among the system's."""
        if self.root is None:
            return {}
        return {"QEMU_MODULE_DIR": os.path.join(self.root, "usr/lib/x86_64-linux-gnu/qemu")}

    def script(self):
        """A program's text that is this QEMU, for those who start one by its path alone."""
        variables = (f"{name}={shlex.quote(value)}" for name, value in self.environment().items())
        return f'#!/bin/sh\nexec env {" ".join(variables)} {shlex.join(self.argv_prefix())} "$@"\n'

    def lacks(self, *names):
        """Those of these commands, events, capabilities or parameters that this QEMU does not know."""
        from tests.lab import schema
        known = schema.Schema(self.version).names()
        return [name for name in names if name not in known]

    def exact_version(self):
        output = subprocess.run([*self.argv_prefix(), "--version"], env={**os.environ, **self.environment()},
                                check=True, capture_output=True, text=True).stdout
        return re.search(r"version ([0-9.]+)", output).group(1)

    def __repr__(self):
        return f"Qemu({self.version!r})"


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "qmpmig-lab")


def find(version):
    """The QEMU of this version, fetched if it must be."""
    if version == SYSTEM:
        return find_system()
    if version not in SUITES:
        raise NotToBeHad(f"QEMU {version}: the lab knows {', '.join(ALL)}")
    root = os.path.join(cache_folder(), f"qemu-{version}")
    if not os.path.isdir(root):
        fetch(version, root)
    return Qemu(version, root)


@functools.cache
def find_system():
    if shutil.which("qemu-system-x86_64") is None:
        raise NotToBeHad(f"QEMU {SYSTEM}: qemu-system-x86_64 is not installed (packaging/install-deps test)")
    qemu = Qemu(SYSTEM)
    found = qemu.exact_version()
    if not found.startswith(SYSTEM + "."):
        raise NotToBeHad(f"QEMU {SYSTEM}: the system's is {found} (packaging/install-deps test)")
    return qemu


def fetch(version, root):
    """Unpack into a folder beside it and rename: what was interrupted never counts."""
    os.makedirs(cache_folder(), exist_ok=True)
    with open(root + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.isdir(root):
            return
        if shutil.which("mmdebstrap") is None:
            raise NotToBeHad(f"QEMU {version}: mmdebstrap is not installed (packaging/install-deps test)")
        for left_over in glob.glob(f"{root}.unfinished-*"):
            shutil.rmtree(left_over, ignore_errors=True)
        unfinished = tempfile.mkdtemp(prefix=f"{os.path.basename(root)}.unfinished-", dir=cache_folder())
        try:
            unpack(version, unfinished)
            drop_what_is_not_run(unfinished)
            os.rename(unfinished, root)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


def unpack(version, folder):
    suite = SUITES[version]
    mode = "root" if os.geteuid() == 0 else "unshare"
    command = ["mmdebstrap", "--quiet", f"--mode={mode}", "--variant=extract", f"--include={PACKAGES}",
               '--aptopt=Acquire::Check-Valid-Until "false"', "--skip=check/empty",
               *(f"--keyring=/usr/share/keyrings/{name}" for name in ARCHIVE_KEYS),
               suite, folder, debian_mirror()]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise NotToBeHad(f"QEMU {version} is not to be had from this machine's mirror any more (suite {suite}):\n"
                         + done.stderr.strip()[-1500:])
    os.chmod(folder, 0o755)


def drop_what_is_not_run(folder):
    for name in ("usr/share/doc", "usr/share/man", "usr/share/locale", "var/lib/apt", "var/cache"):
        shutil.rmtree(os.path.join(folder, name), ignore_errors=True)


def debian_mirror():
    """The mirror of the machine's own sources: main of whichever Debian suite it follows."""
    targets = subprocess.run(["apt-get", "indextargets", "--format", "$(ORIGIN) $(COMPONENT) $(RELEASE) $(REPO_URI)",
                              "Created-By: Packages"], check=True, capture_output=True, text=True).stdout
    for line in targets.splitlines():
        origin, component, release, uri = line.split(" ", 3)
        if origin == "Debian" and component == "main" and "-" not in release:
            return uri
    raise NotToBeHad("no Debian mirror among this machine's apt sources")


def main():
    for version in sys.argv[1:] or ALL:
        try:
            print(f"{version}: {find(version).exact_version()}")
        except NotToBeHad as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
