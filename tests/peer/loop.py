# SPDX-License-Identifier: LGPL-2.1-or-later
"""The one thread in which all the peers of a test live: sockets, timers, and nothing that blocks."""

import heapq
import itertools
import selectors
import socket
import threading
import time
import traceback


class Loop:
    def __init__(self):
        self._selector = selectors.DefaultSelector()
        self._timers = []
        self._order = itertools.count()
        self._inbox = []
        self._lock = threading.Lock()
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._selector.register(self._wake_read, selectors.EVENT_READ, None)
        self._stopping = False
        self.listeners = {}  # where a destination listens -> its Incoming
        self.errors = []     # tracebacks: each is a bug of the peer or of a test's rule
        self._thread = threading.Thread(target=self._run, name="peers", daemon=True)
        self._thread.start()

    def watch(self, sock, on_read=None, on_write=None):
        """Replaces what was watched of SOCK; nothing watched when both are None."""
        events = (selectors.EVENT_READ if on_read else 0) | (selectors.EVENT_WRITE if on_write else 0)
        known = sock.fileno() in self._selector.get_map()
        if events and known:
            self._selector.modify(sock, events, (on_read, on_write))
        elif events:
            self._selector.register(sock, events, (on_read, on_write))
        elif known:
            self._selector.unregister(sock)

    def later(self, seconds, function, *arguments):
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._order), function, arguments))

    def call(self, function, *arguments):
        """Runs it in the loop's thread; what it returns or raises comes back here."""
        if threading.current_thread() is self._thread:
            return function(*arguments)
        done = threading.Event()
        outcome = {}

        def run():
            try:
                outcome["value"] = function(*arguments)
            except BaseException as error:  # whatever it is, it belongs to the caller
                outcome["error"] = error
            done.set()

        with self._lock:
            self._inbox.append(run)
        self._wake_write.send(b"x")
        if not done.wait(10):
            raise RuntimeError("the peers' thread does not answer")
        if "error" in outcome:
            raise outcome["error"]
        return outcome["value"]

    def stop(self):
        if self._thread.is_alive():
            self.call(setattr, self, "_stopping", True)
            self._thread.join(10)
        self._selector.close()
        self._wake_read.close()
        self._wake_write.close()

    def _run(self):
        while not self._stopping:
            wait = max(0, self._timers[0][0] - time.monotonic()) if self._timers else None
            for key, events in self._selector.select(wait):
                self._ready(key, events)
            self._run_inbox()
            self._run_timers()

    def _ready(self, key, events):
        if key.data is None:
            self._wake_read.recv(4096)
            return
        on_read, on_write = key.data
        if events & selectors.EVENT_READ and on_read:
            self._guard(on_read)
        if events & selectors.EVENT_WRITE and on_write and key.fileobj.fileno() >= 0:
            self._guard(on_write)

    def _run_inbox(self):
        with self._lock:
            inbox, self._inbox = self._inbox, []
        for run in inbox:
            run()

    def _run_timers(self):
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            _, _, function, arguments = heapq.heappop(self._timers)
            self._guard(function, *arguments)

    def _guard(self, function, *arguments):
        try:
            function(*arguments)
        except Exception:
            self.errors.append(traceback.format_exc())
