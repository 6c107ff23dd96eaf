#!/usr/bin/env python3
"""Figures of the main job: speed, start-up and memory of `oclstm run` on sequences of growing length.

    python3 bench/main_job.py BUILD_DIR [--steps 100000,10000000] [--json FILE]

The ECG forecaster of examples/ecg runs over a random walk of T float32 values. For each T: steps a second, time from
process start to the end of the first chunk's preparation (start-up), the plan's device memory, and the process's
largest resident memory. Start-up is also measured with empty and with filled program caches.

SPDX-License-Identifier: MIT
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

import numpy

MODEL = pathlib.Path(__file__).parent.parent / "examples/ecg/ecg_forecaster.safetensors"


def write_walk(path, steps):
    """A random walk, written in blocks: the file may be larger than memory."""
    random = numpy.random.default_rng(208)
    array = numpy.lib.format.open_memmap(path, mode="w+", dtype=numpy.float32, shape=(steps, 1))
    last = 0.0
    for first in range(0, steps, 1 << 20):
        walk = last * 0.5 + numpy.cumsum(random.normal(0, 0.02, min(1 << 20, steps - first)))
        array[first:first + len(walk), 0] = numpy.tanh(walk)
        last = walk[-1]
    array.flush()


def run(oclstm, source, target, environment, *options):
    started = time.monotonic()
    done = subprocess.run([oclstm, "run", MODEL, source, "-o", target, "--json", *options], check=True,
                          capture_output=True, env=environment)
    result = json.loads(done.stdout)
    result["process_seconds"] = time.monotonic() - started
    for path in ("model", "output"):  # of this machine alone
        del result[path]
    return result


def startup(oclstm, folder, cold):
    """Seconds of a whole process over one step. Cold: neither oclstm nor the driver has compiled anything before."""
    source, target = folder / "one.npy", folder / "y.npy"
    write_walk(source, 1)
    samples = []
    environment = dict(os.environ)
    for k in range(3 if cold else 9):
        name = f"cold{k}" if cold else "warm"
        environment["OCLSTM_CACHE_DIR"] = str(folder / f"{name}-oclstm")
        environment["POCL_CACHE_DIR"] = str(folder / f"{name}-pocl")
        seconds = run(oclstm, source, target, environment)["process_seconds"]
        if cold or k > 1:
            samples.append(seconds)
    return statistics.median(samples)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--steps", default="100000,10000000")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    oclstm = options.build / "host/cli/oclstm"
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        figures = {"startup_cold_s": startup(oclstm, folder, True), "startup_warm_s": startup(oclstm, folder, False),
                   "runs": []}
        for steps in map(int, options.steps.split(",")):
            write_walk(folder / "x.npy", steps)
            figures["runs"].append(run(oclstm, folder / "x.npy", folder / "y.npy", dict(os.environ)))
    print(f"start-up   cold caches {figures['startup_cold_s']:.2f} s, warm {figures['startup_warm_s']:.3f} s")
    for r in figures["runs"]:
        print(f"T {r['steps']:>10}   {r['steps_per_second']:>9.0f} steps/s   device {r['device_bytes'] / 2**20:6.1f} MiB"
              f"   resident {r['host_peak_bytes'] / 2**20:6.1f} MiB   {r['strategy']}, {r['device']['name']}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
