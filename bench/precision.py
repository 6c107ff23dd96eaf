#!/usr/bin/env python3
"""How far 16-bit storage is from the double-precision reference, through `oclstm verify`.

    python3 bench/precision.py BUILD_DIR [--device cpu] [--json FILE]

The ECG forecaster over its recording, and random layers U(-1/sqrt(H), 1/sqrt(H)) over random sequences. Each line is one layer (or
the head), given the reference's input of it: relative L2 and largest difference of its y.

SPDX-License-Identifier: MIT
"""
import argparse
import json
import pathlib
import subprocess
import tempfile

import numpy

from strategies import write_model

SHAPES = [(2000, 4, 64, 128), (500, 4, 256, 512)]  # T, B, I, H
PRECISIONS = ["f32", "f16", "bf16"]


def verify(oclstm, device, model, x, precision):
    done = subprocess.run([oclstm, "verify", model, x, "--device", device, "--precision", precision, "--json"], text=True,
                          capture_output=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    oclstm = options.build / "host/cli/oclstm"
    ecg = pathlib.Path(__file__).resolve().parent.parent / "examples/ecg"
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        signal = numpy.load(ecg / "ecg_mitdb208_mlii_360hz.npy").astype(numpy.float32)[:20000]
        numpy.save(folder / "ecg.npy", (signal - signal.mean()) / signal.std())
        cases = [("ECG forecaster, T 20,000", ecg / "ecg_forecaster.safetensors", folder / "ecg.npy")]
        for T, B, I, H in SHAPES:
            model, x = folder / f"{H}.safetensors", folder / f"{H}.npy"
            write_model(model, I, H)
            numpy.save(x, numpy.random.default_rng(2).uniform(-1, 1, (T, B, I)).astype(numpy.float32))
            cases.append((f"LSTM I {I} H {H}, T {T:,}, B {B}", model, x))
        for what, model, x in cases:
            for precision in PRECISIONS:
                result = verify(oclstm, options.device, model, x, precision)
                for part in result["results"]:
                    rows.append({"case": what, "precision": precision, **part, "device": result["device"]["name"]})
                    name = f"{part['part']} {part.get('index', '')}"
                    print(f"{what:34} {precision:5} {name:8} relative L2 {part['relative_l2']:.1e}"
                          f"   max abs {part['max_absolute']:.1e}{', step by step' if part['resynchronised'] else ''}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
