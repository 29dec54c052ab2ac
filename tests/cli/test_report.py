# SPDX-License-Identifier: LGPL-2.1-or-later
"""The picture of a migration has what its trace has, and breaks at nothing that a trace may hold."""

import fcntl
import gzip
import json
import os
import pathlib
import re
import shutil
import struct
import tempfile
import unittest
import xml.etree.ElementTree as xml

from tests.cli import program

EXAMPLES = pathlib.Path(__file__).parents[1] / "display/examples"
HTML = "{http://www.w3.org/1999/xhtml}"
SVG = "{http://www.w3.org/2000/svg}"

HEADER = {"type": "header", "t_us": 0, "format": "qmpmig-1", "wall_clock": "2026-11-20T10:00:00Z", "role": "migrate",
          "vm": {"name": "web1"}, "ends": {}, "policy": {"name": "auto"}, "limits": {"max_downtime_us": 300000}}
RESULT = {"type": "result", "t_us": 9000000, "outcome": "completed", "exit_code": 0, "guest_runs_on": "destination",
          "total_us": 8765000, "blackout_us": 43210, "blackout_source": "events", "blackout_bound_us": 777,
          "sent_bytes": 123456789, "passes": 17, "throttle_integral_us": 654000}


def sample(t_us, **numbers):
    return {"type": "sample", "t_us": t_us, "status": "active", "remaining_bytes": 1 << 28, **numbers}


def advice(t_us, reason, **more):
    return {"type": "advice", "t_us": t_us, "reason": reason, "action": "none", **more}


def text_of(element):
    return " ".join("".join(element.itertext()).split())


class ReportTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="qmpmig-report-")
        self.addCleanup(shutil.rmtree, self.folder)
        if "is not installed" in program.run("report", "none", "-o", "none.html").stderr:
            self.skipTest("built without cairo")

    def put(self, *lines, name="web.jsonl", tail=""):
        path = os.path.join(self.folder, name)
        text = "".join(json.dumps(line) + "\n" if isinstance(line, dict) else line for line in lines) + tail
        with (gzip.open if name.endswith(".gz") else open)(path, "wt", encoding="utf-8") as file:
            file.write(text)
        return path

    def draw(self, *words, kind="html"):
        """What is in the file, after a run that has gone well."""
        out = os.path.join(self.folder, f"out.{kind}")
        done = program.run("report", *map(str, words), "-o", out)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        with open(out, "rb") as file:
            return file.read()

    def page(self, *words):
        """It is XML as well as HTML: every tag is closed, and every < of the trace escaped."""
        return xml.fromstring(self.draw(*words))

    def refusal(self, *words):
        done = program.run("report", *words, "-o", os.path.join(self.folder, "out.html"))
        self.assertEqual(done.returncode, 2)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "out.html")))
        return done.stderr


