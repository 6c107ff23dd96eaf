#!/usr/bin/env python3
"""Every question of gpu_probe, answered on a device that is here. SPDX-License-Identifier: MIT

test_probe.py PROBE DEVICE [THROUGH]    DEVICE: pocl or oclgrind; THROUGH: the command that runs it there
"""
import json
import subprocess
import sys
import tempfile
import unittest

PROBE, DEVICE, THROUGH = sys.argv[1], sys.argv[2], sys.argv[3:]
KINDS = ["counter", "flags", "flag in the data"]


def ask(question):
    with tempfile.NamedTemporaryFile(suffix=".json") as answer:
        command = THROUGH + [PROBE, question, "--quick", "--json", answer.name]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise AssertionError(f"{command} ended with {done.returncode}: {done.stderr}")
        return json.load(answer)


class Probe(unittest.TestCase):
    def no_errors(self, answer):
        self.assertNotIn("errors", answer)
        self.assertGreaterEqual(answer["seconds"], 0.0)

    def test_device(self):
        answer = ask("device")
        self.no_errors(answer)
        self.assertGreater(answer["CL_DEVICE_MAX_COMPUTE_UNITS"], 0)
        self.assertTrue(answer["CL_DEVICE_VERSION"].startswith("OpenCL "))
        self.assertIsNone(answer["CL_DEVICE_WARP_SIZE_NV"])

    def test_ptx_is_refused_by_name(self):
        answer = ask("ptx")
        self.no_errors(answer)
        self.assertIn("mma.sync.m16n8k16.f32.bf16", answer["trials"])
        self.assertEqual({trial["build"] for trial in answer["trials"].values()}, {"not NVIDIA"})

    @unittest.skipIf(DEVICE == "oclgrind", "it runs one group after another")
    def test_as_many_groups_as_threads_meet(self):
        answer = ask("coresidency")
        self.no_errors(answer)
        for row in answer["groups"]:
            self.assertEqual((row["build"], row["groups_per_unit"]), ("ok", 1), row)
        self.assertIs(answer["one_more_meets"], False)

    def test_barriers_let_no_old_word_through(self):
        answer = ask("barrier")
        self.no_errors(answer)
        measured = {(row["kind"], row["access"]): row for row in answer["steps"]}
        self.assertEqual(len(answer["steps"]), 18)
        for kind in KINDS:
            self.assertEqual(measured[kind, "ptx"]["build"], "not NVIDIA")
            for access in ["volatile", "atomic"]:
                row = measured[kind, access]
                if row["build"] == "ok":
                    self.assertEqual((row["gave_up"], row["wrong_words"]), (0, 0), row)
        self.assertEqual(measured["counter", "atomic"]["build"], "ok")
        self.assertEqual(measured["flags", "volatile"]["build"], "ok")

    @unittest.skipIf(DEVICE == "oclgrind", "its clock says nothing, and it is slow")
    def test_launches_are_in_order(self):
        answer = ask("launch")
        self.no_errors(answer)
        self.assertEqual(answer["dependent_kernels_counted"], 150)
        self.assertGreater(answer["enqueue_host_us"], 0.0)
        self.assertGreater(answer["two_queues_two_kernels_ratio"], 0.0)
        self.assertEqual([row["bytes"] for row in answer["transfers"]], [4, 4096])

    @unittest.skipIf(DEVICE == "oclgrind", "a peak of a simulator takes very long and says nothing")
    def test_peaks(self):
        answer = ask("peaks")
        self.no_errors(answer)
        for name in ["fma_gflops", "copy_gb_s", "read_gb_s", "read_small_gb_s"]:
            self.assertGreater(answer[name], 0.1, name)
        self.assertEqual(answer["mma_bf16_gflops"], "not NVIDIA")

    @unittest.skipIf(DEVICE == "oclgrind", "CLBlast's tuned kernels take minutes there")
    def test_clblast_multiplies(self):
        answer = ask("clblast")
        self.no_errors(answer)
        (row,) = answer["products"]
        self.assertGreater(row["gflops"], 0.0)
        self.assertLess(row["error"], 1e-6)
        self.assertGreaterEqual(row["error"], 0.0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
