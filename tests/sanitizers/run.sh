#!/bin/sh
# Builds the tree with a sanitizer and runs its C tests: any report fails.
# SPDX-License-Identifier: MIT
#   run.sh SANITIZERS SOURCE WORK    SANITIZERS: address,undefined or thread
set -eu
sanitizers=$1
source=$2
work=$3
export ASAN_OPTIONS="detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1:${ASAN_OPTIONS:-}"
export LSAN_OPTIONS="suppressions=$source/tests/sanitizers/lsan.supp:print_suppressions=0:${LSAN_OPTIONS:-}"
export UBSAN_OPTIONS="print_stacktrace=1:${UBSAN_OPTIONS:-}"
export TSAN_OPTIONS="second_deadlock_stack=1:${TSAN_OPTIONS:-}"
# One driver: rusticl leaks on its own as soon as it is loaded, and oclgrind watches what a sanitizer would.
export OCL_ICD_VENDORS=pocl.icd
cmake -S "$source" -B "$work" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG="-g -O1" \
  -DOCLSTM_SANITIZER="$sanitizers" -DOCLSTM_WERROR=ON
# Not the rules of the tree, nor consumers (they build without the sanitizer), nor tests that are long without one. What
# fails on purpose fails in one thread.
except='style|package|slow|rusticl|oclgrind'
# LeakSanitizer itself crashes now and then when a driver's threads end while it stops the world ("Tracer caught signal
# 11"). A leak is there every time: further tries do not hide it. A race may not be: it has one try.
repeat='--repeat until-pass:3'
# Threads are the driver's, and the caller's where a context is shared: tests that only compute other numbers add nothing.
only=.
targets=all
if [ "$sanitizers" = thread ]; then
  except="$except|faults"
  repeat=
  only='^(opencl|job|forward\.(calls|chunks))\.'
  targets='tests/opencl/all tests/job/all test_calls test_chunks oclstm_layer_balance'
fi
# shellcheck disable=SC2086
cmake --build "$work" --target $targets
# Sanitizers see the host's side alone: what stepwise+plain has of it, stepwise+clblast and fused-step have between them. The tours stay: they
# have the only layer norms.
# The probes of a GPU are not the library, an activation is the device's, and faults.clblast is CLBlast's own compiling.
# amx.gemm has what the host does for AMX; the others are the kernels'.
# Every cell on the reference, and the jobs of one more strategy, compute other numbers by the same lines, golden.live what golden.stored has. faults.warm and
# opencl.program_cache have what faults.cold has of the cache.
twice='^((golden|job|forward\.[a-su-z][a-z]*)\..*pocl-stepwise\+plain|amx\.[a-fh-z]|gpu\.|peers\.|kernels\.activation_all|faults\.(clblast|cold)|golden\.live\.pocl|forward\.cells\.reference|cli\.cells|job\.job\.pocl-stepwise)'
if [ "$sanitizers" = thread ]; then
  # One thread of the caller's; rows, whose host is grid's; the caller's queues behind two strategies.
  twice="$twice|^opencl\.(resident|borrow|turns|counters|allocations|gemm|gemm_mma|programs|sizes|answers)(\.|$)|^forward\..*pocl-rows|^job\.job\.pocl-grid|^opencl\.interop\.pocl-(rows|fused-step|stepwise\+clblast)"
else
  # No line of the host is theirs alone (gcov, all of them against the others); threads and meetings have the other sanitizer.
  twice="$twice|^forward\.(resync\.|accuracy\.pocl-rows)|^forward\.(calls|chunks|directions|equations|ragged|sweeps)\.pocl-rows|^golden\.live\.reference"
  twice="$twice|^convert\.keras.\.pocl|^job\.job\.pocl-grid|^opencl\.(threads|meetings)\.|^opencl\.(borrow|interop|allocations|counters)\.pocl-(rows|stepwise\+plain)"
  twice="$twice|^opencl\.counters\.pocl-fused-step"
fi
# shellcheck disable=SC2086
ctest --test-dir "$work" --no-tests=error --output-on-failure -j 2 $repeat -LE "$except" -R "$only" -E "$twice"
