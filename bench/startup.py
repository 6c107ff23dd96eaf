#!/usr/bin/env python3
"""How long a process takes from its start to its first result, with and without compiled programs on disk.

    python3 bench/startup.py BUILD_DIR [--runs 20] [--steps 100] [-- OPTION...]

`oclstm run` on the ECG example's network and the first steps of its recording; OPTIONs go to it. Warm: the program cache of the
library, and PoCL's, were filled by a run before. Cold: both folders are new in every run. The time is the wall clock's from the
start of the process to its end, which is after the result was written; processor time is that of all its threads, and says
more on a machine that others use too. Prints JSON: medians, least and most, in milliseconds.

SPDX-License-Identifier: MIT
"""
import argparse
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import tempfile
import time

import numpy

EXAMPLE = pathlib.Path(__file__).resolve().parent.parent / "examples/ecg"


def start(command, caches):
    """Milliseconds on the wall and of processors, of one process whose caches are in that folder."""
    environment = dict(os.environ, XDG_CACHE_HOME=str(caches), POCL_CACHE_DIR=str(caches / "pocl"))
    used, before = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment)
    wall, now = time.perf_counter() - before, resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1e3 * wall, 1e3 * (now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime)


def summary(samples):
    return {"runs": len(samples)} | {
        f"{name}_{what}_ms": round(of(values), 1)
        for name, values in zip(("wall", "processors"), zip(*samples))
        for what, of in (("median", statistics.median), ("least", min), ("most", max))}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("options", nargs="*")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        signal = numpy.load(EXAMPLE / "ecg_mitdb208_mlii_360hz.npy")[: given.steps].astype(numpy.float32)
        numpy.save(folder / "x.npy", signal.reshape(-1, 1) / numpy.float32(1000))
        command = [given.build / "host/cli/oclstm", "run", EXAMPLE / "ecg_forecaster.safetensors", folder / "x.npy", "-o",
                   folder / "y.npy", "--json", *given.options]
        warm, cold = [], []
        (folder / "warm").mkdir()
        start(command, folder / "warm")
        for run in range(given.runs):
            warm.append(start(command, folder / "warm"))
            caches = folder / f"cold{run}"
            caches.mkdir()
            cold.append(start(command, caches))
            shutil.rmtree(caches)
        last = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    device = last.get("device", {})
    print(json.dumps({"warm": summary(warm), "cold": summary(cold), "steps": given.steps, "options": given.options,
                      "device": device, "strategy": last.get("strategy")}, indent=1))


if __name__ == "__main__":
    main()
