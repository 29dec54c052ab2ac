# SPDX-License-Identifier: LGPL-2.1-or-later
"""The program as a person at a shell meets it. QMPMIG names the binary."""
import functools
import json
import os
import pathlib
import re
import subprocess

from tests.display.record import line_faults

TOP = pathlib.Path(__file__).parents[2]
BINARY = os.environ.get("QMPMIG", str(TOP / "build/agent/qmpmig"))


def environ(more=None):
    """The caller's environment without what is meant for its own qmpmig."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("QMPMIG", "XDG"))}
    return {**kept, "LC_ALL": "C.UTF-8", **(more or {})}


def run(*words, environment=None):
    """The finished process. What it printed as JSON has been held against the schema."""
    done = subprocess.run([BINARY, *words], capture_output=True, text=True, timeout=20, check=False,
                          stdin=subprocess.DEVNULL, env=environ(environment))
    if {"--json", "-j"} & set(words) and "qmp" not in words: # qmp prints what QEMU returned
        for line in done.stdout.splitlines():
            if faults := line_faults(json.loads(line)):
                raise AssertionError(f"{words}: {faults}: {line}")
    if "help" not in words and (fault := unlisted(words, done.returncode)):
        raise AssertionError(fault)
    return done


def start(*words, environment=None):
    return subprocess.Popen([BINARY, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            stdin=subprocess.DEVNULL, env=environ(environment))


def commands():
    """The words of `qmpmig help`."""
    before_options = run("help").stdout.split("\nOptions")[0]
    return re.findall(r"^  ([a-z]+)", before_options, re.MULTILINE)


@functools.cache
def exit_codes(command):
    """Those that the help of a command lists."""
    text = run("help", command).stdout.split("\nExit codes:\n")[1].split("\n\n")[0]
    return tuple(map(int, re.findall(r"^ +(\d+)  ", text, re.MULTILINE)))


@functools.cache
def known_commands():
    return frozenset(commands())


def unlisted(words, code):
    """What is wrong with the exit code of a command with these words; None when its help lists it."""
    command = next((word for word in words if word in known_commands()), "help")
    return None if code < 0 or code in exit_codes(command) else f"{words}: the help of {command} lists no exit code {code}"


def options(*command):
    """What the help of a command names: {"--name": argument}."""
    found = {}
    for match in re.finditer(r"^  (?:-\w, |    )(--[a-z-]+)(?:\[=(\S+)\]| (\S+))?", run("help", *command).stdout,
                             re.MULTILINE):
        found[match[1]] = match[2] or match[3] or ""
    return found


def all_options():
    found = {}
    for command in commands():
        found.update(options(command))
    return found
