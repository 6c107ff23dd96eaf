#!/usr/bin/env python3
"""PyTorch's nn.LSTM on this GPU (cuDNN), in microseconds a step: what ours is compared with.

    python3 torch_lstm.py [--json FILE] [--quick] [--seconds 90]

float32 with and without TF32, float16, bfloat16; inference and training; batch 1 to 256; one layer, three, both
directions, ragged. Medians of at least 5 runs between events of the device, behind 3 that warm up.

SPDX-License-Identifier: MIT
"""
import argparse
import json
import statistics
import sys
import time

HIDDEN = [256, 512, 1024]
BATCH = [1, 8, 16, 32, 64, 128, 256]
PRECISIONS = [("f32", "float32", False), ("tf32", "float32", True), ("f16", "float16", False), ("bf16", "bfloat16", False)]


def cases(quick):
    """(name, T, B, H, layers, bidirectional, ragged, train), the most telling first: time may run out."""
    if quick:
        return [("one layer", 4, 2, 16, 1, False, False, False), ("ragged", 4, 2, 16, 1, False, True, True)]
    T = 256
    listed = [("one layer", T, B, H, 1, False, False, False) for H in (512, 1024, 256) for B in (1, 64, 16, 8, 32, 128, 256)]
    listed.insert(0, ("flashrnn", 1024, 16, 768, 1, False, False, False))
    listed += [("one layer", T, B, 512, 1, False, False, True) for B in (1, 16, 64, 256)]
    listed += [("three layers", T, B, 512, 3, False, False, train) for B in (1, 16, 64) for train in (False, True)]
    listed += [("both directions", T, B, 512, 1, True, False, False) for B in (1, 16, 64)]
    listed += [("ragged", T, B, 512, 1, False, True, False) for B in (16, 64)]
    return listed


def measure(torch, device, case, dtype):
    _, T, B, H, layers, bidirectional, ragged, train = case
    lstm = torch.nn.LSTM(H, H, layers, bidirectional=bidirectional).to(device=device, dtype=dtype)
    lstm.train(train)
    x = torch.randn(T, B, H, device=device, dtype=dtype, requires_grad=train)
    given = x
    if ragged:  # lengths 10:1
        lengths = torch.linspace(T, max(1, T // 10), B).long()
        given = torch.nn.utils.rnn.pack_padded_sequence(x, lengths)

    def run():
        if not train:
            with torch.no_grad():
                lstm(given)
            return
        y, _ = lstm(given)
        y = y.data if ragged else y
        y.float().square().mean().backward()
        lstm.zero_grad(set_to_none=True)
        x.grad = None

    times = []
    begun = time.perf_counter()
    for k in range(103):
        if device == "cuda":
            start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            start.record()
            run()
            end.record()
            end.synchronize()
            ms = start.elapsed_time(end)
        else:
            start = time.perf_counter()
            run()
            ms = (time.perf_counter() - start) * 1e3
        if k >= 3:
            times.append(ms)
        if len(times) >= 5 and time.perf_counter() - begun > 0.3:
            break
    return {"ms": statistics.median(times), "ms_least": min(times), "runs": len(times), "us_per_step": statistics.median(times) / T * 1e3}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seconds", type=float, default=90)
    options = parser.parse_args()
    answer = {"question": "torch", "rows": []}
    begun = time.perf_counter()
    try:
        import torch
        device = "cuda" if torch.cuda.is_available() else "cpu"
        answer.update(torch=torch.__version__, device=torch.cuda.get_device_name() if device == "cuda" else "cpu",
                      cudnn=torch.backends.cudnn.version() if device == "cuda" else None)
    except ImportError as missing:
        answer["error"] = str(missing)
        device = None
    if device == "cpu" and not options.quick:
        answer["error"] = "torch sees no CUDA device"
        device = None
    for case in cases(options.quick) if device else []:
        for name, dtype, tf32 in PRECISIONS:
            if time.perf_counter() - begun > options.seconds or (device == "cpu" and name != "f32"):
                answer["left_out"] = answer.get("left_out", 0) + 1
                continue
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
            row = dict(zip(("case", "T", "B", "H", "layers", "bidirectional", "ragged", "train"), case), precision=name)
            try:
                row.update(measure(torch, device, case, getattr(torch, dtype)))
            except RuntimeError as failure:
                row["error"] = str(failure)[:300]
            answer["rows"].append(row)
            print("{case:16} {precision:5} T {T:4} B {B:3} H {H:4} train {train:d}".format(**row),
                  "{:9.3f} us a step".format(row["us_per_step"]) if "ms" in row else row["error"], flush=True)
    text = json.dumps(answer, indent=1)
    if options.json:
        with open(options.json, "w") as file:
            file.write(text + "\n")
    else:
        print(text)
    return 0 if "error" not in answer else 1


if __name__ == "__main__":
    sys.exit(main())
