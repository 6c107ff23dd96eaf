#!/bin/sh
# Compiles every kernel for NVIDIA: clang makes PTX of it, and, where CUDA's assembler is here, that machine code.
# SPDX-License-Identifier: MIT
#
#   nvptx.sh clang SOURCE    PTX alone, inline PTX included; needs clang
#   nvptx.sh ptxas SOURCE    also what ptxas says: registers, spills (there must be none), instructions that must be there.
#                            Exits with 77, a skip, where ptxas or builtins for clang (Debian's libclc-15) are missing.
# NVIDIA's own OpenCL compiler may decide otherwise: its build log has the last word.
set -eu
how=$1
cd "$2"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
arch=sm_90
compiler=clang
builtins=

skip() {
  echo "SKIPPED: $*: what ptxas makes of the kernels was NOT checked" >&2
  exit 77
}

if [ "$how" = ptxas ]; then
  PATH=$PATH:/usr/local/cuda/bin
  command -v ptxas >/dev/null || skip "no ptxas"
  [ -f /usr/lib/clc/nvptx64--nvidiacl.bc ] || skip "no libclc"
  # Bitcode is read by compilers that are not older than what wrote it.
  for compiler in clang-15 clang-16 clang-17 clang-18 clang-19 clang none; do
    [ "$compiler" != none ] || skip "no clang that reads libclc's builtins"
    echo 'kernel void f(global float *x) { *x = exp(*x); }' >"$folder/try.cl"
    builtins="-Xclang -mlink-builtin-bitcode -Xclang /usr/lib/clc/nvptx64--nvidiacl.bc -Wno-linker-warnings"
    # shellcheck disable=SC2086
    ! "$compiler" -x cl -target nvptx64-nvidia-nvcl -Xclang -finclude-default-header $builtins -S -o "$folder/try.ptx" \
      "$folder/try.cl" 2>/dev/null || break
  done
fi

# compile FILE OPTION...: PTX of a kernel file; prints what ptxas says.
compile() {
  unit=$1
  shift
  # shellcheck disable=SC2086
  "$compiler" -x cl -cl-std=CL1.2 -target nvptx64-nvidia-nvcl -Xclang -finclude-default-header -Xclang -target-cpu \
    -Xclang sm_86 -Xclang -target-feature -Xclang +ptx75 -Xclang -cl-ext=+cl_khr_fp16 $builtins -O3 -Wno-ignored-pragmas -S -o "$folder/k.ptx" "$@" "$unit"
  [ "$how" = ptxas ] || return 0
  # clang 15 knows no sm_90; the text it writes for an earlier GPU is valid there.
  sed -i "s/^\.version.*/.version 8.0/; s/^\.target.*/.target $arch/" "$folder/k.ptx"
  ptxas -arch="$arch" -v "$folder/k.ptx" -o "$folder/k.cubin" >"$folder/said" 2>&1 || {
    cat "$folder/said"
    return 1
  }
  grep -E 'spill|Used' "$folder/said" | paste -sd ' ' | sed 's/ptxas info *: //g; s/   */ /g'
}

no_spills() {
  if [ "$how" = ptxas ] && grep -E 'bytes stack frame' "$folder/said" | grep -qv ' 0 bytes spill stores, 0 bytes spill loads'; then
    echo "spills: $*"
    exit 1
  fi
}

has_instruction() {
  if [ "$how" = ptxas ] && ! grep -q "$1" "$folder/k.ptx"; then
    echo "no $1 in the text of $2"
    exit 1
  fi
}

