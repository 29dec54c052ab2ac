# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stands between source and destination and does to the stream what networks do, or worse.

    proxy = Proxy("unix:/tmp/x/stream")          # what the destination listens on
    pair.migrate(proxy.uri, incoming_uri="unix:/tmp/x/stream")
"""

import collections
import os
import re
import select
import socket
import struct
import threading
import time

from tests.lab.bare import MAGIC

CHUNK = 256 * 1024
Corrupted = collections.namedtuple("Corrupted", "page stream_offset before after")


class Proxy:
    """Takes any number of connections (multifd, preempt, a second try); a mode holds for all of them.
    A mode set is in force within 20 ms."""

    def __init__(self, target, listen="tcp:127.0.0.1:0"):
        self.target = target
        self.forwarded = 0  # bytes, source to destination
        self.returned = 0
        self.connections = 0
        self.corrupted = []
        self.corrupt_after = None
        self.lock = threading.Condition()
        self._cuts = 0
        self._held = self._mute = self._refusing = self._closing = False
        self._stall_at = None
        self._rate = None
        self._may_send_at = 0.0
        self._threads = []
        self._listener, self.uri = listen_on(listen)
        self._start(self._accept)

    # --- modes: each may be called at any time, from any thread ---------------------------------------------------------

    def set_pass(self):
        """Everything as it comes, new connections too."""
        with self.lock:
            self._held = self._mute = self._refusing = False
            self._stall_at = self._rate = None

    def cut(self, refuse=False):
        """Reset every connection, both ways; later ones are let through unless refused."""
        with self.lock:
            self._refusing = refuse
            self._cuts += 1

    def blackhole(self):
        """Nothing moves any more, and nobody is told."""
        with self.lock:
            self._held = True

    def swallow_answers(self):
        """A black hole from destination to source only."""
        with self.lock:
            self._mute = True

    def stall_after(self, count):
        """A black hole from this byte (source to destination) on, counted over all connections."""
        with self.lock:
            self._stall_at = count

    def limit(self, rate):
        """Bytes a second from source to destination, all connections together; None for as fast as it goes."""
        with self.lock:
            self._rate = rate

    def corrupt(self, after=8):
        """Flip one byte inside a page of the guest's static region, once: the n-th such page that comes by.
        What was done is in .corrupted."""
        with self.lock:
            self.corrupt_after = after

    def wait_forwarded(self, count, timeout=30):
        deadline = time.monotonic() + timeout
        with self.lock:
            while self.forwarded < count:
                if not self.lock.wait(max(0, deadline - time.monotonic())):
                    raise TimeoutError(f"proxy: {self.forwarded} bytes after {timeout} s, not {count}")

    def close(self):
        self._closing = True
        self.cut(refuse=True)
        for thread in self._threads:
            thread.join(5)
        self._listener.close()
        if self.uri.startswith("unix:"):
            os.unlink(self.uri[5:])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # --- the works --------------------------------------------------------------------------------------------------

    def _start(self, function, *arguments):
        thread = threading.Thread(target=function, args=arguments, daemon=True, name=f"proxy {self.uri}")
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        while not self._closing:
            if not select.select([self._listener], [], [], 0.1)[0]:
                continue
            near, _ = self._listener.accept()
            try:
                if self._refusing:
                    raise ConnectionRefusedError
                far = connect_to(self.target)
            except OSError:
                reset(near)
                continue
            self.connections += 1
            self._start(self._carry, near, far, self._cuts)

    def _carry(self, near, far, cuts):
        """One connection, from its first byte to its last, both ways."""
        forward = Direction(near, far, Spoiler(self))
        back = Direction(far, near)
        near.setblocking(False)
        far.setblocking(False)
        try:
            while cuts == self._cuts and not (forward.ended and back.ended):
                ways = [] if self._held else [forward] if self._mute else [back, forward]
                readable, writable, _ = select.select([way.source for way in ways if way.wants_data()],
                                                      [way.sink for way in ways if way.pending], [], 0.02)
                if self._held:
                    continue
                for way in ways:
                    if way.source in readable:
                        way.read()
                if back.sink in writable and not self._mute:
                    self.returned += back.write(CHUNK)
                if forward.sink in writable:
                    self._send_forward(forward)
        except OSError:
            pass
        if forward.ended and back.ended:
            near.close()
            far.close()
        else:
            reset(near)
            reset(far)

    def _send_forward(self, forward):
        wait = self._may_send_at - time.monotonic()
        if wait > 0:
            time.sleep(min(wait, 0.01))
            return
        with self.lock:
            allowed = CHUNK
            if self._rate is not None:
                allowed = max(1, self._rate // 100)
            if self._stall_at is not None:
                allowed = min(allowed, self._stall_at - self.forwarded)
            if allowed <= 0:
                self._held = True
                return
            sent = forward.write(allowed)
            self.forwarded += sent
            if self._rate is not None:
                self._may_send_at = max(self._may_send_at, time.monotonic() - 0.02) + sent / self._rate
            self.lock.notify_all()


class Direction:
    """One way of a connection: what was read of its source and not yet taken by its sink."""

    def __init__(self, source, sink, spoiler=None):
        self.source = source
        self.sink = sink
        self.spoiler = spoiler
        self.pending = b""
        self.ended = False

    def wants_data(self):
        return not self.pending and not self.ended

    def read(self):
        self.pending = self.source.recv(CHUNK)
        if not self.pending:
            self.ended = True
            self.sink.shutdown(socket.SHUT_WR)
        elif self.spoiler is not None:
            self.pending = self.spoiler.pass_through(self.pending)

    def write(self, at_most):
        sent = self.sink.send(self.pending[:at_most])
        self.pending = self.pending[sent:]
        return sent


class Spoiler:
    """Watches one connection for pages of the static region: magic, then a plausible page number."""

    page = re.compile(re.escape(MAGIC) + rb"([^\0]..\0\0\0\0\0)", re.DOTALL)
    inside = 2048

    def __init__(self, proxy):
        self.proxy = proxy
        self.offset = 0
        self.tail = b""
        self.target = None

    def pass_through(self, data):
        proxy = self.proxy
        if proxy.corrupt_after is None and self.target is None:
            self.offset += len(data)
            self.tail = b""
            return data
        if self.target is None:
            self._look(self.tail + data, self.offset - len(self.tail))
        if self.target is not None and self.offset <= self.target[1] < self.offset + len(data):
            data = self._flip(data)
        self.offset += len(data)
        self.tail = (self.tail + data)[-23:]
        return data

    def _look(self, window, start):
        for match in self.page.finditer(window):
            with self.proxy.lock:
                if self.proxy.corrupt_after is None:
                    return
                self.proxy.corrupt_after -= 1
                if self.proxy.corrupt_after > 0:
                    continue
                self.proxy.corrupt_after = None
            self.target = struct.unpack("<Q", match.group(1))[0], start + match.start() + self.inside
            return

    def _flip(self, data):
        page, offset = self.target
        at = offset - self.offset
        before = data[at]
        self.target = None
        self.proxy.corrupted.append(Corrupted(page, offset, before, before ^ 0x10))
        return data[:at] + bytes([before ^ 0x10]) + data[at + 1:]


# --- addresses --------------------------------------------------------------------------------------------------------

def listen_on(uri):
    """A listening socket, and the address by which it is reached."""
    kind, _, rest = uri.partition(":")
    if kind == "unix":
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(rest)
    else:
        host, _, port = rest.rpartition(":")
        listener = socket.create_server((host, int(port)))
        uri = f"tcp:{host}:{listener.getsockname()[1]}"
    listener.listen(64)
    return listener, uri


def connect_to(uri):
    kind, _, rest = uri.partition(":")
    if kind == "unix":
        end = socket.socket(socket.AF_UNIX)
        end.connect(rest)
        return end
    host, _, port = rest.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=None)


def reset(end):
    """Close without goodbye: RST on TCP."""
    try:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass
    end.close()
