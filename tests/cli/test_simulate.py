# SPDX-License-Identifier: LGPL-2.1-or-later
"""`qmpmig simulate`: guests that there are none of, moved by a model of QEMU."""

import json
import os
import tempfile
import unittest
from pathlib import Path

from tests.cli import program
from tests.display.record import line_faults, record_faults

GIB = 1 << 30


def simulate(*words):
    return program.run("simulate", *words)


def simulated(*words):
    done = simulate("--json", *words)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    for line in lines:
        assert not line_faults(line), line_faults(line)
    return lines


def cpu_seconds():
    """Of the programs run so far: how long they took otherwise is the machine's affair."""
    used = os.times()
    return used.children_user + used.children_system


def one(*words):
    line, = simulated(*words)
    return line


def sense(line):
    return {key: value for key, value in line.items() if key not in ("wall_clock", "t_us")}


class Described(unittest.TestCase):
    def test_memory_takes_its_time_over_the_link(self):
        line = one("--memory", "4GiB", "--link", "1Gbit/s")
        self.assertEqual(line["outcome"], "completed")
        self.assertAlmostEqual(line["total_us"] / 1e6, 4 * GIB * 8 / 1e9, delta=1)

    def test_half_the_link_takes_twice_the_time(self):
        whole = one("--memory", "4GiB", "--link", "2Gbit/s")["total_us"]
        half = one("--memory", "4GiB", "--link", "1Gbit/s")["total_us"]
        self.assertAlmostEqual(half / whole, 2, delta=0.05)

    def test_a_limit_of_qemus_is_kept_window_by_window(self):
        """What it permits for 100 ms is written at once, and waits in the socket when the guest is stopped."""
        slow = "--memory", "1GiB", "--link", "100Mbit/s"
        free, limited = (one(*slow, *more) for more in ((), ("--bandwidth", "100Mbit/s")))
        self.assertAlmostEqual(limited["total_us"] / free["total_us"], 1, delta=0.02)
        self.assertAlmostEqual(limited["blackout_us"], free["blackout_us"], delta=30_000)
        fast = one("--memory", "1GiB", "--link", "10Gbit/s", "--bandwidth", "100Mbit/s")
        self.assertAlmostEqual(fast["total_us"] / free["total_us"], 1, delta=0.02)
        self.assertLess(fast["blackout_us"], free["blackout_us"] - 30_000)

    def test_a_writer_makes_more_to_send(self):
        calm = one("--memory", "4GiB", "--link", "1Gbit/s")
        busy = one("--memory", "4GiB", "--link", "1Gbit/s", "--workload", "hot:1GiB@50MiB/s")
        self.assertGreater(busy["sent_bytes"], calm["sent_bytes"] * 1.2)

    def test_zero_pages_cost_next_to_nothing(self):
        line = one("--memory", "4GiB", "--link", "1Gbit/s", "--workload", "zero:75%")
        self.assertAlmostEqual(line["sent_bytes"] / GIB, 1, delta=0.05)

    def test_zero_pages_can_be_told_by_their_size(self):
        words = "--memory", "4GiB", "--link", "1Gbit/s", "--workload"
        size, share = (one(*words, zero)["sent_bytes"] for zero in ("zero:3GiB", "zero:75%"))
        self.assertEqual(size, share)

    def test_what_is_written_can_be_zero(self):
        words = "--memory", "4GiB", "--link", "1Gbit/s", "--workload"
        zero, full = (one(*words, f"hot:1GiB@50MiB/s,zero={pct}%")["sent_bytes"] for pct in ("100", "0"))
        self.assertAlmostEqual(zero / GIB, 3, delta=0.05)
        self.assertGreater(full / GIB, 4.5)

    def test_a_newer_qemu_looks_every_five_seconds(self):
        words = ("--memory", "8GiB", "--link", "1Gbit/s", "--workload", "hot:4GiB@60MiB/s", "--policy", "downtime",
                 "--throttle", "ramp", "--max-throttle", "1")
        new, old = (one(*words, "--qemu", version)["syncs"] for version in ("10.0", "7.2"))
        self.assertGreater(new, old + 2)

    def test_kvm_clears_the_log_as_it_sends(self):
        words = "--memory", "16GiB", "--link", "1Gbit/s", "--workload", "hot:8GiB@90MiB/s", "--policy", "throttle"
        kvm, tcg = (one(*words, "--accel", accel)["sent_bytes"] for accel in ("kvm", "tcg"))
        self.assertLess(kvm, tcg)

    def test_more_processors_share_the_waiting_in_postcopy(self):
        words = ("--memory", "8GiB", "--link", "10Gbit/s", "--workload", "hot:4GiB@100MiB/s", "--policy", "postcopy")
        few, many = (one(*words, "--vcpus", number)["work_lost_us"] for number in ("1", "64"))
        self.assertGreater(few, many * 2)

    def test_the_seed_is_all_chance(self):
        words = ("--memory", "8GiB", "--link", "10Gbit/s,noise=20%,shared=3s", "--workload",
                 "hot:1GiB@500MiB/s,phases=2s", "--policy", "throttle")
        first, again, other = (one(*words, "--seed", seed) for seed in ("7", "7", "8"))
        self.assertEqual(sense(first), sense(again))
        self.assertNotEqual(first["total_us"], other["total_us"])

    def test_what_never_ends_is_stuck(self):
        line = one("--memory", "4GiB", "--link", "1Gbit/s", "--workload", "io:2GiB@2GiB/s", "--postcopy", "never",
                   "--give-up", "1min")
        self.assertEqual(line["outcome"], "stuck")
        self.assertNotIn("blackout_us", line)

    def test_a_device_is_not_held_back(self):
        words = "--memory", "4GiB", "--link", "1Gbit/s", "--policy", "throttle", "--give-up", "3min"
        guest = one(*words, "--workload", "sweep:2GiB@300MiB/s")
        device = one(*words, "--workload", "io:2GiB@300MiB/s")
        self.assertEqual((guest["outcome"], device["outcome"]), ("completed", "stuck"))

    def test_a_terabyte_takes_less_than_a_second(self):
        began = cpu_seconds()
        line = one("--memory", "1TiB", "--link", "100Gbit/s", "--workload", "zipf:100GiB@2GiB/s")
        self.assertEqual(line["outcome"], "completed")
        self.assertLess(cpu_seconds() - began, 1)


    def test_it_takes_channels_to_fill_a_fast_link(self):
        words = "--memory", "64GiB", "--link", "100Gbit/s", "--policy"
        alone, many = one(*words, "throttle"), one(*words, "auto,postcopy=never")
        self.assertEqual((alone["channels"], many["channels"]), (0, 10))
        self.assertGreater(alone["total_us"], 5 * many["total_us"])

    def test_channels_do_not_cost_postcopy_in_an_older_qemu(self):
        words = "--memory", "4GiB", "--link", "100Gbit/s", "--policy", "auto", "--qemu"
        self.assertEqual([one(*words, version)["channels"] for version in ("10.0", "10.1")], [0, 10])
        self.assertEqual(one(*words, "10.0", "--postcopy", "never")["channels"], 10)

    def test_deltas_leave_no_room_for_channels(self):
        line = one("--memory", "4GiB", "--link", "100Gbit/s", "--policy", "kubevirt", "--xbzrle", "--postcopy", "never")
        self.assertEqual(line["channels"], 0)


