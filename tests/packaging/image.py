# SPDX-License-Identifier: LGPL-2.1-or-later
"""A Debian with systemd, D-Bus, polkit and QEMU, as a disk in the cache; none of our packages is in it.

    python3 -m tests.packaging.image      makes it, if there is none, and prints its folder
"""
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile

from tests.lab.qemus import cache_folder, debian_mirror

SUITE = "bookworm"
PACKAGES = ("systemd-sysv", "dbus", "polkitd", "libglib2.0-bin", "linux-image-cloud-amd64", "initramfs-tools",
            "qemu-system-x86", "libglib2.0-0", "libjson-c5", "libxml2", "libcairo2", "libvirt0")
# What would only take time: the disk is thrown away after each use.
MASKED = ("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service",
          "fstrim.timer", "getty@tty1.service", "serial-getty@ttyS0.service")

# Root's shell on the second serial port, once the system is up.
SHELL = """[Unit]
Description=Shell of the tests
After=dbus.service systemd-user-sessions.service

[Service]
ExecStart=/bin/sh -c 'stty -echo -onlcr; echo SHELL-READY; exec /bin/sh'
WorkingDirectory=/root
Environment=HOME=/root LC_ALL=C.UTF-8
StandardInput=tty-force
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS1

[Install]
WantedBy=multi-user.target
"""

# As if it were root's: mke2fs writes down the owners that fakeroot remembers.
MAKE_DISK = """set -e
mkdir root
tar -C root --exclude='./dev/*' -xf root.tar
cp root/boot/vmlinuz-* kernel
cp root/boot/initrd.img-* initrd
mke2fs -q -t ext4 -d root disk 3G
rm -r root root.tar"""


def find():
    """The folder with disk, kernel and initrd, made if need be."""
    digest = hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest()[:12]
    cache = pathlib.Path(cache_folder())
    folder = cache / f"debian-{digest}"
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "debian.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            drop(cache)
            make(folder)
    return folder


def drop(cache):
    """Older ones, and what was interrupted."""
    for other in cache.glob("debian-*"):
        shutil.rmtree(other, ignore_errors=True)


def make(folder):
    unfinished = pathlib.Path(tempfile.mkdtemp(prefix="debian-unfinished-", dir=folder.parent))
    try:
        unpack(unfinished)
        subprocess.run(["fakeroot", "sh", "-c", MAKE_DISK], cwd=unfinished, check=True)
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def unpack(folder):
    unit = folder / "tests-shell.service"
    unit.write_text(SHELL)
    in_it = ["rm -f /etc/machine-id", "systemd-machine-id-setup", "systemctl enable tests-shell.service",
             f"systemctl mask {' '.join(MASKED)}"]
    hooks = [f"upload {unit} /etc/systemd/system/{unit.name}", *(f'chroot "$1" {command}' for command in in_it)]
    done = subprocess.run(["mmdebstrap", "--quiet", f"--mode={'root' if os.getuid() == 0 else 'unshare'}",
                           "--variant=minbase", f"--include={','.join(PACKAGES)}",
                           *(f"--customize-hook={hook}" for hook in hooks), SUITE, folder / "root.tar", debian_mirror()],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"mmdebstrap: {done.stdout[-4000:]}")
    unit.unlink()


if __name__ == "__main__":
    print(find())
