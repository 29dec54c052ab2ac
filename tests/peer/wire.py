# SPDX-License-Identifier: LGPL-2.1-or-later
"""The monitor of a peer: a process that owns the socket, one client at a time, commands in, answers out."""

import array
import collections
import json
import os
import signal
import socket
import subprocess

# The process that clients see (SO_PEERCRED): it binds, hands its socket over and lives as long as its peer.
_PROCESS = r"""
import array, os, socket, sys
open("/proc/self/comm", "w").write("qemu-system-x86")
sock = socket.socket(socket.AF_UNIX)
sock.bind(sys.argv[1])
sock.listen(16)
mine = socket.socket(fileno=0)
mine.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [sock.fileno()]))])
mine.recv(1)
"""

IN_FLIGHT_MAX = 7


class Process:
    """Stands for QEMU's process: has its pid, can be stopped and killed, and listens on PATH."""

    def __init__(self, path):
        ours, theirs = socket.socketpair()
        with theirs:
            # qmpmig takes it for QEMU where it holds the socket; `list`, of another test, does not come by.
            self._popen = subprocess.Popen(["fake-qemu-system", "-I", "-S", "-c", _PROCESS, path],
                                           executable="/usr/bin/python3", stdin=theirs)
        self._line = ours
        ours.settimeout(10)
        _, ancillary, _, _ = ours.recvmsg(1, socket.CMSG_SPACE(4))
        self.listener = socket.socket(fileno=_descriptors(ancillary)[0])
        self.pid = self._popen.pid

    def signal(self, number):
        if self._popen.poll() is None:
            self._popen.send_signal(number)

    def end(self):
        self.signal(signal.SIGKILL)
        self._popen.wait()
        self._line.close()
        if self.listener.fileno() >= 0:
            self.listener.close()


class Exchange:
    """One command, or the greeting, that waits for its answer."""

    def __init__(self, connection, message, oob=False):
        self.connection = connection
        self.peer = connection.peer
        self.message = message
        self.oob = oob
        self.command = message.get("exec-oob" if oob else "execute")
        self.arguments = message.get("arguments") or {}

    def id(self):
        return {"id": self.message["id"]} if "id" in self.message else {}

    def execute(self):
        """What a good QEMU does and answers. Once."""
        return self.peer._execute(self)

    def encode(self, data):
        return data if isinstance(data, bytes) else json.dumps(data).encode() + b"\r\n"

    def send(self, data, pause=0.0):
        if not self.connection.open:
            return
        self.connection.send(self.encode(data), pause)
        self.peer._note("reply", self.command, data)

    def answer(self, reply=None):
        self.send(self.execute() if reply is None else reply)
        self.done()

    def done(self):
        """The next command's turn."""
        if not self.oob and self.command != "greeting":
            self.connection.finished(self)

    def later(self, seconds, function):
        self.peer.loop.later(seconds, lambda: self.connection.open and function())

    def close(self):
        self.connection.close_when_sent()


class Greeting(Exchange):
    def __init__(self, connection):
        super().__init__(connection, {"execute": "greeting"})

    def execute(self):
        return self.peer.facts.greeting(self.peer.oob)


class Connection:
    def __init__(self, peer, sock):
        self.peer = peer
        self.open = True
        self.negotiated = False
        self.oob_enabled = False
        self._sock = sock
        self._input = b""
        self._output = collections.deque()
        self._waiting = collections.deque()  # in-band commands in their order
        self._current = None
        self._closing = False
        sock.setblocking(False)
        peer.loop.watch(sock, self._read)

    # --- out ----------------------------------------------------------------------------------------------------------

    def send(self, data, pause=0.0):
        """PAUSE is kept before these bytes leave, so it holds what comes after them too."""
        self._output.append((data, pause))
        if len(self._output) == 1:
            self._write_head()

    def _write_head(self):
        if self.open and self._output:
            self.peer.loop.later(self._output[0][1], self._write) if self._output[0][1] else self._write()

    def _write(self):
        while self.open and self._output and not self.peer.frozen:
            data, pause = self._output[0]
            try:
                sent = self._sock.send(data, socket.MSG_NOSIGNAL)
            except BlockingIOError:
                sent = 0
            except OSError:
                return self.close()
            if sent < len(data):
                self._output[0] = (data[sent:], 0)
                return self.peer.loop.watch(self._sock, self._read, self._write)
            self._output.popleft()
            if self._output and self._output[0][1]:
                return self._write_head()
        if self.open:
            self.peer.loop.watch(self._sock, None if self.peer.frozen else self._read)
            if self._closing and not self._output:
                self.close()

    def close_when_sent(self):
        self._closing = True
        if not self._output:
            self.close()

    def close(self):
        if self.open:
            self.open = False
            self.peer.loop.watch(self._sock)
            self._sock.close()
            self.peer._disconnected(self)

    # --- in -----------------------------------------------------------------------------------------------------------

    def _read(self):
        if self.peer.frozen:
            return
        try:
            data, ancillary, _, _ = self._sock.recvmsg(65536, socket.CMSG_SPACE(16 * 4))
        except BlockingIOError:
            return
        except OSError:
            data, ancillary = b"", []
        if not data:
            return self.close()
        self.peer._received_descriptors(_descriptors(ancillary))
        self._input += data
        self._parse()

    def _parse(self):
        decoder = json.JSONDecoder()
        while self.open:
            self._input = self._input.lstrip(b" \t\r\n")
            if self._input.startswith(b"\xff"):
                self._input = self._input[1:]
                self._broken("stray '\\uFFFD'")
                continue
            if not self._input:
                return
            try:
                text = self._input.decode()
                message, end = decoder.raw_decode(text)
            except UnicodeDecodeError:
                return
            except json.JSONDecodeError as error:
                if error.pos >= len(text.rstrip()) or not self._input.endswith(b"\n"):
                    return  # more of it will come
                self._input = b""
                return self._broken("invalid JSON")
            self._input = text[end:].encode()
            self._take(message)

    def _broken(self, what):
        self.peer.violations.append(f"no JSON from the client: {what}")
        self.send(json.dumps({"error": {"class": "GenericError", "desc": f"JSON parse error, {what}"}}).encode() + b"\r\n")

    def _take(self, message):
        if not isinstance(message, dict) or ("execute" in message) == ("exec-oob" in message):
            self._broken("QMP input lacks member 'execute'")
            return
        oob = "exec-oob" in message and self.oob_enabled
        exchange = Exchange(self, message, oob="exec-oob" in message)
        self.peer._received(exchange)
        if oob:
            self.peer._answer(exchange)
            return
        exchange.oob = False
        self._waiting.append(exchange)
        if len(self._waiting) + (self._current is not None) > IN_FLIGHT_MAX:
            self.peer.sins.append(f"more than {IN_FLIGHT_MAX} commands in flight")
        self.next()

    def next(self):
        """Starts what waits, unless something is being done or this QEMU's main loop is blocked."""
        while self.open and self._current is None and self._waiting and not self.peer._blocked():
            self._current = self._waiting.popleft()
            self.peer._answer(self._current)

    def finished(self, exchange):
        if self._current is exchange:
            self._current = None
            self.peer.loop.later(0, self.next)

    def watch(self):
        """Reads and writes, unless the process is stopped."""
        if self.peer.frozen:
            return self.peer.loop.watch(self._sock)
        self.peer.loop.watch(self._sock, self._read)
        self._write()


def _descriptors(ancillary):
    fds = array.array("i")
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(data[:len(data) // 4 * 4])
    return list(fds)


def close_all(descriptors):
    for fd in descriptors:
        os.close(fd)
