#!/usr/bin/env python3
"""A peer through the program: `oclstm bench --peer` has its column, and report.py its tables.

    test_bench.py PROGRAM NAME COMMAND

SPDX-License-Identifier: MIT
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPTED = pathlib.Path(__file__).parent.parent / "bench/peer.py"
REPORT = pathlib.Path(__file__).parent.parent.parent / "bench/report.py"
TITLES = {"pytorch": "PyTorch", "onnxruntime": "ONNX Runtime"}


class BenchTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        line = [PROGRAM, "bench", "25,2,24,24", "6,3,8,16,gru,2,2", "--device", "cpu", "--onednn", "off", "--no-peaks", "--repeats", "2",
                "--peer", COMMAND, "--json"]
        cls.text = subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True, timeout=100).stdout
        cls.document = json.loads(cls.text)

    def test_precisions(self):
        """Each column times what was prepared for it: a peer that leaves its requests in a file says so."""
        with tempfile.TemporaryDirectory() as folder:
            log = pathlib.Path(folder) / "log"
            line = [PROGRAM, "bench", "5,2,4,8", "--device", "cpu", "--onednn", "off", "--no-peaks", "--repeats", "2", "--precision", "f32",
                    "--precision", "bf16", "--peer", f"'{sys.executable}' -B '{SCRIPTED}' good", "--json"]
            subprocess.run(line, check=True, stdout=subprocess.DEVNULL, timeout=100, env={**os.environ, "PEER_LOG": str(log)})
            requests = [json.loads(text) for text in log.read_text().splitlines()]
        prepared = {request["precision"]: request["id"] for request in requests if request["op"] == "prepare"}
        self.assertEqual(sorted(prepared), ["bf16", "f32"])
        times = [request["id"] for request in requests if request["op"] == "time"]
        self.assertEqual({k: times.count(k) for k in times}, {prepared["f32"]: 3, prepared["bf16"]: 3})

    def test_column(self):
        ours, peer = self.document["columns"]
        self.assertEqual((peer["name"], peer["kind"], peer["precision"]), (f"{NAME} f32", "peer", "f32"))
        self.assertRegex(peer["version"], r"^\d+\.\d+")
        self.assertIn("threads", peer["details"])
        self.assertTrue(ours["name"].startswith("oclstm"))

    def test_results(self):
        self.assertEqual([shape["H"] for shape in self.document["shapes"]], [24, 16])
        for shape in self.document["shapes"]:
            ours, peer = shape["results"]
            self.assertEqual((peer["column"], peer["state"]), (f"{NAME} f32", "done"), peer)
            self.assertLess(peer["relative_l2"], 1e-6)
            self.assertEqual(len(peer["samples"]), 2)
            self.assertGreater(min(peer["samples"]), 0)
            self.assertAlmostEqual(peer["ratio"], ours["median_seconds"] / peer["median_seconds"], places=5)

    def test_report(self):
        with tempfile.TemporaryDirectory() as folder:
            document = dict(self.document)
            document["shapes"] = [dict(shape, list="deepbench-inference") for shape in document["shapes"]]
            (pathlib.Path(folder) / "a.json").write_text(json.dumps(document))
            out = subprocess.run([sys.executable, "-B", REPORT, folder], check=True, stdout=subprocess.PIPE, text=True).stdout
        ours, peer = (result["median_seconds"] for result in self.document["shapes"][0]["results"])
        lines = [line for line in out.splitlines() if line.startswith("| T 25, B 2, H 24 |")]
        self.assertTrue(lines and lines[0].endswith(f" {ours / peer:.2f} |"), out)
        ratios = [shape["results"][0]["median_seconds"] / shape["results"][1]["median_seconds"] for shape in self.document["shapes"]]
        mean = (ratios[0] * ratios[1]) ** 0.5
        self.assertIn(f"| DeepBench, inference | {TITLES[NAME]} | 2 of 2 | {mean:.2f} | 0.6 | {'yes' if mean <= 0.6 else 'no'} |", out)


if __name__ == "__main__":
    PROGRAM, NAME, COMMAND = sys.argv[1:]
    unittest.main(argv=sys.argv[:1])
