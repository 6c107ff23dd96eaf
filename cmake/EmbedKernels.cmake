# Turns kernel sources into C byte arrays:  cmake -DOUTPUT=kernels.c -DSOURCES="a.cl;b.cl" -P EmbedKernels.cmake
#
# Bytes, not string literals: compilers limit those. A #line directive in front makes compiler messages name the file
# under kernels/. The arrays and their names come out as one table, oclstm__kernel_sources.
# SPDX-License-Identifier: MIT
set(arrays "")
set(table "")
foreach(source IN LISTS SOURCES)
  get_filename_component(stem "${source}" NAME_WE)
  string(HEX "#line 1 \"kernels/${stem}.cl\"\n" directive)
  file(READ "${source}" body HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${directive}${body}")
  string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n" bytes "${bytes}")
  string(APPEND arrays "static const unsigned char ${stem}_cl[] = {\n${bytes}0x00};\n")
  string(APPEND table "    {\"${stem}\", (const char *)${stem}_cl, sizeof ${stem}_cl - 1},\n")
endforeach()
file(WRITE "${OUTPUT}.new"
  "/* Generated from kernels/ by cmake/EmbedKernels.cmake. */\n#include \"opencl/device/kernel_sources.h\"\n\n${arrays}\n"
  "const oclstm__kernel_source oclstm__kernel_sources[] = {\n${table}    {0, 0, 0}};\n")
execute_process(COMMAND "${CMAKE_COMMAND}" -E copy_if_different "${OUTPUT}.new" "${OUTPUT}")
file(REMOVE "${OUTPUT}.new")
