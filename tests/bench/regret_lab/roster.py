# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whose decisions are compared: a name and what --policy takes. All have the cell's limits above them, also the rules of others,
which have no such limits where they come from; those may abort where they would. A rate of their own is the link's here."""

import dataclasses

PRE_COPY_SUBJECT = "auto-no-postcopy"
SUBJECT = "auto"


@dataclasses.dataclass(frozen=True)
class Policy:
    name: str
    text: str
    pre_copy: bool = True

    def for_cell(self, cell):
        return self.text.format(limit_ms=cell.limit_ms, rate=f"{cell.link_gbit}Gbit/s", deadline_s=round(2 * cell.once_s + 10))


def ours(name, text):
    return Policy(name, f"{text},postcopy=never")


def theirs(name, text):
    return Policy(name, f"{text},postcopy=never,if-stuck=cancel")


def switches(name, text):
    return Policy(name, f"{text},postcopy=fallback", pre_copy=False)


ROSTER = (
    ours(PRE_COPY_SUBJECT, "auto"),
    ours("plain", "fixed,downtime={limit_ms}ms"),
    ours("downtime", "downtime"),
    ours("throttle", "throttle"),
    ours("throttle-tailslow", "throttle,tailslow=on"),
    ours("throttle-steep", "throttle,initial=50%,increment=30%"),
    ours("classic", "classic"),
    ours("deadline", "deadline,deadline={deadline_s}s"),
    theirs("ovirt-minimal-downtime", "schedule,name=minimal-downtime"),
    theirs("ovirt-suspend-workload", "schedule,name=suspend-workload"),
    theirs("ovirt-very-large", "schedule,name=very-large"),
    theirs("ovirt-legacy", "schedule,name=legacy"),
    theirs("nova", "nova"),
    theirs("nova-auto-converge", "nova,permit-auto-converge=yes"),
    theirs("kubevirt", "kubevirt"),
    theirs("kubevirt-auto-converge", "kubevirt,allow-auto-converge=yes"),
    theirs("kubevirt-stall", "kubevirt,stall-detection=yes"),
    theirs("proxmox", "proxmox"),
    theirs("ganeti", "ganeti,bandwidth={rate}"),
    theirs("incus", "incus,bandwidth={rate}"),
    switches(SUBJECT, "auto"),
    switches("postcopy", "postcopy"),
    switches("postcopy-after-2", "postcopy,passes=2"),
    switches("ovirt-post-copy", "schedule,name=post-copy,if-stuck=cancel"),
    switches("nova-post-copy", "nova,timeout-action=force-complete,permit-post-copy=yes,if-stuck=cancel"),
    switches("kubevirt-post-copy", "kubevirt,allow-post-copy=yes,if-stuck=cancel"),
    switches("kubevirt-stall-post-copy", "kubevirt,stall-detection=yes,allow-post-copy=yes,if-stuck=cancel"),
    switches("ganeti-post-copy", "ganeti,caps=postcopy-ram,bandwidth={rate},if-stuck=cancel"),
)
BY_NAME = {policy.name: policy for policy in ROSTER}
