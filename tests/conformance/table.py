#!/usr/bin/env python3
"""Makes the tables of docs/conformance.md from what the tests recorded, or with --check says whether they are the same.

A record is a file SOURCE.ENTRY.txt, where ENTRY is one of OCLSTM_TEST_DEVICES; its lines are "CASE OUTCOME MESSAGE". Versions are
shown and not compared. What was not configured is not compared either: --records-of says what is to be there.
SPDX-License-Identifier: MIT
"""
import argparse
import collections
import json
import os
import re
import sys

SOURCES = {
    "vectors": "own vectors",
    "torch": "PyTorch, now",
    "onnxruntime": "onnxruntime, now",
    "keras": "Keras, stored",
    "onednn": "oneDNN, now",
    "onnx-data": "ONNX node data",
    "onnx-generator": "ONNX node generator",
}
MUTANTS = {"own": "own files", "state-dict": "PyTorch's state_dict", "onnx": "ONNX", "keras": "Keras' converter"}
BEGIN, END = "<!-- made by tests/conformance/table.py: %s -->", "<!-- end -->"
NAMES = ("sources", "refusals", "mutants")


class Record:
    def __init__(self, folder, source, entry):
        self.version, self.outcomes = None, []
        with open(os.path.join(folder, "%s.%s.txt" % (source, entry))) as file:
            for line in file:
                if line.startswith("# version "):
                    self.version = line[len("# version "):].strip()
                else:
                    name, outcome, message = (line.rstrip("\n") + "  ").split(" ", 2)
                    self.outcomes.append((name, outcome, message.strip()))

    def count(self, outcome):
        return sum(o == outcome for _, o, _ in self.outcomes)


def version_of(cases, source, record):
    path = os.path.join(cases, source, "source.json")
    if record.version is None and os.path.exists(path):
        with open(path) as file:
            return json.load(file)["version"]
    return record.version or "-"


def source_lines(records, cases):
    """One line for each source and device."""
    yield "| source | version | on | cases | passed | refused by name |"
    yield "|---|---|---|---|---|---|"
    for source, title in SOURCES.items():
        for (of, entry), record in records.items():
            if of == source:
                yield "| %s | %s | %s | %d | %d | %d |" % (title, version_of(cases, source, record), entry, len(record.outcomes),
                                                         record.count("passed"), record.count("refused"))


def refusal_lines(records):
    """What was refused, with the numbers and names of the case taken out of the message."""
    counts = collections.Counter()
    for (source, entry), record in records.items():
        for _, outcome, message in record.outcomes:
            if outcome == "refused" and source in SOURCES:
                text = re.sub(r"^E_UNSUPPORTED (layer \d+: |node \S* ?\(\w+\): )?", "", message)
                counts[(SOURCES[source], entry, text)] += 1
    yield "| source | on | cases | refused as |"
    yield "|---|---|---|---|"
    for (title, entry, text), n in counts.items():
        yield "| %s | %s | %d | %s |" % (title, entry, n, text)


def mutant_lines(records):
    yield "| importer | wrong orders tried | noticed |"
    yield "|---|---|---|"
    for (source, entry), record in records.items():
        if source not in ("mutants", "node-mutants") or entry != "reference":
            continue
        tried = collections.Counter(name.split("_")[0] for name, _, _ in record.outcomes)
        noticed = collections.Counter(name.split("_")[0] for name, outcome, _ in record.outcomes if outcome == "noticed")
        for importer, n in tried.items():
            title = MUTANTS.get(importer, "ONNX, by the ONNX project's own node cases")
            yield "| %s | %d | %d |" % (title, n, noticed[importer])


def parts_of(text):
    """{name: lines between its marks}."""
    found = {}
    for name in NAMES:
        begin = text.index(BEGIN % name) + len(BEGIN % name)
        found[name] = text[begin:text.index(END, begin)].strip("\n").split("\n")
    return found


def with_parts(text, parts):
    for name in NAMES:
        begin = text.index(BEGIN % name) + len(BEGIN % name)
        text = text[:begin] + "\n" + "\n".join(parts[name]) + "\n" + text[text.index(END, begin):]
    return text


def without_version(line):
    cells = line.split(" | ")
    return " | ".join(cells[:1] + cells[2:]) if len(cells) == 6 else line


def is_wanted(line, records):
    """Whether a line of the document speaks of something that was configured here."""
    entries = {entry for _, entry in records}
    titles = {(SOURCES.get(source), entry) for source, entry in records}
    cells = line.strip("| ").split(" | ")
    if len(cells) == 6 and cells[0] in SOURCES.values():
        return (cells[0], cells[2]) in titles
    if len(cells) == 4 and cells[0] in SOURCES.values():
        return (cells[0], cells[1]) in titles
    return not cells[0] in MUTANTS.values() or ("mutants", "reference") in records or not entries


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--records", required=True, metavar="FOLDER")
    parser.add_argument("--cases", required=True, metavar="FOLDER")
    parser.add_argument("--records-of", required=True, nargs="+", metavar="SOURCE:ENTRY")
    parser.add_argument("document")
    options = parser.parse_args()
    records = {tuple(name.split(":")): Record(options.records, *name.split(":")) for name in options.records_of}
    parts = {"sources": list(source_lines(records, options.cases)), "refusals": list(refusal_lines(records)),
             "mutants": list(mutant_lines(records))}
    with open(options.document) as file:
        text = file.read()
    if not options.check:
        with open(options.document, "w") as file:
            file.write(with_parts(text, parts))
        return 0
    wrong = 0
    for name, lines in parts_of(text).items():
        there = [without_version(line) for line in lines if is_wanted(line, records)]
        made = [without_version(line) for line in parts[name]]
        for line in [l for l in there if l not in made]:
            wrong += 1
            print("%s: in the document, not in this run: %s" % (name, line), file=sys.stderr)
        for line in [l for l in made if l not in there]:
            wrong += 1
            print("%s: in this run, not in the document: %s" % (name, line), file=sys.stderr)
    print("%d records, %d lines differ" % (len(records), wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