class Page(ReportTest):
    def test_each_decision_is_there_with_its_reason(self):
        path = self.put(HEADER, sample(1), advice(1500000, "passes shrink", verdict="on-course", remaining_us=3470000),
                        advice(4920000, "they do not", throttle_pct=92, downtime_limit_us=155000),
                        {"type": "applied", "t_us": 4930000, "answer": "ok",
                         "parameters": {"cpu-throttle-initial": 92}, "changed_by_guard": ["cut to 92%"]}, RESULT)
        first, second = (text_of(item) for item in self.page(path).iter(f"{HTML}li"))
        self.assertEqual(first, "11.5 s passes shrinkforesees on course, time left 3.47 s")
        self.assertEqual(second, "24.92 s they do notasks for throttle 92 %, downtime limit 155 ms"
                                 "then sets cpu-throttle-initial 92%, cut to 92%")

    def test_each_decision_is_marked_where_it_was_taken(self):
        path = self.put(HEADER, sample(0), *(advice(number * 1000000, f"why-{number}") for number in range(1, 9)), RESULT)
        for svg in self.page(path).iter(f"{SVG}svg"):
            marks = [text for text in svg.iter(f"{SVG}text")
                     if (title := text.find(f"{SVG}title")) is not None and "why-" in title.text]
            self.assertEqual([mark[0].tail for mark in marks], list("12345678"))
            places = [float(mark.get("x")) for mark in marks]
            steps = [after - before for before, after in zip(places, places[1:])]
            self.assertLess(max(steps) - min(steps), 0.25, places)

    def test_marks_that_would_cover_each_other_become_one(self):
        path = self.put(HEADER, sample(0), *(advice(number * 1000, f"why {number}") for number in range(1, 201)), RESULT)
        page = self.page(path)
        self.assertEqual(len(list(page.iter(f"{HTML}li"))), 200)
        self.assertRegex(self.draw(path).decode(), r"3–200</text>")

    def test_every_number_of_the_result_is_there(self):
        text = text_of(self.page(self.put(HEADER, sample(1), RESULT)).find(f".//{HTML}body"))
        for words in ("total 8.77 s", "blackout 43.2 ms", "blackout bound 777 us", "sent 118 MiB", "passes 17",
                      "throttle integral 654 ms", "exit code 0", "outcome completed", "guest runs on destination",
                      "work lost 697 ms", "blackout source events"):
            self.assertIn(words.replace(" ", ""), text.replace(" ", ""), words)

    def test_what_was_predicted_stands_beside_what_came(self):
        foreseen = {"converges": True, "late": False, "completed": 3, "postcopy": False, "total_us": 8100000}
        text = text_of(self.page(self.put(HEADER, sample(1), {**RESULT, "predicted": foreseen})).find(f".//{HTML}body"))
        for words in ("predicted total 8.1 s", "predicted converges yes"):
            self.assertIn(words.replace(" ", ""), text.replace(" ", ""), words)

    def test_it_needs_nothing_else(self):
        for path in EXAMPLES.glob("*.jsonl"):
            page = self.draw(path).decode()
            self.assertNotRegex(re.sub(r"<pre>.*?</pre>", "", page, flags=re.DOTALL),
                                r"(?i)<script|<link|<img|<iframe|@import|\bsrc=|\bhref=|url\(|\son\w+=", path.name)

    def test_each_ending_is_drawn_and_says_where_the_guest_is(self):
        for path in sorted(EXAMPLES.glob("*.jsonl")):
            expected = path.with_suffix(".txt").read_text(encoding="utf-8").split("\n")
            headline = text_of(self.page(path).find(f".//{HTML}p[@class='headline']"))
            self.assertTrue(any(line and headline.startswith(line) for line in expected), (path.name, headline))

    def test_what_is_in_a_trace_stays_text(self):
        evil = "</title></svg><script>alert(1)</script>\"'&\x1b[2J"
        path = self.put({**HEADER, "vm": {"name": evil}, "uri": evil}, sample(1), advice(5, evil, verdict=evil, action=evil),
                        {"type": "event", "t_us": 6, "end": evil, "name": evil, "data": {evil: evil}},
                        {"type": "notice", "t_us": 7, "level": evil, "text": evil}, {**RESULT, evil: evil, "error": {"desc": evil}})
        for kind in ("html", "svg"):
            text = self.draw(path, kind=kind).decode()
            self.assertNotIn("<script", text)
            self.assertIn("&lt;script&gt;", text)
            self.assertNotIn("\x1b", text)
            xml.fromstring(text)

    def test_many_samples_are_thinned_and_their_peaks_are_not(self):
        lines = [sample(number * 100, bandwidth_bytes_per_s=1000 if number != 7777 else 9000) for number in range(20000)]
        page = self.draw(self.put(HEADER, *lines, RESULT))
        self.assertLess(len(page), 200000)
        lines = re.findall(r'<polyline[^>]*points="([^"]*)" class="s-blue"', page.decode())
        heights = [[float(point.split(",")[1]) for point in line.split()] for line in lines]
        self.assertGreater(max(max(ys) - min(ys) for ys in heights), 80)


