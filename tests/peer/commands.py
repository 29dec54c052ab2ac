# SPDX-License-Identifier: LGPL-2.1-or-later
"""What each QMP command does and answers: a function of the peer and the command's arguments."""

import os

from tests.peer.facts import raw_schema
from tests.peer.link import Failed, split_uri, uri_of
from tests.peer.migration import TERMINAL

HANDLERS = {}


class Refused(Exception):
    def __init__(self, description, error_class="GenericError"):
        super().__init__(description)
        self.error_class = error_class


def command(function):
    HANDLERS[function.__name__.replace("_", "-")] = function
    return function


# --- the machine ------------------------------------------------------------------------------------------------------

@command
def query_version(peer, arguments):
    return peer.facts.query_version()


@command
def query_status(peer, arguments):
    status = {"status": peer.run_state, "running": peer.run_state == "running"}
    return status if peer.facts.at_least(8) else {**status, "singlestep": False}


@command
def query_name(peer, arguments):
    return {"name": peer.name} if peer.name else {}


@command
def query_uuid(peer, arguments):
    return {"UUID": peer.uuid}


@command
def query_kvm(peer, arguments):
    return {"enabled": peer.kvm, "present": True}


@command
def query_accelerators(peer, arguments):
    return {"enabled": "kvm" if peer.kvm else "tcg", "present": ["kvm", "qtest", "tcg"]}


@command
def query_target(peer, arguments):
    return {"arch": "x86_64"}


@command
def query_current_machine(peer, arguments):
    return {"wakeup-suspend-support": True}


@command
def query_machines(peer, arguments):
    return [{"name": name, "cpu-max": 288, "hotpluggable-cpus": True, "numa-mem-supported": False,
             "deprecated": False, **extra}
            for name, extra in ((peer.machine, {"alias": "q35"}), ("pc-i440fx-6.2", {"is-default": True}))]


@command
def query_memory_size_summary(peer, arguments):
    return {"base-memory": peer.ram.total, "plugged-memory": 0}


@command
def query_cpus_fast(peer, arguments):
    return [{"cpu-index": index, "thread-id": peer.pid, "qom-path": f"/machine/unattached/device[{index}]",
             "target": "x86_64", "props": {"core-id": index, "thread-id": 0, "socket-id": 0}}
            for index in range(peer.vcpus)]


@command
def query_block(peer, arguments):
    return peer.blocks


@command
def query_chardev(peer, arguments):
    return [{"label": "compat_monitor0", "filename": f"unix:{peer.path},server=on", "frontend-open": True}]


@command
def query_yank(peer, arguments):
    return [{"type": "migration"}] if peer.outgoing or peer.incoming else []


@command
def query_qmp_schema(peer, arguments):
    return raw_schema(peer.facts.key)


@command
def query_commands(peer, arguments):
    return [{"name": name} for name in peer.facts.schema.commands()]


@command
def qom_get(peer, arguments):
    path, name = arguments["path"].rstrip("/"), arguments["property"]
    if (path, name) == ("/machine", "type"):
        return f"{peer.machine}-machine"
    if path != "/machine":
        raise Refused(f"Device '{path}' not found", "DeviceNotFound")
    raise Refused(f"Property '{peer.machine}-machine.{name}' not found")


@command
def qom_list(peer, arguments):
    if arguments["path"].rstrip("/") == "/objects":
        return [{"name": name, "type": f"child<{o['qom-type']}>"} for name, o in peer.objects.items()]
    return [{"name": "type", "type": "string"}]


for _name in ("query-blockstats", "query-jobs", "query-block-jobs", "query-named-block-nodes", "query-iothreads",
              "query-block-exports", "query-memory-devices", "query-memdev", "query-migrationthreads", "query-pci"):
    HANDLERS[_name] = lambda peer, arguments: []


@command
def query_balloon(peer, arguments):
    raise Refused("No balloon device has been activated", "DeviceNotActive")


@command
def stop(peer, arguments):
    if peer.run_state == "inmigrate":
        peer.autostart = False
    elif peer.run_state == "running":
        peer._set_run_state("paused")
    return {}


