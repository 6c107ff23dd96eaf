"""oclstm tune, cache and info --plan. SPDX-License-Identifier: MIT"""
import json
import os
import pathlib
import unittest

from harness import CliTest

VERDICTS = {"chosen", "slower", "not tried", "failed", "refused"}


class TuningTest(CliTest):
    """Each test has a cache of its own, and tunes as the program does by itself."""

    def setUp(self):
        super().setUp()
        self.environment = {"OCLSTM_CACHE_DIR": self.path("cache"), "OCLSTM_TUNING": ""}

    def report(self, *arguments):
        return json.loads(self.run_good(*arguments, "--json", environment=self.environment).out)

    def text(self, *arguments):
        return self.run_good(*arguments, environment=self.environment).out

    def assert_explained(self, plan, names):
        """One way chosen in every layer, figures where something was measured, a reason for each of the rest."""
        for layer in plan["layers"]:
            candidates = layer["candidates"]
            self.assertEqual([c["strategy"] for c in candidates if c["verdict"] == "chosen"], [layer["strategy"]])
            self.assertTrue(names <= {c["strategy"] for c in candidates}, candidates)
            for c in candidates:
                self.assertIn(c["verdict"], VERDICTS)
                self.assertTrue(c["why"])
                self.assertTrue(c["microseconds"] is None or c["microseconds"] > 0.0)
            self.assertGreater(layer["launches"], 0)
            self.assertGreater(layer["beside"], 0)
            self.assertTrue(layer["reason"])
        self.assertEqual(sum(m["bytes"] for m in plan["memory"]), plan["device_bytes"])


class Tune(TuningTest):
    def test_tune_then_run(self):
        model, _ = self.model(H=256)  # whose steps take longer than a launch
        x = self.save("x.npy", self.normal(9, 4, 3))
        tuned = self.report("tune", model, "--batch", "1,4")
        self.assertEqual([p["rows"] for p in tuned["plans"]], [1, 4])
        self.assertEqual(self.report("cache")["answers"], 2)
        for plan in tuned["plans"]:
            self.assertGreaterEqual(plan["measured"], 2)
            self.assert_explained(plan, {"stepwise", "fused-step", "rows"})
            self.assertTrue(any(c["verdict"] == "slower" and c["microseconds"] for c in plan["layers"][0]["candidates"]))
        known = self.report("info", model, "--plan", "--batch", 4)["plan"]
        self.assertEqual(known["measured"], 0)
        for key in ["strategy", "tile_rows", "groups", "microseconds"]:
            before, now = tuned["plans"][1]["layers"][0][key], known["layers"][0][key]
            self.assertTrue(before == now or abs(before - now) < 1e-5 * before, (key, before, now))
        run = self.report("run", model, x, "-o", pathlib.Path("y.npy"))
        self.assertEqual(run["strategy"], known["strategy"])
        named = self.run_good("run", model, x, "-o", pathlib.Path("named.npy"), "--strategy", "fused-step", "--quiet")
        self.assertEqual(named.out, "")
        self.assertEqual(self.load("y.npy").tobytes(), self.load("named.npy").tobytes())

    def test_tuning_is_pinned(self):
        model, _ = self.model(H=8)
        measured = lambda *more: self.report("info", model, "--plan", *more)["plan"]["measured"]
        self.assertEqual(measured("--tuning", "none"), 0)
        self.assertGreater(measured(), 0)
        self.assertEqual(measured(), 0)
        self.assertGreater(measured("--tuning", "again"), 0)
        self.environment["OCLSTM_TUNING"] = "again"
        self.assertGreater(measured(), 0)
        self.assertEqual(measured("--tuning", "default"), 0)
        self.assertEqual(measured("--strategy", "rows"), 0)

    def test_info_says_why(self):
        layers = [{"kind": "lstm", "hidden_size": 6, "direction": "bidirectional"},
                  {"kind": "lstm", "hidden_size": 5, "layer_norm": "tflite"}]
        model, _ = self.described(layers, head=2)
        plan = self.report("info", model, "--plan", "--batch", 3, "--tuning", "none")["plan"]
        self.assertEqual([(r["layer"], r["direction"]) for r in plan["layers"]], [(0, 0), (0, 1), (1, 0)])
        self.assert_explained(plan, {"stepwise", "fused-step", "rows"})
        self.assertEqual(plan["layers"][2]["strategy"], "stepwise")
        refused = {c["strategy"]: c["why"] for c in plan["layers"][2]["candidates"] if c["verdict"] == "refused"}
        self.assertEqual(set(refused), {"fused-step", "rows", "grid"})
        self.assertIn("layer_norm", refused["rows"])
        self.assertEqual({m["purpose"] for m in plan["memory"]} >= {"weights of layers", "biases", "head"}, True)
        text = self.text("info", model, "--plan", "--batch", 3, "--tuning", "none")
        for words in ["layer 0, forward", "layer 0, reverse", "layer 1: stepwise", "chosen: ", "refused: strategy rows",
                      "not tried: tuning none", "launches a call", "weights of layers"]:
            self.assertIn(words, text)

    def test_what_is_wrong_with_the_command_line(self):
        model, _ = self.model()
        for batches in ["0", "1,", ",1", "1,x", "-1", " 1", "1 ,2", "4294967296", "99999999999999999999"]:
            self.fails(2, None, f"--batch: '{batches}'", "tune", model, f"--batch={batches}", environment=self.environment)
        self.fails(2, None, "needs one model", "tune", environment=self.environment)
        self.fails(2, None, "OCLSTM_CACHE_DIR", "tune", model, environment={"OCLSTM_CACHE_DIR": "off"})
        self.fails(2, None, "reference", "tune", model, "--device", "reference", environment=self.environment)
        # A folder that is none: what was measured is printed, and the code says that it is not kept.
        result = self.run_cli("tune", model, "--json", environment={**self.environment, "OCLSTM_CACHE_DIR": "/dev/null"})
        self.assertEqual((result.code, result.err.splitlines()[-1]),
                         (1, "oclstm: E_WRITE: answers are not kept: /dev/null: Not a directory"))
        self.assertEqual(len(json.loads(result.out)["plans"]), 1)
        # What was done before a batch that fails is whole.
        result = self.run_cli("tune", model, "--json", "--batch", "1,4000000000", environment=self.environment)
        self.assertEqual((result.code, [p["rows"] for p in json.loads(result.out)["plans"]]), (3, [1]), result.err)
        self.fails(2, None, "OCLSTM_TUNING: unknown value 'some'", "info", model, environment={"OCLSTM_TUNING": "some"})
        self.fails(2, None, "did you mean 'again'", "info", model, "--tuning", "agian", environment=self.environment)
        self.fails(2, None, "takes no argument", "cache", "all", environment=self.environment)


