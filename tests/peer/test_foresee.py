# SPDX-License-Identifier: LGPL-2.1-or-later
"""`migrate --predict`: a peer that says how much its guest writes is moved after that, and the record has both."""

import json
import signal
import unittest

from tests.display.record import record_faults
from tests.peer import faults
from tests.peer.bench import Bench
from tests.peer.peer import Ram

MIB = 1 << 20
BANDWIDTH = "64MiB/s"
# Measured at once: how long QEMU takes is not ours to test.
MEASURED = {"status": "measured", "dirty-rate": 0, "start-time": 0, "calc-time": 1, "sample-pages": 512, "mode": "page-sampling"}


class Foreseen(Bench):
    def peers(self, calc=faults.reply({}), **measured):
        pair = self.pair(ram=Ram(total=256 * MIB, working_set=MIB, dirty_rate=0, link=256 * MIB))
        source = pair.source
        source.on("query-memory-size-summary", do=faults.reply({"base-memory": 256 * MIB}))
        source.on("query-kvm", do=faults.reply({"enabled": False, "present": False}))
        source.on("query-cpus-fast", do=faults.reply([{}]))
        source.on("calc-dirty-rate", do=calc)
        source.on("query-dirty-rate", do=faults.reply({**MEASURED, **measured}))
        return pair

    def predicted(self, pair, *options, **how):
        return self.migrate(pair, "--predict", "--bandwidth", BANDWIDTH, *options, reply_timeout="5s", **how)

    def test_the_record_has_both(self):
        pair = self.peers()
        done = self.predicted(pair, within=60)
        self.assertEqual(done.code, 0, self.told(pair, done))
        lines = done.lines()
        self.assertEqual(record_faults(lines), [])
        types = [line["type"] for line in lines if line["type"] not in ("notice", "event")]
        self.assertEqual(types[:3], ["header", "prediction", "plan"])
        foreseen = next(line for line in lines if line["type"] == "prediction")
        self.assertTrue(foreseen["converges"])
        # 256 MiB that nobody writes to, at 64 MiB/s.
        self.assertAlmostEqual(foreseen["total"]["expected_us"], 4e6, delta=0.4e6)
        self.assertEqual(lines[-1]["predicted"]["total_us"], foreseen["total"]["expected_us"])
        self.assertIn("total_us", lines[-1])
        names = [entry.name for entry in pair.source.log]
        self.assertLess(names.index("query-dirty-rate"), names.index("migrate-set-parameters"))

    def test_what_cannot_be_predicted_is_said_and_moved_all_the_same(self):
        pair = self.peers(calc=faults.error("no such measure"))
        done = self.predicted(pair)
        self.assertEqual(done.code, 0, self.told(pair, done))
        notices = [line["text"] for line in done.lines() if line.get("code") == "not-predicted"]
        self.assertEqual(len(notices), 1)
        self.assertIn("no such measure", notices[0])
        self.assertNotIn("predicted", done.result())

    def test_the_link_has_to_be_told(self):
        pair = self.peers()
        done = self.migrate(pair, "--predict")
        self.assertEqual(done.code, 4, str(done))
        self.assertIn("--bandwidth has to say", done.stderr + done.stdout)
        self.assertNotIn("calc-dirty-rate", [entry.name for entry in pair.source.log])

    def test_a_guest_that_is_to_stand_still_writes_nothing(self):
        done = self.predicted(self.peers(), "--offline")
        self.assertEqual(done.code, 2, str(done))

    def test_cancelled_meanwhile_nothing_was_begun(self):
        pair = self.peers(status="measuring")
        process = self.start("--json", "--socket", pair.source.path, "migrate", "tcp:127.0.0.1:0", "--dest-socket",
                             pair.destination.path, "--predict", "--bandwidth", BANDWIDTH)
        pair.source.wait(lambda peer: peer.received("query-dirty-rate"))
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=20)
        lines = [json.loads(line) for line in said.splitlines()]
        self.assertEqual(record_faults(lines), [])
        self.assertEqual((process.returncode, lines[-1]["outcome"], lines[-1]["guest_runs_on"]), (11, "cancelled", "source"))
        self.assertNotIn("migrate", [entry.name for entry in pair.source.log])
        self.assertEqual(pair.running(), ["source"])


if __name__ == "__main__":
    unittest.main()
