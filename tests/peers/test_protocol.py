#!/usr/bin/env python3
"""A peer of `oclstm bench` answers as docs/bench.md says, and computes what the oracle of the conformance tests computes.

    test_protocol.py NAME COMMAND...

SPDX-License-Identifier: MIT
"""
import itertools
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "conformance"))
import networks  # noqa: E402
import oracle  # noqa: E402

FILES = {"W_ih": "weight_ih", "W_hh": "weight_hh", "b_ih": "bias_ih", "b_hh": "bias_hh"}
T, B, I, H = 6, 3, 5, 8
LENGTHS = [6, 4, 1]


class PeerTest(unittest.TestCase):
    """One process for all requests, as bench has it."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.process = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        cls.greeting = cls.ask(op="hello", protocol=1, threads=2)

    @classmethod
    def tearDownClass(cls):
        last = cls.ask(op="quit")
        code = cls.process.wait(5)
        if (last, code) != ({"ok": True}, 0):
            raise AssertionError(f"quit gives {last}, exit status {code}")
        if cls.process.stdout.read() != "":
            raise AssertionError("more than one answer to a request")
        cls.process.stdin.close()
        cls.process.stdout.close()

    @classmethod
    def ask(cls, **request):
        cls.process.stdin.write(json.dumps(request) + "\n")
        return json.loads(cls.process.stdout.readline())

    def save(self, name, array):
        path = str(self.folder / f"{name}.npy")
        np.save(path, array)
        return path

    def prepare(self, cell="lstm", layers=1, directions=1, lengths=None, **other):
        """The answer, what the peer wrote, and what is right."""
        layer = dict(kind=cell, hidden_size=H, bias="two", direction=("forward", "bidirectional")[directions - 1],
                     linear_before_reset=cell == "gru")
        description = {"layers": [dict(layer, input_size=H * directions if k else I) for k in range(layers)]}
        draw = networks.Draw(3)
        weights, inputs = networks.weights(description, draw), networks.inputs(description, draw, T, B, lengths, state=False)
        entries = []
        for k, d in itertools.product(range(layers), range(directions)):
            arrays = oracle.layer_arrays(weights, k, d)
            entries.append({"layer": k, "direction": d, **{name: self.save(f"{name}_{k}_{d}", arrays[member].astype(np.float32))
                                                          for name, member in FILES.items()}})
        y = self.folder / "y.npy"
        y.unlink(missing_ok=True)
        request = dict(op="prepare", id=1, cell=cell, T=T, B=B, I=I, H=H, layers=layers, directions=directions,
                       linear_before_reset=True, precision="f32", lengths=lengths, x=self.save("x", inputs["x"].astype(np.float32)),
                       weights=entries, y=str(y))
        answer = self.ask(**{**request, **other})
        wrote = np.load(y) if y.exists() else None
        return answer, wrote, oracle.run(description, weights, **inputs)["y"]

    def test_hello(self):
        self.assertTrue(self.greeting["ok"], self.greeting)
        self.assertEqual(self.greeting["name"], NAME)
        self.assertRegex(self.greeting["version"], r"^\d+\.\d+")
        self.assertIn("2 threads", self.greeting["details"])

    def test_results(self):
        for cell, layers, directions, lengths in itertools.product(("lstm", "gru", "rnn"), (1, 2), (1, 2), (None, LENGTHS)):
            with self.subTest(cell=cell, layers=layers, directions=directions, lengths=lengths):
                answer, y, right = self.prepare(cell, layers, directions, lengths)
                self.assertTrue(answer["ok"], answer)
                self.assertGreater(answer["prepare_ns"], 0)
                self.assertEqual((y.dtype, y.shape), (np.float32, (T, B, directions * H)))
                self.assertLess(np.abs(y - right).max(), 2e-6)
                for b, n in enumerate(lengths or []):
                    self.assertFalse(y[n:, b].any())

    def test_times(self):
        self.prepare()
        answer = self.ask(op="time", warm_up=2, repeats=3)
        self.assertTrue(answer["ok"], answer)
        self.assertEqual([type(ns) for ns in answer["ns"]], [int] * 3)
        self.assertTrue(all(0 < ns < 10**10 for ns in answer["ns"]), answer)

    def test_ids(self):
        """A shape in one precision stays when it is prepared in another; another shape ends it."""
        self.assertTrue(self.prepare(id=5)[0]["ok"])
        other = self.prepare(id=6, precision="bf16")[0]["ok"]
        ask = {"op": "time", "warm_up": 0, "repeats": 1}
        self.assertEqual([self.ask(**ask, id=k)["ok"] for k in (5, 6, 7)], [True, other, False])
        self.prepare(directions=2, id=8)
        self.assertEqual([self.ask(**ask, id=k)["ok"] for k in (5, 6, 8)], [False, False, True])

    def test_refusals(self):
        refused = [self.prepare(precision="f8")[0], self.prepare(linear_before_reset=False)[0], self.ask(op="time", warm_up=0, repeats=1),
                   self.prepare(weights=[])[0], self.ask(op="hello", protocol=2, threads=1), self.ask(op="dance")]
        for answer in refused:
            self.assertEqual(sorted(answer), ["ok", "why"])
            self.assertIs(answer["ok"], False)
            self.assertTrue(0 < len(answer["why"]) <= 200 and "\n" not in answer["why"], answer)
        self.assertTrue(self.prepare()[0]["ok"])


if __name__ == "__main__":
    NAME, COMMAND = sys.argv[1], sys.argv[2:]
    unittest.main(argv=sys.argv[:1])
