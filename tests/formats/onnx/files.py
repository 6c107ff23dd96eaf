#!/usr/bin/env python3
"""Every file of files/ means here what it means where it comes from, or is refused as refused_*.txt says. Written again as ONNX
and as safetensors, a network stays what it is, bit for bit. make_files.py makes the files.
SPDX-License-Identifier: MIT

files.py OCLSTM ONNX_TOOL
"""
import concurrent.futures
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

FILES = pathlib.Path(__file__).parent / "files"
# float32 of another library against double precision; weights are below 2 in size and there are 5 steps.
RTOL, ATOL = 2e-5, 3e-6


def run(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)


def compare(name, what, found, expected):
    if found.shape != expected.shape:
        return [f"{name}: {what} has shape {found.shape}, expected {expected.shape}"]
    if not np.allclose(found, expected, rtol=RTOL, atol=ATOL):
        return [f"{name}: {what} differs by {np.abs(found - expected).max():.3g}"]
    return []


def check_results(oclstm, path, folder):
    arrays = dict(np.load(path.with_suffix(".npz")))
    command = [oclstm, "run", path, folder / "x.npy", "-o", folder / "y.npy", "--device", "reference", "--quiet"]
    np.save(folder / "x.npy", arrays["x"])
    for key in ("lengths", "h0", "c0"):
        if key in arrays:
            np.save(folder / f"{key}.npy", arrays[key])
            command += [f"--{key}", folder / f"{key}.npy"]
    for key in ("hn", "cn"):
        if key in arrays:
            command += [f"--{key}", folder / f"{key}.npy"]
    done = run(*command)
    if done.returncode != 0:
        return [f"{path.stem}: {done.stderr.strip()}"]
    failures = []
    for key in ("y", "hn", "cn"):
        if key in arrays:
            failures += compare(path.stem, key, np.load(folder / f"{key}.npy"), arrays[key])
    if "last" in arrays:
        failures += compare(path.stem, "the last step", np.load(folder / "y.npy")[-1], arrays["last"])
    return failures


def check_round_trip(tool, path, folder):
    done = run(tool, "convert", path, *[folder / name for name in ("a.safetensors", "b.onnx", "c.safetensors", "d.onnx")])
    if done.returncode != 0:
        return [f"{path.stem}: {done.stdout.strip()}{done.stderr}"]
    return [f"{path.stem}: {a} and {b} are not the same" for a, b in (("a.safetensors", "c.safetensors"), ("b.onnx", "d.onnx"))
            if (folder / a).read_bytes() != (folder / b).read_bytes()]


def check(oclstm, tool, path):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        return check_results(oclstm, path, folder) + check_round_trip(tool, path, folder)


def check_refusals(tool):
    cases = [line.split(" ", 2) for path in sorted(FILES.glob("refused_*.txt")) for line in path.read_text().splitlines()]
    lines = run(tool, "status", *[FILES / f"{name}.onnx" for name, _, _ in cases]).stdout.splitlines()
    failures = []
    for (name, status, text), line in zip(cases, lines):
        if not line.startswith(status + " ") or text not in line:
            failures.append(f"{name}: expected {status} with \"{text}\", found {line}")
    if len(lines) != len(cases):
        failures.append(f"{len(cases)} refusals, {len(lines)} results")
    return len(cases), failures


def main():
    oclstm, tool = sys.argv[1:]
    paths = sorted(path.with_suffix(".onnx") for path in FILES.glob("*.npz"))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda path: check(oclstm, tool, path), paths))
    n_refused, failures = check_refusals(tool)
    for result in results:
        failures += result
    print(*failures, f"{len(paths)} networks, {n_refused} refused by name, {len(failures)} failures", sep="\n")
    return 1 if failures or not paths or not n_refused else 0


if __name__ == "__main__":
    sys.exit(main())
