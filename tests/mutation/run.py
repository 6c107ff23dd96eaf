#!/usr/bin/env python3
"""Puts known faults into a copy of the tree, one at a time, and looks whether the tests notice. SPDX-License-Identifier: MIT

    run.py SOURCE WORK [--only TEXT] [--jobs N] [--table FILE]
    run.py SOURCE --texts       only whether every mutant can be made

Exits with 1 when a mutant survives, and with 2 when one cannot be made: what it replaces must stand in its file once.
"""
import argparse
import concurrent.futures
import filecmp
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import mutants

COPIED = ["CMakeLists.txt", "LICENSE", "CHANGELOG.md", "cmake", "host", "include", "kernels", "tests", "examples", "bench"]
# Tests that have to notice the faults of an engine, in stages: a later stage runs only when the earlier ones did not.
UNITS = r"^(golden\.stored|forward\.(equations|directions|ragged|chunks|calls|sweeps))"
CELLS = r"^forward\.(cells|cells_sweeps)"
OWN = r"^reference\."
FORMATS = r"^(formats|model)\."
# Scripts in Python, on the reference.
CONVERT = r"^convert\.(keras_refused|torch|keras[23]\.reference)$"
TUNING = r"^opencl\.(answers|choices|tuning)$"
JOBS = r"^job\.(arrays$|verify$|cells\.reference$)"
STAGES = {
    mutants.REFERENCE: [r"^(golden\.stored|forward\.(equations|cells))\.reference$", OWN, UNITS + r"\.reference$",
                        CELLS + r"\.reference$"],
    mutants.OPENCL: [r"^forward\.(equations|directions)\.pocl-(stepwise\+plain|fused-step)$",
                     UNITS + r"\.pocl-(stepwise\+plain|fused-step)$", r"^forward\.tour_"],
    mutants.FILES: [r"^golden\.stored\.reference$", FORMATS],
    mutants.CONVERT: [CONVERT],
    mutants.JOBS: [JOBS],
    mutants.TUNING: [TUNING],
}


def run(command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)


def copy_tree(source, to):
    """A copy in which files that are the same keep their times, so that they are not built again."""
    for name in COPIED:
        for path in [source / name] if (source / name).is_file() else sorted((source / name).rglob("*")):
            target = to / path.relative_to(source)
            if path.is_dir():
                target.mkdir(parents=True, exist_ok=True)
            elif not target.exists() or not filecmp.cmp(path, target, shallow=False):
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)


def mutate(text, find, replace):
    """The text with the one place that reads like find replaced, or None. Blanks and line breaks may differ."""
    words = [re.escape(word) for word in find.split()]
    pattern = re.compile(r"\s+".join(words))
    if len(pattern.findall(text)) != 1:
        return None
    return pattern.sub(lambda _: replace, text)


class Builds:
    def __init__(self, source, work):
        self.tree, self.build = work / "tree", work / "build"
        work.mkdir(parents=True, exist_ok=True)
        # Trees lie in the same place as seen from their builds: what ccache keeps of one serves the others.
        self.compiling = dict(os.environ, CCACHE_BASEDIR=str(work.parent), CCACHE_NOHASHDIR="1")
        copy_tree(source, self.tree)
        done = run(["cmake", "-S", self.tree, "-B", self.build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug",
                    "-DCMAKE_C_FLAGS_DEBUG=-O1", "-DBUILD_SHARED_LIBS=OFF", "-DOCLSTM_TEST_TIMEOUT=120"])
        if done.returncode != 0:
            sys.exit(f"cannot configure:\n{done.stdout}")
        self.programs = self.test_programs()
        # A C test ends with its first failure; what it leaves behind then, it leaves here.
        temporary = work / "tmp"
        temporary.mkdir(exist_ok=True)
        self.environment = dict(os.environ, CMOCKA_TEST_ABORT="1", TMPDIR=str(temporary))

    def test_programs(self):
        """Of each test its executables, as targets of the build. CTest itself keeps quiet about those not yet built."""
        programs = {}
        for listing in self.build.rglob("CTestTestfile.cmake"):
            for test in re.findall(r"^add_test\((.*)\)$", listing.read_text(), re.M):
                name = test.lstrip("[=").split("]")[0].split(" ")[0]
                found = re.findall(re.escape(f'"{self.build}/') + r'[^"]*/(\w+)"', test)
                programs[name] = ["oclstm_cli" if program == "oclstm" else program for program in found]
        return programs

    def make(self, stage):
        """Builds what the tests of a stage run."""
        tests = [of for name, of in self.programs.items() if re.search(stage, name)]
        targets = {target for of in tests for target in of}
        if not tests:
            sys.exit(f"no tests are called {stage} in {self.build}")
        if not targets:  # scripts alone
            return run(["true"])
        return run(["cmake", "--build", self.build, "--target", *sorted(targets)], env=self.compiling)

    def first_red(self, stages):
        """("TEST", or "TEST CASE" where it was in one of a C test's; or None, what the compiler says when it fails or None)."""
        for stage in stages:
            tests, _, case = stage.partition(" ")
            made = self.make(tests)
            if made.returncode != 0:
                return None, made.stdout
            done = run(["ctest", "--test-dir", self.build, "--no-tests=error", "--stop-on-failure", "--output-on-failure", "-R", tests],
                       env=dict(self.environment, OCLSTM_TEST_ONLY=case) if case else self.environment)
            if done.returncode != 0:
                red = re.search(r"Test +#\d+: (\S+) [^*\n]*\*\*\*", done.stdout)
                begun = re.findall(r"^\[ RUN +\] (\w+)$", done.stdout, re.M)
                return (" ".join([red.group(1), *begun[-1:]]), None) if red else sys.exit(f"the tests cannot be run:\n{done.stdout}")
        return None, None