class Bound(unittest.TestCase):
    """What no pre-copy can beat."""
    SWEEP = "--memory", "4GiB", "--link", "1Gbit/s", "--workload", "sweep:1GiB@250MB/s"

    def test_of_a_sweep_is_what_the_formula_says(self):
        line = one(*self.SWEEP, "--max-downtime", "100ms")
        round_s, way_s = GIB / 250e6, GIB * 4104 / 4096 / 125e6
        self.assertAlmostEqual(line["least_work_lost_us"] / 1e6, way_s - round_s + 0.03, delta=0.1)
        self.assertAlmostEqual(line["least_total_us"] / 1e6, 4 * way_s + 0.05, delta=0.05)
        self.assertEqual(line["least_blackout_us"], 30_000)     # the throttle can hold it

    def test_of_a_device_is_in_the_blackout(self):
        line = one("--memory", "4GiB", "--link", "1Gbit/s", "--workload", "io:1GiB@250MB/s", "--give-up", "1min")
        self.assertAlmostEqual(line["least_blackout_us"] / 1e6, GIB * 4104 / 4096 / 125e6 - GIB / 250e6 + 0.03, delta=0.1)
        self.assertEqual(line["outcome"], "stuck")
        self.assertGreater(line["left_bytes"], GIB / 4)

    def test_nobody_beats_it(self):
        policies = [word for name in ("auto,postcopy=never", "throttle", "downtime") for word in ("--policy", name)]
        for workload in ("idle", self.SWEEP[-1], "hot:1GiB@200MB/s", "hot:2GiB@400MB/s,delta=100B", "zipf:2GiB@300MB/s,bursts=1s/2s",
                         "zipf:2GiB@200MB/s,phases=5s+zero:40%", "hot:500MiB@100MB/s+io:200MiB@50MB/s+busy:40%"):
            for line in simulated(*self.SWEEP[:4], "--workload", workload, "--give-up", "2min", *policies):
                with self.subTest(workload, policy=line["policy"], outcome=line["outcome"]):
                    if line["outcome"] == "completed":
                        self.assertGreaterEqual(line["total_us"], line["least_total_us"])
                        self.assertGreaterEqual(line["work_lost_us"], line["least_work_lost_us"])


