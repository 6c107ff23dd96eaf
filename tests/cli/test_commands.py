"""oclstm devices, info and verify, and help. SPDX-License-Identifier: MIT"""
import json
import os
import pathlib
import unittest

from harness import CliTest, safetensors


class Devices(CliTest):
    def test_text_and_json_list_the_same(self):
        text = self.run_good("devices").out
        report = json.loads(self.run_good("devices", "--json").out)
        self.assertEqual(report["devices"][-1]["id"], "reference")
        for device in report["devices"]:
            self.assertIn(device["id"], text)
            self.assertIn(device["name"], text)
            self.assertEqual(device["usable"], device["why_not"] is None)
        wanted = os.environ["OCLSTM_DEVICE"]
        self.assertIn(wanted, [d["type"] for d in report["devices"]])

    def test_without_a_platform_there_is_the_reference(self):
        report = json.loads(self.run_good("devices", "--json", environment={"OCL_ICD_VENDORS": "/nonexistent"}).out)
        self.assertEqual([d["id"] for d in report["devices"]], ["reference"])


class Info(CliTest):
    def test_says_what_the_model_is(self):
        model, tensors = self.model(I=3, H=5, L=2, bidirectional=True, head=4)
        report = json.loads(self.run_good("info", model, "--json").out)
        self.assertEqual(report["parameters"], sum(t.size for t in tensors.values()))
        self.assertEqual([(r["kind"], r["direction"], r["input_size"], r["hidden_size"], r["bias"])
                          for r in report["layers"]],
                         [("lstm", "bidirectional", 3, 5, "two"), ("lstm", "bidirectional", 10, 5, "two")])
        layers = [sum(t.size for n, t in tensors.items() if f"_l{k}" in n) for k in range(2)]
        self.assertEqual([r["parameters"] for r in report["layers"]], layers)
        self.assertEqual((report["head_size"], report["input_size"], report["output_size"]), (4, 3, 4))
        self.assertEqual((report["h_size"], report["c_size"]), (20, 20))
        self.assertEqual((report["supported"], report["why_not"]), (True, None))
        text = self.run_good("info", model).out
        for words in ["layer 0", "layer 1", "bidirectional", f"{report['parameters']} parameters", "x [T,B,3]",
                      "y [T,B,4]", "head      dense 4", ": supported"]:
            self.assertIn(words, text)

    def test_plan(self):
        model, _ = self.model()
        report = json.loads(self.run_good("info", model, "--plan", "--batch", 7, "--chunk", 33, "--json").out)
        self.assertEqual((report["plan"]["rows"], report["plan"]["steps"]), (7, 33))
        self.assertTrue(report["plan"]["reason"])
        self.assertIn("7 rows, 33 steps", self.run_good("info", model, "--plan", "--batch", 7, "--chunk", 33).out)
        self.assertNotIn("plan", json.loads(self.run_good("info", model, "--json").out))

    def test_names_what_is_not_supported(self):
        model, _ = self.model()
        asked = ("--precision", "f16", "--gemm", "clblast")
        report = json.loads(self.run_good("info", model, *asked, "--json").out)
        self.assertEqual(report["supported"], False)
        self.assertIn("clblast", report["why_not"].lower())
        self.assertIn(f"not supported: {report['why_not']}", self.run_good("info", model, *asked).out)

    def test_without_a_device_the_model_is_described(self):
        model, _ = self.model()
        nowhere = {"OCL_ICD_VENDORS": "/nonexistent", "OCLSTM_DEVICE": ""}
        self.assertIn("device    none: ", self.run_good("info", model, environment=nowhere).out)
        report = json.loads(self.run_good("info", model, "--json", environment=nowhere).out)
        self.assertIsNone(report["device"])
        self.fails(4, "E_PLATFORM", "platform", "info", model, "--plan", environment=nowhere)
        self.fails(4, "E_PLATFORM", "platform", "info", model, "--device", "gpu", environment=nowhere)


