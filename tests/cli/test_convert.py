"""oclstm convert: formats by content and by name, and what is refused. SPDX-License-Identifier: MIT"""
import json
import os
import pathlib
import unittest

import numpy as np

from harness import CliTest, safetensors
from test_cells import EVERYTHING, LSTM


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