@command
def cont(peer, arguments):
    if peer.run_state == "inmigrate":
        peer.autostart = True  # the trap: {} and an undone -S
    elif peer.run_state == "finish-migrate":
        raise Refused("Migration is not finalized yet")
    elif peer.run_state in ("shutdown", "internal-error", "guest-panicked"):
        raise Refused("Resetting the Virtual Machine is required")
    elif peer.run_state != "running":
        peer._set_run_state("running")
    return {}


@command
def quit(peer, arguments):
    peer._emit("SHUTDOWN", {"guest": False, "reason": "host-qmp-quit"})
    peer.loop.later(0.005, peer._exit)
    return {}


@command
def object_add(peer, arguments):
    name = arguments["id"]
    if name in peer.objects:
        raise Refused(f"attempt to add duplicate property '{name}' to object (type 'container')")
    directory = arguments.get("dir")
    if directory is not None and not os.path.isdir(directory):
        raise Refused(f"Unable to access credentials {directory}/keys.psk: No such file or directory")
    peer.objects[name] = arguments
    return {}


@command
def object_del(peer, arguments):
    if peer.objects.pop(arguments["id"], None) is None:
        raise Refused(f"object '{arguments['id']}' not found")
    return {}


@command
def getfd(peer, arguments):
    if not peer.spare_descriptors:
        raise Refused("No file descriptor supplied via SCM_RIGHTS")
    old = peer.descriptors.pop(arguments["fdname"], None)
    if old is not None:
        os.close(old)
    peer.descriptors[arguments["fdname"]] = peer.spare_descriptors.pop(0)
    return {}


@command
def closefd(peer, arguments):
    if arguments["fdname"] not in peer.descriptors:
        raise Refused(f"File descriptor named '{arguments['fdname']}' not found")
    os.close(peer.descriptors.pop(arguments["fdname"]))
    return {}


# --- migration --------------------------------------------------------------------------------------------------------

def in_progress(peer):
    return peer.migration_status not in TERMINAL


@command
def query_migrate(peer, arguments):
    info = {} if peer.migration_status == "none" else {"status": peer.migration_status}
    if peer.outgoing:
        info.update(peer.outgoing.info())
    elif peer.incoming:
        info.update(peer.incoming.info())
    if peer.error_desc and (peer.migration_status == "failed" or peer.facts.at_least(9)):
        info["error-desc"] = peer.error_desc
    if peer.blocked_reasons and peer.facts.at_least(6):
        info["blocked-reasons"] = peer.blocked_reasons
    return info


@command
def query_migrate_capabilities(peer, arguments):
    return [{"capability": name, "state": state} for name, state in peer.capabilities.items()]


@command
def query_migrate_parameters(peer, arguments):
    return dict(peer.parameters)


@command
def migrate_set_capabilities(peer, arguments):
    if peer.outgoing and in_progress(peer):
        raise Refused("There's a migration process in progress")
    wanted = {entry["capability"]: entry["state"] for entry in arguments["capabilities"]}
    unknown = [name for name in wanted if name not in peer.capabilities]
    if unknown:
        raise Refused(f"Parameter 'capability' does not accept value '{unknown[0]}'")
    refusal = peer.facts.refuse_capabilities({**peer.capabilities, **wanted})
    if refusal:
        raise Refused(refusal)
    if wanted.get("postcopy-ram") and peer.run_state == "inmigrate" and not peer.userfaultfd:
        raise Refused("Postcopy is not supported: Userfaultfd not available")
    peer.capabilities.update(wanted)
    return {}


@command
def migrate_set_parameters(peer, arguments):
    given = {name: "" if value is None else value for name, value in arguments.items()}
    merged = {**peer.parameters, **given}
    refusal = peer.facts.refuse_parameters(merged)
    if refusal:
        raise Refused(refusal)
    peer.parameters = merged
    return {}