class Incomplete(ReportTest):
    def test_without_a_result_its_qmpmig_was_killed(self):
        self.assertIn("without an outcome", self.draw(self.put(HEADER, sample(1))).decode())

    def test_while_it_is_written_it_is_on_its_way(self):
        path = self.put(HEADER, sample(1))
        with open(path, "a", encoding="utf-8") as file:
            fcntl.fcntl(file, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)) # F_OFD_SETLK
            self.assertIn("On its way", self.draw(path).decode())

    def test_a_torn_last_line_is_left_out_and_told(self):
        for tail in ('{"type": "res', '{"type": "res\n'):
            self.assertIn("not written whole", self.draw(self.put(HEADER, sample(1), tail=tail)).decode())

    def test_without_samples_it_says_so(self):
        self.assertIn("There is no sample", self.draw(self.put(HEADER, RESULT)).decode())

    def test_what_no_sample_knows_is_named(self):
        self.assertIn("Rates: not in this trace", self.draw(self.put(HEADER, sample(1), sample(2000000), RESULT)).decode())

    def test_observing_changes_nothing(self):
        page = self.draw(self.put({**HEADER, "observe": True}, sample(1), RESULT)).decode()
        self.assertIn("Observed only", page)
        self.assertNotIn("Observed only", self.draw(self.put(HEADER, sample(1), RESULT)).decode())

    def test_a_recovery_goes_on_behind_what_was_before(self):
        page = self.draw(self.put(HEADER, sample(1), {**RESULT, "outcome": "postcopy-paused"}, {**HEADER, "role": "recover"},
                                  sample(500), RESULT)).decode()
        self.assertEqual(re.findall(r"\w+ began", page), ["recover began"])
        self.assertIn("Done: web1 runs on the destination", page)

    def test_postcopy_is_marked(self):
        self.assertIn("postcopy: from", self.draw(EXAMPLES / "postcopy.jsonl").decode())


