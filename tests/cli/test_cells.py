"""Networks of every cell, with embeddings and states of their own: run, verify, info. SPDX-License-Identifier: MIT"""
import json
import os
import pathlib
import unittest

import numpy as np

from harness import CliTest, expected, safetensors

LSTM = {"kind": "lstm", "hidden_size": 5, "bias": "two"}
GRU = {"kind": "gru", "hidden_size": 4, "bias": "two", "linear_before_reset": True}
RNN = {"kind": "rnn", "hidden_size": 4, "bias": "one"}
# Every member of a description away from its default at least once.
EVERYTHING = [
    [dict(LSTM, projection_size=3, clip_projection=0.5, peephole="diagonal", clip_cell=0.75, clip_preactivation=3.0,
          direction="bidirectional", merge="average", zoneout_h=0.25, zoneout_c=0.125, initial_state=True),
     dict(LSTM, layer_norm="haste", bias="one", direction="reverse", go_backwards=True, coupling="forget_from_input"),
     dict(LSTM, layer_norm="tflite", bias="none", dropout_input=0.5, dropout_output=0.25, dropout_recurrent=0.125,
          dropout_weights=0.0625, coupling="input_from_forget",
          activation={"forward": {"gate": {"kind": "hard_sigmoid", "alpha": 0.25, "beta": 0.5},
                                  "candidate": {"kind": "softsign"}, "output": {"kind": "elu", "alpha": 0.5}}})],
    [dict(GRU, direction="bidirectional", merge="mul", initial_state=True), dict(RNN, direction="reverse"),
     dict(RNN, bias="none", activation={"forward": {"candidate": {"kind": "relu"}}}),
     dict(GRU, linear_before_reset=False, direction="bidirectional", merge="sum",
          activation={"reverse": {"gate": {"kind": "affine", "alpha": 0.125, "beta": 0.25}}})],
]


def without_defaults(layer):
    return {k: v for k, v in layer.items() if v not in (False, "none", 0)}


class Ids(CliTest):
    def setUp(self):
        super().setUp()
        self.net, self.tensors = self.described([LSTM], embedding=11)
        self.ids = self.random.integers(0, 11, (30, 3))

    def want(self, ids, lengths=None):
        return expected(self.tensors, self.tensors["embedding.weight"][ids], lengths)[0]

    def run_ids(self, name, ids, *options):
        return self.run_good("run", self.net, self.save(name, ids), "-o", self.path("y.npy"), *options)

    def close(self, got, want):
        self.assertEqual((got.dtype, got.shape), (np.float32, want.shape))
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-5)

    def test_every_integer_type_rank_and_layout(self):
        for kind in ["i1", "i2", "i4", "i8"]:
            self.run_ids("x.npy", self.ids.astype(kind), "--chunk", 7)
            self.close(self.load("y.npy"), self.want(self.ids))
        self.run_ids("x.npy", self.ids[:, 1])
        self.close(self.load("y.npy"), self.want(self.ids)[:, 1])
        self.run_ids("x.npy", np.ascontiguousarray(self.ids.T), "--layout", "bti", "--output-layout", "bti")
        self.close(self.load("y.npy"), self.want(self.ids).transpose(1, 0, 2))

    def test_padding_is_not_looked_at(self):
        lengths = np.array([30, 0, 13])
        self.ids[np.arange(30)[:, None] >= lengths] = -(1 << 40)
        self.run_ids("x.npy", self.ids, "--lengths", self.save("l.npy", lengths), "--chunk", 8)
        clean = np.where(np.arange(30)[:, None] < lengths, self.ids, 0)
        self.close(self.load("y.npy"), self.want(clean, lengths))

    def test_several_files(self):
        for k, steps in enumerate([30, 0, 13]):
            self.save(f"in/{k}.npy", self.ids[:steps, k].astype(np.int32))
        self.run_good("run", self.net, pathlib.Path("in"), "-o", self.path("out"), "--batch", 2)
        for k, steps in enumerate([30, 0, 13]):
            self.close(self.load(f"out/{k}.npy"), self.want(self.ids[:steps, k:k + 1])[:, 0])

    def refuse(self, status, text, ids, *options):
        line = [self.net, self.save("x.npy", ids)]
        self.fails(3, status, text, "run", *line, "-o", self.path("y.npy"), *options)
        if not options:
            self.fails(3, status, text, "verify", *line)

    def test_what_are_no_ids(self):
        self.refuse("E_DTYPE", "x.npy: the network takes ids, which are integers; found floating-point numbers",
                    self.ids.astype(np.float32))
        self.refuse("E_SHAPE", "x.npy: expected ids [T] or [T,B], found [30,3,1]", self.ids[..., None])
        self.refuse("E_SHAPE", "x.npy: expected ids [T] or [B,T], found []", np.int32(3), "--layout", "bti")
        self.refuse("E_SHAPE", "x.npy: expected ids [T] or [T,B], found [30,0]", self.ids[:, :0])
        for value, text in [(11, "id 11 at step 29 of row 2, the embedding has 11 rows"),
                            (-1, "id -1 at step 29 of row 2, the embedding has 11 rows"),
                            (1 << 31, "id 2147483648 at step 29 of row 2 is no int32"),
                            (-(1 << 62), "id -4611686018427387904 at step 29 of row 2 is no int32")]:
            self.ids[29, 2] = value
            self.refuse("E_INDEX", "x.npy: ", self.ids)
            self.refuse("E_INDEX", text, self.ids)
            self.refuse("E_INDEX", text, np.ascontiguousarray(self.ids.T), "--layout", "bti")

    def test_a_foreign_id_in_one_of_several_files_is_found_before_any_work(self):
        self.save("in/a.npy", self.ids[:, 0])
        self.save("in/b.npy", np.full(70000, 11))
        self.fails(3, "E_INDEX", "in/b.npy: id 11 at step 0 of row 0", "run", self.net, pathlib.Path("in"), "-o",
                   self.path("out"))
        b = np.zeros(70000, np.int64)
        b[69999] = 12
        self.save("in/b.npy", b)
        self.fails(3, "E_INDEX", "in/b.npy: id 12 at step 69999 of row 0", "run", self.net, pathlib.Path("in"), "-o",
                   self.path("out"))

    def test_verify_makes_ids_of_its_own(self):
        for layers in [[LSTM], [dict(LSTM, direction="bidirectional")]]:
            net, _ = self.described(layers, name="two.safetensors", embedding=2, head=3)
            report = json.loads(self.run_good("verify", net, "--json").out)
            self.assertEqual([r["passed"] for r in report["results"]], [True, True])
        self.assertIn("3 rows, 4 steps", self.run_good("verify", self.net, self.save("x.npy", self.ids), "--steps", 4).out)


