# Turns kernel sources into C byte arrays:  cmake -DOUTPUT=kernels.c -DSOURCES="a.cl;b.cl" -P EmbedKernels.cmake
#
# Bytes, not string literals: compilers limit those. A #line directive in front makes compiler messages name the file
# under kernels/. Drivers have no files to include: where a file says #include "other.cl" or #pragma once its array has an
# empty line, and the table, oclstm__kernel_sources, has of each file the arrays that a program of it is made of.
# SPDX-License-Identifier: MIT
cmake_minimum_required(VERSION 3.21)

# Appends to `parts` the files that a program of STEM.cl is made of, each once and behind those that it includes.
# `including`: the files that are being gone through.
function(add_parts stem)
  if(stem IN_LIST including)
    message(FATAL_ERROR "${stem}.cl includes itself, by way of ${including}")
  elseif(NOT stem IN_LIST stems)
    message(FATAL_ERROR "${stem}.cl, included by way of ${including}, is not among the sources")
  elseif(NOT stem IN_LIST parts)
    list(APPEND including ${stem})
    foreach(name IN LISTS ${stem}_includes)
      add_parts(${name})
    endforeach()
    list(APPEND parts ${stem})
    set(parts ${parts} PARENT_SCOPE)
  endif()
endfunction()

set(stems "")
set(arrays "")
set(table "")
foreach(source IN LISTS SOURCES)
  get_filename_component(stem "${source}" NAME_WE)
  list(APPEND stems ${stem})
  file(READ "${source}" body)
  string(REGEX MATCHALL "\n#include [^\n]*" includes "${body}")
  list(TRANSFORM includes REPLACE "\n#include \"(.*)\\.cl\"" "\\1" OUTPUT_VARIABLE ${stem}_includes)
  string(REGEX REPLACE "\n(#include [^\n]*|#pragma once)" "\n" body "#line 1 \"kernels/${stem}.cl\"\n${body}")
  string(HEX "${body}" bytes)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
  string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n" bytes "${bytes}")
  string(APPEND arrays "static const unsigned char ${stem}_cl[] = {\n${bytes}0x00};\n")
endforeach()
foreach(stem IN LISTS stems)
  set(parts "")
  set(including "")
  add_parts(${stem})
  list(LENGTH parts count)
  list(TRANSFORM parts REPLACE "(.+)" "(const char *)\\1_cl")
  list(JOIN parts ", " texts)
  string(APPEND arrays "static const char *const ${stem}_texts[] = {${texts}};\n")
  string(APPEND table "    {\"${stem}\", ${stem}_texts, ${count}},\n")
endforeach()
file(WRITE "${OUTPUT}.new"
  "/* Generated from kernels/ by cmake/EmbedKernels.cmake. */\n#include \"opencl/device/kernel_sources.h\"\n\n${arrays}\n"
  "const oclstm__kernel_source oclstm__kernel_sources[] = {\n${table}    {0, 0, 0}};\n")
execute_process(COMMAND "${CMAKE_COMMAND}" -E copy_if_different "${OUTPUT}.new" "${OUTPUT}")
file(REMOVE "${OUTPUT}.new")
