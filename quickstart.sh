#!/bin/sh
# From a checkout to a result, on Debian 12 or Ubuntu: installs what is missing, builds, and shows a network at work.
# SPDX-License-Identifier: MIT
#
#   sh quickstart.sh          builds in build/ and runs the ECG demonstration (examples/ecg)
#   sh quickstart.sh test     builds with everything the tests need and runs them; exits as they do
#
# As root, or by somebody who may use sudo. Where nothing is missing, nothing is installed and no network is used.
set -eu
cd "$(dirname "$0")"
export DEBIAN_FRONTEND=noninteractive
# Compilers keep their caches below HOME; where there is none, the build folder serves.
if [ -z "${HOME-}" ]; then
  export HOME="$PWD/build/home"
  mkdir -p "$HOME"
fi

build_packages="gcc libc6-dev cmake ninja-build pkg-config ocl-icd-opencl-dev opencl-c-headers libclblast-dev
  libjansson-dev libxxhash-dev nanopb libnanopb-dev protobuf-compiler"
demo_packages="gnuplot-nox"
# cmocka: C tests. h5py: files of Keras. PoCL, oclgrind, rusticl: three OpenCL implementations, which tests choose by name. torch:
# vectors to compare with. clang, clang-format, clang-tidy, shellcheck: rules of the tree. g++: public headers as C++. binutils:
# exported names.
test_packages="python3 python3-numpy python3-h5py libcmocka-dev oclgrind mesa-opencl-icd pocl-opencl-icd python3-torch clang clang-format clang-tidy
  shellcheck g++ binutils ccache python3-venv libdnnl-dev libonnx-testdata"

say() {
  printf '%s\n' "quickstart: $*" >&2
}

is_installed() {
  dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo DEBIAN_FRONTEND="$DEBIAN_FRONTEND" "$@"
  else
    say "needs root or sudo for: $*"
    exit 1
  fi
}

install_missing() {
  missing=
  for package in "$@"; do
    is_installed "$package" || missing="$missing $package"
  done
  if [ -z "$missing" ]; then
    return
  fi
  if ! command -v apt-get >/dev/null; then
    say "only Debian and Ubuntu are known here; install what corresponds to:$missing"
    exit 1
  fi
  say "installing:$missing"
  as_root apt-get update -q
  # shellcheck disable=SC2086
  as_root apt-get install -q -y --no-install-recommends $missing
}

# Whether OpenCL has any device. The loader is asked through a program of eight lines, because clinfo may be missing.
has_device() {
  probe=$(mktemp -d)
  cat >"$probe/probe.c" <<'END'
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
int main(void) {
  cl_platform_id platforms[16];
  cl_uint n = 0, n_devices = 0, sum = 0;
  clGetPlatformIDs(16, platforms, &n);
  for (cl_uint k = 0; k < n && k < 16; ++k) {
    sum += clGetDeviceIDs(platforms[k], CL_DEVICE_TYPE_ALL, 0, 0, &n_devices) == CL_SUCCESS ? n_devices : 0;
  }
  return sum == 0;
}
END
  found=0
  cc -o "$probe/probe" "$probe/probe.c" -lOpenCL && "$probe/probe" || found=1
  rm -rf "$probe"
  return "$found"
}

# A GPU that works is used as it is; where OpenCL has no device at all, PoCL makes one of the CPU.
ensure_device() {
  if ! has_device; then
    say "OpenCL has no device here"
    install_missing pocl-opencl-icd
    has_device || say "still none: the reference device is left"
  fi
}

# Debian has no onnxruntime: the tests get it, and what goes with it, in a Python environment of their own.
make_environment() {
  environment=build/conformance-python
  wanted=tests/conformance/requirements.txt
  if ! cmp -s "$wanted" "$environment/installed.txt"; then
    say "installing $wanted in $environment"
    python3 -m venv "$environment"
    "$environment/bin/pip" install -q --disable-pip-version-check -r "$wanted"
    cp "$wanted" "$environment/installed.txt"
  fi
}

build() {
  cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release "$@"
  cmake --build build
}

case ${1-} in
  "")
    # shellcheck disable=SC2086
    install_missing $build_packages $demo_packages
    ensure_device
    build -DOCLSTM_BUILD_TESTS=OFF -DOCLSTM_WERROR=OFF
    sh examples/ecg/run.sh build build/ecg
    ;;
  test)
    # shellcheck disable=SC2086
    install_missing $build_packages $demo_packages $test_packages
    make_environment
    build -DOCLSTM_BUILD_TESTS=ON -DOCLSTM_WERROR=ON -DOCLSTM_REQUIRE_CONFORMANCE=ON
    # A test that finds no device fails instead of being skipped.
    export OCLSTM_REQUIRE_DEVICE=1
    exec ctest --test-dir build --no-tests=error --output-on-failure -j 2
    ;;
  *)
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
