#!/usr/bin/env python3
"""Makes the tables of docs/performance.md from results of `oclstm bench --json`, or with --check says whether they are the same.

    python3 bench/report.py FOLDER                 prints the tables
    python3 bench/report.py FOLDER --into PAGE     writes them into the page, and the folder's name
    python3 bench/report.py --check --into PAGE    compares those of the folder that the page names

FOLDER holds what bench/performance.sh leaves. A ratio is a median of ours by the median of the other column of the same run, whose
repetitions were interleaved. SPDX-License-Identifier: MIT
"""
import argparse
import math
import pathlib
import re
import statistics
import sys

from results import Column, Results

BEGIN, END = "<!-- made by bench/report.py: %s -->", "<!-- end -->"
FOLDER = re.compile(r"<!-- results of bench/report.py: (\S+) -->")
ARITHMETIC = [(100, 64, 512), (100, 64, 1024), (100, 128, 256), (100, 32, 256)]
SMALL = [(100, 8, 256), (100, 16, 256), (100, 8, 512), (100, 16, 512)]
STREAM, SHORT_STREAM = [(1000, 1, 512), (1000, 1, 1024)], [(1000, 1, 64), (1000, 1, 128), (1000, 1, 256)]
LARGE = [(100, 32, 512), (100, 64, 512), (100, 32, 1024), (100, 64, 1024)]
# What is wanted: shapes as T, B, H = I; our precision; the other column and its precision; the ratio.
WANTED = [
    (ARITHMETIC, "f32", ("onednn", "f32"), 1.05),
    (SMALL, "f32", ("onednn", "f32"), 0.85),
    (STREAM, "f32", ("onednn", "f32"), 0.5),
    (STREAM, "f16", ("onednn", "f32"), 0.3),
    (SHORT_STREAM, "f32", ("onednn", "f32"), 0.7),
]
# On a CPU with AMX, and measured elsewhere too, where nothing is wanted.
WANTED_AMX = [
    (LARGE, "bf16", ("oclstm", "f32"), 0.35),
    (LARGE, "bf16", ("onednn", "bf16"), 1.0),
    (LARGE, "f32", ("onednn", "f32"), 0.6),
]
LISTS = {"deepbench-inference": "DeepBench, inference", "deepbench-training": "DeepBench, training (forward)"}
MEANS = [("deepbench-inference", "onednn", 0.6), ("deepbench-training", "onednn", 1.0), ("deepbench-inference", "pytorch", 0.6),
         ("deepbench-training", "pytorch", 0.8), ("deepbench-inference", "onnxruntime", 0.6), ("deepbench-training", "onnxruntime", 0.8)]
OTHERS = ("onednn", "pytorch", "onnxruntime")
NAMES = {"oclstm": "oclstm", "onednn": "oneDNN", "pytorch": "PyTorch", "onnxruntime": "ONNX Runtime"}


# ---- cells of tables ----

def table(head, rows):
    rows = [[str(cell) for cell in row] for row in rows]
    return ["| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *rows]] if rows else ["Not measured."]


def time_text(seconds):
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}" if seconds < 999.5 * size else f"{seconds / size:.0f} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def verdict(ratio, wanted):
    return [f"{ratio:.2f}", f"{wanted:g}", "yes" if ratio <= wanted else "no"]


def size_text(size):
    return f"{size / 2**20:.1f} MiB"


def shape_text(row):
    text = f"T {row.T:,}, B {row.B}, H {row.H}"
    text += f", I {row.I}" if row.I != row.H else ""
    text += f", {row.layers} layers" if row.layers > 1 else ""
    text += ", both directions" if row.directions > 1 else ""
    return text if row.cell == "lstm" else f"{row.cell.upper()} {text}"


def who_text(who, precision="f32"):
    return NAMES.get(who, who) + ("" if precision == "f32" else f" {precision}")


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


# ---- the tables ----

