# SPDX-License-Identifier: LGPL-2.1-or-later
"""The bare-metal guest's memory as it must look from outside (see tests/guest/bare.c)."""

import struct

PAGE = 4096
WORK_AT = 0x200000
MAGIC = b"QMPMIG-LAB-PAGE\0"
DEFAULTS = {"ws": 16 << 20, "static": 8 << 20}


def layout(parameters):
    """Where the working set begins, its size, and the size of the static region behind it."""
    known = {**DEFAULTS, **parameters}
    return WORK_AT, known["ws"] // PAGE * PAGE, known["static"] // PAGE * PAGE


def verify(memory, parameters, name):
    """The loop number of the dump; an exception when no instant of the loop looks like this."""
    from tests.lab.vm import MemoryBad
    _, size, fixed = layout(parameters)
    first = [struct.unpack_from("<I", memory, at)[0] for at in range(0, size, PAGE)]
    last = [struct.unpack_from("<I", memory, at + PAGE - 4)[0] for at in range(0, size, PAGE)]
    steps = [page for page in range(1, len(first)) if first[page] != first[page - 1]]
    torn = [page for page in range(len(first)) if first[page] != last[page]]
    # The page that is being written may have its first word only.
    if torn and (len(torn) > 1 or first[torn[0]] != last[torn[0]] + 1):
        raise MemoryBad(f"{name}: torn pages {torn[:5]}")
    if len(steps) > 1 or (steps and first[steps[0]] != first[steps[0] - 1] - 1):
        raise MemoryBad(f"{name}: the counters step at pages {steps[:5]}, from {first[steps[0] - 1]} to {first[steps[0]]}")
    for page in range(fixed // PAGE):
        at = size + page * PAGE
        if memory[at:at + 24] != MAGIC + struct.pack("<Q", page):
            raise MemoryBad(f"{name}: static page {page} has lost its head")
    return first[-1] if first else 0
