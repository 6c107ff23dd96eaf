"""A peer of `oclstm bench` in NumPy, docs/bench.md: does right, or wrong in the way that its first argument names.
SPDX-License-Identifier: MIT

good, wrong (y times 1.001), nan, shape (y too short), none (no y), no (refuses every shape), refuses (at hello), dies (at prepare),
dies-later (at time), killed (at time), garbage (no JSON), silent (no answer), deaf (reads no more behind hello), slow-time (no time),
twice (two lines for an answer), before (takes less than no time to prepare), leaves (a file behind), odd (words that are hard to print).
PEER_LOG: a file for its requests. PEER_NAME: its name.
"""
import json
import os
import pathlib
import signal
import sys
import time

import numpy as np


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def walk(x, w, lengths, reverse):
    """One direction of an LSTM, double precision, [T,B,H]."""
    W_ih, W_hh, b_ih, b_hh = (np.load(w[name]).astype(np.float64) for name in ["W_ih", "W_hh", "b_ih", "b_hh"])
    T, B, _ = x.shape
    H = W_hh.shape[1]
    y = np.zeros((T, B, H))
    for b in range(B):
        h, c = np.zeros(H), np.zeros(H)
        steps = range(lengths[b])
        for t in reversed(steps) if reverse else steps:
            i, f, g, o = np.split(W_ih @ x[t, b] + b_ih + W_hh @ h + b_hh, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            y[t, b] = h
    return y


def forward(request):
    x = np.load(request["x"]).astype(np.float64)
    assert x.shape == (request["T"], request["B"], request["I"])
    lengths = request["lengths"] or [request["T"]] * request["B"]
    for layer in range(request["layers"]):
        of_layer = [w for w in request["weights"] if w["layer"] == layer]
        assert [w["direction"] for w in of_layer] == list(range(request["directions"]))
        x = np.concatenate([walk(x, w, lengths, w["direction"] == 1) for w in of_layer], axis=2)
    return x.astype(np.float32)


def prepare(request, mode):
    if mode == "no" or request["cell"] != "lstm":
        return {"ok": False, "why": f"cannot do {request['cell']} in \"{request['precision']}\""}
    if mode == "odd" and request["T"] == 7:
        return {"ok": False, "why": "first,\nsecond \"line\" " + "\u00e9" * 200}
    if mode == "dies":
        sys.exit(3)
    if mode == "leaves":
        pathlib.Path(request["y"]).with_name("more").touch()
    y = forward(request)
    if mode == "wrong":
        y *= np.float32(1.001)
    if mode == "nan":
        y[-1, -1, -1] = np.nan
    if mode == "shape":
        y = y[:-1]
    if mode != "none":
        np.save(request["y"], y)
    return {"ok": True, "prepare_ns": -1 if mode == "before" else 5000000}


def answer(request, mode):
    operation = request["op"]
    if operation == "hello":
        if mode == "refuses":
            return {"ok": False, "why": "no such thing here"}
        if mode == "odd":
            return {"ok": True, "name": "a,\"b'\n" + "\u00e9" * 40, "version": "1,2", "details": "\x1b[1m\tbold"}
        return {"ok": True, "name": os.environ.get("PEER_NAME", "peer"), "version": "1.2", "details": "in NumPy", "surplus": [1]}
    if operation == "prepare":
        return prepare(request, mode)
    if operation == "time":
        if mode == "dies-later":
            sys.exit(0)
        if mode == "killed":
            os.kill(os.getppid(), signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)
        if mode == "slow-time":
            return {"ok": True, "ns": [0]}
        return {"ok": True, "ns": [2000000] * request["repeats"]}
    assert operation == "quit"
    return {"ok": True}


def main():
    mode = sys.argv[1]
    log = open(os.environ["PEER_LOG"], "a") if "PEER_LOG" in os.environ else None
    for line in sys.stdin:
        request = json.loads(line)
        if log:
            print(line, end="", file=log, flush=True)
        if mode == "deaf":
            print(json.dumps(answer(request, mode)), flush=True)
            signal.pause()
        if mode == "twice" and request["op"] == "time":
            print(json.dumps(answer(request, mode)) + "\n{}", flush=True)
        elif mode == "garbage":
            print("good morning", flush=True)
        elif mode == "silent":
            time.sleep(60)
        else:
            print(json.dumps(answer(request, mode)), flush=True)
        if request["op"] == "quit":
            break


if __name__ == "__main__":
    main()
