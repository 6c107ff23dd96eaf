#!/usr/bin/env python3
"""Strategies and providers of products side by side, through `oclstm run`.

    python3 bench/strategies.py BUILD_DIR [--repeats 5] [--json FILE]

Random LSTM layers of several shapes. The ways are run in turn, one repetition after another, so that a machine whose
speed drifts treats them alike; the table has medians of microseconds a step and the ratio to the first way.

SPDX-License-Identifier: MIT
"""
import argparse
import json
import pathlib
import statistics
import struct
import subprocess
import tempfile

import numpy

SHAPES = [(2000, 1, 64, 64), (1000, 1, 256, 256), (200, 16, 256, 256), (50, 64, 512, 512)]  # T, B, I, H
WAYS = [("stepwise", "clblast"), ("stepwise", "plain"), ("fused-step", "clblast"), ("fused-step", "plain")]


def write_model(path, features, hidden):
    """One LSTM layer under PyTorch's names, weights U(-1/sqrt(H), 1/sqrt(H))."""
    random = numpy.random.default_rng(1)
    shapes = {"weight_ih_l0": (4 * hidden, features), "weight_hh_l0": (4 * hidden, hidden), "bias_ih_l0": (4 * hidden,),
              "bias_hh_l0": (4 * hidden,)}
    header, body = {}, b""
    for name, shape in shapes.items():
        values = random.uniform(-1, 1, shape).astype(numpy.float32) / numpy.float32(hidden) ** 0.5
        header["lstm." + name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(body), len(body) + values.nbytes]}
        body += values.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


def measure(oclstm, folder, way):
    done = subprocess.run([oclstm, "run", folder / "m.safetensors", folder / "x.npy", "-o", folder / "y.npy", "--json",
                           "--strategy", way[0], "--gemm", way[1]], check=True, capture_output=True)
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    oclstm = options.build / "host/cli/oclstm"
    rows = []
    for T, B, I, H in SHAPES:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            write_model(folder / "m.safetensors", I, H)
            x = numpy.random.default_rng(2).uniform(-1, 1, (T, B, I)).astype(numpy.float32)
            numpy.save(folder / "x.npy", x)
            runs = {way: [] for way in WAYS}
            for _ in range(options.repeats):
                for way in WAYS:
                    runs[way].append(measure(oclstm, folder, way))
        first = statistics.median(r["seconds"] for r in runs[WAYS[0]])
        for way in WAYS:
            seconds = statistics.median(r["seconds"] for r in runs[way])
            row = {"T": T, "B": B, "I": I, "H": H, "strategy": way[0], "gemm": way[1], "us_per_step": 1e6 * seconds / T,
                   "ratio": seconds / first, "samples": [r["seconds"] for r in runs[way]]}
            rows.append(row)
            print(f"T {T:5} B {B:3} I {I:4} H {H:4}   {way[0]:10} {way[1]:8} {row['us_per_step']:9.1f} us/step"
                  f"   ratio {row['ratio']:.3f}   {runs[way][0]['device']['name']}")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
