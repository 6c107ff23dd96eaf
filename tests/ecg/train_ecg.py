#!/usr/bin/env python3
"""Trains the forecaster of examples/ecg with PyTorch and writes what the example and its test need.

SPDX-License-Identifier: MIT

The network reads an electrocardiogram in millivolts, one sample a step, and says at each step what the signal will be
HORIZON samples later: two stacked LSTM layers and a dense head. Minutes 0 to 3.5 train it, 3.5 to 4 choose among the
epochs, and the fifth minute, which it never meets here, measures it.

Written beside each other:
  examples/ecg/ecg_forecaster.safetensors   the weights, float32, under PyTorch's state_dict names
  tests/ecg/expected.txt                    horizon, and RMS errors over the test minute, in mV
  tests/ecg/pytorch_tail.npy                the last two seconds of PyTorch's forecast, float32 [720]

The numbers that are committed came from PyTorch 2.15.0 and NumPy 2.4.6 on one x86-64 core, in nine minutes:

  OMP_NUM_THREADS=1 python3 tests/ecg/train_ecg.py

Seeds are fixed, so the same versions on the same processor give the same weights; other versions give a network of
the same quality with other numbers, and all three files change together.
"""
import argparse
import json
import math
import pathlib
import struct
import time

import numpy as np
import torch

HERE = pathlib.Path(__file__).resolve().parent
EXAMPLE = HERE.parent.parent / "examples" / "ecg"

RATE = 360  # samples a second
TRAIN_END, VALID_END = 210 * RATE, 240 * RATE  # 3.5 and 4 minutes
STREAMS, CHUNK = 32, 200  # rows that walk through the training signal side by side, and steps between updates
TAIL = 2 * RATE


class Forecaster(torch.nn.Module):
    """x [T,B,1] in mV -> forecast [T,B,1] in mV, and the state to continue with."""

    def __init__(self, hidden):
        super().__init__()
        self.lstm = torch.nn.LSTM(1, hidden, num_layers=2)
        self.head = torch.nn.Linear(hidden, 1)

    def forward(self, x, state=None):
        h, state = self.lstm(x, state)
        return self.head(h), state


def millivolts(path):
    return (np.load(path).astype(np.float32) - np.float32(1024)) / np.float32(200)


def streams_of(signal, horizon, generator):
    """The training signal cut at a random place into STREAMS pieces, each with its own gain and offset: the heart
    stays the same when an electrode moves. Returns x and target, [T,STREAMS,1]."""
    steps = (TRAIN_END - horizon - CHUNK) // STREAMS
    start = int(torch.randint(0, CHUNK, (1,), generator=generator))
    index = start + torch.arange(STREAMS) * steps + torch.arange(steps).unsqueeze(1)
    gain = 0.8 + 0.4 * torch.rand(STREAMS, generator=generator)
    offset = 0.3 * torch.randn(STREAMS, generator=generator)
    x, target = signal[index], signal[index + horizon]
    return (x * gain + offset).unsqueeze(2), (target * gain + offset).unsqueeze(2)


def train_epoch(net, optimizer, schedule, signal, horizon, generator):
    """One walk through the training signal: truncated back-propagation, the state carried from chunk to chunk."""
    x, target = streams_of(signal, horizon, generator)
    state = None
    for first in range(0, len(x) - CHUNK + 1, CHUNK):
        y, state = net(x[first : first + CHUNK], state)
        loss = torch.nn.functional.mse_loss(y, target[first : first + CHUNK])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        state = tuple(s.detach() for s in state)


@torch.no_grad()
def forecast(net, signal):
    """What oclstm does with the recording: all of it in one go, from the zero state."""
    return net(signal.reshape(-1, 1, 1))[0].reshape(-1)


def rms(values):
    return float(np.sqrt(np.mean(np.square(np.asarray(values, dtype=np.float64)))))


def errors(signal, y, horizon, first, last):
    """RMS errors over the targets first .. last - 1: of the forecast, and of "the same as now"."""
    target = signal[first:last]
    return rms(y[first - horizon : last - horizon] - target), rms(signal[first - horizon : last - horizon] - target)


def train(args, samples):
    torch.manual_seed(args.seed)
    generator = torch.Generator().manual_seed(args.seed)
    signal = torch.from_numpy(samples)
    net = Forecaster(args.hidden)
    optimizer = torch.optim.AdamW(net.parameters(), lr=args.rate, weight_decay=1e-3)
    updates = args.epochs * ((TRAIN_END - args.horizon - CHUNK) // STREAMS // CHUNK)
    floor = 0.02
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda n: floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, n / updates)))
    )
    best, kept = math.inf, None
    began = time.process_time()
    for epoch in range(1, args.epochs + 1):
        train_epoch(net, optimizer, schedule, signal, args.horizon, generator)
        if epoch % args.check and epoch != args.epochs:
            continue
        # Ten seconds of run-up before the validation half-minute.
        lead = TRAIN_END - 10 * RATE
        y = forecast(net, signal[lead:VALID_END]).numpy()
        score, same = errors(samples[lead:VALID_END], y, args.horizon, TRAIN_END - lead, VALID_END - lead)
        if score < best:
            best, kept = score, {name: p.clone() for name, p in net.state_dict().items()}
        print(f"epoch {epoch:4d}  valid {score:.5f} mV (same as now {same:.5f})  {time.process_time() - began:.0f} s",
              flush=True)
    net.load_state_dict(kept)
    return net


def save_safetensors(path, tensors, metadata):
    """Eight bytes of header length, a JSON header padded to eight bytes, the tensors."""
    header, offset, blobs = {"__metadata__": metadata}, 0, []
    for name, tensor in tensors.items():
        blob = tensor.numpy().astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [offset, offset + len(blob)]}
        offset += len(blob)
        blobs.append(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--horizon", type=int, default=9, help="samples ahead (9: 25 ms)")
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=1200)
    parser.add_argument("--check", type=int, default=20, help="epochs between validations")
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--seed", type=int, default=208)
    parser.add_argument("--dry", action="store_true", help="write nothing")
    args = parser.parse_args()
    torch.set_num_threads(1)

    samples = millivolts(EXAMPLE / "ecg_mitdb208_mlii_360hz.npy")
    net = train(args, samples)
    y = forecast(net, torch.from_numpy(samples)).numpy()
    ours, same = errors(samples, y, args.horizon, VALID_END, len(samples))
    print(f"test minute: forecast {ours:.7f} mV, same as now {same:.7f} mV, ratio {ours / same:.4f}")
    if args.dry:
        return
    save_safetensors(
        EXAMPLE / "ecg_forecaster.safetensors",
        net.state_dict(),
        {"task": f"ECG in mV at {RATE} Hz, forecast {args.horizon} samples ahead", "made_by": "tests/ecg/train_ecg.py"},
    )
    (HERE / "expected.txt").write_text(f"{args.horizon} {ours:.8f} {same:.8f}\n")
    np.save(HERE / "pytorch_tail.npy", y[-TAIL:])


if __name__ == "__main__":
    main()
