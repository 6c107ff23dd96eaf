"""oclstm bench: what it prints of shapes that it runs. SPDX-License-Identifier: MIT"""
import csv
import io
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import unittest

from harness import PROGRAM, CliTest

QUICKLY = ["--repeats", "2", "--no-peaks", "--onednn", "off"]


class Runs(CliTest):
    def bench(self, *arguments, **options):
        return json.loads(self.run_good("bench", *arguments, "--json", **options).out)

    def test_json(self):
        report = self.bench("9,2,3,5", "4,1,3,6,gru,2,2", *QUICKLY, "--strategy", "stepwise", "--strategy", "fused-step",
                            "--precision", "f32", "--precision", "bf16", "--reference")
        names = ["oclstm stepwise f32", "oclstm fused-step f32", "oclstm stepwise bf16", "oclstm fused-step bf16", "reference"]
        self.assertEqual([c["name"] for c in report["columns"]], names)
        self.assertTrue(report["machine"]["cpu"] and report["machine"]["processors"] > 0 and report["version"])
        self.assertEqual(report["columns"][0]["device"]["type"], "cpu")
        first, second = report["shapes"]
        self.assertEqual([first[k] for k in ["T", "B", "I", "H", "layers", "directions", "cell", "rows", "valid_steps", "flops"]],
                         [9, 2, 3, 5, 1, 1, "lstm", "whole", 18, 2 * 4 * 5 * (3 + 5) * 18])
        self.assertEqual([second[k] for k in ["layers", "directions", "cell"]], [2, 2, "gru"])
        for shape in report["shapes"]:
            self.assertEqual([r["column"] for r in shape["results"]], names)
            for result in shape["results"]:
                self.check_figures(shape, result)
        stepwise, fused = first["results"][:2]
        self.assertEqual((stepwise["strategy"], fused["strategy"]), ("stepwise", "fused-step"))
        self.assertGreaterEqual(stepwise["launches"], fused["launches"] + 9)  # a kernel more in each of nine steps
        # PoCL's CPU device uses x and y where they lie (opencl.borrow).
        self.assertEqual(report["columns"][0]["device"]["platform"], "Portable Computing Language")
        self.assertEqual((fused["bytes_written"], fused["bytes_read"]), (0, 0))

    def check_figures(self, shape, result):
        self.assertEqual(result["state"], "done", result)
        self.assertEqual(len(result["samples"]), 2)
        low, high = sorted(result["samples"])
        self.assertTrue(0 < low <= result["lower_quartile_seconds"] <= result["median_seconds"] <=
                        result["upper_quartile_seconds"] <= high)
        self.assertEqual(result["min_seconds"], low)
        self.assertLessEqual(result["relative_l2"], 1.6e-2 if "bf16" in result["column"] else 2e-6)
        self.assertAlmostEqual(result["gflops"], shape["flops"] / result["median_seconds"] / 1e9, delta=1e-6 * result["gflops"])
        self.assertAlmostEqual(result["steps_per_second"] * result["median_seconds"], shape["T"], delta=1e-5 * shape["T"])
        if result["column"] != "reference":
            self.assertGreater(result["kernel_seconds"], 0)
            self.assertGreater(result["device_bytes"], 0)
            self.assertGreater(result["launches"], 0)

    def test_peaks(self):
        report = self.bench("3,1,2,2", "--repeats", "1", "--onednn", "off")
        peaks = report["columns"][0]["peaks"]
        self.assertGreater(peaks["flops_per_second"], 1e8)
        self.assertEqual(peaks["reads"][-1]["level"], "memory")
        result = report["shapes"][0]["results"][0]
        self.assertAlmostEqual(result["share_of_roofline"], result["roofline_seconds"] / result["median_seconds"], delta=1e-6)
        self.assertGreater(result["share_of_roofline"], 0)

    def test_refused(self):
        refused = self.bench("3,1,2,2", *QUICKLY, "--memory", "1K")["shapes"][0]["results"][0]
        self.assertEqual(refused["state"], "refused")
        self.assertIn("E_DEVICE_MEMORY", refused["why"])
        self.assertNotIn("samples", refused)

    def test_ragged(self):
        report = self.bench(*[f"20,10,4,8,lstm,1,1,{rows}" for rows in ["ragged", "padded", "equal"]], *QUICKLY)
        self.assertEqual([(s["rows"], s["T"], s["valid_steps"]) for s in report["shapes"]],
                         [("ragged", 20, 110), ("padded", 20, 110), ("equal", 11, 110)])
        self.assertTrue(all(s["results"][0]["state"] == "done" for s in report["shapes"]))
        # Lengths of ten rows, and the order of rows that comes of them, where there are any.
        self.assertEqual([s["results"][0]["bytes_written"] for s in report["shapes"]], [80, 0, 0])

    def test_pieces(self):
        """A sequence of more steps than a plan takes runs in calls of one plan."""
        report = self.bench("9000,1,2,3", "--repeats", "1", "--no-peaks", "--onednn", "off")
        self.assertEqual(report["shapes"][0]["results"][0]["calls"], 3)

    def test_what_is_done_stays(self):
        """A shape that ends the run does not take those before it along."""
        too_large = "1000000000,1,65536,8,lstm,1,1,ragged"
        # AddressSanitizer ends a program that asks for so much, or says so and goes on.
        sanitizer = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":allocator_may_return_null=1"}
        result = self.run_cli("bench", "3,1,2,2", too_large, *QUICKLY, "--json", environment=sanitizer)
        self.assertEqual((result.code, result.err.splitlines(True)[-1]),
                         (5, "oclstm: E_MEMORY: no memory for the arrays of T 1000000000 B 1 I 65536 H 8 lstm ragged\n"))
        self.assertEqual([s["results"][0]["state"] for s in json.loads(result.out)["shapes"]], ["done"])

    def test_gemm(self):
        report = self.bench("3,1,2,2", *QUICKLY, "--strategy", "stepwise", "--gemm", "plain", "--gemm", "clblast")
        self.assertEqual([c["name"] for c in report["columns"]], ["oclstm stepwise f32 plain", "oclstm stepwise f32 clblast"])
        self.assertEqual([r["gemm"].split()[0] for r in report["shapes"][0]["results"]], ["plain", "clblast"])

    def test_crossover(self):
        """Interrupted at its first answers; the searches themselves are bench.crossover's."""
        line = [PROGRAM, "bench", "--crossover", "--strategy", "rows", "--strategy", "fused-step"]
        for form in [["--csv"], ["--json"]]:
            with subprocess.Popen([*line, *form], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
                time.sleep(3)
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=120)
            self.assertEqual((process.returncode, err), (130, b""))
            if form == ["--csv"]:
                found = csv.DictReader(io.StringIO(out.decode()))
                self.assertEqual(found.fieldnames, ["first", "second", "T", "H", "rows", "most_rows", "ratio_one_row",
                                                    "ratio_most_rows", "why"])
                for row in found:
                    self.assertEqual((row["first"], row["T"], row["most_rows"]), ("oclstm rows f32", "10", "256"))
            else:
                self.assertEqual(json.loads(out)["shapes"], [])

    def test_onednn(self):
        result = self.run_cli("bench", "8,3,4,6", "8,3,4,6,gru", "8,3,4,6,gru0", "8,3,4,6,rnn", "8,3,4,6,lstm,2,2", "--repeats", "1",
                              "--no-peaks", "--json", "--onednn", "on")
        if "built without oneDNN" in result.err:
            self.assertEqual(result.code, 2)
            return
        self.assertEqual(result.code, 0, result.out)
        for shape in json.loads(result.out)["shapes"]:
            self.assertEqual([(r["column"], r["state"]) for r in shape["results"]],
                             [("oclstm auto f32", "done"), ("onednn f32", "done")])

    def test_startup(self):
        column = self.bench("3,1,2,2", *QUICKLY, "--startup", environment={"TMPDIR": str(self.folder)})["columns"][0]
        for start in ["cold_start", "warm_start"]:
            self.assertTrue(all(column[start][k] > 0 for k in ["context_seconds", "plan_seconds", "forward_seconds"]))
        self.assertEqual(self.listing(), [])
        column = self.bench("3,1,2,2", *QUICKLY, "--startup", environment={"TMPDIR": "/nonexistent"})["columns"][0]
        self.assertEqual(column["no_start"], "no folder for compiled programs in /nonexistent")

    def test_csv(self):
        lines = list(csv.DictReader(io.StringIO(self.run_good("bench", "3,1,2,2", *QUICKLY, "--csv").out)))
        self.assertEqual(len(lines), 1)
        self.assertEqual((lines[0]["column"], lines[0]["state"], lines[0]["T"], lines[0]["samples"]),
                         ("oclstm auto f32", "done", "3", "2"))
        self.assertGreater(float(lines[0]["median_seconds"]), 0)

    def test_plot(self):
        programs = self.folder / "programs"
        programs.mkdir()
        fake = programs / "gnuplot"
        fake.write_text("#!/bin/sh\ncat \"$1\" > \"$1.seen\"\n")
        fake.chmod(0o755)
        path = f"{programs}:{os.environ['PATH']}"
        self.run_good("bench", "3,1,2,2", *QUICKLY, "--plot", self.path("p'.svg"), environment={"PATH": path})
        script = (self.folder / "p'.svg.gp").read_text()
        self.assertEqual((self.folder / "p'.svg.gp.seen").read_text(), script)
        self.assertIn("set terminal svg", script)
        self.assertIn("p''.svg'", script)
        self.assertIn("oclstm auto f32", script)
        self.assertIn(" noenhanced ", script)
        median, low, high = map(float, re.search('"T 3 B 1 I 2 H 2 lstm" (.*)', script)[1].split())
        bottom, top = map(float, re.search(r"yrange \[(.*):(.*)\]", script).groups())
        self.assertTrue(bottom <= low <= median <= high <= top and top / bottom <= 100, script)
        # A column without a figure has no place in it.
        peer = f"'{sys.executable}' '{pathlib.Path(__file__).resolve().parent / 'peer.py'}' no"
        self.run_good("bench", "3,1,2,2", *QUICKLY, "--peer", peer, "--plot", self.path("r.svg"), environment={"PATH": path})
        script = (self.folder / "r.svg.gp").read_text()
        self.assertIn("oclstm auto f32", script)
        self.assertNotIn("'peer f32'", script)
        fake.write_text("#!/bin/sh\nexit 7\n")
        result = self.run_cli("bench", "3,1,2,2", *QUICKLY, "--plot", self.path("q.png"), environment={"PATH": path})
        self.assertEqual(result.code, 1)
        self.assertIn("gnuplot ended with status 7", result.err)
        result = self.run_cli("bench", "3,1,2,2", *QUICKLY, "--memory", "1", "--plot", self.path("n.png"), environment={"PATH": path})
        self.assertEqual((result.code, result.err), (1, f"oclstm: E_WRITE: {self.path('n.png')}: there is no figure to draw\n"))
        fake.unlink()
        result = self.run_cli("bench", "3,1,2,2", *QUICKLY, "--plot", self.path("q.png"), environment={"PATH": str(programs)})
        self.assertEqual(result.code, 1)
        self.assertIn("gnuplot, which --plot needs, cannot be started", result.err)

    def test_list(self):
        out = self.run_good("bench", "--list").out
        for name in ["quick", "full", "deepbench-inference", "deepbench-training", "long", "stacked", "ragged", "cells", "targets"]:
            self.assertRegex(out, f"(?m)^{name} ")
        out = self.run_good("bench", "--list", "targets").out
        self.assertIn("T 1000000 B 16 I 64 H 64 lstm", out)
        self.assertIn("T 25 B 128 I 4096 H 4096 lstm", out)

    def test_usage(self):
        self.fails(2, None, "there is no list 'quik'", "bench", "quik")
        self.fails(2, None, "too few numbers", "bench", "3,1,2")
        self.fails(2, None, "unknown value 'row'; did you mean 'rows'?", "bench", "--strategy", "row")
        self.fails(2, None, "--device: the value is empty", "bench", "--device", "")
        self.fails(2, None, "--json and --csv exclude each other", "bench", "--json", "--csv")
        self.fails(2, None, "--repeats: '65' is more than 64", "bench", "--repeats", "65")
        for option, value in [("device", "cpu"), ("strategy", "rows"), ("precision", "f16"), ("gemm", "plain"), ("peer", "true")]:
            self.fails(2, None, f"--{option}: '{value}' is given twice", "bench", *[f"--{option}", value] * 2)
        self.fails(2, None, "--device: 'opencl:0:0' is a device that is there already: opencl:0:0, ", "bench", "1,1,1,1", "--device",
                   "cpu", "--device", "opencl:0:0")
        for option in ["--peer true", "--reference", "--onednn on", "--startup", "--seconds 3", "--plot p.png"]:
            self.fails(2, None, f"--crossover and {option.split()[0]}", "bench", "--crossover", "--device", "cpu", "--device", "0",
                       *option.split())
        self.fails(2, None, "--crossover needs two devices", "bench", "--crossover", "--json")
        self.fails(2, None, "--crossover has shapes of its own", "bench", "--crossover", "quick")
        self.fails(2, None, "--plot: 'p.jpg' is neither .png nor .svg", "bench", "--plot", "p.jpg")
        self.fails(2, None, "more than 16 values", "bench", *["--device", "cpu"] * 17)
        self.fails(4, "E_DEVICE", "no such", "bench", "--device", "no such")

    def test_interrupted(self):
        line = [PROGRAM, "bench", "3,1,2,2", "20000,2,32,32", "--repeats", "64", "--no-peaks", "--onednn", "off"]
        with subprocess.Popen(line, bufsize=0, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            first = b""
            while b"T 3 B 1" not in first:
                first += process.stdout.readline()
            time.sleep(1)
            process.send_signal(signal.SIGINT)
            rest, err = process.communicate(timeout=120)
            self.assertEqual((process.returncode, err), (130, b""))
            self.assertIn(b"oclstm auto f32", rest)
            self.assertNotIn(b"T 20000 ", rest)


if __name__ == "__main__":
    unittest.main()
