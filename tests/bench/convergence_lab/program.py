# SPDX-License-Identifier: LGPL-2.1-or-later
"""The qmpmig that is measured, with its policies: a copy, so that a build meanwhile changes nothing."""

import glob
import hashlib
import os
import shutil
import subprocess

TOP = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../..")


class Program:
    def __init__(self, path=None):
        self.path = os.path.abspath(path or os.environ.get("QMPMIG") or os.path.join(TOP, "build/agent/qmpmig"))

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

    def digest(self, policy=None):
        """What the results of a policy depend on."""
        return digest_of([self.path, *([self.plugin(policy)] if policy else [])])

    def service_digest(self, policy):
        return digest_of([self.helper, self.module, self.plugin(policy)])

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


def digest_of(paths):
    digest = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()[:12]
