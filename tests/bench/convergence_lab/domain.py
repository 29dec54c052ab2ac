# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guest's machine, as libvirt's XML, and the command line that libvirt makes of it, for those who do without libvirt."""

import re
import shlex
import uuid
from xml.sax.saxutils import quoteattr

from tests.bench.convergence_lab.host import LIVES
from tests.lab import vm

NAME = "bench"
MEMORY_MIB = 512
SERIAL = f"{LIVES}/serial"
WITNESS = f"{LIVES}/witness"
MONITOR = f"{LIVES}/monitor"

XML = """\
<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='MiB'>{memory}</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc-q35-10.0'>hvm</type>
    <kernel>{guests}/kernel/vmlinuz</kernel>
    <initrd>{guests}/initrd</initrd>
    <cmdline>{words}</cmdline>
  </os>
  <features><acpi/></features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    <video><model type='none'/></video>
    <panic model='isa'/>
    <serial type='unix'><source mode='bind' path={serial}/></serial>
  </devices>
  <qemu:commandline>
    <qemu:arg value='-qmp'/>
    <qemu:arg value='unix:{witness},server=on,wait=off'/>
  </qemu:commandline>
</domain>
"""


def make_xml(parameters):
    """parameters: the guest's (ws, rate, shape, ...), as tests/guest/workload.c reads them."""
    words = " ".join([vm.KERNEL_ARGUMENTS, *(f"lab.{key}={value}" for key, value in parameters.items())])
    return XML.format(name=NAME, uuid=uuid.uuid4(), memory=MEMORY_MIB, guests=vm.guests_folder(), words=words,
                      serial=quoteattr(SERIAL), witness=WITNESS)


def native_argv(host, xml_path):
    """The same machine without libvirt: its command line less the key of libvirt's own and the waiting for `cont`."""
    text = host.virsh("domxml-to-native", "qemu-argv", "--xml", xml_path).stdout
    words = [word for word in shlex.split(text) if not re.match(r"[A-Z_]+=", word)]
    key = next(number for number, word in enumerate(words) if '"masterKey0"' in word)
    del words[key - 1:key + 1]
    words.remove("-S")
    return [re.sub(r"(id=charmonitor,path=)[^,]*", rf"\1{MONITOR}", word) for word in words]
