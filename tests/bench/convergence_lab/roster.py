# SPDX-License-Identifier: LGPL-2.1-or-later
"""All contenders by name. tier: 0 for those that the comparison is about, then the rest."""

import fnmatch

from tests.bench.convergence_lab.contender import QemuDefaults, Qmpmig, Virsh, policy_name
from tests.bench.convergence_lab.watched import Watched

BUILTIN = "builtin"     # a qmpmig that knows no policies
# The rules of others, under no limit but their own: what they know of. (policy, its options, ours, whether it is pre-copy)
FREE = ("--max-downtime", "2000s", "--postcopy", "never")
ABORTS = (*FREE, "--if-stuck", "cancel")
SWITCHES = ("--max-downtime", "2000s", "--postcopy", "fallback", "--if-stuck", "cancel")
OTHERS = {
    "ovirt-minimal-downtime": ("schedule,name=minimal-downtime", ABORTS, True),
    "ovirt-suspend-workload": ("schedule,name=suspend-workload", ABORTS, True),
    "ovirt-post-copy": ("schedule,name=post-copy", SWITCHES, False),
    "ovirt-very-large": ("schedule,name=very-large", ABORTS, True),
    "ovirt-legacy": ("schedule,name=legacy", ABORTS, True),
    "nova": ("nova", ABORTS, True),
    "nova-auto-converge": ("nova,permit-auto-converge=yes", ABORTS, True),
    "nova-post-copy": ("nova,timeout-action=force-complete,permit-post-copy=yes", SWITCHES, False),
    "kubevirt": ("kubevirt", ABORTS, True),
    "kubevirt-auto-converge": ("kubevirt,allow-auto-converge=yes", ABORTS, True),
    "kubevirt-post-copy": ("kubevirt,allow-post-copy=yes", SWITCHES, False),
    "kubevirt-stall": ("kubevirt,stall-detection=yes", ABORTS, True),
    "kubevirt-stall-post-copy": ("kubevirt,stall-detection=yes,allow-post-copy=yes", SWITCHES, False),
    "proxmox": ("proxmox", FREE, True),
    "ganeti": ("ganeti", FREE, True),
    "ganeti-post-copy": ("ganeti,caps=postcopy-ram", SWITCHES, False),
    "incus": ("incus", FREE, True),
}
POLICY_TEXTS = {"fixed": "fixed,throttle=80%"}     # by itself it sets nothing; the limit is the cell's
POLICY_OPTIONS = {"deadline": ("--deadline", "30s")}    # half of the bench's own patience


def virsh_contenders():
    return [Virsh("virsh-plain"),
            Virsh("virsh-auto-converge", "--auto-converge"),
            Virsh("virsh-xbzrle", "--compressed", "--comp-methods", "xbzrle"),
            Virsh("virsh-postcopy", "--postcopy", "--postcopy-after-precopy", pre_copy=False),
            Virsh("virsh-timeout-suspend", "--timeout", "{patience_s}", "--timeout-suspend", pre_copy=False)]


def qmpmig_contenders(program):
    names = program.policies()
    if not names:
        return [Qmpmig(BUILTIN, program, None)]
    theirs = {policy_name(policy) for policy, *_ in OTHERS.values()}
    known = [Qmpmig(name, program, POLICY_TEXTS.get(name, name), *POLICY_OPTIONS.get(name, ()), pre_copy=name != "postcopy")
             for name in names if name not in theirs]
    known += [Qmpmig(name, program, policy, *options, pre_copy=pre_copy) for name, (policy, options, pre_copy) in OTHERS.items()
              if policy_name(policy) in names]
    if "auto" in names:
        known.append(Qmpmig("auto-no-postcopy", program, "auto", "--postcopy", "never"))
        known.append(Qmpmig("auto-tcp", program, "auto", connects=False))
        known.append(Qmpmig("postcopy-tcp", program, "postcopy", pre_copy=False, connects=False))
        if program.has_service():
            known.append(Watched("virsh-auto-converge-service", program, "auto", "--auto-converge"))
    return known


def subject_of(names):
    """Whose results are judged: auto, where there is one."""
    return next((name for name in ("auto", BUILTIN) if name in names), None)


def everyone(program):
    contenders = [*virsh_contenders(), QemuDefaults("qemu-defaults"), *qmpmig_contenders(program)]
    subject = subject_of([contender.name for contender in contenders])
    for contender in contenders:
        contender.tier = 0 if contender.name in ("virsh-plain", "virsh-auto-converge", subject) else 1
        contender.tells_floor = contender.name in ("virsh-plain", subject)
    return contenders


def choose(program, patterns):
    """Those whose names match one of these; ValueError names the pattern that matches none."""
    known = everyone(program)
    if patterns is None:
        return known
    for pattern in patterns:
        if not any(fnmatch.fnmatchcase(contender.name, pattern) for contender in known):
            raise ValueError(f"no contender {pattern}: {', '.join(contender.name for contender in known)}")
    return [contender for contender in known if any(fnmatch.fnmatchcase(contender.name, pattern) for pattern in patterns)]