def targets(found):
    lines = []
    for shapes, precision, other, wanted in WANTED + (WANTED_AMX if found.machine()["amx"] else []):
        for shape in shapes:
            ours = ("oclstm", precision)
            row = found.lstm(*shape, ours, other)
            if row:
                a, b = row.seconds(*ours), row.seconds(*other)
                cells = [time_text(a), time_text(b), *verdict(a / b, wanted)] if a and b else [
                    time_text(a) if a else row.why(*ours), time_text(b) if b else row.why(*other), "", f"{wanted:g}", "not measured"]
                lines.append([shape_text(row), who_text(*ours), who_text(*other), *cells])
    return table(["shape", "ours", "against", "time, ours", "time, theirs", "ratio", "wanted", "reached"], lines)


def means(found):
    lines = []
    for name, other, wanted in MEANS:
        rows = found.of_lists(name)
        both = [row for row in rows if row.done("oclstm", "f32") and row.done(other, "f32")]
        ratios = [row.seconds("oclstm") / row.seconds(other) for row in both]
        if ratios:
            least, most = ratios.index(min(ratios)), ratios.index(max(ratios))
            lines.append([LISTS[name], who_text(other), f"{len(both)} of {len(rows)}", *verdict(geometric_mean(ratios), wanted),
                          f"{ratios[least]:.2f} ({shape_text(both[least])})", f"{ratios[most]:.2f} ({shape_text(both[most])})"])
    return table(["list", "against", "shapes", "geometric mean", "wanted", "reached", "least", "most"], lines)


def own_shapes(found):
    """Plain layers of no list with a table of its own."""
    return [row for row in found.rows if row.is_plain() and row.list not in (*LISTS, "long", "cells", "quick")]


def shapes_of(name):
    """Our time, its share of the roofline, and the ratio to everybody who is there."""
    def made(found):
        rows = [row for row in found.of_lists(name) if row.done("oclstm", "f32")]
        others = [other for other in OTHERS if any(row.done(other, "f32") for row in rows)]
        lines = []
        for row in rows:
            ours, result = row.seconds("oclstm"), row.done("oclstm", "f32")
            share = result.get("share_of_roofline")
            ratios = [f"{ours / row.seconds(other):.2f}" if row.done(other, "f32") else row.why(other) for other in others]
            lines.append([shape_text(row), result["strategy"], time_text(ours), f"{result['gflops']:.0f}", f"{share:.2f}" if share else "-",
                          *ratios])
        return table(["shape", "strategy", "oclstm", "GFLOP/s", "of the roofline", *(f"ratio to {who_text(o)}" for o in others)], lines)
    return made


def storage(found):
    """16-bit storage against float32, and bf16 against that of others."""
    lines = []
    for row in own_shapes(found):
        for precision in ("f16", "bf16"):
            a, b = row.seconds("oclstm", precision), row.seconds("oclstm")
            if a and b:
                theirs = [row.seconds(who, precision) for who in OTHERS[:2]]
                lines.append([shape_text(row), precision, time_text(a), f"{a / b:.2f}", *(f"{a / t:.2f}" if t else "-" for t in theirs)])
    return table(["shape", "stored as", "oclstm", "ratio to our f32", *(f"ratio to the same of {who_text(o)}" for o in OTHERS[:2])], lines)


def ragged(found):
    """Time of a valid step: rows of different lengths against as many steps at equal lengths, and against padding."""
    groups = {}
    for row in found.of_lists("ragged"):
        groups.setdefault((row.run, row.cell, row.B, row.H), {})[row.kind] = row
    lines = []
    for group in groups.values():
        for who in ("oclstm", *OTHERS):
            step = {kind: row.seconds(who) / row.steps for kind, row in group.items() if row.done(who, "f32")}
            if "ragged" in step and "equal" in step:
                ratio = step["ragged"] / step["equal"]
                cells = verdict(ratio, 1.15) if who == "oclstm" else [f"{ratio:.2f}", "", ""]
                lines.append([shape_text(group["ragged"]), who_text(who), time_text(step["ragged"]), *cells,
                              f"{step['ragged'] / step['padded']:.2f}" if "padded" in step else "-"])
    return table(["shape", "who", "a valid step", "ratio to equal lengths", "wanted", "reached", "ratio to padding"], lines)


