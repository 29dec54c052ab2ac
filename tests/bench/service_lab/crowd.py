# SPDX-License-Identifier: LGPL-2.1-or-later
"""Monitors of many QEMUs that migrate at once, in one process: what never changes is answered as tests/peer does, only
query-migrate and the events of passes are this one's own, as 200 real models of a migration would need cores of their own.

    python3 -m tests.bench.service_lab.crowd FOLDER COUNT        one socket FOLDER/N.qmp each, until standard input ends

The guests never end: each writes WRITTEN bytes a second anywhere in a working set of SET bytes, over a link that carries LINK."""

import json
import os
import selectors
import socket
import sys
import time
import uuid

from tests.peer.commands import HANDLERS, Refused
from tests.peer.peer import FakeQemu

PAGE = 4096
TOTAL, SET, LINK, WRITTEN = 4 << 30, 512 << 20, 110 << 20, 300 << 20
CAPABILITIES = ("events", "auto-converge", "return-path", "pause-before-switchover")
RAM = """{"total":%d,"transferred":%d,"remaining":%d,"duplicate":4096,"normal":%d,"normal-bytes":%d,\
"dirty-pages-rate":%d,"mbps":922.7,"dirty-sync-count":%d,"postcopy-requests":0,"page-size":4096,"multifd-bytes":0,\
"pages-per-second":28160,"precopy-bytes":%d,"downtime-bytes":0,"postcopy-bytes":0,"dirty-sync-missed-zero-copy":0}"""
INFO = '{"return":{"status":"active","setup-time":4,"total-time":%d,"expected-downtime":%d,"ram":%s},"id":%s}\r\n'


class Guest:
    def __init__(self, number, folder):
        self.name = f"guest{number}"
        self.uuid = str(uuid.UUID(int=number + 1))
        self.began = time.monotonic() - number * 0.037  # so that passes do not end together
        self.syncs = 1
        self.parameters = {}
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(os.path.join(folder, f"{number}.qmp"))
        self.listener.listen(4)

    def progress(self):
        """(seconds, sent, left, syncs) now."""
        elapsed = time.monotonic() - self.began
        sent = int(elapsed * LINK)
        if sent < TOTAL:
            return elapsed, sent, TOTAL - sent, 1
        done, into = divmod(sent - TOTAL, SET)
        return elapsed, sent, SET - into, 2 + done

    def info(self, number):
        elapsed, sent, left, syncs = self.progress()
        ram = RAM % (TOTAL, sent, left, sent // PAGE, sent, WRITTEN // PAGE if syncs > 1 else 0, syncs, sent)
        return (INFO % (elapsed * 1000, SET * 1000 // LINK, ram, number)).encode()


class Client:
    def __init__(self, crowd, guest, sock):
        self.crowd, self.guest, self.sock, self.input = crowd, guest, sock, b""
        sock.send(json.dumps(crowd.greeting).encode() + b"\r\n")

    def read(self):
        data = self.sock.recv(65536)
        if not data:
            self.crowd.drop(self)
            return
        *lines, self.input = (self.input + data).split(b"\n")
        for line in filter(bytes.strip, lines):
            self.sock.send(self.crowd.answer(self.guest, json.loads(line)))

    def tell(self, name, data):
        seconds, us = divmod(time.time_ns() // 1000, 1000000)
        event = {"timestamp": {"seconds": seconds, "microseconds": us}, "event": name, "data": data}
        self.sock.send(json.dumps(event).encode() + b"\r\n")


class Crowd:
    def __init__(self, folder, count):
        self.model = FakeQemu("10.0", name="model", folder=folder)
        for name in CAPABILITIES:
            self.model.capabilities[name] = True
        self.model.ram.total = TOTAL
        self.greeting = self.model.facts.greeting(True)
        self.selector = selectors.DefaultSelector()
        self.guests = [Guest(number, folder) for number in range(count)]
        self.clients = set()
        for guest in self.guests:
            self.selector.register(guest.listener, selectors.EVENT_READ, guest)

    def answer(self, guest, message):
        command, number = message.get("execute") or message.get("exec-oob"), json.dumps(message.get("id"))
        if command == "query-migrate":
            return guest.info(number)
        try:
            reply = json.dumps({"return": self.carry_out(guest, command, message.get("arguments") or {})})
        except Refused as refusal:
            reply = json.dumps({"error": {"class": refusal.error_class, "desc": str(refusal)}})
        return f'{reply[:-1]},"id":{number}}}\r\n'.encode()

    def carry_out(self, guest, command, arguments):
        if command == "query-name":
            return {"name": guest.name}
        if command == "query-uuid":
            return {"UUID": guest.uuid}
        if command == "query-migrate-parameters":
            return {**self.model.parameters, **guest.parameters}
        if command == "migrate-set-parameters":
            guest.parameters.update(arguments)
            return {}
        if command == "qmp_capabilities":
            return {}
        if command not in HANDLERS:
            raise Refused(f"The command {command} has not been found", "CommandNotFound")
        return HANDLERS[command](self.model, arguments)

    def accept(self, guest):
        sock, _ = guest.listener.accept()
        client = Client(self, guest, sock)
        self.clients.add(client)
        self.selector.register(sock, selectors.EVENT_READ, client)

    def drop(self, client):
        self.selector.unregister(client.sock)
        client.sock.close()
        self.clients.discard(client)

    def tell_passes(self):
        for client in self.clients:
            syncs = client.guest.progress()[3]
            if syncs != client.guest.syncs:
                client.guest.syncs = syncs
                client.tell("MIGRATION_PASS", {"pass": syncs})

    def run(self):
        told = 0
        self.selector.register(sys.stdin, selectors.EVENT_READ, None)
        print("ready", flush=True)
        while True:
            for key, _ in self.selector.select(0.02):
                if key.data is None:
                    return
                try:
                    self.accept(key.data) if isinstance(key.data, Guest) else key.data.read()
                except (ConnectionError, BlockingIOError):
                    self.drop(key.data)
            if time.monotonic() - told > 0.02:
                self.tell_passes()
                told = time.monotonic()


if __name__ == "__main__":
    crowd = Crowd(sys.argv[1], int(sys.argv[2]))
    try:
        crowd.run()
    finally:
        crowd.model.close()