class States(CliTest):
    """Two runs that hand the state on are one run."""

    def halves(self, layers, h, c):
        net, _ = self.described(layers)
        x = self.normal(20, 3, 3)
        a, b, whole = self.save("a.npy", x[:8]), self.save("b.npy", x[8:]), self.save("x.npy", x)
        cn, c0 = (["--cn", self.path("cn.npy")], ["--c0", self.path("cn.npy")]) if c else ([], [])
        self.run_good("run", net, whole, "-o", self.path("y.npy"))
        self.run_good("run", net, a, "-o", self.path("ya.npy"), "--hn", self.path("hn.npy"), *cn)
        self.assertEqual(self.load("hn.npy").shape, h)
        if c:
            self.assertEqual(self.load("cn.npy").shape, c)
        self.run_good("run", net, b, "-o", self.path("yb.npy"), "--h0", self.path("hn.npy"), *c0)
        both = np.concatenate([self.load("ya.npy"), self.load("yb.npy")])
        np.testing.assert_allclose(both, self.load("y.npy"), rtol=0, atol=2e-6)

    def test_projection(self):
        self.halves([dict(LSTM, projection_size=2), dict(LSTM, projection_size=2)], (2, 3, 2), (2, 3, 5))

    def test_cells_without_c(self):
        self.halves([GRU, GRU], (2, 3, 4), None)
        self.halves([RNN], (1, 3, 4), None)

    def test_a_state_of_the_model_is_the_default_of_each(self):
        net, tensors = self.described([dict(LSTM, initial_state=True)])
        x = self.save("x.npy", self.normal(6, 2, 3))
        self.run_good("run", net, x, "-o", self.path("y.npy"))
        y = self.load("y.npy")
        h0 = np.broadcast_to(tensors["lstm.initial_h_l0"], (1, 2, 5))
        c0 = np.broadcast_to(tensors["lstm.initial_c_l0"], (1, 2, 5))
        np.testing.assert_allclose(y, expected(tensors, self.load("x.npy"), None, h0, c0)[0], rtol=0, atol=1e-5)
        for options in [["--hn", self.path("hn.npy")], ["--h0", self.save("h0.npy", h0)], ["--c0", self.save("c0.npy", c0)]]:
            self.run_good("run", net, x, "-o", self.path("z.npy"), *options)
            self.assertEqual(self.load("z.npy").tobytes(), y.tobytes())

    def test_what_has_no_c_is_said(self):
        for layers, text in [([GRU], "layer 0 is a GRU, which has no c"),
                             ([RNN], "layer 0 is a plain RNN, which has no c"),
                             ([LSTM, dict(GRU, hidden_size=5)], "layer 1 is a GRU, which has no c")]:
            net, _ = self.described(layers)
            line = ["run", net, self.save("x.npy", self.normal(6, 2, 3)), "-o", self.path("y.npy")]
            self.fails(2, None, f"--cn: {text}", *line, "--cn", self.path("cn.npy"))
            self.fails(2, None, f"--c0: {text}", *line, "--c0", self.save("c0.npy", self.normal(1, 2, 4)))
            self.fails(2, "E_UNSUPPORTED", f"cells of layer {len(layers) - 1} are not supported: it has no c", *line,
                       "--cells", self.path("c.npy"), "--device", "reference")

    def test_shapes_of_states(self):
        net, _ = self.described([dict(LSTM, projection_size=2)])
        line = ["run", net, self.save("x.npy", self.normal(6, 2, 3)), "-o", self.path("y.npy")]
        state = self.save("s.npy", self.normal(1, 2, 3))
        self.fails(3, "E_SHAPE", "expected [1,2,2], found rank 3, [1,2,3]", *line, "--h0", state)
        self.fails(3, "E_SHAPE", "expected [1,2,5], found rank 3, [1,2,3]", *line, "--c0", state)
        net, _ = self.described([GRU])
        self.fails(3, "E_SHAPE", "expected [1,2,4], found rank 3, [1,2,3]", *line, "--h0", state)