def long(found):
    """Time of a step as T grows, against the shortest; and memory."""
    runs, lines = {}, []
    for row in found.rows:
        if row.is_plain() and row.H == 64 and row.T >= 1000 and row.done("oclstm", "f32"):
            runs.setdefault((row.B, row.run), []).append(row)
    for (B, _), rows in sorted(runs.items()):
        rows.sort(key=lambda row: row.T)
        for row in rows if len(rows) > 1 else []:
            result = row.done("oclstm", "f32")
            ratio = row.seconds("oclstm") / row.T / (rows[0].seconds("oclstm") / rows[0].T)
            cells = verdict(ratio, 1.05) if (rows[0].T, row.T) == (10**3, 10**6) else [f"{ratio:.2f}", "", ""]
            grown = result["resident_bytes_after"] - result["resident_bytes_before"]
            lines.append([B, f"{row.T:,}", time_text(row.seconds("oclstm") / row.T), *cells, size_text(result["device_bytes"]), size_text(grown)])
    return table(["B", "T", "a step", "ratio to the shortest", "wanted", "reached", "plan on the device", "process grew by"], lines)


def startup(found):
    lines = []
    if found.main_job:
        cold, warm = found.main_job["startup_cold_s"], found.main_job["startup_warm_s"]
        lines += [["a process, ECG forecaster, one step; empty caches", time_text(cold), "", ""],
                  ["the same, filled caches", time_text(warm), "150 ms", "yes" if warm <= 0.15 else "no"]]
    for name, column in found.columns().items():
        for kind, what in (("cold_start", "no compiled programs of ours"), ("warm_start", "with them")):
            if kind in column:
                parts = [column[kind][part] for part in ("context_seconds", "plan_seconds", "forward_seconds")]
                detail = "context {}, plan {}, first result {}".format(*map(time_text, parts))
                lines.append([f"`{name}` within a process, {what}: {detail}", time_text(sum(parts)), "", ""])
    return table(["what", "time", "wanted", "reached"], lines)


def launches(found):
    lines, seen = [], set()
    for row in own_shapes(found):
        result = row.done("oclstm", "f32")
        if result and "launches" in result and shape_text(row) not in seen:
            seen.add(shape_text(row))
            lines.append([shape_text(row), result["strategy"], f"{result['launches_per_1000_steps']:.3g}", size_text(result["device_bytes"]),
                          size_text(result["bytes_written"]), size_text(result["bytes_read"])])
    return table(["shape", "strategy", "launches a 1,000 steps", "plan on the device", "to the device", "from the device"], lines)


def accuracy(found):
    """The largest distance of each column from the reference. What is outside of its bound has no time, and is counted."""
    worst, wrong = {}, {}
    for row in found.rows:
        for who, result in row.results.items():
            wrong[who] = wrong.get(who, 0) + (result["state"] == "WRONG")
            if result["state"] == "done" and result["relative_l2"] >= worst.get(who, (-1.0,))[0]:
                worst[who] = (result["relative_l2"], result["max_absolute"], row)
    return table(["column", "largest relative L2", "largest difference there", "at", "shapes outside of the bound"],
                 [[who_text(*who), f"{l2:.1e}", f"{most:.1e}", shape_text(row), wrong[who]] for who, (l2, most, row) in worst.items()])


