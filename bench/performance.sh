#!/bin/sh
# All runs that docs/performance.md shows, and its tables from their results.
# SPDX-License-Identifier: MIT
#
#   sh bench/performance.sh BUILD_DIR [NAME]
#
# Results go to bench/results/NAME, by default DATE-PROCESSOR-CORES. What is there already is not run again: after an interruption,
# or to measure one part anew (delete its file), say the same again, with the NAME. Nothing else should run on the machine.
#
#   OCLSTM_DEVICE          the device, default cpu
#   PYTORCH_PYTHON         a Python with torch, default BUILD_DIR/peers/bin/python (bench/peers/requirements.txt), then python3
#   ONNXRUNTIME_PYTHON     a Python with onnx and onnxruntime, default the same, then BUILD_DIR/conformance-python/bin/python
#   PARTS                  which, default all
set -eu
if [ $# -lt 1 ] || [ $# -gt 2 ]; then
  sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
build=$(cd "$1" && pwd)
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
export OCLSTM_DEVICE="${OCLSTM_DEVICE:-cpu}"
oclstm=$build/host/cli/oclstm
# Choices are measured now: those that are kept may be of a busier hour.
export OCLSTM_CACHE_DIR="$build/performance-cache"
rm -rf "$OCLSTM_CACHE_DIR"
parts=${PARTS:-targets storage inference training long ragged stacked cells main_job}

# A name for a folder: 2026-01-31-amd-epyc-2-cores.
here() {
  sed -n 's/^model name[[:space:]]*: //p;T;q' /proc/cpuinfo | tr '[:upper:]' '[:lower:]' | sed 's/([^)]*)//g; s/[^a-z0-9]\{1,\}/-/g; s/-$//'
}
name=${2:-$(date +%F)-$(here)-$(nproc)-cores}
results=bench/results/$name
mkdir -p "$results"

# The first of several Pythons that has the modules.
python_with() {
  modules=$1
  shift
  for python in "$@"; do
    if [ -n "$python" ] && "$python" -c "import $modules" 2>/dev/null; then
      printf '%s\n' "$python"
      return
    fi
  done
  printf '%s\n' "performance.sh: no Python with $modules" >&2
  exit 1
}
pytorch=$(python_with "numpy, torch" "${PYTORCH_PYTHON-}" "$build/peers/bin/python" python3 /usr/bin/python3)
runtime=$(python_with "numpy, onnx, onnxruntime" "${ONNXRUNTIME_PYTHON-}" "$build/peers/bin/python" "$build/conformance-python/bin/python")

# bench PART WORDS...: one run; its file is there when the run has ended well. With peers, unless PART is said not to have them.
bench() {
  part=$1
  shift
  printf '%s\n' "performance.sh: $part: oclstm bench $*" >&2
  begun=$(date +%s)
  code=0
  "$oclstm" bench "$@" --device "$OCLSTM_DEVICE" --json >"$results/$part.part" || code=$?
  # 1: a column was wrong or broke down, which the tables show.
  if [ "$code" -gt 1 ]; then
    rm -f "$results/$part.part"
    exit "$code"
  fi
  mv "$results/$part.part" "$results/$part.json"
  printf '%s\n' "performance.sh: $part: $(($(date +%s) - begun)) s" >&2
}

with_peers() {
  bench "$@" --peer "'$pytorch' -B bench/peers/pytorch.py" --peer "'$runtime' -B bench/peers/onnx_runtime.py"
}

run_part() {
  case $1 in
    targets)
      with_peers targets --seconds 130 --startup 100,64,512,512 100,64,1024,1024 100,128,256,256 100,32,256,256 100,8,256,256 \
        100,16,256,256 100,8,512,512 100,16,512,512 1000,1,64,64 1000,1,128,128 1000,1,256,256 1000,1,512,512 1000,1,1024,1024
      ;;
    storage) # peers have one type in the other parts
      bench storage --seconds 90 --precision f32 --precision f16 --precision bf16 100,32,512,512 100,64,512,512 100,32,1024,1024 \
        100,64,1024,1024 1000,1,64,64 1000,1,256,256 1000,1,512,512 1000,1,1024,1024
      ;;
    inference) with_peers inference --seconds 100 deepbench-inference ;;
    training) with_peers training --seconds 240 deepbench-training ;;
    long) # lengths that are compared come one behind another
      bench long --seconds 120 1000,1,64,64 10000,1,64,64 100000,1,64,64 1000000,1,64,64 1000,4,64,64 10000,4,64,64 100000,4,64,64 \
        1000000,4,64,64 1000,16,64,64 10000,16,64,64 100000,16,64,64 1000000,16,64,64
      ;;
    ragged) with_peers ragged --seconds 60 ragged ;;
    stacked) with_peers stacked --seconds 100 stacked ;;
    cells) with_peers cells --seconds 100 cells ;;
    main_job)
      "$pytorch" -B bench/main_job.py "$build" --steps 1000,1000000 --json "$results/main_job.part"
      mv "$results/main_job.part" "$results/main_job.json"
      ;;
    *)
      printf '%s\n' "performance.sh: no part $1" >&2
      exit 2
      ;;
  esac
}

for part in $parts; do
  if [ -e "$results/$part.json" ]; then
    printf '%s\n' "performance.sh: $part is there" >&2
  else
    run_part "$part"
  fi
done
python3 -B bench/report.py "$results" --into docs/performance.md
printf '%s\n' "performance.sh: docs/performance.md has the tables of $results" >&2
