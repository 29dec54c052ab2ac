# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two hosts on one machine: network namespaces joined by a veth pair with a rate limit at each end. Needs root.

    with Hosts(rate_mbit=400) as hosts:
        pair = Pair(hosts=(hosts.a, hosts.b), ...)
        pair.migrate(f"tcp:{hosts.b.address}:4444")
        hosts.cut()
"""

import os
import subprocess

from tests.lab import vm

BURST = 128 * 1024


class Host:
    def __init__(self, namespace, device, address):
        self.namespace = namespace
        self.device = device
        self.address = address

    def prefix(self):
        """What makes a command run here; the files are the same as everywhere."""
        return ["ip", "netns", "exec", self.namespace]

    def run(self, argv, **options):
        return subprocess.run([*self.prefix(), *argv], **{"check": True, "capture_output": True, "text": True, **options})

    def start(self, argv, **options):
        """A process that does not outlive the test."""
        return vm.start_process([*self.prefix(), *argv], **options)

    def pids(self):
        return list(map(int, ip("netns", "pids", self.namespace).split()))


class Hosts:
    count = 0

    def __init__(self, rate_mbit=None):
        Hosts.count += 1
        name = f"qlab{os.getpid()}-{Hosts.count}"
        self.a = Host(f"{name}a", "lab0", "192.0.2.1")
        self.b = Host(f"{name}b", "lab0", "192.0.2.2")
        try:
            for host in (self.a, self.b):
                ip("netns", "add", host.namespace)
            ip("link", "add", "lab0", "netns", self.a.namespace, "type", "veth", "peer", "name", "lab0",
               "netns", self.b.namespace)
            for host in (self.a, self.b):
                ip("-n", host.namespace, "link", "set", "lo", "up")
                ip("-n", host.namespace, "address", "add", f"{host.address}/24", "dev", host.device)
            self.restore()
            if rate_mbit is not None:
                self.limit(rate_mbit)
        except BaseException:
            self.cleanup()
            raise

    def limit(self, rate_mbit, latency_ms=50):
        """The link's rate, each way."""
        for host in (self.a, self.b):
            host.run(["tc", "qdisc", "replace", "dev", host.device, "root", "tbf", "rate", f"{rate_mbit}mbit",
                      "burst", str(BURST), "latency", f"{latency_ms}ms"])

    def cut(self):
        """The cable is out: nothing arrives, nobody is told. Both ends of a connection wait for their timeouts."""
        ip("-n", self.a.namespace, "link", "set", self.a.device, "down")

    def restore(self):
        for host in (self.a, self.b):
            ip("-n", host.namespace, "link", "set", host.device, "up")

    def cleanup(self):
        """The namespaces go; what still runs in them keeps them alive, so end the machines first."""
        for host in (self.a, self.b):
            subprocess.run(["ip", "netns", "delete", host.namespace], capture_output=True, check=False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.cleanup()


def ip(*arguments):
    return subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True).stdout
