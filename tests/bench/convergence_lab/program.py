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
        return os.path.join(os.path.dirname(self.path), "../plugins", f"{policy}.so")

    def policies(self):
        """By name; none when it knows no --policy."""
        told = subprocess.run([self.path, "migrate", "--help"], capture_output=True, text=True, check=True).stdout
        if "--policy" not in told:
            return []
        return sorted(os.path.basename(path).removesuffix(".so") for path in glob.glob(self.plugin("*")))

    def digest(self, policy=None):
        """What the results of a policy depend on."""
        digest = hashlib.sha256()
        for path in [self.path, *([self.plugin(policy)] if policy else [])]:
            with open(path, "rb") as file:
                digest.update(file.read())
        return digest.hexdigest()[:12]

    def pin(self, folder):
        """Measured from now on is the copy below this folder."""
        os.makedirs(os.path.join(folder, "plugins"))
        os.makedirs(os.path.join(folder, "agent"))
        for path in glob.glob(self.plugin("*")):
            shutil.copy(path, os.path.join(folder, "plugins"))
        self.path = shutil.copy(self.path, os.path.join(folder, "agent"))
