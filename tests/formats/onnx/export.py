#!/usr/bin/env python3
"""What is written as ONNX passes ONNX's own checker, and onnxruntime computes on it what the reference computes here: ragged
rows, initial and final states. By hand, where onnx and onnxruntime are.
SPDX-License-Identifier: MIT

export.py OCLSTM ONNX_TOOL
"""
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime

FILES = pathlib.Path(__file__).parent / "files"


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stdout + done.stderr)


def feeds_of(model, random, folder):
    """Random inputs for the graph, and the same as arrays for `oclstm run`."""
    T, B = 6, 3
    feeds, states = {}, {"h": [], "c": []}
    for port in model.graph.input:
        shape = [{"T": T, "B": B}.get(d.dim_param, d.dim_value) for d in port.type.tensor_type.shape.dim]
        if port.name == "lengths":
            feeds["lengths"] = np.array([T, 2, 1], np.int32)  # onnxruntime forgets the initial state of an empty row
        elif port.name == "ids":
            feeds["ids"] = random.integers(0, next(t.dims[0] for t in model.graph.initializer if t.name == "embedding"), shape)
        else:
            feeds[port.name] = random.standard_normal(shape).astype(np.float32)
        if port.name.startswith("initial_"):
            states[port.name[8]].append(feeds[port.name].reshape(-1))
    np.save(folder / "x.npy", feeds.get("X", feeds.get("ids")))
    np.save(folder / "lengths.npy", feeds["lengths"])
    return feeds, states


def check(oclstm, tool, path, folder):
    run(tool, "convert", path, folder / "m.onnx")
    model = onnx.load(folder / "m.onnx")
    onnx.checker.check_model(model, full_check=True)
    if any(t.data_type == onnx.TensorProto.DOUBLE for t in model.graph.initializer):
        return None  # onnxruntime has no LSTM of doubles
    feeds, states = feeds_of(model, np.random.default_rng(1), folder)
    names = [port.name for port in model.graph.output]
    one_size = len({feed.shape[-1] for key, feed in feeds.items() if key.startswith("initial_")}) <= 1
    if not one_size:  # there is no file of states that differ in size
        feeds.update({key: 0 * feed for key, feed in feeds.items() if key.startswith("initial_")})
        states = {}
    results = dict(zip(names, onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, feeds)))
    command = [oclstm, "run", path, folder / "x.npy", "-o", folder / "y.npy", "--lengths", folder / "lengths.npy", "--device", "reference", "--quiet",
               *(["--hn", folder / "hn.npy"] if one_size else [])]
    for key, arrays in states.items():
        if arrays:
            shape = feeds[next(name for name in feeds if name.startswith(f"initial_{key}"))].shape
            np.save(folder / f"{key}0.npy", np.concatenate(arrays).reshape(-1, *shape[1:]))
            command += [f"--{key}0", folder / f"{key}0.npy"]
    run(*command)
    expected = results["Y"].copy()
    for row, length in enumerate(feeds["lengths"]):
        expected[length:, row] = 0  # a head gives its bias there
    error = np.abs(np.load(folder / "y.npy") - expected).max()
    if one_size:
        hn = np.load(folder / "hn.npy").reshape(-1)
        error = max(error, np.abs(hn - np.concatenate([results[name].reshape(-1) for name in names if name.startswith("Y_h")])).max())
    if error > 1e-5:
        raise RuntimeError(f"differs by {error:.3g}")
    return error


def main():
    oclstm, tool = sys.argv[1:]
    worst, n, failures = 0.0, 0, 0
    for path in sorted(path.with_suffix(".onnx") for path in FILES.glob("*.npz")):
        with tempfile.TemporaryDirectory() as name:
            try:
                error = check(oclstm, tool, path, pathlib.Path(name))
                worst, n = max(worst, error or 0.0), n + (error is not None)
            except Exception as problem:
                print(f"{path.stem}: {str(problem).strip()[:300]}")
                failures += 1
    print(f"{n} networks run, largest difference {worst:.2g}, {failures} failures")
    return 1 if failures or not n else 0


if __name__ == "__main__":
    sys.exit(main())
