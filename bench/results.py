"""Results of `oclstm bench --json`, in the terms of report.py. SPDX-License-Identifier: MIT"""
import json
import pathlib


class Column:
    """Who is `oclstm`, `onednn`, or the name that a peer gives itself."""

    def __init__(self, entry):
        self.entry, self.name, self.precision = entry, entry["name"], entry["precision"]
        self.who = self.name.split()[0]


class Row:
    """A shape of one run with the results of all columns. Where several have one name and precision, the first counts."""

    def __init__(self, run, shape, columns):
        self.run, self.list = run, shape["list"]
        self.T, self.B, self.I, self.H = (shape[name] for name in "TBIH")
        self.cell, self.layers, self.directions, self.kind = (shape[name] for name in ("cell", "layers", "directions", "rows"))
        self.steps, self.flops = shape["valid_steps"], shape["flops"]
        self.results = {}  # (who, precision): result
        for result in shape["results"]:
            column = columns[result["column"]]
            self.results.setdefault((column.who, column.precision), result)

    def is_plain(self):
        return (self.I, self.cell, self.layers, self.directions, self.kind) == (self.H, "lstm", 1, 1, "whole")

    def done(self, who, precision):
        """The result, or None where there is no time."""
        result = self.results.get((who, precision), {})
        return result if result.get("state") == "done" and result.get("median_seconds") else None

    def seconds(self, who, precision="f32"):
        result = self.done(who, precision)
        return result["median_seconds"] if result else None

    def why(self, who, precision="f32"):
        """What stands where a time would."""
        result = self.results.get((who, precision), {})
        return result.get("why") or result.get("state") or "-"


class Results:
    """The files of a folder. A row belongs to its run: results of different runs are never one row."""

    def __init__(self, folder):
        self.documents, self.rows, self.main_job = [], [], None
        for path in sorted(pathlib.Path(folder).glob("*.json")):
            document = json.loads(path.read_text())
            if path.name == "main_job.json":
                self.main_job = document
                continue
            columns = {entry["name"]: Column(entry) for entry in document["columns"]}
            self.rows += [Row(len(self.documents), shape, columns) for shape in document["shapes"]]
            self.documents.append(document)
        if not self.documents:
            raise SystemExit(f"{folder}: no results of oclstm bench")

    def of_lists(self, *names):
        return [row for row in self.rows if row.list in names]

    def lstm(self, T, B, H, *needed):
        """The plain layer of T, B, H = I in whatever list; one where everybody needed is done, where there is one. Or None."""
        found = [row for row in self.rows if row.is_plain() and (row.T, row.B, row.H) == (T, B, H)]
        complete = [row for row in found if all(row.done(*who) for who in needed)]
        return (complete or found or [None])[0]

    def columns(self):
        """Each once, as the last file has it."""
        return {entry["name"]: entry for document in self.documents for entry in document["columns"]}

    def machine(self):
        """Of all files; several machines are an error."""
        machines = {json.dumps(document["machine"], sort_keys=True) for document in self.documents}
        if len(machines) != 1:
            raise SystemExit("the results are of several machines, or systems")
        return json.loads(machines.pop())