for kernel in kernels/*.cl; do
  grep -q '^__kernel' "$kernel" || continue
  for options in "-DLANES=64 -DROWS=4" "-DLANES=32 -DROWS=8 -DSTORAGE=1" "-DLANES=64 -DROWS=4 -DSTORAGE=2"; do
    echo "$kernel $options"
    # shellcheck disable=SC2086
    compile "$kernel" $options
  done
done

# Tiles as host/opencl/gemm/gemm_mma.c chooses them.
for tiles in "1 4 1 4" "2 4 2 4" "2 4 4 4"; do
  # shellcheck disable=SC2086
  set -- $tiles
  for storage in 1 2; do
    for aligned in 0 1; do
      options="-DPTX=1 -DSTORAGE=$storage -DALIGNED=$aligned -DWARPS_M=$1 -DWARPS_N=$2 -DTILES_M=$3 -DTILES_N=$4"
      echo "gemm_mma $options"
      # shellcheck disable=SC2086
      compile kernels/gemm_mma.cl $options
      no_spills gemm_mma "$options"
      has_instruction mma.sync.aligned.m16n8k16 gemm_mma
      has_instruction ld.global.nc.v4 gemm_mma
    done
  done
done

# Layers as host/opencl/strategies/resident_shape.c divides them: MMA, storage, X_AHEAD, units, warps, depth of a warp, H, chunks, rows of a
# chunk. NVIDIA's compiler knows asm, which clang knows by another name only.
for shape in "1 2 1 4 8 32 256 2 16" "1 2 1 8 8 64 512 2 16" "1 1 1 16 8 64 512 1 16" "1 2 1 8 8 128 1024 1 1" "1 2 1 8 8 128 1024 2 16" \
  "1 2 1 8 8 128 1024 4 16" "1 2 1 16 8 128 1024 2 16" "1 1 0 16 8 128 1024 4 16" "1 2 1 12 8 192 1536 1 16" "1 2 0 12 8 192 1536 2 16" \
  "1 2 0 64 2 32 64 1 16" "0 0 1 8 8 64 512 4 8" "0 0 1 8 8 128 1024 1 1" "0 0 0 8 8 128 1024 4 8" "0 0 1 64 8 8 64 1 4"; do
  # shellcheck disable=SC2086
  set -- $shape
  echo "resident MMA $1 STORAGE $2 X_AHEAD $3 UNITS $4 WARPS $5 DEPTH $6 HIDDEN $7 CHUNKS $8 FILLED $9"
  chunk=
  [ "$1" = 1 ] || chunk=-DCHUNK=8
  [ "$4" != 64 ] || [ "$1" = 1 ] || chunk=-DCHUNK=4
  compile kernels/resident.cl -DPTX=1 -D__NV_CL_C_VERSION=1 -Dasm=__asm__ -DMEETS=1 -DMMA="$1" -DSTORAGE="$2" -DX_AHEAD="$3" -DUNITS="$4" \
    -DLANES="$((32 * $5))" -DDEPTH="$6" -DHIDDEN="$7" -DCHUNKS="$8" -DFILLED="$9" $chunk
  no_spills resident "$shape"
  [ "$1" = 0 ] || has_instruction mma.sync.aligned.m16n8k16 resident
  has_instruction ld.relaxed.gpu.global resident
  has_instruction fence.acq_rel.gpu resident
done

# The questions of bench/gpu, each with what only NVIDIA is asked.
for kind in 0 1 2; do
  echo "barrier $kind"
  compile bench/gpu/barrier.cl -DKIND="$kind" -DACCESS=2
done
for live in 1 64 128 160 200; do
  echo "coresidency $live"
  compile bench/gpu/coresidency.cl -DLIVE="$live"
  no_spills coresidency "$live"
done
for format in 1 2 3; do
  echo "peaks $format"
  compile bench/gpu/peaks.cl -DMMA="$format"
done
for trial in $(grep -o '"-DPTX_[A-Z0-9_]*' bench/gpu/q_ptx.c | tr -d '"' | tr '\n' ' '); do
  echo "ptx $trial"
  case $trial in *SM90A) arch=sm_90a ;; *) arch=sm_90 ;; esac
  compile bench/gpu/ptx.cl "$trial"
done
