#!/usr/bin/env python3
"""Reads the equations in every wrong way that somebody might, and fails when the project's own vectors do not notice.

A reading is one change in oracle.py. Its results must differ from those of at least one vector. SPDX-License-Identifier: MIT
"""
import os
import sys

import numpy as np

import make_vectors
import pack

NOTICED = 1e-4  # relative L2, a hundred times what float32 is allowed
# What is read wrong, the text in oracle.py, and what stands there instead.
READINGS = [
    ("forget_from_input derives i", "f = 1 - i\n", "i = 1 - f\n"),
    ("input_from_forget derives f", "i = 1 - f\n", "f = 1 - i\n"),
    ("o sees the old c", "preactivation(3, 2, c_new)", "preactivation(3, 2, c)"),
    ("peepholes of o and f exchanged", "preactivation(3, 2, c_new)", "preactivation(3, 1, c_new)"),
    ("peephole of g", "preactivation(2, None, None)", "preactivation(2, 0, c)"),
    ("c clipped in front of output", "def seen_by_output(self, c):", "def seen_by_output(self, c):\n        return self.clipped(c)"),
    ("cell clip behind the state", "c_new = clip(f * c + i * g, layer.get(\"clip_cell\", 0))", "c_new = f * c + i * g"),
    ("pre-activation clip in front of the bias", "return self.clipped(p + self.rows(bias, k))",
     "return self.clipped(p) + self.rows(bias, k)"),
    ("no clip of the candidate", "g = self.candidate(preactivation(2, None, None))",
     "self.bound, kept = 0, self.bound\n        g = self.candidate(preactivation(2, None, None))\n        self.bound = kept"),
    ("projection clip in front of the projection", "m = clip(m @ w[\"weight_hr\"].T, layer.get(\"clip_projection\", 0))",
     "m = clip(m, layer.get(\"clip_projection\", 0)) @ w[\"weight_hr\"].T"),
    ("no projection clip", "m = clip(m @ w[\"weight_hr\"].T, layer.get(\"clip_projection\", 0))", "m = m @ w[\"weight_hr\"].T"),
    ("Haste norm per gate", "from_x = w[\"norm_ih\"] * normalize(from_x, HASTE_EPSILON)",
     "from_x = w[\"norm_ih\"] * np.concatenate([normalize(self.rows(from_x, k), HASTE_EPSILON) for k in range(4)], -1)"),
    ("Haste norm without that of c", "seen = w[\"norm_c\"] * normalize(c_new, HASTE_EPSILON) + w[\"norm_c_bias\"]", "pass"),
    ("Haste norm of the sum", "from_h = w[\"norm_hh\"] * normalize(from_h, HASTE_EPSILON)", "pass"),
    ("TFLite norm with the bias inside", "p = self.rows(w[\"norm_gates\"], k) * normalize(p, TFLITE_EPSILON)",
     "p = self.rows(w[\"norm_gates\"], k) * normalize(p + self.rows(bias, k), TFLITE_EPSILON) - self.rows(bias, k)"),
    ("TFLite norm over all gates' scale", "p = self.rows(w[\"norm_gates\"], k)", "p = self.rows(w[\"norm_gates\"], 0)"),
    ("variance of n - 1", "(d * d).mean(-1, keepdims=True)", "((d * d).sum(-1, keepdims=True) / max(d.shape[-1] - 1, 1))"),
    ("zoneout of h exchanged", "zh * h + (1 - zh) * h_new", "(1 - zh) * h + zh * h_new if zh else h_new"),
    ("zoneout of c exchanged", "zc * c + (1 - zc) * c_new", "((1 - zc) * c + zc * c_new if zc else c_new)"),
    ("zoneout of h by the rate of c", "for z in (\"zoneout_h\", \"zoneout_c\")", "for z in (\"zoneout_c\", \"zoneout_c\")"),
    ("reset in front of the product", "if self.layer.get(\"linear_before_reset\"):", "if False:"),
    ("reset behind the product", "if self.layer.get(\"linear_before_reset\"):", "if True:"),
    ("z exchanged", "(1 - z) * n + z * h", "z * n + (1 - z) * h"),
    ("recurrent bias outside of the reset", "behind = r * self.rows(from_h, 2)",
     "behind = r * (self.rows(from_h, 2) - self.b_hh[2 * self.H:]) + self.b_hh[2 * self.H:]"),
    ("no recurrent bias", "\"bias_hh\", np.zeros", "\"bias_none\", np.zeros"),
    ("reverse from the end of the padding", "lengths[live] - 1 - s if backwards", "T - 1 - s if backwards"),
    ("reverse forwards", "lengths[live] - 1 - s if backwards", "np.full(live.size, s) if backwards"),
    ("go_backwards in order of time", "if layer.get(\"go_backwards\"):", "if False:"),
    ("go_backwards behind the padding", "turned[:n, b] = y[:n, b][::-1]", "turned[len(y) - n:, b] = y[:n, b][::-1]"),
    ("mean for sum", "\"sum\": a + b", "\"sum\": (a + b) / 2"),
    ("sum for mean", "\"average\": (a + b) / 2", "\"average\": a + b"),
    ("activations of the first direction in both", "(\"forward\", \"reverse\")[direction]", "\"forward\""),
    ("relu for leaky_relu", "np.where(x >= 0, x, a * x)", "np.maximum(x, 0)"),
    ("threshold passes itself", "np.where(x > a, x, 0 * x)", "np.where(x >= a, x, 0 * x)"),
    ("scaled_tanh scales within", "a * np.tanh(b * x)", "b * np.tanh(a * x)"),
    ("hard_sigmoid without its end", "np.minimum(np.maximum(a * x + b, 0), 1)", "np.maximum(a * x + b, 0)"),
    ("elu with alpha 1", "a * np.expm1", "np.expm1"),
    ("affine without beta", "a * x + b,\n    \"leaky", "a * x,\n    \"leaky"),
    ("state of padding goes on", "live = np.nonzero(s < lengths)[0]", "live = np.arange(B); lengths = np.full(B, T)"),
    ("initial state is zero", "if layer.get(\"initial_state\") else 0", "if False else 0"),
    ("head on padding", "        sequence[np.arange(T)[:, None] >= lengths] = 0\n    found", "    found"),
    ("head without bias", "if description[\"head\"].get(\"bias\"):", "if False:"),
]


def read_as(source, old, new):
    if source.count(old) != 1:
        raise SystemExit("oracle.py holds %d times: %s" % (source.count(old), old))
    names = {}
    exec(compile(source.replace(old, new), "oracle.py, read wrong", "exec"), names)
    return names["run"]


def is_noticed(run, cases):
    for case in cases:
        with np.errstate(all="ignore"):
            if pack.worst(case.compute(run=run), case.results) > NOTICED:
                return True
    return False


def main():
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "oracle.py")) as file:
        source = file.read()
    cases = pack.read_all(make_vectors.FOLDER)
    if is_noticed(read_as(source, "import numpy as np", "import numpy as np"), cases):
        raise SystemExit("the right reading differs from the vectors")
    unseen = [what for what, old, new in READINGS if not is_noticed(read_as(source, old, new), cases)]
    for what in unseen:
        print("not noticed: %s" % what, file=sys.stderr)
    print("%d of %d wrong readings noticed by %d vectors" % (len(READINGS) - len(unseen), len(READINGS), len(cases)))
    return 1 if unseen or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
