# SPDX-License-Identifier: LGPL-2.1-or-later
"""The pieces of the convergence bench that need no lab: ids, plan, resuming, and the arithmetic from beats to tables."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest
import unittest.mock

from tests.bench.convergence_lab import (cell, figures, foresight, heartbeat, load, plot, program, readme, roster, schedule,
                                             table, verdict, watch)
from tests.bench.convergence_lab.results import Results
from tests.lab.vm import Beat
from tests.replay.test_replay import replay

TOP = pathlib.Path(__file__).resolve().parents[2]
HARD = "400M-ws64-d100-uniform-page-random-300ms"
EASY = "400M-ws16-d20-uniform-page-random-150ms"
IDLE = cell.idle(400).id


def made_up(name, contender, repeat=0, completed=True, **values):
    """A run's line; what is not given is as in an unremarkable one."""
    return {"cell": name, "contender": contender, "repeat": repeat, "program": None, "pre_copy": True, "held_out": False,
            "outcome": "completed" if completed else "not completed", "text": "", "total_s": 10.0, "told_total_s": 9.0,
            "blackout_ms": 300.0 if completed else None, "standstill_ms": 300.0, "lost_s": 1.0, "sent_bytes": 1 << 20,
            "throttle_s": 0.5, "dirtied_mib_s": 100.0, "loaded": False, "wall_s": 20.0, **values}


FLOORS = [made_up(IDLE, "auto", total_s=2.0, blackout_ms=100.0),
          made_up(IDLE, "virsh-plain", total_s=3.5, told_total_s=3.0, blackout_ms=350.0)]
STUCK = [*FLOORS, made_up(HARD, "virsh-plain", completed=False, total_s=60.0),
         made_up(HARD, "virsh-auto-converge", total_s=20.5, lost_s=2.0),
         made_up(HARD, "auto", total_s=8.0, lost_s=1.0, blackout_ms=350.0, standstill_ms=390.0)]


class Cells(unittest.TestCase):
    def test_an_id_says_all_of_the_cell(self):
        for one in (*cell.CORE, *cell.held_out(7), cell.idle(200)):
            self.assertEqual(cell.Cell.parse(one.id), one)

    def test_an_id_of_no_cell_is_refused_with_what_is_one(self):
        for wrong in ("400M-ws64", HARD.replace("uniform", "square"), HARD.replace("page", "word")):
            with self.assertRaises(ValueError):
                cell.Cell.parse(wrong)

    def test_the_core_set_and_a_fifth_held_out_are_24_cells(self):
        self.assertEqual(len(set(cell.CORE)) + len(set(cell.held_out(1))), 24)
        self.assertEqual(cell.held_out(3), cell.held_out(3))
        self.assertNotEqual(cell.held_out(3), cell.held_out(4))
        self.assertFalse(set(cell.held_out(5)) & set(cell.CORE))

    def test_the_guest_is_told_what_the_cell_says(self):
        self.assertEqual(cell.Cell.parse("400M-ws64-d2.5-hot-512B-text-300ms").guest(),
                         {"ws": "64M", "rate": 2621440, "shape": "hot", "density": 512, "content": "text"})


class Others(unittest.TestCase):
    """The rules of orchestrators, as contenders."""

    @staticmethod
    def begin(policy):
        """What it answers first."""
        called, *options = policy.split(",")
        return replay([{"type": "case", "policy": called, "config": dict(option.split("=") for option in options),
                        "facts": {"can": ["postcopy"]}},
                       {"type": "sample", "now_us": 0, "syncs": 1, "remaining_bytes": 1 << 30}])

    def test_each_policy_takes_its_options(self):
        for name, (policy, _, pre_copy) in roster.OTHERS.items():
            with self.subTest(contender=name):
                plan, advice = self.begin(policy)
                self.assertEqual((plan["type"], advice["type"]), ("plan", "advice"))
                self.assertEqual(plan["set"]["postcopy"], int(not pre_copy))

    def test_what_sets_nothing_by_itself_is_told_what_to_set(self):
        for policy, text in roster.POLICY_TEXTS.items():
            with self.subTest(policy=policy):
                self.assertEqual([answer["type"] for answer in self.begin(text)], ["plan", "advice"])
                self.assertNotIn("plan", [answer["type"] for answer in self.begin(policy)])

    def test_each_is_there_once_by_name(self):
        class Program:
            @staticmethod
            def policies():
                return ["auto", "fixed", *sorted({roster.policy_name(policy) for policy, *_ in roster.OTHERS.values()})]

            @staticmethod
            def has_service():
                return True

        names = [contender.name for contender in roster.qmpmig_contenders(Program)]
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual(set(names), {"auto", "fixed", "auto-no-postcopy", "auto-tcp", "postcopy-tcp",
                                      table.SERVICE, *roster.OTHERS})