def crossover(found):
    """From how many rows on the first device of a run is the faster one."""
    lines = []
    for document in found.documents:
        names = [column["device"]["name"] for column in document["columns"] if "device" in column]
        for crossing in document.get("crossover", []):
            rows = crossing["rows"] or f"not up to {crossing['most_rows']}"
            ratios = [f"{crossing[name]:.2f}" if crossing[name] else "-" for name in ("ratio_one_row", "ratio_most_rows")]
            lines.append([" against ".join(names[:2]), f"{crossing['T']:,}", crossing["H"], crossing["why"] or rows, *ratios])
    return table(["devices", "T", "H", "from B", "ratio with one row", "ratio with most rows"], lines)


def machine(found):
    here = found.machine()
    caches = ", ".join(f"{name} {size >> 10:,} KiB" for name, size in here["cache_bytes"].items() if size)
    lines = [["processor", f"{here['processors']} × {here['cpu']}{', AMX' if here['amx'] else ''}; {caches}"], ["system", here["system"]],
             ["compiler", here["compiler"]]]
    by_version = {}
    for column in found.columns().values():
        by_version.setdefault((Column(column).who, column["version"], column["details"]), []).append(column["precision"])
    lines += [[who_text(who), f"{version}; {details}; {', '.join(precisions)}"] for (who, version, details), precisions in by_version.items()]
    commits = sorted({document["commit"] for document in found.documents if document.get("commit")})
    return table(["what", "which"], lines + [["commit", ", ".join(commits)]] * bool(commits))


def peaks(found):
    """Of every file, the median: each run measures its own."""
    measured = {}
    for document in found.documents:
        for column in document["columns"]:
            if "peaks" in column and column["precision"] == "f32":
                measured.setdefault("arithmetic, GFLOP/s", []).append(column["peaks"]["flops_per_second"] * 1e-9)
                for read in column["peaks"]["reads"]:
                    name = f"reads of {read['bytes'] / 2**20:g} MiB ({read['level']}), GB/s"
                    measured.setdefault(name, []).append(read["bytes_per_second"] * 1e-9)
    return table(["peak", "median of the runs", "least", "most"], [
        [name, f"{statistics.median(values):.0f}", f"{min(values):.0f}", f"{max(values):.0f}"] for name, values in measured.items()])


TABLES = {"machine": machine, "peaks": peaks, "targets": targets, "means": means, "inference": shapes_of("deepbench-inference"),
          "training": shapes_of("deepbench-training"), "storage": storage, "long": long, "stacked": shapes_of("stacked"),
          "ragged": ragged, "cells": shapes_of("cells"), "startup": startup, "crossover": crossover, "launches": launches, "accuracy": accuracy}


# ---- the page ----

def filled(page, found, folder):
    """The page with its tables made anew. Every table has its place."""
    page = FOLDER.sub(f"<!-- results of bench/report.py: {folder} -->", page)
    for name, make in TABLES.items():
        begin = BEGIN % name
        if page.count(begin) != 1:
            raise SystemExit(f"report.py: the page has {page.count(begin)} places for the table {name}")
        head, _, rest = page.partition(begin)
        _, end, tail = rest.partition(END)
        if not end:
            raise SystemExit(f"report.py: the table {name} has no end")
        page = head + begin + "\n\n" + "\n".join(make(found)) + "\n\n" + end + tail
    return page


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=pathlib.Path)
    parser.add_argument("--into", metavar="PAGE", type=pathlib.Path)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    page = options.into.read_text() if options.into else ""
    root = pathlib.Path(__file__).resolve().parent.parent
    named = FOLDER.search(page)
    if options.check and named and named.group(1) == "none":
        print("the page names no results")
        return 0
    if options.folder is None and named is None:
        parser.error("no folder of results")
    folder = options.folder or root / named.group(1)
    found = Results(folder)
    if not options.into:
        for name, make in TABLES.items():
            print(f"{BEGIN % name}\n\n" + "\n".join(make(found)) + f"\n\n{END}\n")
        return 0
    made = filled(page, found, folder.resolve().relative_to(root) if options.folder else named.group(1))
    if options.check:
        print("the page has other tables than its results" if made != page else "the tables are those of the results")
        return int(made != page)
    options.into.write_text(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
