# SPDX-License-Identifier: LGPL-2.1-or-later
"""The stream between a source and its destination: where it listens, how it is reached, what is under way in it."""

import os
import random
import socket


class Failed(Exception):
    """The migration ends; the text is QEMU's error-desc."""


class Cut(Failed):
    """The stream is gone."""

    def __init__(self, text="Channel error: Input/output error"):
        super().__init__(text)


class Link:
    """The stream between the two, and what is under way in it."""

    def __init__(self, source, incoming=None):
        self.source = source
        self.incoming = incoming  # None: something that is no FakeQemu takes it all
        self.cut = self.yanked = False
        self.whole = False        # all was written, the end of the stream included
        self.loaded = incoming is None
        self.postcopy = False
        self.switched = incoming is None
        self.refused = None       # the destination's reason
        self.package = 0          # bytes that go at the switchover
        if incoming is not None:
            incoming.link = self


class Listener:
    """A real socket, so that what is wrong with an address is said in the kernel's words."""

    def __init__(self, loop, uri, incoming):
        self.loop = loop
        self.address = None
        self._sock = self._path = self._key = None
        scheme, rest = split_uri(uri)
        try:
            if scheme == "tcp":
                host, port = split_host_port(rest)
                family = socket.AF_INET6 if ":" in host else socket.AF_INET
                self._sock = socket.create_server((host, port), family=family)
                self._key = port = self._sock.getsockname()[1]
                self.address = {"type": "inet", "host": host or "0.0.0.0", "port": str(port),
                                "ipv6" if family == socket.AF_INET6 else "ipv4": True}
            elif scheme == "unix":
                self._key = self._path = rest
                self._sock = socket.socket(socket.AF_UNIX)
                self._sock.bind(rest)
                self._sock.listen(8)
                self.address = {"type": "unix", "path": rest}
            else:
                self._key = uri
        except OSError as error:
            raise Failed(f"Failed to bind socket to {rest}: {os.strerror(error.errno or 0)}") from None
        loop.listeners[self._key] = incoming

    def close(self):
        if self._key is None:
            return
        if self.loop.listeners.pop(self._key, None) is not None and self._sock is not None:
            self._sock.close()
            if self._path and os.path.exists(self._path):
                os.unlink(self._path)
        self._key = None


def connect(source, uri, resume=False):
    scheme, rest = split_uri(uri)
    key = uri
    try:
        if scheme == "tcp":
            host, key = split_host_port(rest)
            socket.create_connection((host, key), timeout=2).close()
        elif scheme == "unix":
            key = rest
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(rest)
        elif scheme == "fd":
            key = descriptor_key(source, rest)
        else:
            return Link(source)
    except OSError as error:
        where = rest if scheme == "tcp" else f"'{rest}'"
        raise Failed(f"Failed to connect to {where}: {os.strerror(error.errno or 0)}") from None
    incoming = source.loop.listeners.get(key)
    if incoming is None:
        return Link(source)
    if incoming.link is not None and not resume:
        raise Failed("Channel error: Connection reset by peer")
    return Link(source, incoming)


def descriptor_key(source, name):
    """Where the other end of a descriptor that came with getfd listens."""
    if name not in source.descriptors:
        raise Failed(f"File descriptor named '{name}' has not been found")
    with socket.socket(fileno=os.dup(source.descriptors[name])) as sock:
        peer = sock.getpeername()
    return peer if isinstance(peer, str) else peer[1]


def split_uri(uri):
    scheme, _, rest = uri.partition(":")
    return scheme, rest.partition(",")[0] if scheme in ("tcp", "unix") else rest


def split_host_port(text):
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def uri_of(arguments):
    """The URI, also where the command gave channels."""
    if "uri" in arguments:
        return arguments["uri"]
    address = arguments["channels"][0]["addr"]
    if address["transport"] == "socket":
        if address["type"] == "inet":
            return f"tcp:{address['host']}:{address['port']}"
        return f"{address['type']}:{address.get('path', address.get('str', ''))}"
    return f"{address['transport']}:{random.random()}"
