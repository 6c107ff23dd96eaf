"""oclstm bench with peers that do right and wrong. SPDX-License-Identifier: MIT"""
import csv
import io
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import unittest

from harness import PROGRAM, CliTest

PEER = pathlib.Path(__file__).resolve().parent / "peer.py"
QUICKLY = ["--repeats", "2", "--no-peaks", "--onednn", "off", "--json"]


class Peers(CliTest):
    def bench(self, mode, *arguments, shape="6,3,4,5", code=0):
        """The outcome of our column and of the peer's, and everything."""
        result = self.run_cli("bench", shape, *QUICKLY, "--peer", f"'{sys.executable}' '{PEER}' {mode}", *arguments,
                              environment={"TMPDIR": str(self.folder), "PEER_LOG": self.path("log")})
        self.assertEqual((result.code, result.err), (code, ""), result.err)
        report = json.loads(result.out)
        ours, peer = report["shapes"][0]["results"]
        self.assertEqual((ours["column"], peer["column"]), ("oclstm auto f32", "peer f32"))
        self.assertEqual((ours["state"], len(ours["samples"])), ("done", 2))
        self.assertEqual([p.name for p in self.folder.iterdir()], ["log"])  # its files are gone
        return ours, peer, report

    def requests(self):
        return [json.loads(line) for line in (self.folder / "log").read_text().splitlines()]

    def broken(self, mode, state, why, *arguments, code=1, shape="6,3,4,5"):
        _, peer, _ = self.bench(mode, *arguments, code=code, shape=shape)
        self.assertEqual(peer["state"], state)
        self.assertIn(why, peer["why"])
        self.assertNotIn("median_seconds", peer)
        self.assertNotIn("samples", peer)

    def test_good(self):
        ours, peer, report = self.bench("good")
        self.assertEqual(peer["state"], "done")
        self.assertLess(peer["relative_l2"], 1e-7)
        self.assertEqual(peer["samples"], [0.002, 0.002])
        self.assertEqual(peer["prepare_seconds"], 0.005)
        self.assertAlmostEqual(peer["ratio"], ours["median_seconds"] / 0.002, delta=1e-6 * peer["ratio"])
        self.assertEqual({k: report["columns"][1][k] for k in ["name", "kind", "version", "details", "precision"]},
                         {"name": "peer f32", "kind": "peer", "version": "1.2", "details": "in NumPy", "precision": "f32"})

    def test_what_it_is_asked(self):
        self.bench("good")
        requests = self.requests()
        # A first run for the length of warm-ups, and the two that count.
        self.assertEqual([r["op"] for r in requests], ["hello", "prepare", "time", "time", "time", "quit"])
        self.assertEqual((requests[0]["protocol"], requests[0]["threads"]), (1, len(os.sched_getaffinity(0))))
        self.assertEqual({k: requests[1][k] for k in ["T", "B", "I", "H", "layers", "directions", "cell", "precision", "lengths",
                                                      "linear_before_reset"]},
                         {"T": 6, "B": 3, "I": 4, "H": 5, "layers": 1, "directions": 1, "cell": "lstm", "precision": "f32",
                          "lengths": None, "linear_before_reset": True})
        self.assertEqual([r["repeats"] for r in requests[2:5]], [1, 1, 1])
        self.assertEqual([r["warm_up"] for r in requests[2:5]], [0, 10, 10])  # of 2 ms each, 20 ms

    def test_threads(self):
        """As many as bench has itself."""
        line = [PROGRAM, "bench", "6,3,4,5", *QUICKLY, "--peer", f"'{sys.executable}' '{PEER}' good"]
        one = min(os.sched_getaffinity(0))
        out = subprocess.run(line, check=True, stdout=subprocess.PIPE, env={**os.environ, "PEER_LOG": self.path("log")},
                             preexec_fn=lambda: os.sched_setaffinity(0, {one})).stdout
        self.assertEqual((self.requests()[0]["threads"], json.loads(out)["machine"]["processors"]), (1, 1))

    def test_layers_and_directions(self):
        _, peer, _ = self.bench("good", shape="5,2,3,4,lstm,2,2")
        self.assertEqual(peer["state"], "done", peer)

    def test_wrong(self):
        self.broken("wrong", "WRONG", "from the reference, allowed are 2e-06 and 1e-05")
        self.broken("nan", "WRONG", "inf")

    def test_no_result(self):
        self.broken("shape", "failed", "its y is not of the shape [6,3,5]")
        self.broken("none", "failed", "its y: ")

    def test_refuses(self):
        self.broken("no", "refused", "cannot do lstm in \"f32\"", code=0)

    def test_dies(self):
        self.broken("dies", "failed", "the peer has ended with status 3")
        self.broken("dies-later", "failed", "the peer has ended with status 0")
        self.broken("killed", "failed", "the peer has ended by signal 9")

    def test_answers_nothing_of_use(self):
        self.broken("slow-time", "failed", "no time")
        self.broken("twice", "failed", "it printed more than one line for an answer")

    def test_does_not_read(self):
        """A request that a pipe does not hold ends with the time for it, and with a signal."""
        lengths = "2,40000,1,1,lstm,1,1,ragged"
        before = time.monotonic()
        self.broken("deaf", "failed", "no answer in time", "--peer-timeout", "1", shape=lengths)
        self.assertLess(time.monotonic() - before, 50)

    def test_answers_of_no_consequence(self):
        self.assertIsNone(self.bench("before")[1]["prepare_seconds"])
        self.bench("leaves")

    def test_words_that_are_hard_to_print(self):
        command = ["bench", "6,3,4,5", "7,3,4,5", *QUICKLY[:-1], "--peer", f"'{sys.executable}' '{PEER}' odd"]
        name = "a,\"b' " + "\u00e9" * 12 + " f32"
        why = "first, second \"line\" " + "\u00e9" * 89
        report = json.loads(self.run_good(*command, "--json").out)
        self.assertEqual((report["columns"][1]["name"], report["columns"][1]["details"]), (name, " [1m bold"))
        self.assertEqual([s["results"][1]["column"] for s in report["shapes"]], [name, name])
        self.assertEqual(report["shapes"][1]["results"][1]["why"], why)
        rows = list(csv.DictReader(io.StringIO(self.run_good(*command, "--csv").out)))
        self.assertEqual([(row["column"], row["why"]) for row in rows[1::2]], [(name, ""), (name, why)])
        self.assertRegex(self.run_good(*command).out, f"(?m)^  {re.escape(name)} +refused: {re.escape(why)}$")

    def test_names_are_of_one_column(self):
        def taken(name, *more):
            peer = f"'{sys.executable}' '{PEER}' good"
            self.fails(1, None, f"another column is named '{name}'", "bench", "6,3,4,5", *QUICKLY, "--peer", peer, *more,
                       environment={"TMPDIR": str(self.folder), "PEER_NAME": name})

        for name in ["oclstm auto", "onednn", "reference"]:
            taken(name)
        taken("twin", "--peer", f"'{sys.executable}' -B '{PEER}' good")

    def test_out_from_the_start(self):
        def out(text, command, *arguments):
            before = time.monotonic()
            self.fails(1, None, text, "bench", "1,1,1,1", *QUICKLY, "--peer", command, *arguments,
                       environment={"TMPDIR": str(self.folder)})
            self.assertLess(time.monotonic() - before, 50)

        python = f"'{sys.executable}' '{PEER}'"
        out("no such thing here", f"{python} refuses")
        out("its answer is no object with \"ok\": good morning", f"{python} garbage")
        out("the peer has ended with status 3", "exit 3")
        out("the peer has ended with status 0", "true")
        out("no answer in time", f"{python} silent", "--peer-timeout", "1")

    def test_text(self):
        result = self.run_cli("bench", "6,3,4,5", *QUICKLY[:-1], "--peer", f"'{sys.executable}' '{PEER}' wrong")
        self.assertEqual(result.code, 1)
        line = [line for line in result.out.splitlines() if line.startswith("  peer f32")][0]
        self.assertIn("WRONG: relative L2 0.001", line)

    def test_interrupted(self):
        """A signal while a peer computes: what is there is printed, and the code is 130."""
        with subprocess.Popen([PROGRAM, "bench", "4,2,3,4", "5,2,3,4", *QUICKLY, "--peer-timeout", "50", "--peer",
                               f"'{sys.executable}' '{PEER}' silent"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            time.sleep(2)
            process.send_signal(signal.SIGINT)
            before = time.monotonic()
            process.communicate(timeout=30)
            self.assertEqual(process.returncode, 130)
            self.assertLess(time.monotonic() - before, 20)


if __name__ == "__main__":
    unittest.main()
