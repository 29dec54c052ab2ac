# SPDX-License-Identifier: LGPL-2.1-or-later
"""The process that runs one module's tests and tells of each on a descriptor, one JSON object a line.

    python3 -m tests.runner.worker list FD MODULE...
    python3 -m tests.runner.worker run FD MODULE [TEST...]

Its own output, and that of the programs under test, belongs to the tests. A module may say of itself:
ALONE = True (nothing may run beside it), LIVE = True (it has QEMUs, as all in some folders do), TIMEOUT = seconds for the whole of it.
"""

import faulthandler
import importlib
import json
import os
import sys
import time
import traceback
import unittest


def load(module):
    """The module's tests, in order."""
    return list(flatten(unittest.defaultTestLoader.loadTestsFromModule(importlib.import_module(module))))


def flatten(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flatten(item)
        else:
            yield item


class Teller(unittest.TestResult):
    """Sends start and end of each test. A test ends once, whatever happened in it."""

    def __init__(self, send):
        super().__init__()
        self.send = send
        self.problems = []
        self.reason = None

    def startTest(self, test):
        super().startTest(test)
        self.problems, self.reason = [], None
        self.send({"start": test.id(), "printed": printed()})
        self.began = time.monotonic()

    def stopTest(self, test):
        super().stopTest(test)
        told = {"end": test.id(), "seconds": time.monotonic() - self.began, "state": "pass", "printed": printed()}
        if self.problems:
            told.update(state="fail", text="\n".join(self.problems))
        elif self.reason is not None:
            told.update(state="skip", text=self.reason)
        self.send(told)

    def addError(self, test, error):
        if isinstance(test, unittest.TestCase):
            self.problems.append(text_of(error))
        else:
            # setUpClass or setUpModule, which no test stands around
            self.send({"end": test.id(), "seconds": 0, "state": "fail", "text": text_of(error), "printed": printed()})

    def addFailure(self, test, error):
        self.addError(test, error)

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self.problems.append(f"{subtest}\n{text_of(error)}")

    def addSkip(self, test, reason):
        if not isinstance(test, unittest.TestCase):
            self.send({"skip_class": test.id(), "text": reason})
        elif isinstance(test, unittest.case._SubTest):
            self.reason = f"{test}: {reason}"
        else:
            self.reason = reason

    def addExpectedFailure(self, test, error):
        self.reason = "expected to fail"

    def addUnexpectedSuccess(self, test):
        self.problems.append("was expected to fail, and passed")


def printed():
    """Bytes so far."""
    sys.stdout.flush()
    return os.fstat(1).st_size


def text_of(error):
    kind, value, place = error
    lines = traceback.format_exception(kind, value, place)
    inside = f'File "{unittest.__path__[0]}'
    return "".join(line for line in lines if inside not in line).rstrip()


def list_modules(send, modules):
    for module in modules:
        try:
            tests = load(module)
            loaded = sys.modules[module]
            send({"module": module, "tests": [test.id() for test in tests],
                  "alone": getattr(loaded, "ALONE", False),
                  "live": getattr(loaded, "LIVE", False), "timeout": getattr(loaded, "TIMEOUT", None)})
        except BaseException:
            send({"module": module, "error": traceback.format_exc()})


def run_module(send, module, only):
    tests = [test for test in load(module) if not only or test.id() in only]
    unittest.TestSuite(tests).run(Teller(send))


def main():
    action, descriptor, *words = sys.argv[1:]
    faulthandler.enable()
    os.set_inheritable(int(descriptor), False)
    with os.fdopen(int(descriptor), "w", encoding="utf-8") as pipe:
        def send(message):
            pipe.write(json.dumps(message) + "\n")
            pipe.flush()

        if action == "list":
            list_modules(send, words)
        else:
            run_module(send, words[0], words[1:])


if __name__ == "__main__":
    main()