@command
def migrate(peer, arguments):
    uri = uri_of(arguments)
    if arguments.get("resume"):
        return resume(peer, uri)
    if in_progress(peer):
        raise Refused("There's a migration process in progress")
    if peer.run_state == "inmigrate":
        raise Refused("Guest is waiting for an incoming migration")
    if peer.run_state == "postmigrate":
        raise Refused("Can't migrate the vm that was paused due to previous migration")
    if peer.blocked_reasons:
        raise Refused(peer.blocked_reasons[0])
    check_uri(peer, uri)
    peer._start_outgoing(uri)
    return {}


def check_uri(peer, uri):
    known = ("tcp", "unix", "vsock", "fd", "exec", *(("file",) if peer.facts.at_least(8, 2) else ()))
    scheme, rest = split_uri(uri)
    if scheme not in known:
        if not peer.facts.at_least(8, 2):
            peer.migration_status = "failed"
            raise Refused("Parameter 'uri' expects a valid migration protocol")
        raise Refused(f"unknown migration protocol: {uri}")
    if scheme == "tcp" and not rest.rpartition(":")[2].isdigit():
        raise Refused(f"error parsing address '{rest}'")


def resume(peer, uri):
    if peer.migration_status != "postcopy-paused":
        raise Refused("Cannot resume if there is no paused migration")
    check_uri(peer, uri)
    peer.outgoing.resume_uri = uri
    return {}


@command
def migrate_incoming(peer, arguments):
    if peer.incoming:
        raise Refused("The incoming migration has already been started")
    if not peer.defer:
        raise Refused("'-incoming' was not specified on the command line")
    uri = uri_of(arguments)
    check_uri(peer, uri)
    try:
        peer._start_incoming(uri, arguments.get("exit-on-error", True))
    except Failed as error:
        peer._set_status("setup")  # and it stays so: this QEMU is of no use any more
        raise Refused(str(error)) from None
    return {}


@command
def migrate_continue(peer, arguments):
    if arguments["state"] != peer.migration_status:
        raise Refused(f"Migration not in expected state: {peer.migration_status}")
    peer.outgoing.continued = True
    return {}


def migrate_cancel(peer, arguments):
    if not peer.outgoing or not in_progress(peer):
        return {}
    in_postcopy = peer.migration_status.startswith("postcopy")
    if in_postcopy and peer.facts.at_least(10):
        raise Refused("Postcopy migration in progress, cannot cancel.")
    if not (peer.cancel_loses and peer.migration_status == "device"):
        peer.outgoing.cancel_asked = True
    return {}


HANDLERS["migrate_cancel"] = migrate_cancel


@command
def migrate_start_postcopy(peer, arguments):
    if not peer.capabilities["postcopy-ram"]:
        raise Refused("Enable postcopy with migrate_set_capability before the start of migration")
    if peer.migration_status == "none":
        raise Refused("Postcopy must be started after migration has been started")
    if peer.outgoing and peer.migration_status == "active":
        peer.outgoing.postcopy_asked = True
    return {}


@command
def migrate_pause(peer, arguments):
    link = (peer.outgoing or peer.incoming).link if peer.outgoing or peer.incoming else None
    if link is None or peer.migration_status not in ("postcopy-active", "postcopy-recover"):
        raise Refused("migrate-pause is currently only supported during postcopy-active or postcopy-recover state")
    link.cut = True
    return {}


@command
def migrate_recover(peer, arguments):
    if not peer.incoming or peer.migration_status != "postcopy-paused":
        raise Refused("Migrate recover can only be run when postcopy is paused.")
    try:
        peer.incoming.recover(arguments["uri"])
    except Failed as error:
        raise Refused(str(error)) from None
    return {}


@command
def query_yank(peer, arguments):
    active = [{"type": "migration"}] if in_progress(peer) else []
    return [{"type": "chardev", "id": "compat_monitor0"}, *active]


@command
def yank(peer, arguments):
    known = query_yank(peer, {})
    if any(instance not in known for instance in arguments["instances"]):
        raise Refused("Instance not found", "DeviceNotFound")
    link = (peer.outgoing or peer.incoming).link if {"type": "migration"} in arguments["instances"] else None
    if link is not None:
        link.cut = link.yanked = True
    return {}