class Cache(TuningTest):
    def test_show_and_clear(self):
        empty = self.report("cache")
        self.assertEqual((empty["folder"], empty["bytes"], empty["programs"], empty["answers"]),
                         (self.path("cache"), 0, 0, 0))
        model, _ = self.model(H=8)
        self.report("tune", model)
        held = self.report("cache")
        self.assertEqual((held["tuning_files"], held["answers"], held["leftovers"]), (1, 1, 0))
        files = list((self.folder / "cache").iterdir())
        self.assertEqual(held["bytes"], sum(f.stat().st_size for f in files))
        self.assertEqual(held["programs"], len([f for f in files if f.suffix == ".bin"]))
        self.assertGreater(held["programs"], 0)
        text = self.text("cache")
        self.assertIn(self.path("cache"), text)
        self.assertIn(f"{held['programs']} programs, 1 tuning answers", text)
        (self.folder / "cache/notes.txt").write_text("not ours")
        (self.folder / "cache" / ("0" * 32 + ".bin.77")).write_text("left over")
        (self.folder / "cache" / ("0" * 31 + ".bin")).write_text("too short a name to be ours")
        (self.folder / "cache" / ("1" * 32 + ".bin")).mkdir()
        cleared = self.report("cache", "--clear")
        self.assertEqual((cleared["cleared"], cleared["programs"], cleared["answers"], cleared["leftovers"]),
                         (True, held["programs"], 1, 1))
        self.assertEqual(sorted(f.name for f in (self.folder / "cache").iterdir()),
                         ["0" * 31 + ".bin", "1" * 32 + ".bin", "notes.txt"])
        self.assertEqual(self.report("cache")["bytes"], 0)
        self.assertIn("removed", self.text("cache", "--clear"))

    def test_no_folder(self):
        self.environment["OCLSTM_CACHE_DIR"] = "off"
        self.assertIsNone(self.report("cache")["folder"])
        self.assertIn("none", self.text("cache", "--clear"))

    def test_a_folder_that_cannot_be_read(self):
        (self.folder / "file").write_text("")
        self.environment["OCLSTM_CACHE_DIR"] = self.path("file")
        self.fails(3, "E_OPEN", "file: Not a directory", "cache", environment=self.environment)


if __name__ == "__main__":
    unittest.main()
