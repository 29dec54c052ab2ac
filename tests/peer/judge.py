# SPDX-License-Identifier: LGPL-2.1-or-later
"""Commands that QEMU takes and that a tool which loses no guest never sends. Each gives the sin's name, or None."""


def judge(peer, command, arguments):
    """Called when the command's turn comes, before it is executed."""
    rule = _RULES.get(command)
    return rule(peer, arguments) if rule else None


def _cont(peer, arguments):
    other = peer.other
    if peer.run_state == "inmigrate":
        return "cont on an inmigrate destination"
    if peer.incoming and peer.migration_status not in ("completed", "postcopy-active", "postcopy-paused",
                                                       "postcopy-recover"):
        return f"cont on a destination that is {peer.migration_status}"
    if peer.incoming and other and other.migration_status in ("failed", "cancelled"):
        return f"cont on a destination whose source is {other.migration_status}"
    if peer.outgoing and peer.migration_status == "completed" and other and other.alive:
        return "cont on a completed source while the destination lives"
    if peer.outgoing and peer.migration_status.startswith("postcopy"):
        return "cont on a source in postcopy"
    return None


def _migrate_cancel(peer, arguments):
    link = (peer.outgoing or peer.incoming).link if peer.outgoing or peer.incoming else None
    if peer.migration_status.startswith("postcopy") or link is not None and link.postcopy:
        return "migrate_cancel after postcopy began"
    return None


def _migrate_set_capabilities(peer, arguments):
    """One that listens takes them until a source sends, or is about to."""
    if not peer.incoming or peer.migration_status in ("completed", "failed"):
        return None
    sends = peer.other is not None and peer.other.outgoing is not None and \
        peer.other.migration_status not in ("completed", "failed", "cancelled")
    if peer.incoming.link is not None or sends:
        return "capability change on a destination mid-incoming"
    return None


def _yank(peer, arguments):
    outgoing = peer.outgoing
    if {"type": "migration"} not in arguments.get("instances", []) or outgoing is None:
        return None
    destination = outgoing.link.incoming.peer if outgoing.link and outgoing.link.incoming else None
    past = outgoing.continued or peer.migration_status == "device"
    if past and destination and destination.alive and destination.autostart:
        return "yank after migrate-continue on a destination that can start by itself"
    return None


def _calc_dirty_rate(peer, arguments):
    goes = peer.outgoing is not None and peer.migration_status not in ("completed", "failed", "cancelled")
    if goes and arguments.get("mode", "page-sampling") != "page-sampling":
        return "calc-dirty-rate that clears the dirty log of a migration"
    return None


def _quit(peer, arguments):
    other = peer.other
    if peer.outgoing or not peer.defer:
        arrived = other is not None and other.migration_status == "completed"
        runs = peer.outgoing is not None and (not peer.outgoing.ran or other is not None and other.run_state == "running")
        unseen = other is None or other.incoming is None
        if not (arrived and runs) and not (unseen and peer.migration_status == "completed"):
            return "quit of a source whose guest has not arrived"
    elif peer.run_state == "running" or peer.migration_status.startswith("postcopy"):
        return "quit of a destination that has the guest"
    elif peer.migration_status == "completed" and other and other.migration_status == "completed" \
            and other.run_state != "running":
        return "quit of a destination that has the guest"
    return None


_RULES = {"cont": _cont, "migrate_cancel": _migrate_cancel, "migrate-set-capabilities": _migrate_set_capabilities,
          "yank": _yank, "quit": _quit, "calc-dirty-rate": _calc_dirty_rate}
