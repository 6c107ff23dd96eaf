"""A peer without bench: the shapes of a command line, with random weights, one after another.

Without --shapes a peer serves `oclstm bench`. SPDX-License-Identifier: MIT
"""
import argparse
import dataclasses
import gc
import json
import os
import statistics
import sys

import numpy as np

import common

# T, B, H = I. DeepBench's LSTM lists, and the shapes of docs/performance.md.
DEEPBENCH_TRAINING = [(25, B, H) for H in (512, 1024, 2048, 4096) for B in (16, 32, 64, 128)] + [
    (50, B, 1536) for B in (8, 16, 32)] + [(150, B, 256) for B in (16, 32, 64)]
DEEPBENCH_INFERENCE = [(25, B, H) for H in (512, 1024, 2048) for B in (1, 2, 4)] + [
    (50, B, 1536) for B in (1, 2, 4)] + [(150, B, 256) for B in (1, 2, 4)]
TARGETS = [(100, 64, 512), (100, 64, 1024), (100, 128, 256), (100, 32, 256), (100, 8, 256), (100, 16, 256), (100, 8, 512),
           (100, 16, 512)] + [(1000, 1, H) for H in (64, 128, 256, 512, 1024)]
LISTS = {"targets": TARGETS, "deepbench-inference": DEEPBENCH_INFERENCE, "deepbench-training": DEEPBENCH_TRAINING}


def parser(text):
    made = argparse.ArgumentParser(description=text.splitlines()[0])
    made.add_argument("--shapes", nargs="+", metavar="T,B,I,H", help="shapes, or lists: " + ", ".join(LISTS))
    made.add_argument("--cell", default="lstm", choices=sorted(common.GATES))
    made.add_argument("--layers", type=int, default=1)
    made.add_argument("--directions", type=int, default=1, choices=(1, 2))
    made.add_argument("--precision", default="f32", choices=("f32", "tf32", "f16", "bf16"))
    made.add_argument("--ragged", type=float, default=1.0, metavar="SPREAD", help="the longest row is so many times the shortest")
    made.add_argument("--training", action="store_true", help="forward and backward")
    made.add_argument("--threads", type=int, default=common.cores())
    made.add_argument("--warm-up", type=int, default=1)
    made.add_argument("--repeats", type=int, default=7)
    made.add_argument("--json", action="store_true")
    return made


def shapes(options):
    for text in options.shapes:
        for T, B, I, H in [(T, B, H, H) for T, B, H in LISTS[text]] if text in LISTS else [map(int, text.split(","))]:
            yield common.Shape(options.cell, T, B, I, H, options.layers, options.directions, options.precision, options.training)


def row_lengths(shape, spread):
    """Evenly from T down to T / spread, or None where all are equal."""
    if spread <= 1:
        return None
    return np.maximum(1, np.rint(np.linspace(shape.T, shape.T / spread, shape.B))).astype(np.int64)


def measured(peer, shape, options):
    lengths = row_lengths(shape, options.ragged)
    row = {**dataclasses.asdict(shape), "lengths": None if lengths is None else lengths.tolist()}
    try:
        network = peer.network(shape, *common.random_network(shape), lengths)
        for _ in range(options.warm_up):
            network.run()
        walls, kernels = common.measure(network, options.repeats)
    except Exception as error:  # whatever a library throws is its reason
        return {**row, "why": common.reason(error)}
    steps = shape.T * shape.B if lengths is None else int(lengths.sum())
    median = statistics.median(walls)
    row.update(way=network.way, ns=walls, median_ns=median, minimum_ns=min(walls), gflops=shape.flops(steps) / median)
    return {**row, "kernel_ns": kernels, "kernel_gflops": shape.flops(steps) / statistics.median(kernels)} if kernels else row


def line(row):
    head = f"{row['cell']:4} T {row['T']:7} B {row['B']:4} I {row['I']:5} H {row['H']:5} {row['precision']:4} "
    if "why" in row:
        return head + row["why"]
    kernels = f"   kernels {statistics.median(row['kernel_ns']) * 1e-6:9.3f} ms" if "kernel_ns" in row else ""
    return head + (f"{row['median_ns'] * 1e-6:10.3f} ms (least {row['minimum_ns'] * 1e-6:.3f}) {row['gflops']:8.1f} GFLOP/s"
                   f"{kernels}   {row['way']}")


def main(make_peer, options):
    """The exit status."""
    if not options.shapes:
        common.serve(make_peer)
        return 0
    peer, rows = make_peer(options.threads), []
    for shape in shapes(options):
        rows.append(measured(peer, shape, options))
        gc.collect()
        peer.let_go()
        print(line(rows[-1]), file=sys.stderr if options.json else sys.stdout, flush=True)
    if options.json:
        machine = {"processor": common.processor(), "cores": common.cores(), "system": os.uname().release}
        json.dump({"machine": machine, "column": {"name": peer.NAME, "version": peer.version(), "details": peer.details()},
                   "rows": rows}, sys.stdout, indent=1)
        print()
    return 0
