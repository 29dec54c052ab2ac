# SPDX-License-Identifier: LGPL-2.1-or-later
"""The lab's own QMP client: small, blocking, with time stamps. It sees what qmpmig does from outside."""

import collections
import json
import socket
import threading
import time

Event = collections.namedtuple("Event", "name data stamp received wall")
Event.__doc__ = """stamp: the guest host's clock as QEMU gave it (s); received: time.monotonic(); wall: time.time()"""


class QmpError(Exception):
    """QEMU refused; .error_class and .desc as it said."""

    def __init__(self, command, error):
        super().__init__(f"{command}: {error.get('desc')}")
        self.error_class = error.get("class")
        self.desc = error.get("desc")


class QmpTimeout(Exception):
    pass


class QmpClosed(Exception):
    pass


class Qmp:
    """Any thread may call; a thread of its own reads."""

    def __init__(self, path, timeout=10, oob=True):
        self.path = path
        self.events = []
        self._replies = {}
        self._changed = threading.Condition()
        self._closed = None
        self._greeting = None
        self._next_id = 0
        self._socket = connect(path, timeout)
        self._thread = threading.Thread(target=self._read, daemon=True, name=f"qmp {path}")
        self._thread.start()
        self.greeting = self._wait_for(lambda: self._greeting, timeout, "no greeting")
        self.call("qmp_capabilities", {"enable": ["oob"]} if oob else None, timeout=timeout)

    def call(self, command, arguments=None, timeout=30, oob=False):
        """The value returned; QmpError when refused, QmpTimeout when nothing came (the late reply is dropped)."""
        key = self.send(command, arguments, oob)
        reply = self._wait_for(lambda: self._replies.pop(key, None), timeout, f"{command}: no reply")
        if "error" in reply:
            raise QmpError(command, reply["error"])
        return reply["return"]

    def send(self, command, arguments=None, oob=False):
        with self._changed:
            self._next_id += 1
            key = self._next_id
        message = {"exec-oob" if oob else "execute": command, "id": key}
        if arguments is not None:
            message["arguments"] = arguments
        try:
            self._socket.sendall(json.dumps(message).encode() + b"\n")
        except OSError as error:
            raise QmpClosed(f"{self.path}: {error}") from error
        return key

    def mark(self):
        """A place among the events, to wait from."""
        with self._changed:
            return len(self.events)

    def wait_event(self, name, timeout=30, since=0, **data):
        """The first event of this name after the mark whose data has these values."""
        def find():
            for event in self.events[since:]:
                if event.name == name and all(event.data.get(k) == v for k, v in data.items()):
                    return event
            return None
        return self._wait_for(find, timeout, f"no event {name} {data or ''}")

    def events_named(self, name, since=0):
        with self._changed:
            return [event for event in self.events[since:] if event.name == name]

    def migration_statuses(self, since=0):
        """The statuses in the order in which MIGRATION events told them (the capability events must be on)."""
        return [event.data["status"] for event in self.events_named("MIGRATION", since)]

    def wait_migration(self, *statuses, timeout=60):
        """query-migrate until its status is one of these; every other way for it to end is an error."""
        ended = {"completed", "failed", "cancelled", "postcopy-paused"} - set(statuses)
        deadline = time.monotonic() + timeout
        while True:
            reply = self.call("query-migrate")
            if reply.get("status") in statuses:
                return reply
            if reply.get("status") in ended:
                raise AssertionError(f"{self.path}: migration is {reply.get('status')}, not {' or '.join(statuses)}: "
                                     f"{reply.get('error-desc')}")
            if time.monotonic() > deadline:
                raise QmpTimeout(f"{self.path}: migration is {reply.get('status')} after {timeout} s")
            time.sleep(0.01)

    @property
    def closed(self):
        return self._closed is not None

    def close(self):
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._thread.join(5)
        self._socket.close()

    def _wait_for(self, predicate, timeout, what):
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                found = predicate()
                if found is not None:
                    return found
                if self._closed is not None:
                    raise QmpClosed(f"{self.path}: {what}: {self._closed}")
                left = deadline - time.monotonic()
                if left <= 0:
                    raise QmpTimeout(f"{self.path}: {what} in {timeout} s")
                self._changed.wait(left)

    def _read(self):
        why = "QEMU closed the connection"
        try:
            with self._socket.makefile("rb") as lines:
                for line in lines:
                    self._take(json.loads(line), time.monotonic(), time.time())
        except (OSError, ValueError) as error:
            why = str(error)
        with self._changed:
            self._closed = why
            self._changed.notify_all()

    def _take(self, message, received, wall):
        with self._changed:
            if "QMP" in message:
                self._greeting = message["QMP"]
            elif "event" in message:
                stamp = message["timestamp"]
                self.events.append(Event(message["event"], message.get("data", {}),
                                         stamp["seconds"] + stamp["microseconds"] / 1e6, received, wall))
            else:
                self._replies[message.get("id")] = message
            self._changed.notify_all()


def connect(path, timeout, gone=lambda: False):
    """Tries until the other side listens, or is gone."""
    deadline = time.monotonic() + timeout
    while True:
        attempt = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            attempt.connect(path)
            return attempt
        except OSError:
            attempt.close()
            if time.monotonic() > deadline or gone():
                raise
            time.sleep(0.005)
