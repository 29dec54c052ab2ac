# SPDX-License-Identifier: LGPL-2.1-or-later
"""A commanded throttle holds at the second of QEMU's rated syncs at the latest: those at least a second apart."""

import os
import pathlib
import unittest

from tests.qemu.move import BARE, FAST, MIB, MoveTest

MATRIX = os.environ.get("QMPMIG_MATRIX")
STEPS = pathlib.Path(os.environ.get("QMPMIG", "build/agent/qmpmig")).resolve().parents[1] / "tests/abi/steps.so"


def rated_syncs(samples, since_us, until_us):
    """How many lie between, by the record: at each QEMU says another rate of dirty pages."""
    rates = [(line["t_us"], line["dirty_bytes_per_s"]) for line in samples if "dirty_bytes_per_s" in line]
    return sum(since_us < now[0] <= until_us and now[1] != before[1] for before, now in zip(rates, rates[1:]))


class Steps(MoveTest):
    guest = {**BARE, "version": "10.0"}

    def steps(self, hop, *options):
        """[(percent, rated syncs until it held, seconds)]"""
        running = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", "--policy", str(STEPS), "--postcopy", "never", "--bandwidth",
                                      FAST, "--max-downtime", "1ms", "--max-stall", "1s", *options)
        self.slow_down(hop, 4 * MIB)
        running.wait_line("sample", throttle_pct=95)
        self.qmpmig.run("--socket", hop.source.qmp, "cancel")
        record = running.record
        self.assert_stays(hop, record.result, "cancelled", 11)
        found = []
        for applied in record.of("applied"):
            percent = applied["parameters"].get("max-cpu-throttle")
            if percent:
                held = next(line["t_us"] for line in record.samples
                            if line["t_us"] > applied["t_us"] and line.get("throttle_pct") == percent)
                found.append((percent, rated_syncs(record.samples, applied["t_us"], held), (held - applied["t_us"]) / 1e6))
        return found

    def assert_steps(self, found):
        self.assertEqual([percent for percent, *_ in found], [70, 10, 95])
        self.assertLessEqual(max(syncs for _, syncs, _ in found), 2, found)


class Handle(Steps):
    def test_up_down_and_up(self):
        with self.hop() as hop:
            self.assert_steps(self.steps(hop))

    def test_armed_the_other_way_it_is_no_faster(self):
        """With its threshold low from the start, the first sync counts, and is used up by the time that it is wanted."""
        with self.hop() as hop:
            self.assert_steps(self.steps(hop, "--param", "throttle-trigger-threshold=1"))

    def test_only_another_rate_is_a_rated_sync(self):
        samples = [{"t_us": t, "dirty_bytes_per_s": rate} for t, rate in ((0, 7), (10, 8), (20, 8), (30, 9), (40, 7))]
        self.assertEqual(rated_syncs(samples, 10, 35), 1)


class Older(Steps):
    guest = BARE

    def test_up_down_and_up_on_7_2(self):
        with self.hop() as hop:
            self.assert_steps(self.steps(hop))


@unittest.skipUnless(MATRIX, "QEMU 11.1 needs --matrix")
class Newer(Steps):
    guest = {**BARE, "version": "11.1"}

    def test_up_down_and_up_on_11_1(self):
        with self.hop() as hop:
            self.assert_steps(self.steps(hop))


if __name__ == "__main__":
    unittest.main()