def last_caught(source):
    """{(engine, fault): stage}, of the last table: what noticed a fault then is asked first, of a C test that case alone."""
    table = (source / "docs/mutation.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+) \| (.*?) \| `[^`]*` \| ([^|* ]+)( \w+)? \|$", table, re.M)
    return {(engine, name): f"^{re.escape(test)}${case}" for engine, name, test, case in rows}


def stages_of(mutant, known):
    first = known.get(mutant[:2])
    return ([first] if first else []) + (list(mutant[5:]) or STAGES[mutant[0]])


def build_trees(all_builds, chosen, known):
    """One build after the other, the first by all processors: the others take from ccache what it made."""
    asked = "|".join(sorted({f"({stage.split(' ')[0]})" for m in chosen for stage in stages_of(m, known)[:1]}))
    for builds in all_builds if asked else []:
        made = builds.make(asked)
        if made.returncode != 0:
            sys.exit(f"the tree as it is does not build:\n{made.stdout[-4000:]}")


def check_tree(builds, stages):
    """The tests that are to notice faults pass without them."""
    red, wrong = builds.first_red(stages)
    if wrong is not None:
        sys.exit(f"the tree as it is does not build:\n{wrong[-4000:]}")
    if red is not None:
        sys.exit(f"the tree as it is: {red} fails")


def stages_to_check(chosen, known, share, shares):
    """What one of the builds, which are equal, checks: its part of the tests that are asked first, and all that those of its own
    mutants may be asked of which it is not known who notices them."""
    asked = sorted({known[m[:2]] for m in chosen if m[:2] in known})[share::shares]
    others = {stage for m in chosen[share::shares] if m[:2] not in known for stage in stages_of(m, known)}
    return asked + sorted(others)


def check_texts(source, chosen):
    """2 when a mutant cannot be made of the tree as it is."""
    lost = [m for m in chosen if mutate((source / m[2]).read_text(), m[3], m[4]) is None]
    for engine, name, file, find, *_ in lost:
        print(f"{engine}: {name}: {file} does not hold exactly once: {find}")
    return 2 if lost else 0


def try_mutant(builds, mutant, stages):
    """(caught by, None) or (None, what is wrong)."""
    _, _, file, find, replace = mutant[:5]
    path = builds.tree / file
    good = path.read_text()
    bad = mutate(good, find, replace)
    if bad is None:
        return None, f"{file} does not hold exactly once: {find}"
    try:
        path.write_text(bad)
        red, wrong = builds.first_red(stages)
        return red, wrong and f"{file} does not compile:\n{wrong[-2000:]}"
    finally:
        path.write_text(good)


def try_all(builds, chosen, to_check, known):
    """[(mutant, (caught by, what is wrong))], once the tests are green without faults."""
    check_tree(builds, to_check)
    results = []
    for mutant in chosen:
        start = time.monotonic()
        caught, wrong = try_mutant(builds, mutant, stages_of(mutant, known))
        verdict = "ERROR" if wrong else "yes" if caught else "NO"
        print(f"{mutant[0] + ': ' + mutant[1]:58} {caught or '-':44} {verdict:6} {time.monotonic() - start:4.1f} s\n"
              f"{wrong or ''}", end="", flush=True)
        results.append((mutant, (caught, wrong)))
    return results


def write_table(path, rows):
    with open(path, "w", encoding="utf-8") as table:
        table.write("# Faults that the tests notice\n\nWritten by `tests/mutation/run.py --table`; each fault is one change of "
                    "the source.\n\n| engine | fault | file | caught by |\n|---|---|---|---|\n")
        for (engine, name, file, *_), caught in rows:
            table.write(f"| {engine} | {name} | `{file}` | {caught or '**nothing**'} |\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("work", type=pathlib.Path, nargs="?", help="where the copies are built")
    parser.add_argument("--only", default="", help="mutants whose engine and name contain this")
    parser.add_argument("--jobs", type=int, default=2, help="builds side by side")
    parser.add_argument("--texts", action="store_true", help="build nothing: look whether every mutant can be made")
    parser.add_argument("--table", help="write what was found as a Markdown table")
    options = parser.parse_args()
    chosen = [m for m in mutants.MUTANTS if options.only in f"{m[0]}: {m[1]}"]
    if options.texts or options.work is None:
        return check_texts(options.source, chosen)
    known = last_caught(options.source)
    print(f"{'mutant':58} {'caught by':44} caught")
    all_builds = [Builds(options.source.resolve(), options.work.resolve() / str(k)) for k in range(options.jobs)]
    build_trees(all_builds, chosen, known)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        shares = [pool.submit(try_all, all_builds[k], chosen[k::options.jobs], stages_to_check(chosen, known, k, options.jobs),
                              known) for k in range(options.jobs)]
        found = {mutant[:2]: result for share in shares for mutant, result in share.result()}
    rows = [(mutant, found[mutant[:2]][0]) for mutant in chosen]
    broken = sum(wrong is not None for _, wrong in found.values())
    survived = sum(caught is None and wrong is None for caught, wrong in found.values())
    if options.table:
        write_table(options.table, rows)
    for (engine, name, *_), caught in rows:
        if caught is None:
            print(f"not noticed: {engine}: {name}")
    print(f"{len(chosen)} mutants, {survived} survived, {broken} could not be made")
    return 2 if broken or not chosen else 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
