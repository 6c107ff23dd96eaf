#!/usr/bin/env python3
"""Networks that Keras saved, converted, run by the program and compared with what Keras computed.

    test_keras.py OCLSTM CONVERTER CASES [--device NAME]...

CASES is a folder that make_cases.py wrote. Needs numpy and h5py. The last line says how many were run and refused.
SPDX-License-Identifier: MIT
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

MOST_RELATIVE = 1e-6


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    return done.returncode, done.stderr


def compare(case, y, expected):
    if case["last"]:
        y = y[-1]
    else:
        expected = expected.swapaxes(0, 1)
    if y.shape != expected.shape:
        return f"shape {y.shape}, expected {expected.shape}"
    distance = np.linalg.norm((y - expected).ravel()) / max(np.linalg.norm(expected.ravel()), 1e-30)
    return None if distance <= MOST_RELATIVE else f"relative distance {distance:.3g}"


def try_case(options, case, folder, device):
    """None, or what is wrong."""
    model, x, y = folder / f"{case['file']}.safetensors", folder / "x.npy", folder / "y.npy"
    if not model.exists():
        code, err = run(sys.executable, "-B", options.converter, options.cases / case["file"], model)
        if code != 0:
            return f"not converted: {err}"
    given = np.load(options.cases / f"{case['file']}.x.npy")
    np.save(x, np.ascontiguousarray(given.swapaxes(0, 1)))
    code, err = run(options.oclstm, "run", model, x, "-o", y, "--device", device)
    if code != 0:
        return f"exit code {code}: {err}"
    return compare(case, np.load(y), np.load(options.cases / f"{case['file']}.y.npy"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("oclstm")
    parser.add_argument("converter", type=pathlib.Path)
    parser.add_argument("cases", type=pathlib.Path)
    parser.add_argument("--device", action="append", default=[])
    options = parser.parse_args()
    index = json.loads((options.cases / "index.json").read_text())
    failed = tried = 0
    with tempfile.TemporaryDirectory() as name:
        for case in index["cases"]:
            for device in options.device or ["reference"]:
                wrong = try_case(options, case, pathlib.Path(name), device)
                tried += 1
                failed += wrong is not None
                if wrong:
                    print(f"{case['file']} on {device}: {wrong}")
    print(f"Keras {index['keras']}: {tried} runs, {failed} failed")
    return 1 if failed or not tried else 0


if __name__ == "__main__":
    sys.exit(main())
