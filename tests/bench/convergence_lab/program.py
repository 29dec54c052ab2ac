# SPDX-License-Identifier: LGPL-2.1-or-later
"""The qmpmig that is measured, with its policies: a copy, so that a build meanwhile changes nothing."""

import glob
import hashlib
import os
import shutil
import subprocess

TOP = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../.."))
# What a migration by qmpmig runs through, and the service beside it: the rest of the program (what it
# prints, reports, simulates) may change, and what was measured still holds.
MOVES = ("qmp/*", "agent/host/*", "agent/migration/*", "agent/steering/*", "agent/commands/migrate.c",
         "agent/commands/mover.c", "plugins/curve.c", "plugins/*.h")
WATCHES = ("agent/service/*", "agent/libvirt/*")


class Program:
    def __init__(self, path=None):
        self.path = os.path.abspath(path or os.environ.get("QMPMIG") or os.path.join(TOP, "build/agent/qmpmig"))
        self.is_ours = os.path.realpath(self.path).startswith(os.path.join(TOP, "build", ""))
        self.built = os.path.getmtime(self.path)

    def plugin(self, policy):
        """Where it looks when it is not installed."""
        return os.path.join(self.plugins, f"{policy}.so")

    @property
    def plugins(self):
        return os.path.join(os.path.dirname(self.path), "../plugins")

    @property
    def helper(self):
        """The service."""
        return os.path.join(os.path.dirname(self.path), "helpers/agent")

    @property
    def module(self):
        """By which it reaches libvirt."""
        return os.path.join(os.path.dirname(self.path), "libvirt/libvirt.so")

    def has_service(self):
        return os.path.exists(self.helper) and os.path.exists(self.module)

    def policies(self):
        """By name; none when it knows no --policy."""
        told = subprocess.run([self.path, "migrate", "--help"], capture_output=True, text=True, check=True).stdout
        if "--policy" not in told:
            return []
        return sorted(os.path.basename(path).removesuffix(".so") for path in glob.glob(self.plugin("*")))

    def digest(self, policy=None, *options):
        """What the results of a policy depend on. options: how it is asked for."""
        return digest_of([*self.parts(self.path, MOVES), *([self.plugin(policy)] if policy else [])], options)

    def whole_digest(self, policy):
        """The same, where they depend on any part."""
        return digest_of([self.path, self.plugin(policy)])

    def service_digest(self, policy, *options):
        return digest_of([*self.parts(self.helper, MOVES + WATCHES), self.plugin(policy)], options)

    def parts(self, binary, patterns):
        """The sources of what was built here, or the whole of what was built elsewhere."""
        if not self.is_ours:
            return [binary]
        sources = sorted(path for pattern in patterns for path in glob.glob(os.path.join(TOP, pattern))
                         if path.endswith((".c", ".h")))
        late = [path for path in sources if os.path.getmtime(path) > self.built]
        if late:
            raise ValueError(f"{os.path.relpath(late[0], TOP)} is newer than the program: ninja -C build")
        return sources

    def pin(self, folder):
        """Measured from now on is the copy below this folder."""
        os.makedirs(os.path.join(folder, "plugins"))
        for path in glob.glob(self.plugin("*")):
            shutil.copy(path, os.path.join(folder, "plugins"))
        own = os.path.dirname(self.path)
        for path in [self.path, *([self.helper, self.module] if self.has_service() else [])]:
            there = os.path.join(folder, "agent", os.path.relpath(path, own))
            os.makedirs(os.path.dirname(there), exist_ok=True)
            shutil.copy(path, there)
        self.path = os.path.join(folder, "agent", os.path.basename(self.path))


def digest_of(paths, words=()):
    digest = hashlib.sha256(repr(words).encode())
    for path in paths:
        with open(path, "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()[:12]
