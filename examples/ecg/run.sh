#!/bin/sh
# A network on a real heart: five minutes of electrocardiogram, forecast sample by sample, and its beats as a batch.
# SPDX-License-Identifier: MIT
#
#   examples/ecg/run.sh BUILD_DIR OUT_DIR
#
# OCLSTM_DEVICE chooses the device, as everywhere. Everything that is printed goes to OUT_DIR/report.txt as well.
set -eu
export LC_ALL=C # numbers with a point

if [ $# -ne 2 ]; then
  echo "usage: $0 BUILD_DIR OUT_DIR" >&2
  exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
oclstm=$1/host/cli/oclstm
ecg=$1/examples/ecg/ecg
out=$2
model=$here/ecg_forecaster.safetensors
recording=$here/ecg_mitdb208_mlii_360hz.npy
horizon=9 # samples of 1/360 s: what the network was trained for
ahead="25 ms"

for program in "$oclstm" "$ecg"; do
  if [ ! -x "$program" ]; then
    echo "$0: $program is missing: build the project in $1 first" >&2
    exit 1
  fi
done

# Beats of an earlier run would mix with this one's.
rm -rf "$out/beats" "$out/beats_forecast"
mkdir -p "$out/beats"
: >"$out/report.txt"

# Prints what it reads, and keeps it.
say() {
  tee -a "$out/report.txt"
}

# value KEY: what stands behind "KEY": in the summary of the last run, which has one key a line.
value() {
  sed -n 's/^ *"'"$1"'": "\{0,1\}\(.*[^",]\)"\{0,1\},\{0,1\}$/\1/p' "$out/run.json" | head -n 1
}

# forecast WHAT INPUT OUTPUT: runs the network, and says on what and how fast.
forecast() {
  "$oclstm" run "$model" "$2" -o "$3" --json >"$out/run.json"
  printf '%s: rows %d, steps %d; %.0f steps a second; %s on %s\n' "$1" "$(value rows)" "$(value valid_steps)" \
    "$(value steps_per_second)" "$(value strategy)" "$(value name)" | say
}

"$ecg" prepare "$recording" "$out" >"$out/prepare.txt"
say <"$out/prepare.txt"
forecast "recording" "$out/signal.npy" "$out/forecast.npy"
forecast "beats" "$out/beats" "$out/beats_forecast"
"$ecg" stream "$model" "$out/signal.npy" "$out/stream.npy" ${OCLSTM_DEVICE:+"$OCLSTM_DEVICE"} >"$out/stream.txt"
say <"$out/stream.txt"
"$ecg" report "$out/signal.npy" "$out/forecast.npy" "$horizon" "$out" >"$out/errors.txt"
say <"$out/errors.txt"

if command -v gnuplot >/dev/null 2>&1; then
  gnuplot -c "$here/plot.gp" "$out" "$ahead"
  echo "picture: $out/ecg.svg"
else
  echo "no picture: gnuplot is not installed"
fi