class WhatIsMeasured(unittest.TestCase):
    """By a digest: results of another one are taken again."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        patcher = unittest.mock.patch.object(program, "TOP", self.folder)
        patcher.start()
        self.addCleanup(patcher.stop)
        for name in ("agent/migration/run.c", "agent/report/page.c", "elsewhere/qmpmig", "build/plugins/auto.so", "plugins/auto.so"):
            self.write(name, name)
        self.built = program.Program(self.write("build/agent/qmpmig", "built"))

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        os.utime(path, (1000, 1000))
        return path

    def test_what_is_not_run_through_may_change(self):
        before = self.built.digest("auto", "auto")
        self.write("agent/report/page.c", "prettier")
        self.write("build/agent/qmpmig", "another picture")
        self.assertEqual(self.built.digest("auto", "auto"), before)

    def test_what_is_may_not(self):
        seen = {self.built.digest("auto", "auto"), self.built.digest("auto", "auto", "--postcopy", "never")}
        self.write("build/plugins/auto.so", "another rule")
        seen.add(self.built.digest("auto", "auto"))
        self.write("agent/migration/run.c", "another run")
        seen.add(self.built.digest("auto", "auto"))
        self.assertEqual(len(seen), 4)

    def test_an_older_program_is_not_that_of_these_sources(self):
        os.utime(self.write("agent/migration/run.c", "newer"), (2000, 2000))
        with self.assertRaisesRegex(ValueError, "agent/migration/run.c is newer than the program"):
            self.built.digest("auto", "auto")

    def test_of_one_from_elsewhere_all_counts(self):
        other = program.Program(os.path.join(self.folder, "elsewhere/qmpmig"))
        before = other.digest("auto", "auto")
        self.write("elsewhere/qmpmig", "another picture")
        self.assertNotEqual(other.digest("auto", "auto"), before)


class Beats(unittest.TestCase):
    """A guest that writes 1000 pages a second and beats every 20 ms; its clock is 5 s behind ours."""

    @staticmethod
    def undisturbed(first_us, last_us, behind_s=5.0, work_from=0, pages_per_s=1000, late_s=lambda n: 0.0):
        return [Beat(n, us, work_from + round((us - first_us) / 1e6 * pages_per_s), us / 1e6 + behind_s + late_s(n), 0)
                for n, us in enumerate(range(first_us, last_us + 1, 20_000))]

    def test_the_pace_is_by_the_guests_clock(self):
        beats = self.undisturbed(0, 4_100_000, late_s=lambda n: 0.015 * (n % 2))
        self.assertAlmostEqual(heartbeat.Pace.of(beats).pages_per_s, 1000, delta=1)

    def test_a_pause_is_a_blackout_and_as_much_work_lost(self):
        before = self.undisturbed(0, 4_000_000)
        after = self.undisturbed(4_000_000, 8_000_000, behind_s=5.3, work_from=4000)
        pace = heartbeat.Pace.of(before)
        self.assertAlmostEqual(heartbeat.blackout_ms(before, after), 300, delta=1)
        self.assertAlmostEqual(heartbeat.lost_s(*heartbeat.done(before, after), pace), 0.3, delta=0.005)

    def test_a_guest_at_half_its_pace_lost_half_the_time(self):
        before = self.undisturbed(0, 4_000_000)
        slow = self.undisturbed(4_000_000, 6_000_000, work_from=4000, pages_per_s=500)
        after = self.undisturbed(6_000_000, 8_000_000, work_from=5000)
        self.assertAlmostEqual(heartbeat.lost_s(*heartbeat.done(before, after), heartbeat.Pace.of(before)), 1.0, delta=0.005)
        self.assertAlmostEqual(heartbeat.longest_ms(heartbeat.gaps_ms(before + slow)), 20, delta=0.1)

    def test_a_reader_that_was_late_loses_no_work(self):
        before = self.undisturbed(0, 4_000_000, late_s=lambda n: 0.2 if n > 150 else 0.0)
        after = self.undisturbed(4_000_000, 8_000_000, work_from=4000)
        self.assertAlmostEqual(heartbeat.lost_s(*heartbeat.done(before, after), heartbeat.Pace.of(before)), 0, delta=0.005)

    def test_bursts_are_compared_at_the_same_phase(self):
        def burst(us):
            return us // 1_000_000 * 1000 + min(us % 1_000_000, 250_000) * 4 // 1000

        def beats(first, last):
            return [Beat(n, us, burst(us), us / 1e6, 0) for n, us in enumerate(range(first, last, 20_000))]
        before, after = beats(0, 4_120_000), beats(6_000_000, 8_900_000)
        self.assertAlmostEqual(heartbeat.lost_s(*heartbeat.done(before, after), heartbeat.Pace.of(before)), 0, delta=0.01)

    def test_a_guest_that_did_not_move_has_no_blackout(self):
        self.assertIsNone(heartbeat.blackout_ms(self.undisturbed(0, 1_000_000), []))

    def test_a_guest_that_was_not_heard_is_an_error_with_words(self):
        beats = self.undisturbed(0, 4_000_000)
        for broken in (lambda: heartbeat.Pace.of([]), lambda: heartbeat.Pace.of(beats[:20]),
                       lambda: heartbeat.done(beats, [])):
            with self.assertRaisesRegex(ValueError, "not heard"):
                broken()

    def test_the_throttles_integral_is_of_steps(self):
        self.assertAlmostEqual(watch.integral([(0, 0), (2, 0.5), (4, 0.99), (5, 0)]), 1.99)


class Load(unittest.TestCase):
    def test_only_who_does_not_descend_from_us_is_foreign(self):
        stats = {1: (0, 5), 2: (0, 7), 20: (2, 90), 50: (1, 1000), 60: (50, 300), 61: (60, 200), 70: (1, 40), 71: (70, 3)}
        self.assertEqual(load.sum_foreign(stats, {50, load.KERNEL_THREADS}), 5 + 40 + 3)
        self.assertEqual(load.sum_foreign(stats, {61, load.KERNEL_THREADS}), 5 + 1000 + 300 + 40 + 3)

    def test_what_was_stolen_from_the_machine_is_foreign(self):
        self.assertEqual(load.stolen_ticks("cpu  2267065 80110 461606 1061258 2067 0 17240 49980 7 9\n"), 49980)


class Plan(unittest.TestCase):
    def setUp(self):
        self.contenders = roster.virsh_contenders()
        for contender in self.contenders:
            contender.tier, contender.tells_floor = 1, False
        self.contenders[1].tier = 0

    def test_contenders_are_interleaved_and_take_turns(self):
        jobs = schedule.all_jobs(cell.CORE[:2], self.contenders, 2)
        names = [contender.name for contender in self.contenders]
        self.assertEqual([job.contender.name for job in jobs[:5]], names)
        self.assertEqual([job.contender.name for job in jobs[10:15]], names[1:] + names[:1])
        self.assertEqual(len(set(jobs)), 2 * 2 * 5)

    def test_a_budget_takes_the_most_telling(self):
        jobs = schedule.all_jobs(cell.CORE, self.contenders, 3)
        fits, left_out = schedule.within_budget(jobs, cell.CORE, 10 * 30, lambda job: 30)
        self.assertEqual(len(fits), 10)
        self.assertEqual(len(fits) + len(left_out), len(jobs))
        self.assertEqual({job.contender.tier for job in fits if job.repeat == 0 and job.cell != cell.CORE[0]}, {0})
        self.assertEqual(schedule.within_budget(jobs, cell.CORE, None, None), (jobs, []))


class Resume(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def test_what_is_done_is_not_done_again(self):
        Results(self.folder).add_run(**made_up(HARD, "auto", 1, program="p1"))
        results = Results(self.folder)
        self.assertTrue(results.done(HARD, "auto", 1, "p1"))
        for other in ((EASY, "auto", 1, "p1"), (HARD, "auto", 2, "p1"), (HARD, "auto", 1, "p2")):
            self.assertFalse(results.done(*other))

    def test_what_broke_or_was_disturbed_is(self):
        results = Results(self.folder)
        results.add_run(**made_up(HARD, "auto", 0, outcome="error"))
        results.add_run(**made_up(HARD, "auto", 1, loaded=True))
        self.assertFalse(results.done(HARD, "auto", 0, None))
        self.assertTrue(results.done(HARD, "auto", 1, None))
        self.assertFalse(results.done(HARD, "auto", 1, None, redo_loaded=True))

    def test_two_of_three_that_did_not_end_are_enough(self):
        results = Results(self.folder)
        results.add_run(**made_up(HARD, "virsh-plain", 0, completed=False))
        results.add_run(**made_up(HARD, "virsh-plain", 1))
        self.assertFalse(results.is_hopeless(HARD, "virsh-plain", 3, None))
        results.add_run(**made_up(HARD, "virsh-plain", 2, completed=False))
        self.assertTrue(results.is_hopeless(HARD, "virsh-plain", 3, None))
        self.assertFalse(results.is_hopeless(HARD, "virsh-plain", 4, None))
        self.assertFalse(results.is_hopeless(HARD, "virsh-plain", 3, "another"))

    def test_a_line_that_a_kill_cut_short_is_mended(self):
        results = Results(self.folder)
        results.add_run(**made_up(HARD, "auto", 0))
        with open(results.path, "a", encoding="utf-8") as file:
            file.write('{"type": "run", "cell": "4')
        results = Results(self.folder)
        self.assertEqual(len(results.runs), 1)
        results.add_run(**made_up(HARD, "auto", 1))
        self.assertEqual([run["repeat"] for run in Results(self.folder).runs], [0, 1])


class Foresight(unittest.TestCase):
    SAMPLE = {"type": "sample", "t_us": 9_000_000, "throttle_integral_us": 30_000}
    ADVICE = {"type": "advice", "t_us": 9_300_000, "verdict": "cannot-within-limits", "reason": "needs postcopy"}

    def of(self, *records, tail=""):
        with tempfile.NamedTemporaryFile("w+", suffix=".jsonl") as file:
            file.write("".join(json.dumps(record) + "\n" for record in records) + tail)
            file.flush()
            return foresight.of_trace(file.name)

    def test_the_first_word_counts_and_what_was_done_before(self):
        later = self.SAMPLE | {"throttle_integral_us": 9_000_000}
        self.assertEqual(self.of(self.SAMPLE, self.ADVICE, later, self.ADVICE | {"t_us": 20_000_000}),
                         {"after_s": 9.3, "words": "needs postcopy", "throttle_s": 0.03})

    def test_who_said_nothing_of_the_kind_foresaw_nothing(self):
        self.assertIsNone(self.of(self.SAMPLE, self.ADVICE | {"verdict": "on-course"}, tail='{"type": "adv'))
        self.assertIsNone(foresight.of_trace("/nonexistent"))


class Tables(unittest.TestCase):
    def board(self, runs):
        return figures.Board(runs, "auto")

    def test_floors_come_off(self):
        board = self.board(STUCK)
        self.assertEqual(board.floor_ms(400), 100)
        self.assertEqual(board.libvirt_fixed_s(400), 0.5)
        total, lost, more_s = board.against_auto_converge(cell.Cell.parse(HARD))
        self.assertEqual((total, lost, more_s), (0.4, 0.5, -1.0))

    def test_a_guest_held_up_before_the_start_did_not_work_the_more_afterwards(self):
        """Ten seconds, in each of which the undisturbed guest writes 100 MiB; both wrote 900."""
        disturbed = made_up(HARD, "virsh-auto-converge", dirtied_mib_s=90.0, counted_s=10.0, counted_pages=900 * 256, lost_s=0.0)
        calm = made_up(HARD, "auto", dirtied_mib_s=100.0, counted_s=10.0, counted_pages=900 * 256, lost_s=1.0)
        row = self.board([disturbed, calm]).figures[cell.Cell.parse(HARD)]
        self.assertEqual([row[name].median("lost_s") for name in ("virsh-auto-converge", "auto")], [1.0, 1.0])

    def test_a_floor_that_others_disturbed_is_the_least(self):
        idle = [made_up(IDLE, "auto", n, blackout_ms=ms, loaded=True) for n, ms in enumerate((290.0, 110.0, 180.0))]
        self.assertEqual(self.board(idle).floor_ms(400), 110)
        self.assertEqual(self.board([{**run, "loaded": False} for run in idle]).floor_ms(400), 180)
        self.assertEqual(self.board([*idle, made_up(IDLE, "auto", 3, blackout_ms=120.0)]).floor_ms(400), 120)

    def test_medians_are_of_what_completed_without_load(self):
        runs = [made_up(HARD, "auto", n, total_s=t, loaded=load) for n, (t, load) in
                enumerate(((8.0, False), (9.0, False), (30.0, True)))]
        runs.append(made_up(HARD, "auto", 3, completed=False, total_s=60.0))
        one = self.board(runs).figures[cell.Cell.parse(HARD)]["auto"]
        self.assertEqual((len(one.runs), one.clean, one.completed, one.median("total_s")), (3, True, True, 8.5))

    def test_a_winner_has_no_losses_and_a_loser_has(self):
        """The second half is the twin of the first: the same cell, lost in every way."""
        hard, easy = cell.Cell.parse(HARD), cell.Cell.parse(EASY)
        plain = made_up(EASY, "virsh-plain", total_s=5.5, blackout_ms=360.0)
        winner = self.board([*STUCK, plain, made_up(EASY, "auto", total_s=5.1, blackout_ms=125.0)])
        self.assertEqual(verdict.losses(winner, hard) + verdict.losses(winner, easy), [])
        self.assertEqual(verdict.medians(winner, [hard, easy]), (1, 0.4, 0.5))
        self.assertEqual(winner.standstills([hard]), (1, 1))
        loser = self.board([*STUCK[:-1], plain, made_up(HARD, "auto", total_s=25.0, lost_s=2.5, blackout_ms=900.0,
                                                         standstill_ms=900.0),
                            made_up(EASY, "auto", total_s=5.9, blackout_ms=140.0)])
        self.assertEqual(verdict.losses(loser, hard), [
            "its blackout is 900 ms of 300 (floor 100), where virsh-auto-converge keep the limit",
            "total time 1.25 of auto-converge's", "work lost 1.25 of auto-converge's, +0.50 s"])
        self.assertEqual(verdict.losses(loser, easy),
                         ["total time 1.18 of virsh-plain's", "blackout 0.39 of plain's, 40 ms over the floor"])
        self.assertEqual(loser.standstills([hard]), (0, 1))

    def test_who_never_ends_loses_where_others_end(self):
        runs = [*STUCK[:-1], made_up(HARD, "auto", completed=False)]
        self.assertIn("it does not complete", verdict.losses(self.board(runs), cell.Cell.parse(HARD))[0])

    def test_nothing_is_claimed_from_disturbed_runs(self):
        board = self.board([{**run, "loaded": True} for run in STUCK])
        self.assertEqual(verdict.medians(board, [cell.Cell.parse(HARD)]), (0, None, None))
        self.assertEqual(board.standstills([cell.Cell.parse(HARD)]), (0, 0))
        self.assertIn("auto " + table.MARK, table.make_table(board, []))

    def test_a_line_is_marked_when_either_side_was_disturbed(self):
        def line(runs):
            return next(row for row in table.summary(self.board(runs), [cell.Cell.parse(HARD)]).splitlines() if HARD in row)
        self.assertNotIn(table.MARK, line(STUCK))
        for who in ("auto", "virsh-auto-converge"):
            self.assertIn(table.MARK, line([{**run, "loaded": run["contender"] == who} for run in STUCK]))

    def test_results_of_an_older_program_do_not_count(self):
        runs = [made_up(HARD, "auto", 0, program="old", total_s=50.0), made_up(HARD, "auto", 0, program="new", total_s=5.0)]
        self.assertEqual(self.board(runs).figures[cell.Cell.parse(HARD)]["auto"].median("total_s"), 5.0)

    def test_the_short_form_has_what_was_measured_alone(self):
        beside = made_up(EASY, "auto", loaded=True)
        board = self.board([*STUCK, beside, made_up(EASY, readme.AGAINST), made_up(HARD, table.SERVICE, total_s=10.5)])
        text = readme.make_readme(board, [{"command": "c", "commit": "d", "qemu": "10", "libvirt": "11", "machine": "m"}])
        words = " ".join(text.split())
        self.assertIn("`auto` takes 0.40 of its time and 0.50 of the guest's work (median of 1 guests)", words)
        self.assertIn("virsh with qmpmig's service beside it takes 0.50", words)
        self.assertNotIn(EASY, text)
        picture = plot.make_plot(board, readme.shown(board))
        self.assertNotIn(EASY, picture)
        self.assertEqual({name for name in (*readme.shown(board), "deadline") if f">{name}<" in picture}, set(readme.shown(board)))

    def test_what_the_service_does_beside_virsh_is_told_apart(self):
        beside = made_up(HARD, table.SERVICE, total_s=10.5, lost_s=1.5)
        text = table.make_table(self.board([*STUCK, beside]), [])
        self.assertIn(f"| {HARD} | 0.50 | 0.75 | 1 |", text)
        self.assertIn("In 1 cells: total time 0.50, work lost 0.75 in the median.", text)
        self.assertIn("total time 0.40, work lost 0.50 of auto-converge's", text)
        self.assertNotIn("The service", table.make_table(self.board(STUCK), []))

    def test_whose_connection_it_went_over_is_told(self):
        text = table.make_table(self.board([*STUCK, made_up(HARD, table.QEMUS_OWN, blackout_ms=420.0)]), [])
        self.assertIn(f"| {HARD} | 350 | 420 | 8.0 | 10.0 | 1 |  |", text)
        self.assertNotIn("Who connects", table.make_table(self.board(STUCK), []))

    def test_what_was_said_to_be_impossible_is_told_and_held_against_the_end(self):
        self.assertNotIn("impossible", table.make_table(self.board(STUCK), []))
        said = {"after_s": 9.3, "words": "needs 1.9 s of downtime", "throttle_s": 0.02}
        never = made_up(cell.IMPOSSIBLE[0].id, "auto", completed=False, total_s=60.0, cannot=said)
        text = table.make_table(self.board([*STUCK[:-1], made_up(HARD, "auto", cannot=said), never]), [])
        self.assertIn(f"| {HARD} | auto | completed | 10.0 | 9.3 | 0.02 | needs 1.9 s of downtime |", text)
        self.assertIn(f"| {cell.IMPOSSIBLE[0].id} | auto | not completed | 60.0 |", text)
        self.assertNotIn(f"### {cell.IMPOSSIBLE[0].id}", text)

    def test_table_and_plot_show_each_contender(self):
        runs = [*STUCK, made_up(EASY, "auto", held_out=True), made_up(EASY, "virsh-plain", held_out=True)]
        text = table.make_table(self.board(runs), [])
        for words in ("## Whole pages", "## Held out", f"### {HARD}", "| virsh-auto-converge | 1/1 | 20.5 |",
                      "| virsh-plain | 0/1 | 60.0 |  |", f"| {HARD} | no | 0.40 | 0.50 |"):
            self.assertIn(words, text)
        self.assertNotIn("## Sparse writes", text)
        picture = plot.make_plot(self.board(runs))
        for words in (HARD, EASY, "virsh-auto-converge"):
            self.assertIn(words, picture)


class Script(unittest.TestCase):
    def test_it_writes_the_table_of_a_folder(self):
        with tempfile.TemporaryDirectory() as folder:
            results = Results(folder)
            for run in STUCK:
                results.add_run(**run)
            subprocess.run([TOP / "tests/bench/convergence", "--table", "--out", folder], check=True, capture_output=True)
            self.assertEqual(set(os.listdir(folder)), {"results.jsonl", "table.md", "plot.svg"})
            with open(os.path.join(folder, "results.jsonl"), encoding="utf-8") as file:
                self.assertEqual(len(list(map(json.loads, file))), len(STUCK))

    def test_cells_are_chosen_by_how_plain_pre_copy_fared(self):
        with tempfile.TemporaryDirectory() as folder:
            results = Results(folder)
            for run in (*STUCK, made_up(EASY, "virsh-plain")):
                results.add_run(**run)
            for chosen, one in (("stuck", HARD), ("converging", EASY)):
                planned = subprocess.run([TOP / "tests/bench/convergence", "--plan", "--repeats", "1", "--cells", chosen,
                                          "--contenders", "virsh-xbzrle", "--out", folder], capture_output=True, text=True)
                self.assertEqual((planned.stdout, planned.stderr), (f"{one} virsh-xbzrle #0\n", ""))


if __name__ == "__main__":
    unittest.main()
