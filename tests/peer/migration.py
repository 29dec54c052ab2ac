# SPDX-License-Identifier: LGPL-2.1-or-later
"""The two halves of a migration as QEMU goes through it. Each half is a generator: every `yield` waits for the next
tick and gives the seconds that passed, so that a migration reads from top to bottom."""

import dataclasses

from tests.peer.link import Cut, Failed, Listener, connect

PAGE = 4096
TICK = 0.002
TERMINAL = ("none", "completed", "failed", "cancelled")


@dataclasses.dataclass
class Ram:
    """The guest's memory and the link. Small numbers: the defaults move in about 0.2 s."""
    total: int = 256 << 20
    working_set: int = 24 << 20
    dirty_rate: int = 100 << 20    # bytes/s, while the guest runs unthrottled
    link: int = 2 << 30            # bytes/s
    postcopy_link: int = 0         # bytes/s; 0: as link
    rate_period: float = 0.1       # QEMU: 1 s; at most so often is a sync rated for auto-converge
    first_window: float = 0.05     # QEMU: 0.1 s; no bandwidth is known, and nothing converges, before


class Cancelled(Exception):
    pass


# --- the source -------------------------------------------------------------------------------------------------------

class Outgoing:
    def __init__(self, source, uri):
        self.source = source
        self.uri = uri
        self.link = None
        self.ran = source.run_state == "running"
        self.state_before = source.run_state
        self.stopped_it = False
        self.cancel_asked = False
        self.continued = False
        self.postcopy_asked = False
        self.resume_uri = None
        self.started = source.now()
        self.stopped_at = None
        self.setup_ms = self.downtime_ms = self.total_ms = None
        # RAM
        self.remaining = source.ram.total
        self.dirty = 0.0
        self.transferred = self.precopy = self.downtime_bytes = self.postcopy_bytes = 0
        self.duplicate = self.normal = 0
        self.syncs = 1
        self.dirty_pages_rate = 0
        self.mbps = 0.0
        self.bandwidth = 0.0
        self.throttle = 0
        self.expected_downtime = source.parameters["downtime-limit"]
        self._hits = 0
        self._sync_at = self._rated_at = source.now()
        self._sent_since_sync = self._dirtied_since_sync = 0

    # --- top to bottom ------------------------------------------------------------------------------------------------

    def run(self):
        try:
            yield from self._precopy()
            if self.postcopy_asked:
                yield from self._postcopy()
            else:
                yield from self._switchover()
            self._completed()
        except Cancelled:
            yield from self._end_cancelled()
        except Failed as error:
            yield from self._end_failed(str(error))
        if self.link is not None and self.source.migration_status != "completed":
            self.link.cut = True

    def _precopy(self):
        s = self.source
        s._set_status("setup")
        yield from self._wait(0.003)
        self.link = connect(s, self.uri)
        self.setup_ms = int((s.now() - self.started) * 1000)
        s._pass(1)
        s._set_status("active")
        began = s.now()
        while not self.postcopy_asked:
            seconds = yield from self._tick()
            if self.link.refused:
                raise Failed(self.link.refused if s.facts.at_least(8) else "")
            if self._stalled():
                continue
            self._send(seconds)
            known = self.bandwidth if s.now() - began >= s.ram.first_window else 0
            threshold = known * s.parameters["downtime-limit"] / 1000
            if s.parameters.get("avail-switchover-bandwidth"):
                threshold = s.parameters["avail-switchover-bandwidth"] * s.parameters["downtime-limit"] / 1000
            if self.remaining <= threshold or self.remaining == 0:
                self._sync()
                if self.remaining <= threshold:
                    return

    def _switchover(self):
        s = self.source
        yield from self._stop_and_confirm()
        if s.capabilities["pause-before-switchover"] or s.facts.at_least(10):
            s._set_status("device")
        self.syncs += 1
        s._pass(self.syncs)
        self.link.package = max(self.remaining, 64 << 10)
        if not (self._small_package() and s.capabilities["return-path"]):
            while self._stalled():  # the socket is full, and so is the main loop
                yield from self._tick()
        self.downtime_bytes += self.link.package
        self.transferred += self.link.package
        self.remaining = 0
        self.link.whole = True
        yield from self._tick()
        while s.capabilities["return-path"] and not self.link.loaded:
            yield from self._tick()
            if self.link.refused:
                raise Failed(self.link.refused if s.facts.at_least(8) else "")

    def _postcopy(self):
        s = self.source
        if not s.facts.at_least(10) and not s.capabilities["pause-before-switchover"]:
            s._set_status("postcopy-active")  # before STOP, there
        yield from self._stop_and_confirm()
        if s.facts.at_least(10) or s.capabilities["pause-before-switchover"]:
            s._set_status("device")
        self.syncs += 1
        s._pass(self.syncs)
        if s.facts.at_least(10, 2):
            s._set_status("postcopy-device")
        while self._stalled():
            yield from self._tick()
        self.link.postcopy = True
        while s.facts.at_least(10, 2) and not self.link.switched:
            yield  # up to the destination's word the guest can come back
            if not self.link.switched and self.link.cut:
                raise Cut()
        self.downtime_ms = int((s.now() - self.stopped_at) * 1000)
        if s.migration_status != "postcopy-active":
            s._set_status("postcopy-active")
        while True:
            try:
                yield from self._push()
                return
            except Cut:
                yield from self._paused()

    def _push(self):
        s = self.source
        while self.remaining > 0 or not self.link.switched:
            seconds = yield from self._tick()
            if self._stalled():
                continue
            link = s.ram.postcopy_link or s.ram.link
            rate = min(link, s.parameters["max-postcopy-bandwidth"] or link)
            sent = min(int(rate * seconds), int(self.remaining))
            self.remaining -= sent
            self.transferred += sent
            self.postcopy_bytes += sent
        self.link.whole = True
        while not self.link.loaded:
            yield from self._tick()

    def _paused(self):
        """Until a resume gets through."""
        s = self.source
        s._set_status("postcopy-paused")
        while True:
            self.resume_uri = None
            while self.resume_uri is None:
                yield
                if self.cancel_asked:  # 7.2: wedged in "cancelling", for ever
                    s._set_status("cancelling")
                    while True:
                        yield
            if s.facts.at_least(9, 1):
                s._set_status("postcopy-recover-setup")
                yield from self._wait(0.003)
            try:
                self.link = connect(s, self.resume_uri, resume=True)
            except Failed:
                if s.migration_status != "postcopy-paused":
                    s._set_status("postcopy-paused")
                continue
            s._set_status("postcopy-recover")
            yield from self._wait(0.005)
            if not self.link.cut:
                s._set_status("postcopy-active")
                return
            s._set_status("postcopy-paused")

    # --- steps --------------------------------------------------------------------------------------------------------

    def _stop_and_confirm(self):
        s = self.source
        self.stopped_at = s.now()
        self.ran = s.run_state == "running"
        self.state_before = s.run_state
        self.stopped_it = True
        s._set_run_state("finish-migrate")
        if not s.capabilities["pause-before-switchover"]:
            return
        s._set_status("pre-switchover")
        while not self.continued:
            yield  # a dead destination is not noticed here
            if self.cancel_asked:
                raise Cancelled()
            if self.link.yanked:
                raise Cut()

    def _completed(self):
        s = self.source
        now = s.now()
        self.total_ms = int((now - self.started) * 1000)
        if self.downtime_ms is None:
            self.downtime_ms = int((now - self.stopped_at) * 1000)
        self.remaining = 0
        s._set_run_state("postmigrate")
        s._set_status("completed")

    def _end_cancelled(self):
        s = self.source
        s._set_status("cancelling")
        if self.link is not None:
            self.link.cut = True
        yield from self._wait(0.003)
        if self.link is not None and self.link.postcopy:
            s._set_run_state("postmigrate")
        else:
            self._run_again()
        s._set_status("cancelled")

    def _end_failed(self, text):
        s = self.source
        if s.facts.at_least(11):
            s._set_status("failing")
            yield from self._wait(0.003)
        s.error_desc = text
        s._set_status("failed")
        yield from self._wait(s.resume_lag)
        self._run_again()

    def _run_again(self):
        if self.stopped_it and self.source.run_state == "finish-migrate":
            self.source._set_run_state("running" if self.ran else self.state_before)

    def _wait(self, seconds):
        until = self.source.now() + seconds
        yield
        while self.source.now() < until:
            yield

    def _tick(self):
        seconds = yield
        if self.cancel_asked:
            raise Cancelled()
        if self.link is not None and self.link.cut:
            raise Cut()
        return seconds

    def _stalled(self):
        incoming = self.link.incoming
        return incoming is not None and (incoming.peer.frozen or incoming.stalled)

    def _small_package(self):
        return self.link.package <= 512 << 10

    def blocks_main_loop(self):
        """At the switchover the source writes with the main loop held: a hung destination hangs its monitor."""
        return (self.link is not None and self.link.package > 0 and not self.link.whole
                and not self.link.cut and self._stalled() and not self._small_package())

    # --- memory -------------------------------------------------------------------------------------------------------

    def _send(self, seconds):
        s = self.source
        self.bandwidth = min(s.ram.link, s.parameters["max-bandwidth"] or s.ram.link)
        sent = min(int(self.bandwidth * seconds), int(self.remaining))
        self.remaining -= sent
        self.transferred += sent
        self.precopy += sent
        self.normal += sent // PAGE
        self._sent_since_sync += sent
        self.mbps = self.bandwidth * 8 / 1e6
        if s.run_state == "running":
            rate = s.ram.dirty_rate * (100 - self.throttle) / 100
            fresh = max(0.0, 1 - self.dirty / s.ram.working_set) if s.ram.working_set else 0
            self.dirty += rate * seconds * fresh
            self._dirtied_since_sync += rate * seconds * fresh
        if self._forced_sync_is_due():
            self._sync()

    def _forced_sync_is_due(self):
        s = self.source
        quick = s.facts.at_least(11) and s.capabilities["postcopy-ram"]  # 81 syncs in 8 s, seen
        return (s.facts.at_least(9, 2) and self.syncs > 1 or quick) and \
            s.now() - self._sync_at > s.ram.rate_period * (1 if quick else 5)

    def _sync(self):
        s = self.source
        seconds = max(s.now() - self._sync_at, 1e-3)
        self.syncs += 1
        self.remaining = min(s.ram.total, int(self.remaining + self.dirty) // PAGE * PAGE)
        self.dirty_pages_rate = int(self.dirty / seconds) // PAGE
        if self.bandwidth:
            self.expected_downtime = int(self.remaining / self.bandwidth * 1000)
        if s.now() - self._rated_at >= s.ram.rate_period:
            self._rate_convergence()
        self.dirty = 0.0
        self._sync_at = s.now()
        s._pass(self.syncs)

    def _rate_convergence(self):
        s = self.source
        p = s.parameters
        too_much = self._dirtied_since_sync > self._sent_since_sync * p["throttle-trigger-threshold"] / 100
        self._rated_at = s.now()
        self._sent_since_sync = self._dirtied_since_sync = 0
        self._hits += too_much
        if s.capabilities["auto-converge"] and self._hits >= 2:
            self._hits = 0
            step = p["cpu-throttle-increment"]
            self.throttle = min(self.throttle + step, p["max-cpu-throttle"]) if self.throttle \
                else min(p["cpu-throttle-initial"], p["max-cpu-throttle"])

    # --- query-migrate ------------------------------------------------------------------------------------------------

    def info(self):
        s = self.source
        status = s.migration_status
        if status in ("setup", "cancelling", "cancelled", "failed", "failing"):
            return {"total-time": self._total()} if status == "setup" else {}
        info = {"setup-time": self.setup_ms, "total-time": self._total(), "ram": self._ram_info()}
        if status in ("active", "pre-switchover", "device"):
            info["expected-downtime"] = int(self.expected_downtime)
        if status == "completed" or self.downtime_ms is not None and s.facts.at_least(10):
            info["downtime"] = self.downtime_ms
        if self.throttle and status != "completed":
            info["cpu-throttle-percentage"] = self.throttle
        if s.capabilities["xbzrle"]:
            info["xbzrle-cache"] = {"cache-size": s.parameters["xbzrle-cache-size"], "bytes": 0, "pages": 0,
                                    "cache-miss": 0, "cache-miss-rate": 0, "encoding-rate": 0, "overflow": 0}
        if s.facts.at_least(11):
            info["remaining"] = int(self.remaining)
        return info

    def _ram_info(self):
        s = self.source
        ram = {"total": s.ram.total, "transferred": self.transferred, "remaining": int(self.remaining),
               "duplicate": self.duplicate, "normal": self.normal, "normal-bytes": self.normal * PAGE,
               "dirty-pages-rate": self.dirty_pages_rate, "mbps": self.mbps, "dirty-sync-count": self.syncs,
               "postcopy-requests": 0, "page-size": PAGE, "multifd-bytes": 0,
               "pages-per-second": int(self.bandwidth) // PAGE}
        if not s.facts.at_least(9, 1):
            ram["skipped"] = 0
        if s.facts.at_least(7):
            ram.update({"precopy-bytes": self.precopy, "downtime-bytes": self.downtime_bytes,
                        "postcopy-bytes": self.postcopy_bytes, "dirty-sync-missed-zero-copy": 0})
        return ram

    def _total(self):
        return self.total_ms if self.total_ms is not None else int((self.source.now() - self.started) * 1000)


# --- the destination --------------------------------------------------------------------------------------------------

class Incoming:
    def __init__(self, peer, uri, exit_on_error):
        self.peer = peer
        self.exit_on_error = exit_on_error
        self.link = None
        self.stalled = False  # a test's own way to hold the stream up
        self.recover_uri = None
        self.listener = Listener(peer.loop, uri, self)

    def run(self):
        p = self.peer
        p._set_status("setup")
        while self.link is None:
            yield
        p._set_status("active")
        reason = why_not(self.link.source, p)
        if reason:
            self.link.refused = reason[0]
            yield
            return self._fail(reason[1])
        while not self.link.whole and not self.link.postcopy:
            yield
            if self.link.cut and not self.link.whole:
                return self._fail("load of migration failed: Input/output error")
        if self.link.postcopy:
            yield from self._postcopy()
        yield from self._load()
        self.listener.close()

    def _load(self):
        """Everything is here; the source may even be gone."""
        p = self.peer
        yield
        if p.load_fails:
            self.link.refused = p.load_fails
            return self._fail(p.load_fails)
        if not self.link.postcopy:
            self._arrive()
        self.link.loaded = True
        p._set_status("completed")

    def _arrive(self):
        p = self.peer
        outgoing = self.link.source.outgoing
        p._set_run_state(outgoing.state_before if not outgoing.ran else "running" if p.autostart else "paused")

    def _postcopy(self):
        p = self.peer
        if p.facts.at_least(10, 2):
            p._set_status("postcopy-device")
        yield
        p._set_status("postcopy-active")
        self._arrive()
        self.link.switched = True
        while not self.link.whole:
            yield
            if self.link.cut:
                yield from self._paused()

    def _paused(self):
        p = self.peer
        p._set_status("postcopy-paused")
        self.listener.close()
        broken = self.link
        while self.link is broken:
            yield
        p._set_status("postcopy-recover")
        yield
        self.link.switched = self.link.postcopy = True
        p._set_status("postcopy-active")

    def recover(self, uri):
        self.listener.close()
        self.listener = Listener(self.peer.loop, uri, self)

    def _fail(self, text):
        p = self.peer
        p.error_desc = text
        self.link.cut = True
        self.listener.close()
        if self.exit_on_error:
            p._exit()
        else:
            p._set_status("failed")

    def info(self):
        if self.listener.address and self.peer.migration_status not in TERMINAL:
            return {"socket-address": [self.listener.address]}
        return {}


def why_not(source, destination):
    """(what the source learns, what the destination says) when the two cannot; None when they can."""
    lost = "Channel error: Input/output error"
    if source.machine != destination.machine:
        return lost, f"Machine type received is '{source.machine}' and local is '{destination.machine}'"
    if source.ram.total != destination.ram.total:
        return lost, "Size mismatch: pc.ram: " \
            f"0x{source.ram.total:x} != 0x{destination.ram.total:x}: Invalid argument"
    if source.capabilities["postcopy-ram"] and not destination.capabilities["postcopy-ram"]:
        return lost, "RAM postcopy is disabled but have 16 byte advise"
    if source.capabilities["multifd"] != destination.capabilities["multifd"]:
        return lost, "load of migration failed: Invalid argument"
    if bool(source.parameters["tls-creds"]) != bool(destination.parameters["tls-creds"]):
        return "TLS handshake failed: The TLS connection was non-properly terminated.", "Not a migration stream"
    if source.capabilities.get("validate-uuid") and source.uuid != destination.uuid:
        return lost, f"UUID received is {source.uuid} and local is {destination.uuid}"
    return None
