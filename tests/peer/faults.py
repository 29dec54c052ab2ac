# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a peer may do wrong. Each is a function of one Exchange: a command (or the greeting) that waits for its answer.

    peer.on("query-migrate", nth=3, do=faults.garbage())
    peer.on("greeting", do=faults.silence())

A rule of a test's own is a function as well:  lambda x: (x.send({"event": "NONSENSE"}), x.answer())
"""

import json
import time

SSH = b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"
HTTP = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
HMP = b"QEMU 10.0.2 monitor - type 'help' for more information\r\n(qemu) "
BINARY = bytes(range(256)) * 4


# --- no answer --------------------------------------------------------------------------------------------------------

def never(executed=False):
    """This one is not answered; later ones are."""
    def do(x):
        if executed:
            x.execute()
        x.done()
    return do


silence = never


def hang(executed=False):
    """The main loop hangs: neither this one nor anything in band after it is answered, by no connection, until thaw();
    out-of-band commands are."""
    def do(x):
        reply = x.execute() if executed else None
        x.peer._hang(lambda: x.answer(reply))
    return do


def freeze():
    """The whole process stands still, as after SIGSTOP, out-of-band commands included."""
    return lambda x: x.peer.freeze()


def delay(seconds, executed_first=True):
    """Answered late; what follows waits, as it does in QEMU."""
    def do(x):
        reply = x.execute() if executed_first else None
        x.later(seconds, lambda: x.answer(reply))
    return do


def late(seconds):
    """Answered late, while later commands are answered at once."""
    def do(x):
        reply = x.execute()
        x.done()
        x.later(seconds, lambda: x.send(reply))
    return do


def close(executed=False):
    def do(x):
        if executed:
            x.execute()
        x.close()
    return do


def die(executed=False):
    """The process is killed before it answers."""
    def do(x):
        if executed:
            x.execute()
        x.peer.die()
    return do


# --- another answer ---------------------------------------------------------------------------------------------------

def error(description, error_class="GenericError", executed=False):
    def do(x):
        if executed:
            x.execute()
        x.answer({"error": {"class": error_class, "desc": description}, **x.id()})
    return do


def reply(value):
    return lambda x: x.answer({"return": value, **x.id()})


def put(path, value, *more):
    """The true answer with VALUE at PATH, and so on: put("return.ram.remaining", "a lot")."""
    def do(x):
        answer = json.loads(json.dumps(x.execute()))
        words = (path, value, *more)
        for each, its_value in zip(words[::2], words[1::2]):
            put_at(answer, each, its_value)
        x.answer(answer)
    return do


def put_at(place, path, value):
    *way, last = path.split(".")
    for step in way:
        place = place.setdefault(step, {}) if isinstance(place, dict) else place[int(step)]
    place[int(last) if isinstance(place, list) else last] = value


def drop(path):
    """The true answer without what is at PATH."""
    def do(x):
        answer = json.loads(json.dumps(x.execute()))
        *way, last = path.split(".")
        place = answer
        for step in way:
            place = place.get(step, {})
        place.pop(last, None)
        x.answer(answer)
    return do


def unknown_status(word="frobnicating"):
    return put("return.status", word)


def wrong_id(value=987654321):
    return lambda x: x.answer({**x.execute(), "id": value})


def no_id():
    return lambda x: x.answer({key: value for key, value in x.execute().items() if key != "id"})


def twice():
    def do(x):
        answer = x.execute()
        x.send(answer)
        x.answer(answer)
    return do


def long_reply(length):
    return lambda x: x.answer({"return": {"padding": "x" * length}, **x.id()})


def deep_reply(depth):
    return lambda x: x.answer(b'{"return": ' + b'{"a": ' * depth + b"1" + b"}" * depth + b"}\r\n")


# --- other bytes ------------------------------------------------------------------------------------------------------

def garbage(data=b"\x00\x01 this is no JSON }}\r\n"):
    return lambda x: (x.execute(), x.answer(data))


def banner(data, then_close=False):
    """What another kind of server says first."""
    def do(x):
        x.answer(data)
        if then_close:
            x.close()
    return do


def truncated(at=0.5):
    """The first part of the answer, and then the end of the connection."""
    def do(x):
        whole = x.encode(x.execute())
        x.send(whole[:int(len(whole) * at)])
        x.close()
    return do


def pieces(size=1, pause=0.0):
    def do(x):
        whole = x.encode(x.execute())
        for start in range(0, len(whole), size):
            x.send(whole[start:start + size], pause)
        x.done()
    return do


def ff(before=True):
    """The byte 0xFF, which resets a QMP parser, before or after the answer."""
    def do(x):
        whole = x.encode(x.execute())
        x.answer(b"\xff" + whole if before else whole + b"\xff")
    return do


def event(name, data=None):
    now = time.time()
    stamp = {"seconds": int(now), "microseconds": int(now % 1 * 1000000)}
    return {"timestamp": stamp, "event": name, **({"data": data} if data is not None else {})}


def events(before=(), inside=(), after=()):
    """Events about the answer: lists of event("NAME", {...}). Inside breaks the JSON, which no QEMU does."""
    def do(x):
        answer = x.execute()
        whole = x.encode(answer)
        middle = whole.find(b":") + 1
        parts = [*(x.encode(e) for e in before),
                 whole[:middle], *(x.encode(e) for e in inside), whole[middle:],
                 *(x.encode(e) for e in after)]
        x.answer(b"".join(parts))
    return do