class Broken(ReportTest):
    def test_the_line_that_is_wrong_is_named(self):
        for line, fault in (("nonsense\n", "not JSON"), ("[1]\n", "not a JSON object"), ('{"t_us": 3}\n', "it has no type"),
                            ('{"type": "sample"}\n', "it has no t_us"),
                            ('{"type": "sample", "t_us": 5, "remaining_bytes": "many"}\n',
                             "remaining_bytes is no number of 0 or more"),
                            ('{"type": "sample", "t_us": 5, "remaining_bytes": NaN}\n', "remaining_bytes is no number"),
                            ('{"type": "sample", "t_us": -5}\n', "t_us is no number of 0 or more"),
                            ('{"type": "sample", "t_us": 99999999999999999}\n', "t_us is more than a year"),
                            ('{"type": "event", "t_us": 1}\n', "t_us falls")):
            path = self.put(HEADER, sample(2), line, RESULT)
            self.assertIn(f"qmpmig: {path}:3: {fault}", self.refusal(path), line)

    def test_what_is_no_trace_is_refused(self):
        self.assertIn(":1: not a trace: it is no header of qmpmig-1", self.refusal(self.put(sample(1), RESULT)))
        self.assertIn(":1: not a trace: it is no header", self.refusal(self.put({**HEADER, "format": "qmpmig-2"})))
        self.assertIn(":1: not a trace: it has no whole line", self.refusal(self.put("")))
        self.assertIn("nowhere.jsonl: no such file, and no trace of that name; `qmpmig history` lists them",
                      self.refusal("nowhere.jsonl"))
        self.assertIn("web.jsonl.gz: ", self.refusal(self.broken_gzip()))

    def broken_gzip(self):
        path = self.put(HEADER, RESULT, name="web.jsonl.gz")
        with open(path, "r+b") as file:
            file.truncate(30)
        return path

    def test_every_cut_of_a_trace_is_drawn_or_refused(self):
        text = (EXAMPLES / "postcopy.jsonl").read_text(encoding="utf-8")
        for length in range(0, len(text), len(text) // 23):
            path = self.put(text[:length])
            done = program.run("report", path, "-o", os.path.join(self.folder, "cut.html"))
            self.assertIn(done.returncode, (0, 2), done.stderr)
            self.assertEqual(done.returncode == 0, "\n" in text[:length], done.stderr)

    def test_the_output_has_to_be_of_a_known_kind(self):
        path = self.put(HEADER, RESULT)
        self.assertIn("-o FILE is needed", program.run("report", path).stderr)
        self.assertIn("neither .html nor .svg nor .png", program.run("report", path, "-o", "x.pdf").stderr)
        self.assertEqual(program.run("report", path, "-o", "/nowhere/x.png").returncode, 2)


class Against(ReportTest):
    def both(self):
        long = self.put(HEADER, sample(0, bandwidth_bytes_per_s=100 << 20), sample(10000000, bandwidth_bytes_per_s=100 << 20),
                        {**RESULT, "t_us": 10000000}, name="long.jsonl")
        short = self.put({**HEADER, "vm": {"name": "db"}}, sample(0, bandwidth_bytes_per_s=50 << 20),
                         sample(5000000, bandwidth_bytes_per_s=50 << 20), {**RESULT, "t_us": 5000000}, name="short.jsonl")
        return long, short

    def test_both_are_on_one_scale(self):
        long, short = self.both()
        svg = xml.fromstring(self.draw(long, "--against", short, kind="svg"))
        self.assertEqual(self.rates(svg), self.rates(xml.fromstring(self.draw(short, "--against", long, kind="svg")))[::-1])
        (from_a, to_a, high), (from_b, to_b, low) = self.rates(svg)
        self.assertEqual(from_a, from_b)
        self.assertAlmostEqual(to_b - from_b, (to_a - from_a) / 2, delta=0.2)
        self.assertGreater(low, high + 40) # half as fast, on an axis that starts at 0

    def rates(self, svg):
        """Of the lines "sent per second": first and last x, and y."""
        lines = [[tuple(map(float, point.split(","))) for point in line.get("points").split()]
                 for line in svg.iter(f"{SVG}polyline") if line.get("stroke-width") == "1.8"]
        lines = [line for line in lines if line[0][0] != line[-1][0]]
        return [(line[0][0], line[-1][0], line[0][1]) for line in lines[2:4]]

    def test_each_number_stands_beside_its_like(self):
        long, short = self.both()
        page = self.page(long, "--against", short)
        rows = {text_of(row[0]): [text_of(cell) for cell in row[1:]] for row in page.iter(f"{HTML}tr")
                if len(row) == 3}
        self.assertEqual(rows["vm name"], ["web1", "db"])
        self.assertEqual([text_of(title)[0] for title in page.iter(f"{HTML}h1")], ["A", "B"])

    def test_a_fault_in_the_second_is_told_of_the_second(self):
        long, _ = self.both()
        self.assertIn("bad.jsonl:1: not JSON", self.refusal(long, "--against", self.put("x\n", name="bad.jsonl")))


class Pictures(ReportTest):
    def test_a_png_is_twice_as_large_as_its_svg(self):
        path = EXAMPLES / "postcopy.jsonl"
        png, svg = self.draw(path, kind="png"), xml.fromstring(self.draw(path, kind="svg"))
        self.assertEqual(png[:8], b"\x89PNG\r\n\x1a\n")
        width, height = struct.unpack(">II", png[16:24])
        self.assertEqual(width, 2 * float(svg.get("width")))
        self.assertAlmostEqual(height, 2 * float(svg.get("height")), delta=1)
        self.assertGreater(len(png), 20000)

    def test_an_svg_has_its_text_as_text(self):
        svg = xml.fromstring(self.draw(EXAMPLES / "postcopy.jsonl", kind="svg"))
        texts = [text_of(text) for text in svg.iter(f"{SVG}text")]
        self.assertIn("Done: db-primary runs on the destination.", texts)
        self.assertTrue(any(text.startswith("1, at 15.5 s: passes stopped shrinking") for text in texts))
        self.assertIn("prefers-color-scheme", text_of(svg.find(f"{SVG}style")))

    def test_a_trace_may_be_packed(self):
        plain, packed = (self.put(HEADER, sample(1), RESULT, name=name) for name in ("web.jsonl", "web.jsonl.gz"))
        self.assertEqual(self.draw(plain, kind="svg"), self.draw(packed, kind="svg"))

    def test_a_trace_is_found_by_the_name_in_the_history(self):
        os.mkdir(f"{self.folder}/traces")
        self.put(HEADER, sample(1), RESULT, name="traces/web1-20261120T100000Z-0a1b.jsonl")
        for name in ("web1-20261120T100000Z-0a1b", "web1-20261120T100000Z-0a1b.jsonl"):
            done = program.run("report", name, "--output", f"{self.folder}/x.svg", environment={"STATE_DIRECTORY": self.folder})
            self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