class Policies(unittest.TestCase):
    WORDS = "--memory", "4GiB", "--link", "1Gbit/s", "--workload", "hot:256MiB@1GiB/s"

    def test_each_has_a_line_in_the_order_given(self):
        lines = simulated(*self.WORDS, "--policy", "postcopy", "--policy", "auto", "--policy", "throttle")
        self.assertEqual([line["policy"] for line in lines], ["postcopy", "auto", "throttle"])
        self.assertEqual([line["postcopy"] for line in lines], [True, lines[1]["postcopy"], False])

    def test_the_table_says_what_the_lines_say(self):
        done = simulate(*self.WORDS, "--policy", "postcopy", "--policy", "throttle")
        title, postcopy, throttle = done.stdout.splitlines()
        self.assertRegex(title, "^POLICY +OUTCOME +TOTAL +BLACKOUT")
        self.assertRegex(postcopy, "^postcopy +completed by postcopy ")
        self.assertRegex(throttle, "^throttle +completed ")

    def test_limits_of_one_are_not_those_of_the_next(self):
        words = *self.WORDS[:4], "--workload", "sweep:1GiB@1GiB/s"
        strict, lax = simulated(*words, "--policy", "throttle,max-stall=20ms", "--policy", "throttle",
                                "--give-up", "2min")
        self.assertLessEqual(strict["longest_stall_us"], 20_000)
        self.assertGreater(lax["longest_stall_us"], 20_000)

    def test_guard_rails_hold(self):
        line = one(*self.WORDS, "--policy", "throttle", "--max-throttle", "30", "--give-up", "1min")
        self.assertLessEqual(line["longest_stall_us"], 10_000)

    def test_one_that_will_not_is_told(self):
        done = simulate(*self.WORDS, "--policy", "deadline")
        self.assertEqual(done.returncode, 4)
        self.assertIn("--deadline", done.stderr)


class Record(unittest.TestCase):
    def test_a_simulated_move_leaves_a_record_like_a_real_one(self):
        with tempfile.TemporaryDirectory() as home:
            trace = Path(home) / "trace.jsonl"
            line = one(*Policies.WORDS, "--policy", "auto", "--trace", str(trace))
            lines = [json.loads(text) for text in trace.read_text().splitlines()]
        self.assertEqual(record_faults(lines), [])
        self.assertEqual(lines[-1]["total_us"], line["total_us"])
        self.assertGreater(len([line for line in lines if line["type"] == "sample"]), 50)
        self.assertTrue([line for line in lines if line["type"] == "applied"])