class Results(CliTest):
    def test_chunks_change_nothing(self):
        for layers in EVERYTHING + [[dict(LSTM, direction="reverse", go_backwards=True)]]:
            net, _ = self.described(layers, head=2)
            lengths = self.save("l.npy", np.array([25, 0, 11]))
            line = ["run", net, self.save("x.npy", self.normal(25, 3, 3)), "--lengths", lengths, "-o"]
            self.run_good(*line, self.path("y.npy"))
            self.run_good(*line, self.path("z.npy"), "--chunk", 4)
            np.testing.assert_allclose(self.load("z.npy"), self.load("y.npy"), rtol=0, atol=2e-6)

    def test_go_backwards_is_the_other_order_of_reverse(self):
        reverse = dict(LSTM, direction="reverse")
        net, tensors = self.described([dict(reverse, go_backwards=True)])
        x, lengths = self.normal(25, 3, 3), [25, 0, 11]
        line = ["--lengths", self.save("l.npy", np.array(lengths)), "--chunk", 4, "-o"]
        self.run_good("run", net, self.save("x.npy", x), *line, self.path("y.npy"), "--cells", self.path("c.npy"))
        plain = pathlib.Path("plain.safetensors")
        description = {"format": 1, "layers": [dict(reverse, input_size=3)]}
        (self.folder / plain).write_bytes(safetensors(tensors, metadata={"oclstm": json.dumps(description)}))
        self.run_good("run", plain, pathlib.Path("x.npy"), *line, self.path("r.npy"), "--cells", self.path("rc.npy"))
        for ours, theirs in [("y.npy", "r.npy"), ("c.npy", "rc.npy")]:
            for b, n in enumerate(lengths):
                self.assertEqual(self.load(ours)[:n, b].tobytes(), self.load(theirs)[:n, b][::-1].tobytes())
                self.assertFalse(self.load(ours)[n:, b].any())

    def test_verify_passes_every_layer(self):
        for layers in EVERYTHING:
            net, _ = self.described(layers, embedding=7, head=2)
            report = json.loads(self.run_good("verify", net, "--json").out)
            self.assertEqual([r["passed"] for r in report["results"]], [True] * (len(layers) + 1))


