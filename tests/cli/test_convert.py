"""oclstm convert: formats by content and by name, and what is refused. SPDX-License-Identifier: MIT"""
import json
import os
import pathlib
import unittest

import numpy as np

from harness import CliTest, safetensors
from test_cells import EVERYTHING, GRU, LSTM, RNN


# ---- ONNX files, written by hand: fields of the format's .proto, each a number and a value ----


def message(*fields):
    """Bytes of a message: integers as varints, text and bytes with their lengths."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        else:
            value = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


def varint(value):
    out = b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def tensor(name, array, external=None):
    kind = {"float32": 1, "int64": 7}[array.dtype.name]
    dims = [(1, n) for n in array.shape]
    if external is None:
        return message(*dims, (2, kind), (8, name), (9, array.tobytes()))
    places = [(13, message((1, key), (2, value))) for key, value in external.items()]
    return message(*dims, (2, kind), (8, name), *places, (14, 1))


def value_info(name, *shape):
    dims = [(1, message((2, n) if isinstance(n, str) else (1, n))) for n in shape]
    return message((1, name), (2, message((1, message((1, 1), (2, message(*dims)))))))


def onnx_lstm(tensors, external=None):
    """One LSTM of I 3 and H 5 as PyTorch exports it; gates in the order i, o, f, g."""
    def turned(name):
        i, f, g, o = np.split(tensors[f"lstm.{name}_l0"], 4)
        return np.concatenate([i, o, f, g])
    W, R = turned("weight_ih")[None], turned("weight_hh")[None]
    B = np.concatenate([turned("bias_ih"), turned("bias_hh")])[None]
    attribute = message((1, "hidden_size"), (3, 5), (20, 2))
    nodes = [message((1, "x"), (1, "W"), (1, "R"), (1, "B"), (2, "Y"), (4, "LSTM"), (5, attribute)),
             message((1, "Y"), (1, "axis"), (2, "y"), (4, "Squeeze"))]
    weights = [tensor("W", W, external), tensor("R", R), tensor("B", B), tensor("axis", np.array([1]))]
    graph = message(*[(1, n) for n in nodes], (2, "graph"), *[(5, w) for w in weights],
                    (11, value_info("x", "T", "B", 3)), (12, value_info("y", "T", "B", 5)))
    return message((1, 8), (7, graph), (8, message((1, ""), (2, 17)))), W


class Onnx(CliTest):
    def setUp(self):
        super().setUp()
        self.net, self.tensors = self.model()
        self.x = self.save("x.npy", self.normal(9, 2, 3))
        self.onnx = pathlib.Path("net.onnx")

    def same_results(self, model, *options):
        self.run_good("run", self.net, self.x, "-o", self.path("a.npy"))
        self.run_good("run", model, self.x, "-o", self.path("b.npy"), *options)
        self.assertEqual(self.load("a.npy").tobytes(), self.load("b.npy").tobytes())

    def test_every_command_takes_one(self):
        (self.folder / self.onnx).write_bytes(onnx_lstm(self.tensors)[0])
        self.same_results(self.onnx)
        self.assertTrue(json.loads(self.run_good("verify", self.onnx, "--json").out)["passed"])
        report = json.loads(self.run_good("info", self.onnx, "--json").out)
        self.assertEqual(report["layers"][0]["kind"], "lstm")
        self.assertEqual(report["parameters"], sum(t.size for t in self.tensors.values()))
        self.run_good("convert", self.onnx, pathlib.Path("out.safetensors"))
        self.same_results(pathlib.Path("out.safetensors"))

    def test_the_content_says_the_format(self):
        (self.folder / "net.safetensors").rename(self.folder / "plain.onnx")
        (self.folder / "other.safetensors").write_bytes(onnx_lstm(self.tensors)[0])
        self.net = pathlib.Path("plain.onnx")
        self.same_results(pathlib.Path("other.safetensors"))

    def test_there_and_back(self):
        """What ONNX can say comes back with the same results; the second file is the first, byte for byte."""
        both = {"direction": "bidirectional"}
        for layers, options in [
                ([dict(LSTM, **both), dict(LSTM, peephole="diagonal", clip_preactivation=1.5)], {"head": 4}),
                ([dict(LSTM, direction="reverse", coupling="forget_from_input")], {}),
                ([dict(LSTM, bias="none", initial_state=True, **both)], {"head": 2}),
                ([dict(GRU, **both), dict(GRU, linear_before_reset=False)], {"embedding": 7}),
                ([dict(RNN, activation={"forward": {"candidate": {"kind": "relu"}}}), dict(LSTM, merge="sum", **both)], {})]:
            with self.subTest(layers=layers):
                net, _ = self.described(layers, **options)
                ids = self.random.integers(0, 7, (9, 2)) if "embedding" in options else self.normal(9, 2, 3)
                x, lengths = self.save("in.npy", ids), self.save("l.npy", np.array([9, 4]))
                back, again = pathlib.Path("back.safetensors"), pathlib.Path("again.onnx")
                result = self.run_good("convert", net, self.onnx)
                self.assertIn(f"net.onnx: onnx, {len(layers)} layers", result.out)
                self.run_good("convert", self.onnx, back)
                self.run_good("convert", back, again)
                self.assertEqual((self.folder / self.onnx).read_bytes(), (self.folder / again).read_bytes())
                for model, y in [(net, "a.npy"), (self.onnx, "b.npy"), (back, "c.npy")]:
                    self.run_good("run", model, x, "-o", self.path(y), "--lengths", lengths)
                    np.testing.assert_allclose(self.load(y), self.load("a.npy"), rtol=0, atol=1e-6)

    def test_what_onnx_cannot_say(self):
        for changes, text in [({"projection_size": 2}, "projection"), ({"layer_norm": "haste"}, "layer_norm"),
                              ({"clip_cell": 1.0}, "clip_cell"), ({"zoneout_h": 0.5}, "zoneout"),
                              ({"coupling": "input_from_forget"}, "coupling")]:
            net, _ = self.described([LSTM, dict(LSTM, **changes)])
            self.assertIn("layer 1", self.fails(3, "E_UNSUPPORTED", text, "convert", net, self.onnx).err)

    def test_external_data(self):
        external = {"location": "weights/W.bin", "offset": "16", "length": str(20 * 3 * 4)}
        content, W = onnx_lstm(self.tensors, external)
        (self.folder / self.onnx).write_bytes(content)
        (self.folder / "weights").mkdir()
        (self.folder / "weights" / "W.bin").write_bytes(b"?" * 16 + W.tobytes())
        out = pathlib.Path("out.safetensors")
        self.fails(3, "E_UNSUPPORTED", "external", "convert", self.onnx, out)
        self.fails(3, "E_UNSUPPORTED", "external", "info", self.onnx)
        self.run_good("convert", self.onnx, out, "--allow-external-data")
        self.same_results(out)
        self.same_results(self.onnx, "--allow-external-data")
        (self.folder / out).unlink()
        (self.folder / "weights" / "W.bin").write_bytes(W.tobytes())
        self.fails(3, "E_TRUNCATED", "net.onnx", "convert", self.onnx, out, "--allow-external-data")

    def test_external_data_stays_in_the_folder(self):
        (self.folder / "deep").mkdir()
        bad = pathlib.Path("deep/net.onnx")
        (self.folder / "W.bin").write_bytes(b"?" * 240)
        os.symlink(self.folder / "W.bin", self.folder / "deep" / "link.bin")
        for place in ["../W.bin", self.path("W.bin"), "link.bin", "none.bin"]:
            (self.folder / bad).write_bytes(onnx_lstm(self.tensors, {"location": place})[0])
            result = self.fails(3, None, "", "convert", bad, pathlib.Path("out.safetensors"), "--allow-external-data")
            self.assertIn("net.onnx", result.err)

    def test_broken_files(self):
        content = onnx_lstm(self.tensors)[0]
        for data in [content[:-1], content[:len(content) // 2], b"", b"\x08\x08", content + b"\x07", content[::-1]]:
            (self.folder / self.onnx).write_bytes(data)
            self.fails(3, None, "net.onnx", "convert", self.onnx, pathlib.Path("out.safetensors"))


class Safetensors(CliTest):
    def test_a_state_dict_gets_its_description(self):
        net, tensors = self.model(L=2, bidirectional=True, head=4)
        out = pathlib.Path("out.safetensors")
        result = self.run_good("convert", net, out)
        self.assertEqual(result.out, f"{self.path('out.safetensors')}: safetensors, 2 layers, "
                                     f"{sum(t.size for t in tensors.values())} parameters\n")
        self.assertIn(b"oclstm", (self.folder / out).read_bytes()[:2000])
        x = self.save("x.npy", self.normal(9, 2, 3))
        for model, y in [(net, "a.npy"), (out, "b.npy")]:
            self.run_good("run", model, x, "-o", self.path(y))
        self.assertEqual(self.load("a.npy").tobytes(), self.load("b.npy").tobytes())

    def test_every_description_survives(self):
        for layers in EVERYTHING:
            net, _ = self.described(layers, embedding=7, head=2)
            once, twice = pathlib.Path("once.safetensors"), pathlib.Path("twice.safetensors")
            self.run_good("convert", net, once)
            self.run_good("convert", once, twice)
            self.assertEqual((self.folder / once).read_bytes(), (self.folder / twice).read_bytes())
            first, second = (json.loads(self.run_good("info", m, "--json").out) for m in (net, twice))
            first.pop("model"), second.pop("model")
            self.assertEqual(first, second)

    def test_json(self):
        net, tensors = self.described([LSTM], head=2)
        report = json.loads(self.run_good("convert", net, pathlib.Path("out.safetensors"), "--json").out)
        report.pop("version")
        self.assertEqual(report, {"input": self.path("net.safetensors"), "output": self.path("out.safetensors"),
                                  "format": "safetensors", "layers": 1,
                                  "parameters": sum(t.size for t in tensors.values())})

    def test_replaces_what_was_there(self):
        net, _ = self.model()
        (self.folder / "out.safetensors").write_text("something else")
        self.run_good("convert", net, pathlib.Path("out.safetensors"))
        self.run_good("info", pathlib.Path("out.safetensors"))


class Refusals(CliTest):
    def setUp(self):
        super().setUp()
        self.net, self.tensors = self.model()
        self.out = pathlib.Path("out.safetensors")

    def test_usage(self):
        self.fails(2, None, "convert needs two files", "convert", self.net)
        self.fails(2, None, "convert needs two files", "convert", self.net, self.out, self.out)
        for name in ["out.bin", "out", ".onnx", "safetensors"]:
            self.fails(2, None, f"{name}: the name of OUT says its format: .safetensors or .onnx", "convert", self.net, name)
        self.fails(2, None, "are the same file", "convert", self.net, self.net)
        os.link(self.folder / self.net, self.folder / self.out)
        self.fails(2, None, "are the same file", "convert", self.net, self.out)
        self.fails(2, None, "unknown option '--device'", "convert", self.net, self.out, "--device", "cpu")
        self.fails(2, None, "--allow-external-data takes no value", "convert", self.net, self.out,
                   "--allow-external-data=1")

    def test_inputs(self):
        self.fails(3, "E_OPEN", "absent.safetensors", "convert", pathlib.Path("absent.safetensors"), self.out)
        self.fails(3, "E_OPEN", "absent.onnx", "convert", pathlib.Path("absent.onnx"), self.out)
        bad = pathlib.Path("bad.safetensors")
        content = (self.folder / self.net).read_bytes()
        for data, status in [(content[:-1], "E_TRUNCATED"), (content + b"more", "E_FORMAT"),
                             (safetensors(self.tensors, dtype="F99"), "E_DTYPE"),
                             (safetensors({"fc.weight": self.tensors["lstm.weight_hh_l0"]}), "E_MISSING"),
                             (safetensors(self.tensors, metadata={"oclstm": "{}"}), "E_FORMAT")]:
            (self.folder / bad).write_bytes(data)
            self.fails(3, status, "bad.safetensors", "convert", bad, self.out)

    def test_descriptions_that_contradict_themselves(self):
        """One line that names the layer and the member; exit code 3."""
        for changes, status, text in [
                ({"kind": "gru", "peephole": "diagonal"}, "E_FORMAT", "layer 0"),
                ({"kind": "rnn", "linear_before_reset": True}, "E_FORMAT", "layer 0"),
                ({"go_backwards": True}, "E_FORMAT", "go_backwards"),
                ({"merge": "sum"}, "E_FORMAT", "merge"),
                ({"projection_size": 6}, "E_SHAPE", "projection_size"),
                ({"clip_cell": -1.0}, "E_FORMAT", "clip_cell"),
                ({"zoneout_h": 1.5}, "E_FORMAT", "zoneout_h"),
                ({"layer_norm": "batch"}, "E_FORMAT", "layer_norm"),
                ({"holeup": True}, "E_FORMAT", "holeup")]:
            description = {"format": 1, "layers": [dict(LSTM, input_size=3, **{k: v for k, v in changes.items()
                                                                              if k != "kind"})]}
            description["layers"][0].update(changes)
            (self.folder / "bad.safetensors").write_bytes(
                safetensors(self.tensors, metadata={"oclstm": json.dumps(description)}))
            for line in [["convert", pathlib.Path("bad.safetensors"), self.out], ["info", pathlib.Path("bad.safetensors")]]:
                with self.subTest(changes=changes, command=line[0]):
                    self.fails(3, status, text, *line)

    def test_outputs(self):
        (self.folder / "file").write_text("no folder")
        for place in ["missing/out.safetensors", "file/out.safetensors"]:
            self.fails(1, "E_OPEN", place, "convert", self.net, pathlib.Path(place))
        (self.folder / "folder.safetensors").mkdir()
        self.fails(1, "E_OPEN", "folder.safetensors", "convert", self.net, pathlib.Path("folder.safetensors"))
        self.assertEqual(np.array(self.listing()).shape[0], 3)


if __name__ == "__main__":
    unittest.main()
