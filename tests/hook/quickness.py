# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a hook costs whoever calls it: the time until nobody holds its pipes any more, and CPU time."""
import resource
import statistics

from tests.hook.bus import Bus, DeafBus
from tests.hook.caller import DOMAINS, LIMIT_S, Host, Libvirtd, Vdsm

CALLS = 60
CPU_S = 0.02
WEB1, NOVA = ((DOMAINS / f"{name}.xml").read_text() for name in ("web1", "nova"))

# What the service, or its bus, does meanwhile.
STATES = {"absent": lambda: Bus(None), "hung": lambda: Bus("hangs"), "crashing": lambda: Bus("crashes"),
          "dying at each call": lambda: Bus("dies"), "answering": lambda: Bus("answers"), "deaf bus": DeafBus}
OPERATIONS = ("migrate begin", "prepare begin", "start begin", "started begin", "reconnect begin", "stopped end",
              "release end")
POINTS = (*(f"vdsm {point}" for point in Vdsm.POINTS), *(f"libvirt {operation}" for operation in OPERATIONS))


class Taken:
    """By the calls of one hook in one state, and by a program that does nothing, started before each."""

    def __init__(self):
        self.seconds, self.cpu_seconds, self.idle_seconds = [], [], []

    def add(self, host, run):
        self.idle_seconds.append(host.run(["/bin/true"])[1])
        before = cpu_seconds()
        self.seconds.append(run())
        self.cpu_seconds.append(cpu_seconds() - before)

    def __str__(self):
        return (f"{len(self.seconds)} calls, {figures(self.seconds)}, CPU {milliseconds(statistics.median(self.cpu_seconds))} ms; "
                f"/bin/true: {figures(self.idle_seconds)}")

    def faults(self):
        """What of it is too much. The worst is told only: one late call is as likely the machine's fault."""
        found = []
        if statistics.median(self.seconds) >= LIMIT_S:
            found.append(f"its median is not below {milliseconds(LIMIT_S)} ms")
        if statistics.median(self.cpu_seconds) >= CPU_S:
            found.append(f"its CPU time is not below {milliseconds(CPU_S)} ms")
        return found


def cpu_seconds():
    """Of all that we started and saw the end of: a hook, but not what it leaves behind."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def caller(host, point):
    """What calls that hook once; the seconds that it took."""
    who, _, name = point.partition(" ")
    if who == "vdsm":
        vdsm = Vdsm(host)
        return lambda: vdsm.run(name, WEB1, qmpmig_policy="auto", qmpmig_monitor="on")[2]
    libvirtd = Libvirtd(host)
    return lambda: libvirtd.run("web1", *name.split(), NOVA)[1]


def take(state, point, calls=CALLS):
    """On a bus of its own: one takes only so many of those that wait for a service that hangs."""
    bus = STATES[state]()
    try:
        host = Host(bus.address)
        try:
            run, taken = caller(host, point), Taken()
            for _ in range(calls):
                taken.add(host, run)
            return taken
        finally:
            host.end()
    finally:
        bus.end()


def milliseconds(seconds):
    return f"{seconds * 1000:.1f}"


def figures(seconds):
    return f"median {milliseconds(statistics.median(seconds))} ms, worst {milliseconds(max(seconds))} ms"