class Precision(CliTest):
    def test_is_passed_on_and_shown(self):
        net, _ = self.model(L=2, bidirectional=True, head=3)
        x = self.save("x.npy", self.normal(6, 2, 3))
        self.run_good("run", net, x, "-o", self.path("f32.npy"))
        for precision, bound in [("f32", 1e-5), ("f16", 2e-3), ("bf16", 1.6e-2)]:
            result = self.run_good("run", net, x, "-o", self.path("y.npy"), "--precision", precision, "--json")
            self.assertEqual(json.loads(result.out)["precision"], precision)
            np.testing.assert_allclose(self.load("y.npy"), self.load("f32.npy"), rtol=0, atol=bound)
            text = self.run_good("run", net, x, "-o", self.path("y.npy"), "--precision", precision).out
            self.assertIn(f", {precision}, gemm", text)
            report = json.loads(self.run_good("verify", net, "--precision", precision, "--json").out)
            self.assertEqual((report["precision"], report["passed"]), (precision, True))
            self.assertIn(f", {precision}, ", self.run_good("verify", net, "--precision", precision).out)
            plan = json.loads(self.run_good("info", net, "--plan", "--precision", precision, "--json").out)["plan"]
            self.assertEqual(plan["precision"], precision)


class Info(CliTest):
    def test_json_has_the_members_of_the_file(self):
        for layers in EVERYTHING:
            net, tensors = self.described(layers, embedding=7, head=2)
            report = json.loads(self.run_good("info", net, "--json").out)
            own = {"output_size", "parameters"}
            widths = [3] + [layer["output_size"] for layer in report["layers"]]
            for k, layer in enumerate(report["layers"]):
                found = without_defaults({name: value for name, value in layer.items() if name not in own})
                found.pop("direction") if found["direction"] == "forward" else None
                self.assertEqual(found, without_defaults(dict(layers[k], input_size=widths[k])))
                self.assertTrue({"direction", "bias", "projection_size"} <= layer.keys())
                self.assertEqual(layer["parameters"], sum(t.size for n, t in tensors.items() if f"_l{k}" in n))
            self.assertEqual(report["parameters"], sum(t.size for t in tensors.values()))
            self.assertEqual((report["embedding"], report["head"]), ({"size": 7}, {"size": 2, "bias": True}))
            self.assertEqual((report["embedding_size"], report["input_size"], report["output_size"]), (7, 1, 2))

    def test_text_names_what_is_not_default(self):
        net, _ = self.described(EVERYTHING[0], embedding=7, head=2)
        lines = [" ".join(line.split()) for line in self.run_good("info", net).out.splitlines()]
        self.assertIn("embedding 7 ids of 3 features", lines)
        self.assertIn("input ids [T,B], 0 to 6", lines)
        self.assertIn("head dense 2", lines)
        self.assertTrue(any(line.startswith("layer 0 lstm bidirectional, I 3, H 5, P 3, bias two, ") for line in lines))
        for line in ["peephole diagonal", "clip_projection 0.5", "clip_cell 0.75", "clip_preactivation 3",
                     "merge average", "zoneout_h 0.25", "zoneout_c 0.125", "initial_state true", "layer_norm haste",
                     "go_backwards true", "coupling forget_from_input", "coupling input_from_forget",
                     "layer_norm tflite", "dropout_input 0.5", "dropout_output 0.25", "dropout_recurrent 0.125",
                     "dropout_weights 0.0625",
                     "activation forward gate kind hard_sigmoid, alpha 0.25, beta 0.5, candidate kind softsign, "
                     "output kind elu, alpha 0.5"]:
            self.assertIn(line, lines)
        net, _ = self.described([dict(GRU, initial_state=True)])
        text = self.run_good("info", net).out
        self.assertIn("linear_before_reset true", text)
        self.assertIn("4 floats of h and 0 of c a row", text)

    def test_strategies(self):
        net, _ = self.model()
        report = json.loads(self.run_good("info", net, "--json").out)
        text = self.run_good("info", net).out
        if os.environ["OCLSTM_DEVICE"] == "reference":
            self.assertEqual(report["strategies"], [])
            return
        self.assertEqual([s["strategy"] for s in report["strategies"]], ["stepwise", "fused-step", "rows", "grid"])
        for strategy in report["strategies"]:
            self.assertEqual(strategy["supported"], strategy["why_not"] is None)
            self.assertIn(f"{strategy['strategy']}: {strategy['why_not'] or 'supported'}", text)
        self.assertTrue(report["strategies"][0]["supported"] and report["strategies"][1]["supported"])
        net, _ = self.described([LSTM, dict(LSTM, layer_norm="haste")])
        report = json.loads(self.run_good("info", net, "--json").out)
        self.assertEqual([s["supported"] for s in report["strategies"]], [True, False, False, False])
        self.assertIn("layer_norm", report["strategies"][1]["why_not"])
        self.assertIn(f"fused-step: {report['strategies'][1]['why_not']}", self.run_good("info", net).out)


if __name__ == "__main__":
    unittest.main()
