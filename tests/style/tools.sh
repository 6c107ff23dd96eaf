#!/bin/sh
# Rules of the tree that a tool checks. A tool that is missing fails its test; quickstart.sh test installs them all.
# SPDX-License-Identifier: MIT
#   tools.sh RULE SOURCE [BUILD or LIBRARY]    RULE: format, tidy, kernels, shell, globals
set -eu
rule=$1
source=$2
cd "$source"

# Every file below the folders with one of the endings; never an empty list.
list() {
  endings=$1
  shift
  find "$@" -type f -regex ".*\.\($endings\)" ! -path '*/golden/*' ! -path '*/data/*' | sort
}

check_format() {
  list 'c\|h' host include tests bench examples 2>/dev/null | xargs clang-format --dry-run -Werror
}

# Of the library and the program: what is in the compilation database of the build. Assertions stay in: they are how the
# analyser is told what the code relies on.
check_tidy() {
  list c host | xargs -P 2 -n 4 clang-tidy -p "$3" --quiet --extra-arg=-UNDEBUG 2>"$3/tidy.log" || {
    cat "$3/tidy.log"
    exit 1
  }
}

# Each kernel file by itself, in some of the library's options: what it uses it has to include.
check_kernels() {
  for options in "" "-DVW=16 -DROWS=6 -DCELLS=1" "-DVW=8 -DROWS=2 -DSTORAGE=1" "-DVW=4 -DSTORAGE=2" \
    "-DLANES=32 -DROWS=8 -DCELLS=1 -DSTORAGE=1" "-DSTORAGE=2 -DPEEPHOLE=1 -DCOUPLING=1 -DCLIP_CELL=1.0f" \
    "-DVW=16 -DPROJECTION=1 -DZONEOUT_C=0.5f -DCOUPLING=2" "-DSTAGE=1 -DVECTORS=1 -DCLIP_PROJECTION=1.0f" \
    "-DKIND=1 -DVECTORS=3 -DVW=8" "-DKIND=1 -DSTAGE=2 -DVECTORS=2" "-DKIND=1 -DSTAGE=3 -DVECTORS=1 -DVW=16" \
    "-target x86_64-linux-gnu -march=skylake-avx512 -DVW=16 -DROWS=16 -DSTORAGE=2 -DPAIRED=2" \
    "-target x86_64-linux-gnu -march=skylake-avx512 -DVW=16 -DROWS=16 -DPAIRED=3" "-DKIND=2 -DVECTORS=1 -DZONEOUT_H=0.1f -DCLIP_PREACTIVATION=2.0f" "-DNORM=1 -DVW=16" "-DNORM=2 -DLANES=32 -DPEEPHOLE=1"; do
    echo "kernels $options"
    # shellcheck disable=SC2086
    clang -x cl -cl-std=CL1.2 -Xclang -finclude-default-header -Wall -Wextra -Werror -Wno-unused-function \
      -Wno-unused-parameter -Wno-pragma-once-outside-header -fsyntax-only $options kernels/*.cl
  done
}

check_shell() {
  { list sh tests bench examples 2>/dev/null; echo quickstart.sh; echo .ci/run; } | xargs shellcheck
}

# Writable data with static storage: there is one lock, because CLBlast has globals of its own to guard. Constant tables
# with addresses in them (.data.rel.ro) are read-only once loaded.
check_globals() {
  objdump -t "$3" | awk '$4 ~ /^\.(data|bss|tdata|tbss)/ && $4 !~ /^\.data\.rel\.ro/ && $NF !~ /^(\.|clblast_lock$)/ || $4 == "*COM*"' >"$3.globals"
  cat "$3.globals"
  [ ! -s "$3.globals" ]
}

check_"$rule" "$@"