class Verify(CliTest):
    def test_random_input(self):
        model, _ = self.model(L=2, bidirectional=True, head=4)
        text = self.run_good("verify", model).out
        self.assertEqual(text.count("PASS"), 3)
        self.assertIn("4 rows, 100 steps", text)
        for part in ["layer 0", "layer 1", "head"]:
            self.assertIn(part, text)
        report = json.loads(self.run_good("verify", model, "--json", "--steps", 20, "--batch", 3, "--seed", 9).out)
        self.assertEqual((report["rows"], report["steps"], report["passed"]), (3, 20, True))
        self.assertEqual([(r["part"], r["index"]) for r in report["results"]], [("layer", 0), ("layer", 1), ("head", 0)])
        for result in report["results"]:
            self.assertTrue(result["passed"])
            self.assertLessEqual(result["max_absolute"], 1e-5)
            self.assertLessEqual(result["relative_l2"], 2e-6)
        self.assertEqual(self.run_good("verify", model, "--quiet").out, "")

    def test_an_input_file(self):
        model, _ = self.model()
        x = self.save("x.npy", self.normal(30, 2, 3))
        self.assertIn("2 rows, 30 steps", self.run_good("verify", model, x).out)
        self.assertIn("2 rows, 12 steps", self.run_good("verify", model, x, "--steps", 12).out)
        self.assertIn("30 rows, 2 steps", self.run_good("verify", model, x, "--layout", "bti").out)

    def test_chaotic_weights_are_resynchronised(self):
        if os.environ["OCLSTM_DEVICE"] == "reference":
            self.skipTest("the reference does not leave itself")
        model, tensors = self.model(H=16)
        for name, array in tensors.items():
            tensors[name] = array * 50
        (self.folder / model).write_bytes(safetensors(tensors))
        report = json.loads(self.run_good("verify", model, "--json", "--steps", 1000, "--batch", 1).out)
        self.assertTrue(report["results"][0]["resynchronised"] and report["results"][0]["passed"])


class Help(CliTest):
    WORKING = ["devices", "info", "run", "verify", "convert", "tune", "cache", "bench"]
    MISSING = ["train", "inspect"]

    def test_program(self):
        text = self.run_good("--help").out
        self.assertEqual(text, self.run_good("-h").out)
        commands = [line.split()[0] for line in text.splitlines() if line.startswith("  ") and line[2] != " "]
        self.assertEqual(commands[:len(self.WORKING)], self.WORKING)
        for name in self.MISSING:
            self.assertNotIn(f"  {name} ", text)

    def test_every_command_lists_its_options(self):
        options = {"devices": ["--json"],
                   "info": ["--plan", "--device", "--strategy", "--tuning", "--gemm", "--precision", "--memory", "--json"],
                   "run": ["-o, --output", "--layout", "--output-layout", "--lengths", "--h0", "--c0", "--hn", "--cn",
                           "--cells", "--device", "--precision", "--strategy", "--gemm", "--chunk", "--batch",
                           "--memory", "--json", "-q, --quiet", "--log-level"],
                   "tune": ["--batch", "--chunk", "--device", "--precision", "--gemm", "--memory", "--json"],
                   "cache": ["--clear", "--json"],
                   "convert": ["--allow-external-data", "--json"],
                   "bench": ["--device", "--strategy", "--precision", "--peer", "--onednn", "--reference", "--repeats", "--seconds",
                             "--crossover", "--list", "--csv", "--plot", "--json"],
                   "verify": ["--steps", "--seed", "--layout", "--device", "--json"]}
        for command, names in options.items():
            text = self.run_good(command, "--help").out
            self.assertTrue(text.startswith(f"usage: oclstm {command}"))
            for name in names:
                self.assertIn(name, text)
            self.assertNotIn("--resume", text)

    def test_version(self):
        self.assertRegex(self.run_good("--version").out, r"^oclstm \d+\.\d+\.\d+\n$")


if __name__ == "__main__":
    unittest.main()
