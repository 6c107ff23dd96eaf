#!/usr/bin/env python3
"""Malformed and hostile ONNX files, each with the status it must get. Written byte by byte here, by nothing but this file.
SPDX-License-Identifier: MIT

malformed.py ONNX_TOOL
"""
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

FLOAT, INT32, INT64, STRING, HALF, DOUBLE = 1, 6, 7, 8, 10, 11
I, H = 2, 2


# ---- messages ----


def varint(value):
    value &= (1 << 64) - 1
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number, value):
    """A field of a message: an integer as a varint, a float in 4 bytes, text and bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def tensor(name, dims, data=None, kind=FLOAT, extra=b""):
    count = 1
    for size in dims:
        count *= size
    data = struct.pack(f"<{count}f", *[0.1 * (k % 7 - 3) for k in range(count)]) if data is None else data
    return b"".join(field(1, size) for size in dims) + field(2, kind) + field(8, name) + (field(9, data) if data else b"") + extra


def attribute(name, value):
    if isinstance(value, int):
        return field(1, name) + field(20, 2) + field(3, value)
    if isinstance(value, float):
        return field(1, name) + field(20, 1) + field(2, value)
    if isinstance(value, str):
        return field(1, name) + field(20, 3) + field(4, value)
    return field(1, name) + field(20, 7) + b"".join(field(8, entry) for entry in value)


def node(op, inputs, outputs, attributes=(), name="n"):
    return (b"".join(field(1, value) for value in inputs) + b"".join(field(2, value) for value in outputs) + field(3, name) + field(4, op) +
            b"".join(field(5, value) for value in attributes))


def port(name, dims, kind=FLOAT):
    shape = b"".join(field(1, field(1, size) if isinstance(size, int) else field(2, size)) for size in dims)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, shape)))


W, R = tensor("W", [1, 4 * H, I]), tensor("R", [1, 4 * H, H])
X, Y = port("X", ["T", "B", I]), port("Y", ["T", 1, "B", H])


def lstm(inputs=("X", "W", "R"), outputs=("Y",), attributes=()):
    return node("LSTM", inputs, outputs, [attribute("hidden_size", H), *attributes])


def graph(nodes=None, initializers=(W, R), inputs=(X,), outputs=(Y,), extra=b""):
    return (b"".join(field(1, value) for value in (nodes if nodes is not None else [lstm()])) + field(2, "g") +
            b"".join(field(5, value) for value in initializers) + b"".join(field(11, value) for value in inputs) +
            b"".join(field(12, value) for value in outputs) + extra)


def model(body=None, opset=14, front=b""):
    return front + field(1, 8) + field(8, field(2, opset)) + field(7, graph() if body is None else body)


def with_tensor(name, data):
    """The good model, but for one of its weights."""
    return model(graph(initializers=[data if name == "W" else W, data if name == "R" else R]))


def with_node(*nodes, initializers=(), **more):
    return model(graph(nodes=nodes, initializers=[W, R, *initializers], **more))


def nested(depth):
    body = b""
    for _ in range(depth):
        body = field(1, node("If", ["c"], ["o"], [field(1, "then_branch") + field(20, 5) + field(6, body)]))
    return model(graph(nodes=[lstm(), node("If", ["c"], ["o"], [field(1, "then_branch") + field(6, body)])]))


def ints(name, *values):
    return tensor(name, [len(values)], struct.pack(f"<{len(values)}q", *values), INT64)


def external(*entries, location=1):
    return field(14, location) + b"".join(field(13, field(1, key) + field(2, value)) for key, value in entries)


GOOD = model()
MANY = 70000
squeezed = [lstm(outputs=["s"]), node("Squeeze", ["s", "one"], ["q"])]


def glue(*nodes, initializers=()):
    return with_node(*squeezed, *nodes, initializers=[ints("one", 1), *initializers], outputs=[port("q", ["T", "B", H])])


# name: (status, bytes)
CASES = {
    "good": ("OK", GOOD),
    "empty": ("E_TRUNCATED", b""),
    "cut_in_the_graph": ("E_TRUNCATED", GOOD[:-20]),
    "cut_in_a_length": ("E_TRUNCATED", field(1, 8) + b"\x3a\xff"),
    "length_beyond_the_end": ("E_TRUNCATED", field(1, 8) + b"\x3a\xff\xff\xff\xff\x0f"),
    "length_of_64_bits": ("E_TRUNCATED", field(1, 8) + b"\x3a" + varint(1 << 63)),
    "no_field": ("E_FORMAT", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
    "tag_0": ("E_FORMAT", b"\x00\x01" + GOOD),
    "group": ("E_FORMAT", b"\x0b" + GOOD),
    "text": ("E_FORMAT", b"this is no model at all, but text"),
    "safetensors": ("E_FORMAT", struct.pack("<Q", 2) + b"{}"),
    "no_graph": ("E_FORMAT", field(1, 8) + field(8, field(2, 14))),
    "graph_is_a_number": ("E_FORMAT", field(1, 8) + field(8, field(2, 14)) + field(7, 5)),
    "no_opset": ("E_FORMAT", field(1, 8) + field(7, graph())),
    "opset_negative": ("E_UNSUPPORTED", model(opset=-3)),
    "opset_of_the_future": ("E_UNSUPPORTED", model(opset=29)),
    "opset_of_another_domain": ("E_FORMAT", field(1, 8) + field(8, field(1, "com.example") + field(2, 14)) + field(7, graph())),
    "no_nodes": ("E_FORMAT", model(graph(nodes=[]))),
    "no_outputs": ("E_FORMAT", model(graph(outputs=[]))),
    "output_of_nobody": ("E_FORMAT", model(graph(outputs=[port("Z", ["T"])]))),
    "node_broken": ("E_FORMAT", model(graph(nodes=[b"\x0a\xff"]))),
    "node_without_op": ("E_FORMAT", with_node(field(1, "X") + field(2, "Y"))),
    "node_is_a_number": ("E_FORMAT", model(graph() + field(1, 7))),
    "input_of_nobody": ("E_FORMAT", with_node(lstm(["X", "W", "Q"]))),
    "cycle": ("E_FORMAT", with_node(lstm(["Y", "W", "R"]))),
    "output_twice": ("E_FORMAT", with_node(lstm(outputs=["Y", "Y"]))),
    "name_twice": ("E_FORMAT", model(graph(initializers=[W, R, W]))),
    "name_too_long": ("E_LIMIT", with_node(lstm(["X" * 1025, "W", "R"]))),
    "rank_too_high": ("E_LIMIT", with_tensor("W", tensor("W", [1] * 9 + [4 * H, I]))),
    "rank_of_a_port_too_high": ("E_FORMAT", model(graph(inputs=[port("X", ["T"] * 9)]))),
    "dims_negative": ("E_FORMAT", with_tensor("W", tensor("W", [1, -8, I], b"\0" * 64))),
    "dims_overflow": ("E_LIMIT", with_tensor("W", tensor("W", [1 << 40, 1 << 40], b"\0" * 64))),
    "dims_over_the_limit": ("E_LIMIT", with_tensor("W", tensor("W", [1 << 35], b"\0" * 64))),
    "dims_0": ("E_SHAPE", with_tensor("W", tensor("W", [1, 4 * H, 0], b""))),
    "data_short": ("E_FORMAT", with_tensor("W", tensor("W", [1, 4 * H, I], b"\0" * 63))),
    "data_long": ("E_FORMAT", with_tensor("W", tensor("W", [1, 4 * H, I], b"\0" * 68))),
    "data_missing": ("E_FORMAT", with_tensor("W", tensor("W", [1, 4 * H, I], b""))),
    "data_twice": ("E_FORMAT", with_tensor("W", tensor("W", [1, 4 * H, I], extra=field(4, b"\0" * 64)))),
    "data_of_two_types": ("E_FORMAT", with_tensor("W", tensor("W", [1, 4 * H, I], b"", extra=field(4, b"\0" * 64) + field(10, b"\0" * 128)))),
    "data_of_another_type": ("E_FORMAT", with_tensor("W", tensor("W", [1, 4 * H, I], b"", extra=field(10, b"\0" * 128)))),
    "data_packed_badly": ("E_FORMAT", with_tensor("W", tensor("W", [1, 4 * H, I], b"", extra=field(4, b"\0" * 63)))),
    "data_of_broken_varints": ("E_FORMAT", with_tensor("W", tensor("W", [4], b"", INT64, field(7, b"\xff" * 11)))),
    "data_unpacked": ("OK", with_tensor("W", tensor("W", [1, 4 * H, I], b"", extra=b"".join(field(4, 0.25) for _ in range(8 * I))))),
    "type_unknown": ("E_DTYPE", with_tensor("W", tensor("W", [1, 4 * H, I], kind=99))),
    "type_string": ("E_DTYPE", with_tensor("W", tensor("W", [1, 4 * H, I], kind=STRING))),
    "type_missing": ("E_DTYPE", with_tensor("W", field(1, 1) + field(8, "W") + field(9, b"\0" * 4))),
    "weights_missing": ("E_MISSING", with_node(lstm(["X", "W", ""]))),
    "not_a_number": ("E_NONFINITE", with_tensor("W", tensor("W", [1, 4 * H, I], b"\xff" * 64))),
    "segment": ("E_UNSUPPORTED", with_tensor("W", tensor("W", [1, 4 * H, I], extra=field(3, field(1, 0))))),
    "sparse": ("E_UNSUPPORTED", model(graph(extra=field(15, b"")))),
    "external": ("E_UNSUPPORTED", with_tensor("W", tensor("W", [1, 4 * H, I], b"", extra=external(("location", "w.bin"))))),
    "attribute_broken": ("E_FORMAT", with_node(lstm(attributes=[b"\x0a\x7f"]))),
    "attribute_of_a_function": ("E_UNSUPPORTED", with_node(lstm(attributes=[field(1, "clip") + field(21, "c")]))),
    "hidden_size_negative": ("E_FORMAT", with_node(node("LSTM", ["X", "W", "R"], ["Y"], [attribute("hidden_size", -2)]))),
    "hidden_size_huge": ("E_LIMIT", with_node(node("LSTM", ["X", "W", "R"], ["Y"], [attribute("hidden_size", 1 << 40)]))),
    "hidden_size_other": ("E_SHAPE", with_node(node("LSTM", ["X", "W", "R"], ["Y"], [attribute("hidden_size", 3)]))),
    "direction_unknown": ("E_FORMAT", with_node(lstm(attributes=[attribute("direction", "sideways")]))),
    "layout_2": ("E_FORMAT", with_node(lstm(attributes=[attribute("layout", 2)]))),
    "activations_too_few": ("E_FORMAT", with_node(lstm(attributes=[field(1, "activations") + field(20, 8) + field(9, "Tanh")]))),
    "clip_infinite": ("E_UNSUPPORTED", with_node(lstm(attributes=[attribute("clip", float("inf"))]))),
    "constant_without_value": ("E_FORMAT", with_node(node("Constant", [], ["k"]), lstm())),
    "perm_twice": ("E_FORMAT", glue(node("Transpose", ["q"], ["t"], [attribute("perm", [0, 0, 1])]))),
    "perm_beyond": ("E_FORMAT", glue(node("Transpose", ["q"], ["t"], [attribute("perm", [0, 1, 3])]))),
    "perm_short": ("E_FORMAT", glue(node("Transpose", ["q"], ["t"], [attribute("perm", [0, 1])]))),
    "axis_beyond": ("E_FORMAT", glue(node("Unsqueeze", ["q", "far"], ["t"]), initializers=[ints("far", 9)])),
    "axes_beyond_the_rank": ("E_LIMIT", glue(node("Unsqueeze", ["q", "all"], ["t"]), initializers=[ints("all", 0, 1, 2, 3, 4, 5)])),
    "axes_twice": ("E_FORMAT", glue(node("Unsqueeze", ["q", "same"], ["t"]), initializers=[ints("same", 1, 1)])),
    "squeeze_more_than_1": ("E_UNSUPPORTED", glue(node("Squeeze", ["q", "last"], ["t"]), initializers=[ints("last", 2)])),
    "slice_without_ends": ("E_FORMAT", glue(node("Slice", ["q", "one"], ["t"]))),
    "slice_of_two_lengths": ("E_FORMAT", glue(node("Slice", ["q", "one", "two"], ["t"]), initializers=[ints("two", 1, 2)])),
    "slice_of_nothing": ("E_UNSUPPORTED", glue(node("Slice", ["q", "one", "one", "last"], ["t"]), initializers=[ints("last", 2)])),
    "reshape_to_rank_9": ("E_LIMIT", glue(node("Reshape", ["q", "nine"], ["t"]), initializers=[ints("nine", *[1] * 9)])),
    "reshape_of_constant": ("E_FORMAT", glue(node("Reshape", ["W", "odd"], ["t"]), initializers=[ints("odd", 7, -1)])),
    "concat_of_nothing": ("E_FORMAT", glue(node("Concat", [], ["t"], [attribute("axis", 0)]))),
    "concat_of_two_shapes": ("E_SHAPE", glue(node("Concat", ["W", "A"], ["t"], [attribute("axis", 0)]), initializers=[tensor("A", [1, 5, 5])])),
    "gather_beyond_the_shape": ("E_FORMAT", glue(node("Shape", ["q"], ["z"]), node("Gather", ["z", "five"], ["t"]), initializers=[ints("five", 5)])),
    "expand_without_shape": ("E_FORMAT", glue(node("Expand", ["W"], ["t"]))),
    "constants_that_double": ("E_LIMIT", glue(*[node("Concat", [f"W{k}" if k else "W"] * 8, [f"W{k + 1}"], [attribute("axis", 0)]) for k in range(20)])),
    "graphs_5_deep": ("E_LIMIT", nested(5)),
    "graphs_3000_deep": ("E_LIMIT", nested(3000)),
    "graphs_3_deep": ("E_UNSUPPORTED", nested(2)),
    "too_many_nodes": ("E_LIMIT", model(graph(nodes=[lstm()]) + field(1, b"") * MANY)),
    "too_many_tensors": ("E_LIMIT", model(graph() + field(5, b"") * MANY)),
    "too_many_outputs_of_nodes": ("E_LIMIT", with_node(lstm(outputs=["Y", *["o"] * (1 << 21)]))),
    "too_many_layers": ("E_LIMIT", with_node(*[lstm() for _ in range(513)])),
    "ids_over_the_limit": ("E_LIMIT", with_node(node("Gather", ["E", "X"], ["x"]), lstm(["x", "W", "R"]), inputs=[port("X", ["T", "B"], INT64)],
                                                initializers=[tensor("E", [(1 << 24) + 1, 0], b"")])),
}


def write(folder):
    for name, (_, data) in CASES.items():
        (folder / f"{name}.onnx").write_bytes(data)


def statuses(tool, paths, allow=False):
    environment = {**os.environ, **({"ONNX_TOOL_EXTERNAL": "1"} if allow else {})}
    done = subprocess.run([tool, "status", *map(str, paths)], capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        print(done.stderr, f"onnx_tool ended with {done.returncode}")
    return done.stdout.splitlines()


def compare(names, expected, lines):
    failures = [f"{name}: expected {status}, found {line}" for name, status, line in zip(names, expected, lines) if line.split(" ")[0] != status]
    for line in failures:
        print(line)
    return len(failures) + abs(len(names) - len(lines))


def check_external(tool, folder):
    """Data in other files: only when allowed, only below the model's folder, and never through a link."""
    data = struct.pack("<16f", *[0.1 * k for k in range(16)])
    (folder / "below").mkdir()
    outside = folder.parent / f"{folder.name}.outside"
    outside.write_bytes(data)
    (folder / "w.bin").write_bytes(b"1234" + data)
    (folder / "below" / "w.bin").write_bytes(data)
    (folder / "link.bin").symlink_to(outside)
    (folder / "link").symlink_to(folder / "below")
    (folder / "pipe").mkdir()
    os.mkfifo(folder / "fifo")
    cases = {
        "plain": ("OK", [("location", "w.bin"), ("offset", "4"), ("length", "64")]),
        "below": ("OK", [("location", "below/w.bin")]),
        "offset_without_length": ("OK", [("location", "w.bin"), ("offset", "4")]),
        "unknown_key": ("OK", [("location", "below/w.bin"), ("checksum", "0")]),
        "wrong_length": ("E_FORMAT", [("location", "w.bin"), ("offset", "4"), ("length", "60")]),
        "too_long": ("E_FORMAT", [("location", "w.bin")]),
        "beyond_the_end": ("E_TRUNCATED", [("location", "w.bin"), ("offset", "8"), ("length", "64")]),
        "offset_huge": ("E_TRUNCATED", [("location", "w.bin"), ("offset", "999999999999999999")]),
        "offset_of_64_bits": ("E_FORMAT", [("location", "w.bin"), ("offset", "18446744073709551612")]),
        "offset_negative": ("E_FORMAT", [("location", "w.bin"), ("offset", "-4")]),
        "no_location": ("E_FORMAT", [("offset", "4")]),
        "parent": ("E_FORMAT", [("location", f"../{outside.name}")]),
        "parent_inside": ("E_FORMAT", [("location", "below/../w.bin"), ("offset", "4")]),
        "dot": ("E_FORMAT", [("location", "./w.bin"), ("offset", "4")]),
        "absolute": ("E_FORMAT", [("location", str(outside))]),
        "link": ("E_OPEN", [("location", "link.bin")]),
        "linked_folder": ("E_OPEN", [("location", "link/w.bin")]),
        "folder": ("E_OPEN", [("location", "below")]),
        "fifo": ("E_OPEN", [("location", "fifo")]),
        "absent": ("E_OPEN", [("location", "absent.bin")]),
        "nul": ("E_FORMAT", [("location", "w.bin\0x")]),
    }
    for name, (_, entries) in cases.items():
        (folder / f"x_{name}.onnx").write_bytes(with_tensor("W", tensor("W", [1, 4 * H, I], b"", extra=external(*entries))))
    paths = [folder / f"x_{name}.onnx" for name in cases]
    failed = compare(list(cases), [status for status, _ in cases.values()], statuses(tool, paths, allow=True))
    failed += compare(list(cases), ["E_FORMAT" if name in ("no_location", "offset_of_64_bits", "offset_negative") else "E_UNSUPPORTED" for name in cases],
                      statuses(tool, paths))
    outside.unlink()
    return len(cases), failed


def main():
    tool = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write(folder)
        paths = [folder / f"{case}.onnx" for case in CASES]
        failed = compare(list(CASES), [status for status, _ in CASES.values()], statuses(tool, paths))
        n, failed_external = check_external(tool, folder)
    print(f"{len(CASES)} files, {n} of external data, {failed + failed_external} failures")
    return 1 if failed or failed_external else 0


if __name__ == "__main__":
    sys.exit(main())
