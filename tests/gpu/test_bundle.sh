#!/bin/sh
# Packs a bundle and asks first.sh's questions from it, with nothing of this environment but one OpenCL driver.
# SPDX-License-Identifier: MIT
#   test_bundle.sh SOURCE BUILD ICD_FOLDER
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
sh "$1/bench/gpu/bundle.sh" "$folder/bundle" "$2"
most_kib=40960 # with the tree it travels in, of 18 MiB, it must stay below 64 MiB
[ "$(du -sk "$folder/bundle" | cut -f 1)" -le "$most_kib" ]
mkdir "$folder/vendors"
cp "$3/pocl.icd" "$folder/vendors"
# What PoCL has compiled of the same programs for other tests it need not compile again.
programs=${POCL_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/pocl/kcache}
env -i PATH=/usr/bin:/bin HOME="$folder" OCL_ICD_VENDORS="$folder/vendors" POCL_CACHE_DIR="$programs" \
  sh "$folder/bundle/first.sh" "$folder/results" --quick --only "machine device ptx resident launch tests bench"
cat "$folder/results/summary.txt"
python3 - "$folder/results" <<'END'
import json, pathlib, sys
results = pathlib.Path(sys.argv[1])
answers = json.loads((results / "results.json").read_text())
assert list(answers) == ["machine", "device", "ptx", "resident", "launch", "tests", "bench", "seconds"], list(answers)
for name, answer in answers.items():
    assert name == "seconds" or answer["status"] == 0, (name, answer)
assert answers["tests"]["answer"]["failed"] == 0 and answers["tests"]["answer"]["ended"] >= 6, answers["tests"]
assert answers["device"]["answer"]["CL_DEVICE_NAME"]
assert answers["bench"]["answer"]["shapes"][0]["results"][0]["median_seconds"] > 0, answers["bench"]
assert (results / "raw.tar.gz").stat().st_size > 0
END