class Recorded(unittest.TestCase):
    """Of a simulated one all is known: the guest that is found in its record must behave like the one that was described."""
    WORDS = ("--memory", "4GiB", "--link", "1Gbit/s", "--accel", "tcg", "--vcpus", "1", "--workload",
             "hot:256MiB@100MiB/s+zero:25%")

    @classmethod
    def setUpClass(cls):
        cls.home = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.home.cleanup)
        cls.trace = str(Path(cls.home.name) / "trace.jsonl")
        cls.was = one(*cls.WORDS, "--policy", "auto,max-downtime=200ms", "--trace", cls.trace)

    def test_what_was_commanded_has_the_same_outcome(self):
        actual, again = simulated(self.trace)
        self.assertEqual((actual["what"], again["what"]), ("actual", "replay"))
        self.assertEqual(actual["total_us"], self.was["total_us"])
        self.assertAlmostEqual(again["total_us"] / self.was["total_us"], 1, delta=0.05)
        self.assertAlmostEqual(again["qemu_downtime_us"], self.was["qemu_downtime_us"], delta=20_000)

    def test_the_guest_is_found_in_it(self):
        _, again = simulated(self.trace)
        self.assertAlmostEqual(again["memory_bytes"] / GIB, 4, delta=0.1)
        self.assertAlmostEqual(again["link_bytes_per_s"] / 125e6, 1, delta=0.05)
        self.assertRegex(again["workload"], r"zero:10\d{5}KiB")

    def test_each_policy_moves_that_guest(self):
        lines = simulated(self.trace, "--policy", "auto,max-downtime=200ms", "--policy", "postcopy")
        self.assertEqual([line["what"] for line in lines], ["actual", "replay", "policy", "policy"])
        self.assertAlmostEqual(lines[2]["total_us"] / self.was["total_us"], 1, delta=0.05)
        self.assertTrue(lines[3]["postcopy"])

    def test_an_option_comes_before_the_record(self):
        _, again = simulated(self.trace, "--link", "500Mbit/s")
        self.assertEqual(again["link_bytes_per_s"], 62_500_000)
        self.assertGreater(again["total_us"], self.was["total_us"] * 1.5)

    def test_where_qmpmig_connected_less_waits_in_the_socket(self):
        qemus, ours = (Path(self.home.name) / name for name in ("qemus.jsonl", "ours.jsonl"))
        one("--memory", "256MiB", "--link", "100Mbit/s", "--accel", "tcg", "--trace", str(qemus))
        header, rest = qemus.read_text().split("\n", 1)
        ours.write_text(json.dumps({**json.loads(header), "uri": "fd:tcp:there:4444"}) + "\n" + rest)
        theirs_us, ours_us = (simulated(str(trace))[1]["qemu_downtime_us"] for trace in (qemus, ours))
        self.assertLess(ours_us, theirs_us - 40_000)

    def test_the_table_has_it_first(self):
        rows = simulate(self.trace, "--policy", "throttle").stdout.splitlines()
        self.assertRegex(rows[1], "^auto, as it was +completed ")
        self.assertRegex(rows[2], "^auto, replayed +completed ")
        self.assertRegex(rows[3], "^throttle +completed ")

    def test_what_is_no_trace_is_told(self):
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
            file.write('{"type":"sample"}\n')
            file.flush()
            done = simulate(file.name)
        self.assertEqual(done.returncode, 2)
        self.assertIn("not a trace", done.stderr)

    def test_one_of_the_bench_is_met(self):
        trace = Path(__file__).parents[1] / "bench/traces/fitted/400M-ws64-d20-uniform-8B-random-300ms-auto-0.jsonl.gz"
        actual, again = simulated(str(trace))
        self.assertAlmostEqual(again["total_us"] / actual["total_us"], 1, delta=0.1)


class Mistakes(unittest.TestCase):
    def test_each_is_told(self):
        guest = "--memory", "1GiB", "--link", "1Gbit/s"
        for words, told in (
            ((), "--memory and --link"),
            (("--memory", "1GiB", "--link", "unlimited"), "a link has a rate"),
            ((*guest, "--workload", "warm:1GiB@1GiB/s"), "'warm' is none of"),
            ((*guest, "--workload", "hot:2GiB@1GiB/s"), "more is written to"),
            ((*guest, "--workload", "hot:1MiB"), "is not SIZE@RATE"),
            ((*guest, "--workload", "hot:1MiB@1MiB/s,skew=1"), "'skew=1' is none of"),
            ((*guest, "--link", "1Gbit/s,noise"), "is none of noise"),
            ((*guest, "--qemu", "ten"), "is not MAJOR.MINOR"),
        ):
            with self.subTest(words):
                done = simulate(*words)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn(told, done.stderr)


if __name__ == "__main__":
    unittest.main()
