#!/bin/sh
# Uses the library the way other projects do, and runs their program.
# SPDX-License-Identifier: MIT
#
#   run.sh HOW LINKAGE SOURCE WORK CC TREE    HOW: install, find_package, pkg-config, subdirectory    LINKAGE: shared, static
#
# install configures the library afresh in the folder WORK, installs it below WORK/stage through DESTDIR, and moves the installed
# tree to TREE before others use it: nothing in it may know where it was.
set -eu
how=$1
linkage=$2
source=$3
work=$4
cc=$5
tree=$6
shared=OFF
if [ "$linkage" = shared ]; then
  shared=ON
fi

step() {
  echo "+ $*"
  "$@"
}

install_library() {
  # Without optimization, which nobody looks at here and which takes a third of the time.
  step cmake -S "$source" -B "$work/library" -G Ninja -DCMAKE_C_COMPILER="$cc" -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS_RELEASE=-DNDEBUG \
    -DCMAKE_INSTALL_PREFIX=/opt/oclstm -DCMAKE_INSTALL_LIBDIR=lib -DOCLSTM_BUILD_TESTS=OFF -DBUILD_SHARED_LIBS="$shared"
  step cmake --build "$work/library"
  DESTDIR="$work/stage" step cmake --install "$work/library"
  rm -rf "$tree"
  mv "$work/stage/opt/oclstm" "$tree"
  if grep -rl -e "$work" -e "$source" "$tree/lib/cmake" "$tree/lib/pkgconfig" "$tree/include"; then
    echo "the files above name folders of the build"
    exit 1
  fi
}

use_find_package() {
  step cmake -S "$source/tests/package/consumer" -B "$work/build" -G Ninja -DCMAKE_C_COMPILER="$cc" \
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$tree"
  step cmake --build "$work/build"
  step "$work/build/consumer"
}

use_pkg_config() {
  static=
  if [ "$linkage" = static ]; then
    static=--static
  fi
  # shellcheck disable=SC2046,SC2086
  set -- $(PKG_CONFIG_PATH="$tree/lib/pkgconfig" pkg-config --cflags --libs $static oclstm)
  step "$cc" -std=c11 -Wall -Wextra -Wpedantic -Werror -o "$work/consumer" "$source/tests/package/consumer/consumer.c" \
    "$@" -lm
  LD_LIBRARY_PATH="$tree/lib" step "$work/consumer"
  if [ -x "$tree/bin/oclstm" ]; then
    step "$tree/bin/oclstm" --version # finds the library beside itself
  fi
}

use_subdirectory() {
  step cmake -S "$source/tests/package/subdirectory" -B "$work/build" -G Ninja -DCMAKE_C_COMPILER="$cc" \
    -DOCLSTM_SOURCE="$source" -DBUILD_SHARED_LIBS="$shared"
  step cmake --build "$work/build"
  step "$work/build/consumer"
}

rm -rf "$work"
mkdir -p "$work"
# The tree and its tests must not lean on the environment of whoever runs them.
unset CMAKE_PREFIX_PATH CFLAGS LDFLAGS DESTDIR || true
# As seen from either build of an installed library, the sources lie in the same place: ccache has the objects of the other.
export CCACHE_BASEDIR="$source" CCACHE_NOHASHDIR=1
if command -v ccache >/dev/null; then
  export CMAKE_C_COMPILER_LAUNCHER=ccache
fi
case $how in
  install) install_library ;;
  find_package) use_find_package ;;
  pkg-config) use_pkg_config ;;
  subdirectory) use_subdirectory ;;
  *)
    echo "no such way: $how"
    exit 2
    ;;
esac
